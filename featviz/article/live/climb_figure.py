"""The figure of a climb in the page: complete with the build's own run, alive once played."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from featviz.figures._figure import Figure, number, required_alt, tag, text
from featviz.figures._files import pixels
from featviz.figures._images import img, resize, sprite
from featviz.figures._plot import Plot, Scale, series_color

CURVE = (420.0, 230.0)
"""Size in px of the curve, which is the script's too."""

PICK = 56
"""Side in pixels of the units that are offered."""


def climb_figure(
    unit: str,
    frames: ArrayLike,
    steps: Sequence[int],
    history: ArrayLike,
    picks: Mapping[str, ArrayLike],
    layers: Mapping[str, int],
    *,
    id: str,
    alt: str,
    caption: str = "",
    microscope: str = "",
) -> Figure:
    """Lets the reader watch gradient ascent, in the page.

    Without scripts the build's own run of the unit stands as a strip above its curve.

    Args:
        unit: Which unit the build has climbed, such as `conv4:12`.
        frames: (F,3,S,S) in [0,1], the last at the end.
        steps: (F,) steps that the frames were taken after.
        history: (n,) the unit's value at each step.
        picks: Units that are offered with their pictures (3,H,W) in [0,1].
        layers: Layers to choose from, and how many units each has.
        id: Anchor of the figure, without `fig-`.
        alt: What develops from the first to the last frame.
        caption: Says what to look at.
        microscope: Address of the page of all units; no links without it.

    Returns:
        The figure.
    """
    images = pixels(frames, "frames")
    values = np.asarray(history, np.float64)
    order = f"After steps {', '.join(map(str, steps))}."
    strip = sprite(images, len(images))
    body = tag(
        "div",
        tag(
            "div",
            tag("p", tag("strong", text(unit)), f" {text(order)}"),
            strip.img(f"{unit}: {required_alt(alt, id)} {order}", cls="fv-climb__strip"),
            img(images[-1], f"{unit} after step {steps[-1]}", cls="fv-climb__poster"),
            _curve(unit, values),
            cls="fv-climb__still",
        ),
        tag("div", cls="fv-climb__live"),
        cls="fv-climb",
        role="group",
        aria_label=required_alt(alt, id),
    )
    tiles = np.stack([resize(pixels(picture)[0], PICK) for picture in picks.values()])
    sheet = sprite(tiles)
    layer, index = unit.split(":")
    payload = {
        "side": images.shape[1], "steps": len(values),
        "unit": [layer, int(index)], "layers": dict(layers), "microscope": microscope,
        "picks": {"labels": list(picks), "sprite": sheet.shape(), "source": sheet.uri},
        "curve": [float(f"{value:.4g}") for value in values],
    }  # fmt: skip
    return Figure("fv-climb", id, body, caption, "page", payload)


def _curve(unit: str, values: np.ndarray) -> str:
    """The value over the steps, as the script draws it too."""
    at = np.arange(1, len(values) + 1)
    plot = Plot(CURVE, Scale.around(at), Scale.around(values), "step", "value of the unit")
    plot.lines([plot.at(at, values)], series_color(0), 2.4)
    course = f"from {number(values[0])} at the first step to {number(values[-1])} at the last"
    return tag("div", plot.svg(f"{unit}: value {course}."), cls="fv-climb__plot")
