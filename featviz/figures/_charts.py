"""Line plots, bars and distributions as inline SVG."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from featviz.figures._figure import Figure, expect_length, tag
from featviz.figures._plot import INK, NARROW, Plot, Scale, legend, responsive, series_color

HEIGHT = 288
"""Height of a plot in px."""

# Px between neighboring panels, a panel's height as part of its width, the least height in px at
# which half of it is left for the lines, and how far a panel may grow.
_PANEL_GAP, _PANEL_RATIO, _PANEL_LEAST, _PANEL_GROWTH = 24, 0.76, 200, 1.25
# Width in px of the article's named widths.
_WIDTHS = {"body": 704, "middle": 888, "page": 1072, "screen": 1072}
# Most panels beside each other: five layers fit a page, three the text column.
_ACROSS = {"body": 3, "middle": 4, "page": 5, "screen": 5}
MOST_DOTS, MOST_DOTS_NARROW = 128, 64
"""Dots drawn per distribution, and on a phone: more overlap into a smear and weigh 12 bytes
each."""

_HALF_PHONE = 200
"""Width in px below which two panels share a phone's 324 px: their letters shrink by a fifth."""

# Part of a category's width that its bars, or its dots, take; part of that which is inked.
_FILL, _BAR, _SWARM = 0.76, 0.92, 0.8


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
    points: Mapping[str, tuple[ArrayLike, ArrayLike]] | None = None,
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
        points: Panel title to (n,) positions and (n,) values of single things, drawn as dots behind
            the lines; the title is "" where there is one panel.

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
    single = {title: [np.ravel(part) for part in one] for title, one in (points or {}).items()}
    every = [*(line for lines in panels.values() for line in lines.values()), *single.values()]
    up = Scale.around(np.concatenate([part for _, *ys in every for part in ys]), log=log_y)

    def plot(size: tuple[float, float], title: str) -> Plot:
        shown = [*panels[title].values(), *([single[title]] if title in single else [])]
        across = Scale.around(np.concatenate([x for x, *_ in shown]), log=log_x)
        drawing = Plot(size, across, up, xlabel, ylabel, title)
        if title in single:
            drawing.lines(
                drawing.at(*single[title]), INK, 2.4, stroke_linecap="round", stroke_opacity=0.45
            )
        _lines(drawing, panels[title], names)
        return drawing

    if len(panels) == 1:
        body = responsive(lambda size: plot(size, next(iter(panels))), alt, HEIGHT)
    else:
        columns, size = panel_size(len(panels), width)
        drawings = [plot(size, title).svg(f"{title}: {alt}") for title in panels]
        body = side_by_side(drawings, columns, size[0])
    return Figure("fv-plot", id, legend(names) + body, caption, width)


