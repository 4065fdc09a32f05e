"""matplotlib's drawings as inline SVG that follows the page's ink, font and color scheme."""

import io
import re
from collections.abc import Callable, Iterable
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FuncFormatter

from featviz.figures._figure import number, required_alt, tag, text
from featviz.figures._svg import compact

INK = "#010203"
"""Stand-in for the text's color, which the page's CSS sets; nothing else has this near-black."""

RULE = "#010204"
"""Stand-in for the color of grid lines, likewise."""

SERIES = ("#0072b2", "#d55e00", "#009e73", "#aa4499", "#b07a00", "#117a9c")
"""Colors of the series, by their CSS variables and as they are without the style sheet: Okabe
and Ito's palette, told apart by the color-blind, in an order of falling contrast."""

WIDE, NARROW = 6.9, 3.5
"""Width in inches of a drawing in a wide screen's text column, and on a phone of 360 px."""

TEXT_SIZE = 9.5
"""Text size in points; 9.5 pt are 12.7 px at the drawn size."""

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "featviz",
    "font.family": "DejaVu Sans",
    "font.size": TEXT_SIZE,
    "axes.titlesize": TEXT_SIZE + 1,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": TEXT_SIZE,
    "xtick.labelsize": TEXT_SIZE,
    "ytick.labelsize": TEXT_SIZE,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.8,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
}

Draw = Callable[[Axes], None]


def draw(
    painter: Draw, alt: str, size: tuple[float, float], *, cls: str = "fv-plot"
) -> tuple[str, Axes]:
    """Lets `painter` fill one axes and returns the SVG and the axes.

    Args:
        painter: Draws on the axes it is given.
        alt: Accessible name of the drawing.
        size: Width and height in inches.
        cls: Class of the SVG element.
    """
    with matplotlib.rc_context(_STYLE):
        canvas = Canvas(figsize=size, layout="constrained")
        FigureCanvasSVG(canvas)
        axes = canvas.add_subplot()
        painter(axes)
        buffer = io.StringIO()
        canvas.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return page_svg(buffer.getvalue(), alt, cls), axes


def responsive(painter: Draw, alt: str, height: float) -> str:
    """Draws for a wide screen and for a phone; CSS shows one of them.

    Args:
        painter: Draws on the axes it is given.
        alt: Accessible name of the drawing.
        height: Height of the wide drawing in inches.
    """
    wide, _ = draw(painter, alt, (WIDE, height), cls="fv-plot fv-plot--wide")
    narrow, _ = draw(painter, alt, (NARROW, min(height, 2.7)), cls="fv-plot fv-plot--narrow")
    # Where no style sheet is loaded, one drawing is enough.
    return wide + narrow.replace("<svg ", '<svg style="display:none" ', 1)


def page_svg(svg: str, alt: str, cls: str) -> str:
    """Turns matplotlib's SVG file into markup fit for a page.

    Colors become CSS variables, fonts the page's, and no id or style rule reaches the page.
    """
    view = re.search(r'viewBox="([^"]+)"', svg)
    if view is None:
        raise ValueError("matplotlib wrote an SVG without a viewBox: its version is unsupported.")
    body = compact(svg)
    for color, ink in _page_colors():
        body = body.replace(color, ink)
    _, _, width, height = (float(n) for n in view[1].split())
    # 96 CSS pixels are 72 points.
    size = f'width="{width * 4 / 3:.0f}" height="{height * 4 / 3:.0f}"'
    name = text(required_alt(alt, "plot"))
    start = f'<svg role="img" aria-label="{name}" class="{cls}" viewBox="{view[1]}" {size}>'
    return f"{start}{body}</svg>"


def plain_ticks(axis: object) -> None:
    """Writes an axis' numbers as readers expect them, on logarithmic axes too."""
    axis.set_major_formatter(FuncFormatter(lambda v, _: number(v)))  # type: ignore[attr-defined]
    if axis.get_scale() == "log":  # type: ignore[attr-defined]
        axis.set_minor_formatter(FuncFormatter(lambda _, __: ""))  # type: ignore[attr-defined]


def legend(names: Iterable[str]) -> str:
    """Names of the series with their colors, as text that wraps; nothing for a single one."""
    items = [
        tag("li", text(name), style=f"--fv-color:{_variable(index)}")
        for index, name in enumerate(names)
    ]
    return tag("ul", *items, cls="fv-legend") if len(items) > 1 else ""


def series_color(index: int) -> str:
    """Color of the series at this position."""
    return SERIES[index % len(SERIES)]


def _variable(index: int) -> str:
    index %= len(SERIES)
    return f"var(--fv-series-{index + 1},{SERIES[index]})"


def _page_colors() -> list[tuple[str, str]]:
    series = [(color, _variable(index)) for index, color in enumerate(SERIES)]
    return [(INK, "currentColor"), (RULE, "var(--fv-rule,#ddd)"), *series]
