"""matplotlib's SVG written again for a page: the same drawing in about a tenth of the bytes.

matplotlib writes one group with an id per artist and the whole style at every path. Here paths of
one style become one path, texts of one style one group, and numbers are relative and no finer
than the eye.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree import ElementTree

from featviz.figures._figure import text

# Decimals of a coordinate: 0.1 points are an eighth of a pixel.
_DECIMALS = 1
_SVG = "{http://www.w3.org/2000/svg}"
_LINK = "{http://www.w3.org/1999/xlink}href"
_COMMAND = re.compile(r"([MLQCz])([^MLQCz]*)")
_FONT = re.compile(r"font:(?:(?P<weight>bold|\d+)\s)?(?P<size>[\d.]+)px[^;]*")
_ROTATION = re.compile(r"rotate\((-?[\d.]+)")
# Groups in which equal paths may change places: an axis, whose grid and ticks nothing separates.
_AXIS = re.compile(r"axis_\d+$")


@dataclass
class _Run:
    """Marks of one kind and style that are drawn as one."""

    kind: str
    style: str
    scope: str
    parts: list[str] = field(default_factory=list)

    def written(self) -> str:
        style = f' style="{text(self.style)}"' if self.style else ""
        if self.kind == "path":
            return f'<path d="{"".join(self.parts)}"{style}/>'
        return f"<g{style}>{''.join(self.parts)}</g>"


def compact(svg: str) -> str:
    """Writes the content of an SVG file of matplotlib again.

    Clip paths are dropped: the axes' limits come from the data, so that nothing lies outside.

    Args:
        svg: The file.

    Returns:
        What stands between `<svg>` and `</svg>`.
    """
    root = ElementTree.fromstring(svg)
    markers = {
        path.get("id", ""): path.get("d", "")
        for defs in root.iter(f"{_SVG}defs")
        for path in defs.iter(f"{_SVG}path")
    }
    runs: list[_Run] = []
    for kind, style, scope, part in _marks(root, markers, ""):
        run = _open_run(runs, kind, style, scope)
        run.parts.append(part)
    return "".join(run.written() for run in runs)


def _open_run(runs: list[_Run], kind: str, style: str, scope: str) -> _Run:
    """The run that a mark continues, or a new one."""
    # What is seen through must keep its overlaps, and so its own path.
    if "opacity" not in style:
        for run in reversed(runs):
            if (run.kind, run.style, run.scope) == (kind, style, scope):
                return run
            if not scope or run.scope != scope:
                break
    runs.append(_Run(kind, style, scope))
    return runs[-1]


def _marks(
    node: ElementTree.Element, markers: dict[str, str], scope: str
) -> Iterator[tuple[str, str, str, str]]:
    """Every visible path and text in drawing order: kind, style, axis and what is drawn."""
    for child in node:
        name = child.tag.removeprefix(_SVG)
        if name in ("defs", "metadata", "style"):
            continue
        style = _style(child.get("style", ""))
        if name == "path" and style != "fill:none":
            yield "path", style, scope, _path(child.get("d", ""))
        elif name == "use":
            offset = float(child.get("x", 0)), float(child.get("y", 0))
            drawn = _path(markers[child.get(_LINK, "").lstrip("#")], *offset)
            yield "path", style, scope, drawn
        elif name == "text":
            yield "text", style, scope, _text(child)
        elif name == "g":
            inside = child.get("id", "") if _AXIS.search(child.get("id", "")) else scope
            yield from _marks(child, markers, inside)


def _style(style: str) -> str:
    """A style without spaces and without the file's font family."""
    short = re.sub(r"\s*([:;])\s*", r"\1", style.strip())
    short = re.sub(r"font-family:[^;]*;?", "", short).rstrip(";")
    font = _FONT.search(short)
    if font is None:
        return short
    weight = f"font-weight:{font['weight']};" if font["weight"] else ""
    return short.replace(font[0], f"{weight}font-size:{font['size']}px")


def _text(node: ElementTree.Element) -> str:
    if node.get("x") is None:
        # matplotlib places each line by its own measure of the font, which the page's is not.
        raise ValueError(
            f"The text {''.join(node.itertext())!r} of a plot is one of several lines: "
            "draw each line as a text of its own."
        )
    x, y = (_short(float(node.get(axis, 0))) for axis in "xy")
    angle = _ROTATION.search(node.get("transform", ""))
    turned = ""
    if angle and float(angle[1]):
        turned = f' transform="rotate({_short(float(angle[1]))} {x} {y})"'
    return f'<text x="{x}" y="{y}"{turned}>{text("".join(node.itertext()))}</text>'


def _path(d: str, right: float = 0, down: float = 0) -> str:
    """Path data with steps relative to the point before; rounding doesn't add up over them.

    Args:
        d: Path data as matplotlib writes it: absolute M, L, Q and C, and z.
        right: What to add to every x.
        down: What to add to every y.
    """
    written: list[str] = []
    at = start = (0.0, 0.0)
    for command, numbers in _COMMAND.findall(d):
        values = [float(n) for n in numbers.split()]
        points = [
            (round(x + right, _DECIMALS), round(y + down, _DECIMALS))
            for x, y in zip(values[::2], values[1::2], strict=True)
        ]
        if command == "z":
            written.append("z")
            at = start
            continue
        steps = [(x - at[0], y - at[1]) for x, y in points]
        if command == "M" and not written:
            written.append("M" + _joined(points))
        elif command == "L" and steps[0][1] == 0:
            written.append("h" + _short(steps[0][0]))
        elif command == "L" and steps[0][0] == 0:
            written.append("v" + _short(steps[0][1]))
        else:
            written.append(command.lower() + _joined(steps))
        at = points[-1]
        start = at if command == "M" else start
    return "".join(written)


def _joined(points: list[tuple[float, float]]) -> str:
    """Numbers with no more between them than a reader of paths needs."""
    return re.sub(" -", "-", " ".join(_short(n) for point in points for n in point))


def _short(value: float) -> str:
    written = f"{value:.{_DECIMALS}f}".rstrip("0").rstrip(".")
    return re.sub(r"^(-?)0\.", r"\1.", "0" if written == "-0" else written)