def bars(
    categories: Sequence[str],
    series: Mapping[str, ArrayLike | tuple[ArrayLike, ArrayLike, ArrayLike]],
    ylabel: str,
    *,
    id: str,
    alt: str,
    each: Mapping[str, Sequence[ArrayLike]] | None = None,
    caption: str = "",
    width: str = "body",
) -> Figure:
    """Draws one bar per category and series, with intervals and single values where given.

    Args:
        categories: Names along the axis, such as the layers.
        series: Name to (n,) values, or to a tuple of values, lower and upper bounds; where bounds
            are NaN no interval is drawn.
        ylabel: What the bars measure, with its unit.
        id: Anchor of the figure, without `fig-`.
        alt: What the plot shows.
        each: Name of a series to one array per category, of the values that its bar sums up; they
            are drawn as dots.
        caption: Says what to look at.
        width: Named width.

    Raises:
        ValueError: If a series does not have one value per category.
    """
    columns = {name: _bounds(name, values, len(categories)) for name, values in series.items()}
    if not columns:
        raise ValueError("series is empty: give at least one.")
    single = {name: [np.ravel(one) for one in arrays] for name, arrays in (each or {}).items()}
    for name, arrays in single.items():
        expect_length(f"each {name!r}", arrays, len(categories), "categories")

    heights = [part for arrays in columns.values() for part in arrays]
    heights += [one for arrays in single.values() for one in arrays]
    up = Scale.around(np.concatenate(heights), base=0)

    def plot(size: tuple[float, float]) -> Plot:
        drawing = Plot(size, _along(categories), up, ylabel=ylabel, names=categories)
        swarms: list[NDArray[np.float64]] = []
        for index, (name, (values, low, high)) in enumerate(columns.items()):
            at, thick = _places(index, len(columns), len(categories))
            left, right, foot = at - thick * _BAR / 2, at + thick * _BAR / 2, np.zeros(len(at))
            corners = (left, foot), (left, values), (right, values), (right, foot)
            drawing.areas(_runs(drawing, *corners), series_color(index))
            if (low < high).any():
                drawing.lines(_runs(drawing, (at, low), (at, high)), INK, 1.5)
            swarms += [
                _beside(drawing, place, one, thick * _SWARM)
                for place, one in zip(at, single.get(name, ()), strict=False)
            ]
        if swarms:
            _dots(drawing, np.concatenate(swarms), INK)
        drawing.lines([drawing.at([drawing.x.low, drawing.x.high], [0, 0])], INK, 1)
        return drawing

    return Figure("fv-plot", id, legend(columns) + responsive(plot, alt, HEIGHT), caption, width)


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
    first_color: int = 0,
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
        first_color: Place of the first series' color among those of all series: where a figure
            nearby has more series, what is the same in both has the same color.

    Raises:
        ValueError: If a series does not have one non-empty array per category.
    """
    for name, arrays in series.items():
        expect_length(f"series {name!r}", arrays, len(categories), "categories")
    data = {name: [_clean(name, a) for a in arrays] for name, arrays in series.items()}

    up = Scale.around(np.concatenate([a for one in data.values() for a in one]), log=log_y)

    def plot(size: tuple[float, float]) -> Plot:
        drawing = Plot(size, _along(categories), up, ylabel=ylabel, names=categories)
        for index, arrays in enumerate(data.values()):
            places, thick = _places(index, len(data), len(categories))
            for at, values in zip(places, arrays, strict=True):
                _swarm(drawing, values, at, thick * _SWARM, series_color(first_color + index))
        return drawing

    body = legend(data, first_color) + responsive(plot, alt, HEIGHT)
    return Figure("fv-plot", id, body, caption, width)


def _lines(plot: Plot, lines: Mapping[str, list[NDArray[np.float64]]], names: list[str]) -> None:
    colors = {name: series_color(names.index(name)) for name in lines}
    for name, (x, _, *bounds) in lines.items():
        if bounds:
            low, high = (plot.at(x, bound) for bound in bounds)
            plot.areas([np.concatenate([high, low[::-1]])], colors[name], opacity=0.18)
    for name, (x, y, *_) in lines.items():  # a band would tint the lines beneath it
        plot.lines([plot.at(x, y)], colors[name], 2.4)


def _swarm(plot: Plot, values: NDArray[np.float64], at: float, thick: float, color: str) -> None:
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    most = MOST_DOTS_NARROW if plot.size[0] <= NARROW else MOST_DOTS
    if len(values) > most:
        values = np.quantile(values, np.linspace(0, 1, most))
    _dots(plot, _beside(plot, at, values, thick), color)
    plot.lines([plot.at([at, at], [low, high])], INK, 1.9)
    plot.lines([plot.at([at - thick / 2, at + thick / 2], [middle, middle])], INK, 2.7)


def _beside(
    plot: Plot, at: float, values: NDArray[np.float64], thick: float
) -> NDArray[np.float64]:
    """Places (n,2) in px of values that stand beside each other."""
    # A golden-ratio sequence spreads neighbors apart without chance.
    offsets = (np.arange(len(values)) * 0.6180339887) % 1 - 0.5
    return plot.at(at + offsets * thick, values)


def _dots(plot: Plot, places: NDArray[np.float64], color: str) -> None:
    # One path of zero-length strokes with round caps weighs a third of one element per dot.
    plot.lines(places, color, 4, stroke_linecap="round", stroke_opacity=0.6)


def _along(categories: Sequence[str]) -> Scale:
    """The axis on which categories stand at 0, 1, 2, ..."""
    return Scale(-0.55, len(categories) - 0.45)


def _places(index: int, of: int, categories: int) -> tuple[NDArray[np.float64], float]:
    """Where one series of several stands in each category, and how wide it may be there."""
    thick = _FILL / of
    return np.arange(float(categories)) + thick * (index + 0.5) - _FILL / 2, thick


def _runs(plot: Plot, *corners: tuple[ArrayLike, ArrayLike]) -> NDArray[np.float64]:
    """Runs (n,k,2) in px through k corners, each given by its n places to the right and upward."""
    return np.stack([plot.at(x, y) for x, y in corners], axis=1)


def panel_size(count: int, width: str) -> tuple[int, tuple[float, float]]:
    """How many panels stand beside each other, in rows as even as can be, and their size in px."""
    rows = math.ceil(count / _ACROSS.get(width, _ACROSS["body"]))
    across = math.ceil(count / rows)
    wide = _WIDTHS.get(width, _WIDTHS["body"]) / across - _PANEL_GAP
    return across, (wide, max(wide * _PANEL_RATIO, _PANEL_LEAST))


def side_by_side(drawings: Sequence[str], columns: int, wide: float) -> str:
    """Puts drawings of so many px beside each other, so many in a row; on a phone one or two."""
    narrow = 2 if wide < _HALF_PHONE else 1
    style = f"--fv-columns:{columns};--fv-narrow:{narrow};--fv-most:{wide * _PANEL_GROWTH:.0f}px"
    return tag("div", *drawings, cls="fv-panels", style=style)


def _panels(series: Mapping[str, object]) -> dict[str, Mapping[str, Line]]:
    if series and all(isinstance(one, Mapping) for one in series.values()):
        return dict(series)  # type: ignore[arg-type]
    return {"": series}  # type: ignore[dict-item]


def _line(name: str, line: Line) -> list[NDArray[np.float64]]:
    points = line if isinstance(line, Series) else Series(*line)
    parts = [points.x, points.y]
    if points.low is not None and points.high is not None:
        parts += [points.low, points.high]
    arrays = [np.asarray(part, np.float64) for part in parts]
    for array in arrays[1:]:
        if array.ndim != 1 or array.shape != arrays[0].shape:
            raise ValueError(
                f"Series {name!r} has arrays of shapes {', '.join(str(a.shape) for a in arrays)}: "
                "x, y and the band are one-dimensional and equally long."
            )
    return arrays


def _bounds(name: str, values: object, count: int) -> list[NDArray[np.float64]]:
    parts = values if isinstance(values, tuple) and np.ndim(values[0]) else (values, values, values)
    arrays = [np.asarray(part, np.float64) for part in parts]
    for array in arrays:
        expect_length(f"series {name!r}", array, count, "categories")
    return arrays


def _clean(name: str, numbers: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(numbers, np.float64).ravel()
    values = np.sort(values[np.isfinite(values)])
    if not len(values):
        raise ValueError(f"series {name!r} has a category without any finite value.")
    return values
