"""Plots as inline SVG that follows the page's ink, font and color scheme."""

import math
import re
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from featviz.figures._figure import number, required_alt, tag, text

INK, RULE = "currentColor", "var(--fv-rule,#ddd)"
SERIES = ("#0072b2", "#d55e00", "#009e73", "#aa4499", "#b07a00", "#117a9c")
"""Colors of the series, by their CSS variables and as they are without the style sheet: Okabe and
Ito's palette, told apart by the color-blind, in an order of falling contrast."""

WIDE, NARROW, LOW = 662.0, 336.0, 260.0
"""Width in px of a drawing on a wide screen (text column) and on a phone (360 px less margins), and
the greatest height on a phone."""

# Text size and the distance of two lines, in px.
TEXT_SIZE, _LINE = 12.7, 15.5
# What a letter takes on average, as part of the text size: the browser's font is not known here.
_LETTER = 0.6
# Letters after which the name of a row breaks.
_ROW_LETTERS = 15
# In px: length of a tick, distance of a number from it, room at the drawing's edges.
_TICK, _GAP, _EDGE = 4.0, 4.0, 4.0
# Most numbers along an axis, and the px that one takes at least to the right and upward.
_MOST, _APART = 9, (51.0, 25.0)
# A number stands at these multiples of a power of ten, on a logarithmic axis at those.
_STEPS, _LOG_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0), (1.0, 2.0, 5.0)
# Part of the data's range that stays free at both ends of an axis.
_MARGIN = 0.05

Points = ArrayLike
"""Places (n,2) on a drawing, in px from its upper left corner."""


