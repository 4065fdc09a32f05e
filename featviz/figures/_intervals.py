"""Numbers with intervals, row by row, as inline SVG."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from featviz.figures._charts import panel_size, side_by_side
from featviz.figures._figure import Figure, expect_length
from featviz.figures._plot import INK, NARROW, WIDE, Plot, Scale, for_both, legend, series_color

_LINE, _LEAST, _AXIS = 14.0, 38.0, 58.0
"""In px: height of one number, least height of a row, room for the axis below."""

_FILL = 0.72
"""Part of a row that its numbers take."""

Estimates = tuple[ArrayLike, ArrayLike, ArrayLike]
"""(n,) numbers, and the lower and upper ends of their intervals; NaN where there is none."""


def intervals(
    rows: Sequence[str],
    series: Mapping[str, Estimates],
    xlabel: str,
    *,
    id: str,
    alt: str,
    caption: str = "",
    width: str = "body",
    at: float = 0.0,
) -> Figure:
    """Draws numbers as dots with their intervals as lines, one row per thing.

    Args:
        rows: Names of the rows, from the top.
        series: Name to what is known of each row.
        xlabel: What runs to the right, with its unit.
        id: Anchor of the figure, without `fig-`.
        alt: What the plot shows.
        caption: Says what to look at.
        width: Named width.
        at: Where the line stands that numbers are held against, such as chance.

    Raises:
        ValueError: If a series does not have one number per row, or there is none.
    """
    if not series:
        raise ValueError("series is empty: give at least one.")
    data = _checked(series, rows)
    height = _AXIS + len(rows) * max(_LEAST, _LINE * len(data))
    wide, narrow = (_drawing((side, height), rows, data, xlabel, at) for side in (WIDE, NARROW))
    return Figure("fv-plot", id, legend(data) + for_both(wide, narrow, alt), caption, width)


def interval_panels(
    rows: Sequence[str],
    panels: Mapping[str, tuple[Estimates, float]],
    *,
    id: str,
    alt: str,
    caption: str = "",
    width: str = "body",
) -> Figure:
    """Draws several measures of the same things side by side, each on a scale of its own.

    Args:
        rows: Names of the things, from the top.
        panels: Name of a measure, with its unit, to its numbers, and where the line stands that
            they are held against.
        id: Anchor of the figure, without `fig-`.
        alt: What the plots show.
        caption: Says what to look at.
        width: Named width.

    Raises:
        ValueError: If a measure does not have one number per row, or there is none.
    """
    if not panels:
        raise ValueError("panels is empty: give at least one measure.")
    columns, (wide, _) = panel_size(len(panels), width)
    drawings = []
    for name, (estimates, at) in panels.items():
        data = _checked({name: estimates}, rows)
        drawing = _drawing((wide, _AXIS + len(rows) * _LEAST), rows, data, name, at)
        drawings.append(drawing.svg(f"{name}: {alt}"))
    return Figure("fv-plot", id, side_by_side(drawings, columns, wide), caption, width)


def _checked(
    series: Mapping[str, Estimates], rows: Sequence[str]
) -> dict[str, list[NDArray[np.float64]]]:
    data = {
        name: [np.asarray(part, np.float64) for part in parts] for name, parts in series.items()
    }
    for name, parts in data.items():
        for part in parts:
            expect_length(f"series {name!r}", part, len(rows), "rows")
    return data


def _drawing(
    size: tuple[float, float],
    rows: Sequence[str],
    data: Mapping[str, Sequence[NDArray[np.float64]]],
    xlabel: str,
    at: float,
) -> Plot:
    across = Scale.around(
        np.concatenate([part for parts in data.values() for part in (*parts, [at])])
    )
    down = Scale(len(rows) - 0.5, -0.5)
    drawing = Plot(size, across, down, xlabel=xlabel, rows=rows)
    drawing.lines([drawing.at([at, at], [down.low, down.high])], INK, 1)
    for index, (middle, low, high) in enumerate(data.values()):
        place = np.arange(len(rows)) + _FILL * ((index + 0.5) / len(data) - 0.5)
        color = series_color(index)
        ends = np.stack([drawing.at(low, place), drawing.at(high, place)], axis=1)
        drawing.lines(ends, color, 2.4)
        drawing.lines(drawing.at(middle, place), color, 8, stroke_linecap="round")
    return drawing
