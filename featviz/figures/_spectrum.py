"""The spectrum of a unit: what silences it, what leaves it cold, what excites it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from featviz.figures._figure import Figure, expect_length, number, required_alt, slug, tag, text
from featviz.figures._files import pixels
from featviz.figures._tiles import tile

# Bars of the distribution, and the height of its drawing in its own units.
_BINS, _HEIGHT = 72, 100
# Width of the drawing in its own units; the page stretches it.
_WIDTH = 1000
# Part of the axis left free at either end.
_MARGIN = 0.02


@dataclass(frozen=True)
class Spectrum:
    """One unit between its extremes.

    Args:
        label: Name of the unit, such as `"conv5:64"`.
        opposite: (3,H,W) in [0,1], the image that minimizes the unit.
        optimum: (3,H,W) in [0,1], the image that maximizes it.
        ends: The unit's activations on these two images.
        patches: One (K,3,h,w) in [0,1] per level, from the most negative to the most positive.
        values: One (K,) per level, the activations of the patches.
        activations: (n,) the activations on photographs, for the distribution.
    """

    label: str
    opposite: ArrayLike
    optimum: ArrayLike
    ends: tuple[float, float]
    patches: Sequence[ArrayLike]
    values: Sequence[ArrayLike]
    activations: ArrayLike


def spectrum(
    units: Sequence[Spectrum],
    levels: Sequence[str],
    *,
    id: str,
    alt: str,
    caption: str = "",
    width: str = "page",
    ends: tuple[str, str] = ("optimized against", "optimized for"),
) -> Figure:
    """Natural patches by activation, between the images found for and against a unit.

    One unit is shown at a time; the page's picker chooses it too. Without scripts all units stand
    below each other.

    Args:
        units: The units.
        levels: Names of the levels of the patches, from the most negative to the most positive.
        id: Anchor of the figure, without `fig-`.
        alt: What the whole figure shows.
        caption: Says what to look at.
        width: Named width.
        ends: Names of the two synthetic images.

    Raises:
        ValueError: If there is no unit, or one has not as many levels as there are names.
    """
    if not units:
        raise ValueError("units is empty: give at least one Spectrum.")
    required_alt(alt, id)
    blocks = [_unit(unit, levels, ends, alt) for unit in units]
    body = tag("div", cls="fv-tools") + "".join(blocks)
    return Figure("fv-spectrum", id, body, caption, width)


def _unit(unit: Spectrum, levels: Sequence[str], ends: tuple[str, str], alt: str) -> str:
    expect_length(f"patches of {unit.label!r}", unit.patches, len(levels), "levels")
    expect_length(f"values of {unit.label!r}", unit.values, len(levels), "levels")
    natural = [
        _level(unit.label, name, pixels(patches, f"patches of {unit.label!r}"), values)
        for name, patches, values in zip(levels, unit.patches, unit.values, strict=True)
    ]
    first, last = (
        _level(unit.label, name, pixels(image, name), [value], " fv-spectrum__end")
        for name, image, value in zip(
            ends, (unit.opposite, unit.optimum), unit.ends, strict=True
        )
    )  # fmt: skip
    stage = tag(
        "div", first, *natural, last, cls="fv-spectrum", role="group",
        aria_label=f"{unit.label}: {alt}", data_score="activation",
        style=f"--fv-columns:{len(levels)}",
    )  # fmt: skip
    name = tag("strong", text(unit.label), cls="fv-plain")
    return tag("div", name, stage, _axis(unit, ends), cls="fv-spectrum__unit",
               data_key=slug(unit.label))  # fmt: skip


def _level(
    label: str, name: str, pictures: NDArray[np.uint8], values: ArrayLike, cls: str = ""
) -> str:
    numbers = np.asarray(values, np.float64)
    expect_length(f"values of {label!r}, {name}", numbers, len(pictures), "patches")
    tiles = [
        tag("div", tile(picture, f"{label}, {name}, {_score(value)}"),
            tag("span", _score(value), cls="fv-score"))
        for picture, value in zip(pictures, numbers.tolist(), strict=True)
    ]  # fmt: skip
    heading = tag("span", text(name), cls="fv-spectrum__name")
    return tag(
        "div", heading, tag("div", *tiles, cls="fv-spectrum__tiles"), cls=f"fv-spectrum__level{cls}"
    )


def _score(value: float) -> str:
    """An activation for readers: what is nearest to zero is zero, not a power of ten."""
    return number(round(value, 1) + 0.0)  # the sum makes zero of minus zero


def _axis(unit: Spectrum, ends: tuple[str, str]) -> str:
    """Where all of this lies: the distribution on photographs, and the two images far outside."""
    activations = np.asarray(unit.activations, np.float64)
    low, high = float(activations.min()), float(activations.max())
    start, end = min(unit.ends[0], low), max(unit.ends[1], high)
    room = _MARGIN * (end - start)
    start, end = start - room, end + room

    def share(value: float) -> float:
        return (value - start) / (end - start)

    counts, edges = np.histogram(activations, _BINS, (low, high))
    heights = _HEIGHT * counts / counts.max()
    steps = "".join(
        f"H{_WIDTH * share(right):.0f}V{_HEIGHT - height:.0f}"
        for right, height in zip(edges[1:], [*heights[1:], 0], strict=True)
    )
    d = f"M{_WIDTH * share(low):.0f} {_HEIGHT}V{_HEIGHT - heights[0]:.0f}{steps}z"
    drawing = tag(
        "svg", tag("path", d=d), viewBox=f"0 0 {_WIDTH} {_HEIGHT}", preserveAspectRatio="none",
        cls="fv-spectrum__values", aria_hidden="true",
    )  # fmt: skip
    end_mark = "fv-mark fv-mark--end"
    places = (
        (unit.ends[0], end_mark), (low, "fv-mark fv-mark--low"), (0.0, "fv-mark fv-mark--zero"),
        (high, "fv-mark fv-mark--high"),
        (unit.ends[1], end_mark),
    )  # fmt: skip
    marks = [
        tag("span", _score(value), cls=cls, style=f"left:{100 * share(value):.1f}%")
        for value, cls in places
    ]
    summary = (
        f"Activations of {unit.label}: {_score(unit.ends[0])} {ends[0]}, from {_score(low)} to "
        f"{_score(high)} on photographs, {_score(unit.ends[1])} {ends[1]}."
    )
    return tag("div", drawing, *marks, cls="fv-spectrum__axis", role="img", aria_label=summary)
