"""Line plots, bars and distributions as inline SVG."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from numpy.typing import ArrayLike, NDArray

from featviz.figures._figure import Figure, expect_length, tag
from featviz.figures._plot import (
    INK,
    NARROW,
    TEXT_SIZE,
    draw,
    legend,
    plain_ticks,
    responsive,
    series_color,
)

HEIGHT = 3.0
"""Height of a plot in inches."""

# Inches between axes of neighboring panels, and a panel's height as part of its width.
_PANEL_GAP, _PANEL_RATIO = 0.25, 0.76
# Width in inches of the article's named widths (704, 888 and 1072 px at 96 px).
_WIDTHS = {"body": 7.33, "middle": 9.25, "page": 11.16, "screen": 11.16}
# Most panels beside each other: five layers fit a page, three the text column.
_ACROSS = {"body": 3, "middle": 4, "page": 5, "screen": 5}
# Dots drawn per distribution, and on a phone: more overlap into a smear and weigh 12 bytes each.
MOST_DOTS, MOST_DOTS_NARROW = 128, 64
# Inches that the vertical axis and its numbers take, and that a letter takes on average.
_AXIS_ROOM, _LETTER = 0.55, 0.078
# Points from the axis down to a category's name, and from line to line as part of the text's size.
_LABEL_DROP, _LINE = 5.0, 1.2
# Part of a category's width that its bars, or its dots, take.
_FILLED = 0.76


@dataclass(frozen=True)
class Series:
    """A line, with a band around it if both bounds are given.

    Args:
        x: (n,) positions.
        y: (n,) values.
        low: (n,) lower bounds of the band.
        high: (n,) upper bounds of the band.
    """

    x: ArrayLike
    y: ArrayLike
    low: ArrayLike | None = None
    high: ArrayLike | None = None


Line = Series | tuple[ArrayLike, ...]


def curves(
    series: Mapping[str, Line] | Mapping[str, Mapping[str, Line]],
    xlabel: str,
    ylabel: str,
    *,
    id: str,
    alt: str,
    caption: str = "",
    width: str = "body",
    log_x: bool = False,
    log_y: bool = False,
) -> Figure:
    """Draws lines, each with an optional band.

    Args:
        series: Name to `Series` or (x, y) or (x, y, low, high); a mapping of panel titles
            to such mappings draws panels side by side on one vertical scale.
        xlabel: What runs to the right, with its unit.
        ylabel: What runs upward, with its unit.
        id: Anchor of the figure, without `fig-`.
        alt: What the plot shows.
        caption: Says what to look at.
        width: Named width.
        log_x: Logarithmic horizontal axis.
        log_y: Logarithmic vertical axis.

    Raises:
        ValueError: If there is no series, or one has arrays of different lengths.
    """
    panels = {
        title: {name: _line(name, one) for name, one in lines.items()}
        for title, lines in _panels(series).items()
    }
    names = list(dict.fromkeys(name for lines in panels.values() for name in lines))
    if not names:
        raise ValueError("series is empty: give at least one line.")
    span = _span([a for lines in panels.values() for line in lines.values() for a in line[1:]])

    def paint(axes: Axes, title: str) -> None:
        _lines(axes, panels[title], names)
        axes.set(xlabel=xlabel, ylabel=ylabel, title=title)
        axes.set_xscale("log" if log_x else "linear")
        axes.set_yscale("log" if log_y else "linear")
        if len(panels) > 1 and not log_y:
            axes.set_ylim(*span)
        plain_ticks(axes.xaxis)
        plain_ticks(axes.yaxis)

    if len(panels) == 1:
        title = next(iter(panels))
        shown = responsive(partial(paint, title=title), alt, HEIGHT)
    else:
        across, size = _panel_size(len(panels), width)
        drawn = [draw(partial(paint, title=t), f"{t}: {alt}", size)[0] for t in panels]
        style = f"--fv-columns:{across};--fv-most:{size[0] * 120:.0f}px"
        shown = tag("div", *drawn, cls="fv-panels", style=style)
    return Figure("fv-plot", id, legend(names) + shown, caption, width)


def bars(
    categories: Sequence[str],
    series: Mapping[str, ArrayLike | tuple[ArrayLike, ArrayLike, ArrayLike]],
    ylabel: str,
    *,
    id: str,
    alt: str,
    caption: str = "",
    width: str = "body",
) -> Figure:
    """Draws one bar per category and series, with intervals where they are given.

    Args:
        categories: Names along the axis, such as the layers.
        series: Name to (n,) values, or to a tuple of values, lower and upper bounds.
        ylabel: What the bars measure, with its unit.
        id: Anchor of the figure, without `fig-`.
        alt: What the plot shows.
        caption: Says what to look at.
        width: Named width.

    Raises:
        ValueError: If a series does not have one value per category.
    """
    columns = {name: _bounds(name, given, len(categories)) for name, given in series.items()}
    if not columns:
        raise ValueError("series is empty: give at least one.")

    def paint(axes: Axes) -> None:
        thick = _FILLED / len(columns)
        for index, (values, low, high) in enumerate(columns.values()):
            at = np.arange(len(categories)) - _FILLED / 2 + thick * (index + 0.5)
            axes.bar(at, values, thick * 0.92, color=series_color(index))
            if (low < high).any():
                axes.vlines(at, low, high, color=INK, linewidth=1.1)
        axes.axhline(0, color=INK, linewidth=0.8)
        _categories(axes, categories, ylabel)

    return Figure("fv-plot", id, legend(columns) + responsive(paint, alt, HEIGHT), caption, width)


def dots(
    categories: Sequence[str],
    series: Mapping[str, Sequence[ArrayLike]],
    ylabel: str,
    *,
    id: str,
    alt: str,
    caption: str = "",
    width: str = "body",
    log_y: bool = False,
) -> Figure:
    """Draws distributions: a dot per unit, a bar at the median, a line over the middle half.

    Of more than 128 values, or 64 on a phone, the dots stand at as many evenly spaced quantiles.

    Args:
        categories: Names along the axis, such as the layers.
        series: Name to one array of values per category.
        ylabel: What the dots measure, with its unit.
        id: Anchor of the figure, without `fig-`.
        alt: What the plot shows.
        caption: Says what to look at.
        width: Named width.
        log_y: Logarithmic vertical axis.

    Raises:
        ValueError: If a series does not have one non-empty array per category.
    """
    for name, arrays in series.items():
        expect_length(f"series {name!r}", arrays, len(categories), "categories")
    data = {name: [_clean(name, a) for a in arrays] for name, arrays in series.items()}

    def paint(axes: Axes) -> None:
        thick = _FILLED / len(data)
        for index, arrays in enumerate(data.values()):
            for at, values in enumerate(arrays):
                middle = at - _FILLED / 2 + thick * (index + 0.5)
                _swarm(axes, values, middle, thick * 0.8, series_color(index))
        if log_y:
            axes.set_yscale("log")
        _categories(axes, categories, ylabel)

    return Figure("fv-plot", id, legend(data) + responsive(paint, alt, HEIGHT), caption, width)


def _lines(axes: Axes, lines: Mapping[str, list[NDArray[np.float64]]], names: list[str]) -> None:
    for name, (x, y, *bounds) in lines.items():
        color = series_color(names.index(name))
        axes.plot(x, y, color=color)
        if bounds:
            axes.fill_between(x, bounds[0], bounds[1], color=color, alpha=0.18, linewidth=0)


def _swarm(axes: Axes, values: NDArray[np.float64], at: float, thick: float, color: str) -> None:
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    narrow = axes.get_figure(root=True).get_figwidth() <= NARROW  # type: ignore[union-attr]
    most = MOST_DOTS_NARROW if narrow else MOST_DOTS
    if len(values) > most:
        values = np.quantile(values, np.linspace(0, 1, most))
    # A golden-ratio sequence spreads neighbors apart without chance.
    spread = (np.arange(len(values)) * 0.6180339887) % 1 - 0.5
    points = np.stack([at + spread * thick, values], axis=1)
    # One path of zero-length strokes with round caps weighs a third of one element per dot.
    path = Path(np.repeat(points, 2, axis=0), [Path.MOVETO, Path.LINETO] * len(points))
    path.should_simplify = False
    axes.add_patch(
        PathPatch(path, facecolor="none", edgecolor=color, linewidth=3, capstyle="round", alpha=0.6)
    )
    axes.vlines(at, low, high, color=INK, linewidth=1.4)
    axes.hlines(middle, at - thick / 2, at + thick / 2, color=INK, linewidth=2)
    axes.update_datalim(points)
    axes.autoscale_view()


def _categories(axes: Axes, categories: Sequence[str], ylabel: str) -> None:
    room = axes.get_figure(root=True).get_figwidth() - _AXIS_ROOM  # type: ignore[union-attr]
    letters = max(1, int(room / len(categories) / _LETTER))
    wrapped = [textwrap.wrap(str(c), letters, break_long_words=False) for c in categories]
    longest = max((len(line) for lines in wrapped for line in lines), default=1)
    size = TEXT_SIZE * min(1.0, letters / longest)
    axes.set_xticks(range(len(categories)), [""] * len(categories))
    below = axes.get_xaxis_transform()
    for at, lines in enumerate(wrapped):
        # A text of its own per line: the browser centers it, whatever font it has.
        for row, line in enumerate(lines):
            offset = (0, -_LABEL_DROP - row * _LINE * size)
            axes.annotate(
                line,
                (at, 0),
                offset,
                xycoords=below,
                textcoords="offset points",
                ha="center",
                va="top",
                fontsize=size,
            )
    axes.set_xlim(-0.55, len(categories) - 0.45)
    axes.tick_params(axis="x", length=0)
    axes.set_ylabel(ylabel)
    plain_ticks(axes.yaxis)


def _panel_size(count: int, width: str) -> tuple[int, tuple[float, float]]:
    """How many panels stand beside each other, in rows as even as can be, and their inches."""
    rows = math.ceil(count / _ACROSS.get(width, _ACROSS["body"]))
    across = math.ceil(count / rows)
    wide = _WIDTHS.get(width, _WIDTHS["body"]) / across - _PANEL_GAP
    return across, (wide, wide * _PANEL_RATIO)


def _panels(series: Mapping[str, object]) -> dict[str, Mapping[str, Line]]:
    if series and all(isinstance(one, Mapping) for one in series.values()):
        return dict(series)  # type: ignore[arg-type]
    return {"": series}  # type: ignore[dict-item]


def _line(name: str, given: Line) -> list[NDArray[np.float64]]:
    line = given if isinstance(given, Series) else Series(*given)
    parts = [line.x, line.y]
    if line.low is not None and line.high is not None:
        parts += [line.low, line.high]
    arrays = [np.asarray(part, np.float64) for part in parts]
    for array in arrays[1:]:
        if array.ndim != 1 or array.shape != arrays[0].shape:
            raise ValueError(
                f"Series {name!r} has arrays of shapes {', '.join(str(a.shape) for a in arrays)}: "
                "x, y and the band are one-dimensional and equally long."
            )
    return arrays


def _span(arrays: list[NDArray[np.float64]]) -> tuple[float, float]:
    values = np.concatenate(arrays)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    margin = 0.05 * ((high - low) or 1.0)
    return low - margin, high + margin


def _bounds(name: str, given: object, count: int) -> list[NDArray[np.float64]]:
    parts = given if isinstance(given, tuple) and np.ndim(given[0]) else (given, given, given)
    arrays = [np.asarray(part, np.float64) for part in parts]
    for array in arrays:
        expect_length(f"series {name!r}", array, count, "categories")
    return arrays


def _clean(name: str, given: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(given, np.float64).ravel()
    values = np.sort(values[np.isfinite(values)])
    if not len(values):
        raise ValueError(f"series {name!r} has a category without any finite value.")
    return values
