"""An ascent from its first step to its last, under a slider."""

import itertools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from featviz.figures._figure import Figure, expect_length, number, required_alt, slug, tag, text
from featviz.figures._files import pixels
from featviz.figures._images import Sprite, sprite
from featviz.figures._plot import Plot, Scale, series_color

CURVE = (326.0, 220.0)
"""Size in px of the objective's curve: it stands beside the image and fits a phone."""

STRIP = 8
"""Frames to a row of the strip at most."""


def trajectory(
    frames: ArrayLike,
    steps: Sequence[int],
    values: ArrayLike,
    *,
    id: str,
    alt: str,
    labels: Sequence[str] = ("",),
    caption: str = "",
    width: str = "middle",
    value_name: str = "objective",
    log_x: bool = False,
) -> Figure:
    """Follows one or several units through the steps of an ascent.

    A slider moves through the frames while a dot moves along the objective's curve. Without
    scripts each unit's frames stand in a strip above its curve.

    Args:
        frames: (F,N,3,H,W) or, for one unit, (F,3,H,W), in [0,1].
        steps: (F,) step of each frame, increasing.
        values: (F,N) or (F,) objective at each frame.
        id: Anchor of the figure, without `fig-`.
        alt: What develops from the first to the last frame.
        labels: (N,) names of the units.
        caption: Says what to look at.
        width: Named width.
        value_name: What the curve measures.
        log_x: Logarithmic axis of steps; step 0 is then drawn at 1.

    Raises:
        ValueError: If frames, steps, values and labels do not match.
    """
    array, table = _arrays(frames, steps, values, labels)
    required_alt(alt, id)
    # As few rows as the strip needs, equally long.
    across = math.ceil(len(array) / math.ceil(len(array) / STRIP))
    parts, units = [], []
    for index, label in enumerate(labels):
        strip = sprite(pixels(array[:, index], "frames"), across)
        html, marks = _unit(strip, label, alt, steps, table[:, index], value_name, log_x)
        parts.append(html)
        units.append({
            "label": label, "sprite": strip.shape(), "marks": marks,
            "values": [number(v) for v in table[:, index]],
        })  # fmt: skip
    ratio = array.shape[4] / array.shape[3]
    stage = tag("div", cls="fv-trajectory__stage")
    controls = tag("div", cls="fv-trajectory__controls")
    body = tag("div", stage, *parts, controls, cls="fv-trajectory", style=f"--fv-ratio:{ratio:.4f}")
    payload = {"steps": [int(s) for s in steps], "valueName": value_name, "units": units}
    return Figure("fv-trajectory", id, body, caption, width, payload)


def _arrays(
    frames: ArrayLike, steps: Sequence[int], values: ArrayLike, labels: Sequence[str]
) -> tuple[NDArray[np.generic], NDArray[np.float64]]:
    """Frames (F,N,3,H,W) and values (F,N), or a sentence about what does not match."""
    array = np.asarray(frames)
    array = array[:, None] if array.ndim == 4 else array
    if array.ndim != 5:
        raise ValueError(
            f"frames has shape {array.shape}: expected (F, N, 3, height, width) or "
            "(F, 3, height, width)."
        )
    table = np.asarray(values, np.float64).reshape(len(np.asarray(values)), -1)
    expect_length("steps", steps, len(array), "frames")
    expect_length("labels", labels, array.shape[1], "units")
    if table.shape != array.shape[:2]:
        raise ValueError(f"values has shape {table.shape}: expected {array.shape[:2]}.")
    if any(b <= a for a, b in itertools.pairwise(steps)):
        raise ValueError(f"steps must increase, but are {list(steps)}.")
    return array, table


def _unit(
    strip: Sprite,
    label: str,
    alt: str,
    steps: Sequence[int],
    values: NDArray[np.float64],
    value_name: str,
    log_x: bool,
) -> tuple[str, list[list[float]]]:
    """One unit's strip and curve, and where each frame lies on the curve (SVG units)."""
    at = np.maximum(steps, 1) if log_x else np.asarray(steps)

    plot = Plot(CURVE, Scale.around(at, log=log_x), Scale.around(values), "step", value_name)
    places = plot.at(at, values)
    plot.lines([places], series_color(0), 2.4)
    name = f"{label}: " if label else ""
    course = f"from {number(values[0])} at step {steps[0]} to {number(values[-1])} at {steps[-1]}"
    curve = plot.svg(f"{name}{value_name} {course}.")
    marks = places.round(1).tolist()
    order = f"Frames at steps {', '.join(str(s) for s in steps)}."
    picture = strip.img(f"{name}{alt} {order}", cls="fv-trajectory__strip")
    return (
        tag(
            "div",
            tag("strong", text(label), cls="fv-plain") if label else "",
            picture,
            tag("p", text(order), cls="fv-plain"),
            tag("div", curve, cls="fv-trajectory__curve"),
            cls="fv-trajectory__unit",
            data_key=slug(label) if label else None,
        ),
        marks,
    )
