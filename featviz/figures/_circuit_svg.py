"""A circuit as one drawing that stands on its own: columns of pictures, joined by weights."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from featviz.figures._figure import expect_length, number, required_alt, tag, text
from featviz.figures._files import pixels
from featviz.figures._images import data_uri

FOR, AGAINST, INK, QUIET, PAPER = "#b2182b", "#2166ac", "#222222", "#595959", "#ffffff"
"""Colors of weights above 0 and below, of names, of numbers, and of the ground. Source: ends of
ColorBrewer's RdBu, which the color blind can tell apart; those below 0 are dashed as well."""

WIDEST, THINNEST = 9.0, 0.75
"""Widths in pixels of the strongest line between two columns and of the weakest."""

MARGIN, HEAD, BELOW, GAP, FOOT = 16, 56, 38, 12, 44
"""Pixels: around everything, above the pictures, below each for its two lines, between them, and
below all for the key."""

KEY = (
    "Lines: weights, as wide as they are strong between two layers; solid red adds, dashed blue "
    "takes away.",
    "Numbers: what each unit adds to the first one's value, in the mean; of the first its value.",
)
"""What the drawing means."""

BETWEEN = 130
"""Pixels between two columns, for the lines."""

LEAST = 620
"""Pixels that the key needs across."""

FONT = "system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif"
"""Families of the labels."""

Column = tuple[str, Sequence[int], Sequence[float]]
"""(layer, units, strengths)."""


def circuit_svg(
    columns: Sequence[Column],
    edges: Sequence[ArrayLike],
    pictures: Sequence[Sequence[ArrayLike]],
    *,
    title: str,
    alt: str,
    notes: Sequence[str] = (),
    side: int = 96,
) -> str:
    """Draws a circuit: the root at the left, then a column for each earlier layer.

    A line's width is the weight's size, as part of the largest between the two columns; it is solid
    and red above 0, dashed and blue below.

    Args:
        columns: (layer, units, strengths) from the root down.
        edges: Between each column and the next, (units, next column's units) signed weights.
        pictures: For each column one picture per unit: (3, h, w) in [0, 1], drawn square.
        title: Names the drawing, above it.
        alt: Says in one sentence what it shows.
        notes: For each column a line below the layer's name; none without it.
        side: Width of a picture in pixels.

    Returns:
        `<svg>` on a light ground, which may stand in a file of its own or in a page.

    Raises:
        ValueError: Numbers of columns, edges, pictures, strengths or notes don't fit each other.
    """
    expect_length("edges", edges, len(columns) - 1, "pairs of columns")
    expect_length("pictures", pictures, len(columns), "columns")
    if notes:
        expect_length("notes", notes, len(columns), "columns")
    for (layer, units, strengths), row in zip(columns, pictures, strict=True):
        expect_length(f"pictures of {layer}", row, len(units), "units")
        expect_length(f"strengths of {layer}", strengths, len(units), "units")
    rows = max(len(units) for _, units, _ in columns)
    height = MARGIN * 2 + HEAD + rows * (side + BELOW) + (rows - 1) * GAP + FOOT
    across = MARGIN * 2 + len(columns) * side + (len(columns) - 1) * BETWEEN
    width = max(LEAST, across)
    tops = [_tops(len(units), rows, side) for _, units, _ in columns]
    lines = [
        line
        for at, weights in enumerate(edges)
        for line in _lines(at, weights, tops[at], tops[at + 1], side, columns)
    ]
    texts = [
        _column(at, column, tops[at], pictures[at], side, notes[at] if notes else "")
        for at, column in enumerate(columns)
    ]
    return tag(
        "svg",
        tag("title", text(title)),
        tag("desc", text(required_alt(alt, title))),
        tag("rect", width=width, height=height, fill=PAPER),
        _label(MARGIN, MARGIN + 10, title, 15, INK, "start"),
        *lines,
        *texts,
        *(
            _label(MARGIN, height - MARGIN - 18 * (1 - line), words, 11, QUIET, "start")
            for line, words in enumerate(KEY)
        ),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
        role="img",
        aria_label=f"{title}: {alt}",
        font_family=FONT,
    )


def _tops(count: int, rows: int, side: int) -> list[float]:
    """The upper edges of a column's pictures, the column centered."""
    step = side + BELOW + GAP
    first = MARGIN + HEAD + (rows - count) * step / 2
    return [first + index * step for index in range(count)]


def _left(column: int, side: int) -> int:
    return MARGIN + column * (side + BETWEEN)


def _lines(
    column: int,
    weights: ArrayLike,
    tops: Sequence[float],
    next_tops: Sequence[float],
    side: int,
    columns: Sequence[Column],
) -> list[str]:
    """The lines between a column and the next, weak ones below strong ones."""
    table = np.asarray(weights, np.float64)
    if table.shape != (len(tops), len(next_tops)):
        raise ValueError(
            f"edges of {columns[column][0]} have shape {table.shape}: expected "
            f"{(len(tops), len(next_tops))}, the units of the two columns."
        )
    largest = np.abs(table).max() or 1.0
    start, end = _left(column, side) + side, _left(column + 1, side)
    middle = (start + end) / 2
    lines = []
    for index in np.abs(table).ravel().argsort(kind="stable"):
        row, other = divmod(int(index), table.shape[1])
        weight = float(table[row, other])
        y, z = tops[row] + side / 2, next_tops[other] + side / 2
        name = (
            f"{columns[column + 1][0]}:{columns[column + 1][1][other]} to "
            f"{columns[column][0]}:{columns[column][1][row]}: {number(weight)}"
        )
        lines.append(
            tag(
                "g",
                tag("title", text(name)),
                tag(
                    "path",
                    d=f"M{start} {y:g}C{middle:g} {y:g} {middle:g} {z:g} {end} {z:g}",
                    fill="none",
                    stroke=FOR if weight >= 0 else AGAINST,
                    stroke_width=f"{max(THINNEST, WIDEST * abs(weight) / largest):.2f}",
                    stroke_dasharray=None if weight >= 0 else "7 5",
                    stroke_opacity="0.8",
                ),
            )
        )
    return lines


def _column(
    at: int,
    column: Column,
    tops: Sequence[float],
    pictures: Sequence[ArrayLike],
    side: int,
    note: str,
) -> str:
    """A layer's name, its units' pictures, and below each its number and strength."""
    layer, units, strengths = column
    left, center = _left(at, side), _left(at, side) + side / 2
    parts = [_label(center, MARGIN + 32, layer, 13, INK)]
    parts += [_label(center, MARGIN + 47, note, 10, QUIET)] if note else []
    for unit, strength, top, picture in zip(units, strengths, tops, pictures, strict=True):
        name = f"{layer}:{unit}"
        parts.append(
            tag(
                "image",
                tag("title", text(name)),
                href=data_uri(pixels(picture)[0]),
                x=left,
                y=f"{top:g}",
                width=side,
                height=side,
                preserveAspectRatio="xMidYMid slice",
            )
        )
        parts.append(_label(center, top + side + 15, name, 12, INK))
        sign = "+" if at and strength > 0 else ""
        parts.append(_label(center, top + side + 30, sign + number(strength), 11, QUIET))
    return tag("g", *parts)


def _label(x: float, y: float, words: str, size: int, color: str, anchor: str = "middle") -> str:
    return tag(
        "text", text(words), x=f"{x:g}", y=f"{y:g}", font_size=size, fill=color, text_anchor=anchor
    )
