"""Switches: choose among things that were combined, and see what each combination gives."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from featviz.figures._figure import Figure, expect_length, number, required_alt, tag, text
from featviz.figures._files import pixels
from featviz.figures._images import Sprite, sprite


def switches(
    names: Sequence[str],
    states: Sequence[Sequence[bool]],
    images: ArrayLike,
    labels: Sequence[str],
    scores: ArrayLike,
    *,
    id: str,
    alt: str,
    caption: str = "",
    width: str = "page",
    notes: Sequence[str] = (),
    score_name: str = "activation",
) -> Figure:
    """Lets readers switch improvements on and off and see the image, unit by unit.

    Only combinations that were computed can be reached: where a switch needs another, that one
    follows. Without scripts all combinations stand in a table.

    Args:
        names: (n,) names of the switches.
        states: (S,n) which switches are on in each combination; the last one is shown first.
        images: (S,U,3,H,W) in [0,1].
        labels: (U,) names of the units.
        scores: (S,U) what each image reaches.
        id: Anchor of the figure, without `fig-`.
        alt: What the whole figure shows.
        caption: Says what to look at.
        width: Named width.
        notes: One sentence per switch.
        score_name: What the score is.

    Raises:
        ValueError: If names, states, images, labels and scores do not match, or two states are
            the same.
    """
    array, table = np.asarray(images), np.asarray(scores, np.float64)
    expect_length("states", states, len(array), "rows of images")
    expect_length("labels", labels, array.shape[1], "columns of images")
    if notes:
        expect_length("notes", notes, len(names), "switches")
    if table.shape != array.shape[:2]:
        raise ValueError(f"scores has shape {table.shape}: expected {array.shape[:2]}.")
    for state in states:
        expect_length(f"State {list(state)}", state, len(names), "switches")
    keys = ["".join("01"[bool(on)] for on in state) for state in states]
    if len(set(keys)) < len(keys):
        raise ValueError("Two states are the same: give each combination once.")
    strips = [sprite(pixels(row, "images"), len(labels)) for row in array]
    heads = [*names, *labels]
    head = tag("tr", *(tag("th", text(name), scope="col") for name in heads))
    rows = [
        _row(names, state, strip, labels, row, score_name)
        for state, strip, row in zip(states, strips, table.tolist(), strict=True)
    ]
    whole = tag("table", tag("thead", head), tag("tbody", *rows), cls="fv-table")
    body = tag(
        "div", tag("div", cls="fv-switches__panel"), tag("div", cls="fv-switches__stage"),
        cls="fv-switches", role="group", aria_label=required_alt(alt, id),
        style=f"--fv-ratio:{array.shape[4] / array.shape[3]:.4f}",
    ) + tag("div", whole, cls="fv-scroll fv-plain fv-switches__all")  # fmt: skip
    payload = {
        "names": list(names), "notes": list(notes), "states": keys, "labels": list(labels),
        "sprite": strips[0].shape(), "scoreName": score_name,
        "scores": [[float(f"{value:.4g}") for value in row] for row in table.tolist()],
    }  # fmt: skip
    return Figure("fv-switches", id, body, caption, width, payload)


def _row(
    names: Sequence[str], state: Sequence[bool], strip: Sprite, labels: Sequence[str],
    scores: Sequence[float], score_name: str,
) -> str:  # fmt: skip
    """One combination: check marks, then all its images in one strip over their scores."""
    marks = "".join(tag("td", "\N{CHECK MARK}" if on else "\N{EN DASH}") for on in state)
    on = [name for name, one in zip(names, state, strict=True) if one] or ["none of them"]
    numbers = "".join(tag("span", text(number(value))) for value in scores)
    pictures = strip.img(f"{', '.join(labels)}, with {', '.join(on)}; {score_name} below each")
    foot = tag("div", numbers, cls="fv-switches__scores")
    return tag("tr", marks, tag("td", pictures, foot, colspan=len(labels)))