@dataclass(frozen=True)
class Scale:
    """One axis.

    Args:
        low: Value at its left or lower end.
        high: Value at its other end.
        log: Whether equal steps are equal ratios.
    """

    low: float
    high: float
    log: bool = False

    @classmethod
    def around(cls, values: ArrayLike, *, log: bool = False, base: float | None = None) -> "Scale":
        """Makes the axis that shows all values, with some room at both ends.

        Args:
            values: Any shape; what is not finite, or has no logarithm, is left out.
            log: Whether the axis is logarithmic.
            base: A value to show too, beyond which no room is needed.

        Raises:
            ValueError: If there is nothing to show.
        """
        array = np.append(np.asarray(values, np.float64), [] if base is None else base)
        array = array[np.isfinite(array) & ((array > 0) | (not log))]
        if not array.size:
            raise ValueError(f"A plot needs a {'positive' if log else 'finite'} value; none is.")
        low, high = float(array.min()), float(array.max())
        if log:
            room = (high / low if high > low else 10.0) ** _MARGIN
            return cls(low / room, high * room, log)
        room = _MARGIN * ((high - low) or 1.0)
        if low == high:
            return cls(low - room, high + room)
        return cls(low if low == base else low - room, high if high == base else high + room)

    def share(self, values: ArrayLike) -> NDArray[np.float64]:
        """Where values lie: 0 at the low end, 1 at the high one."""
        array, low, high = np.asarray(values, np.float64), self.low, self.high
        if self.log:
            array, low, high = np.log(np.maximum(array, low)), math.log(low), math.log(high)
        return (array - low) / (high - low)

    def ticks(self, most: int) -> list[float]:
        """Round values on the axis, about `most` of them."""
        fine, tens = self.decades(_LOG_STEPS), self.decades((1.0,))
        if len(fine) > 1:
            return fine if len(fine) <= most else tens[:: math.ceil(len(tens) / most)]
        least = (self.high - self.low) / most
        power = 10.0 ** math.floor(math.log10(least))
        step = next(power * s for s in _STEPS if power * s >= least * (1 - 1e-9))
        return [step * i for i in range(math.ceil(self.low / step), int(self.high // step) + 1)]

    def decades(self, steps: Iterable[float]) -> list[float]:
        """These multiples of every power of ten on the axis; none if it is not logarithmic."""
        if not self.log:
            return []
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        values = (10.0**power * step for power in powers for step in steps)
        return [value for value in values if self.low <= value <= self.high]


@dataclass(frozen=True)
class Plot:
    """Axes, and marks on them in the order in which they cover each other.

    Args:
        size: Width and height in px.
        x: Axis to the right.
        y: Axis upward.
        xlabel: What runs to the right.
        ylabel: What runs upward.
        title: What stands above.
        names: Categories, at 0, 1, 2, ... to the right, in place of numbers.
        rows: Categories, at 0, 1, 2, ... of the axis upward, in place of numbers.
    """

    size: tuple[float, float]
    x: Scale
    y: Scale
    xlabel: str = ""
    ylabel: str = ""
    title: str = ""
    names: Sequence[str] = ()
    rows: Sequence[str] = ()
    _marks: list[str] = field(default_factory=list, init=False)

    def at(self, x: ArrayLike, y: ArrayLike) -> NDArray[np.float64]:
        """Places (n,2) px of values (n,), from the drawing's upper left corner."""
        return np.stack([self._across(x), self._up(y)], axis=-1)

    def lines(self, runs: Iterable[Points], color: str, width: float, **style: Any) -> None:
        """Connects the points of each run; a point alone is a dot where the caps are round."""
        self._marks.append(_stroke(runs, color, width, **style))

    def areas(self, runs: Iterable[Points], color: str, opacity: float | None = None) -> None:
        """Fills what each run goes around."""
        self._marks.append(tag("path", d=_path(runs, "z"), fill=color, fill_opacity=opacity))

    def svg(self, alt: str, cls: str = "fv-plot") -> str:
        """Writes the drawing, with its accessible name and its class."""
        width, height = (f"{side:.0f}" for side in self.size)
        return tag(
            "svg", self._axes(), self._texts(), *self._marks,
            role="img", aria_label=required_alt(alt, "plot"), cls=cls,
            viewBox=f"0 0 {width} {height}", width=width, height=height,
            fill=INK, font_size=TEXT_SIZE,
        )  # fmt: skip

    @cached_property
    def _ticks(self) -> tuple[list[float], list[float]]:
        """Values that are written along the two axes."""
        most = [
            min(_MOST, int(side / apart)) for side, apart in zip(self.size, _APART, strict=True)
        ]
        return (
            [] if self.names else self.x.ticks(most[0]),
            [] if self.rows else self.y.ticks(most[1]),
        )

    @cached_property
    def _name_lines(self) -> tuple[list[list[str]], float]:
        """The lines of each category's name, and the part of the text size that has room."""
        room = (self.size[0] - self._left - _EDGE) / max(1, len(self.names))
        letters = max(1, int(room / (_LETTER * TEXT_SIZE)))
        lines = [textwrap.wrap(str(n), letters, break_long_words=False) for n in self.names]
        longest = max((len(line) for one in lines for line in one), default=1)
        return lines, min(1.0, letters / longest)

    @cached_property
    def _row_lines(self) -> list[list[str]]:
        """The lines of each row's name."""
        return [textwrap.wrap(name, _ROW_LETTERS, break_long_words=False) for name in self.rows]

    @property
    def _left(self) -> float:
        longest = max((len(line) for one in self._row_lines for line in one), default=0)
        beside = max(_widest(self._ticks[1]), longest * _LETTER * TEXT_SIZE)
        return _EDGE + 1.2 * _LINE * bool(self.ylabel) + beside + _GAP + _TICK

    @cached_property
    def _box(self) -> tuple[float, float, float, float]:
        """Edges of the axes in px: left, top, right, bottom."""
        rows = max(map(len, self._name_lines[0]), default=1) + bool(self.xlabel)
        return (
            self._left,
            _EDGE + _LINE * (1.4 if self.title else 0.4),
            self.size[0] - _EDGE - _widest(self._ticks[0]) / 2,
            self.size[1] - _EDGE - _TICK - _GAP - rows * _LINE,
        )

    def _across(self, values: ArrayLike) -> NDArray[np.float64]:
        left, _, right, _ = self._box
        return left + (right - left) * self.x.share(values)

    def _up(self, values: ArrayLike) -> NDArray[np.float64]:
        _, top, _, bottom = self._box
        return bottom - (bottom - top) * self.y.share(values)

    def _axes(self) -> str:
        """The lines of the grid, the axes and their ticks."""
        left, top, right, bottom = self._box
        (x, y), small = self._ticks, range(1, 10)
        runs = [[(left, top), (left, bottom), (right, bottom)]]
        for values, size in ((y, _TICK), (self.y.decades(small), _TICK / 2)):
            runs += [[(left - size, at), (left, at)] for at in self._up(values)]
        for values, size in ((x, _TICK), (self.x.decades(small), _TICK / 2)):
            runs += [[(at, bottom), (at, bottom + size)] for at in self._across(values)]
        grid = [[(left, at), (right, at)] for at in self._up(y)]
        if self.rows:
            grid = [[(at, top), (at, bottom)] for at in self._across(x)]
        return _stroke(grid, RULE, 0.8) + _stroke(runs, INK, 1)

    def _texts(self) -> str:
        """Numbers or names along the axes, what they are of, and the title."""
        left, top, right, bottom = self._box
        row = bottom + _TICK + _GAP + 0.8 * TEXT_SIZE
        names, part = self._name_lines
        # A text of its own per line: the browser centers it, whatever font it has.
        lines = [
            _text(at, row + index * part * _LINE, line)
            for at, name in zip(self._across(range(len(names))), names, strict=True)
            for index, line in enumerate(name)
        ]
        x, y = self._ticks
        below = [_text(at, row, number(v)) for at, v in zip(self._across(x), x, strict=True)]
        beside = [
            # The middle of a number is about a third of its size above the line it stands on.
            _text(left - _TICK - _GAP, at + 0.35 * TEXT_SIZE, number(value))
            for at, value in zip(self._up(y), y, strict=True)
        ]
        beside += [
            _text(left - _TICK - _GAP, at + (index - len(name) / 2 + 0.77) * _LINE, line)
            for at, name in zip(self._up(range(len(self.rows))), self._row_lines, strict=True)
            for index, line in enumerate(name)
        ]
        middle = (top + bottom) / 2
        below += [
            _text((left + right) / 2, self.size[1] - _EDGE, self.xlabel),
            _text(_EDGE + 0.8 * TEXT_SIZE, middle, self.ylabel, turn=-90),
        ]
        return (
            tag("g", *lines, text_anchor="middle", font_size=_short(part * TEXT_SIZE))
            + tag("g", *below, text_anchor="middle")
            + tag("g", *beside, text_anchor="end")
            + _text(left, _EDGE + 0.8 * TEXT_SIZE, self.title, font_weight="bold")
        )


def responsive(draw: Callable[[tuple[float, float]], Plot], alt: str, height: float) -> str:
    """Draws for a wide screen and for a phone; CSS shows one of them.

    Args:
        draw: Makes the plot of a size (width, height) in px.
        alt: Accessible name of the drawing.
        height: Height of the wide drawing in px.
    """
    return for_both(draw((WIDE, height)), draw((NARROW, min(height, LOW))), alt)


def for_both(wide: Plot, narrow: Plot, alt: str) -> str:
    """Writes a plot as drawn for a wide screen and for a phone; CSS shows one of them.

    Args:
        wide: The drawing for a wide screen.
        narrow: The one for a phone.
        alt: Accessible name of both.
    """
    small = narrow.svg(alt, "fv-plot fv-plot--narrow")
    # Where no style sheet is loaded, one drawing is enough.
    small = small.replace("<svg ", '<svg style="display:none" ', 1)
    return wide.svg(alt, "fv-plot fv-plot--wide") + small


def legend(names: Iterable[str], first: int = 0) -> str:
    """Names of the series with their colors, as text that wraps; nothing for a single one."""
    items = [
        tag("li", text(name), style=f"--fv-color:{series_color(index)}")
        for index, name in enumerate(names, first)
    ]
    return tag("ul", *items, cls="fv-legend") if len(items) > 1 else ""


def series_color(index: int) -> str:
    """Color of the series at this position."""
    index %= len(SERIES)
    return f"var(--fv-series-{index + 1},{SERIES[index]})"


def _stroke(runs: Iterable[Points], color: str, width: float, **style: Any) -> str:
    return tag("path", d=_path(runs), fill="none", stroke=color, stroke_width=width, **style)


def _path(runs: Iterable[Points], end: str = "") -> str:
    """Path data in steps from the point before, of tenths of a px; rounding doesn't add up.

    A run goes on after what is not finite, with a gap.
    """
    commands = []
    here = np.zeros(2)
    for run in runs:
        points = np.round(np.asarray(run, np.float64).reshape(-1, 2), 1)
        finite = np.isfinite(points).all(axis=1)
        for piece in np.split(points, np.flatnonzero(~finite)):
            piece = piece[np.isfinite(piece).all(axis=1)]
            if not len(piece):
                continue
            steps = np.diff(piece, axis=0, prepend=[here]).ravel()
            commands.append("m" + " ".join(map(_short, steps)).replace(" -", "-"))
            commands.append(end if len(piece) > 1 else "h0")
            here = piece[0] if end else piece[-1]
    return "".join(commands)


def _text(x: float, y: float, words: str, turn: int = 0, **style: Any) -> str:
    """One line of text; none if there is nothing to write."""
    if not words:
        return ""
    rotation = f"rotate({turn} {_short(x)} {_short(y)})" if turn else None
    return tag("text", text(words), x=_short(x), y=_short(y), transform=rotation, **style)


def _widest(ticks: Iterable[float]) -> float:
    """Px that the longest of these numbers takes."""
    return max((len(number(tick)) for tick in ticks), default=0) * _LETTER * TEXT_SIZE


def _short(value: float) -> str:
    """A number with one decimal, without the zeros that a reader of SVG does not need."""
    digits = f"{value:.1f}".removesuffix(".0")
    return re.sub(r"^(-?)0\.", r"\1.", "0" if digits == "-0" else digits)
