"""The value every figure function returns: a custom element around a complete static figure."""

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

WEB = Path(__file__).parent / "web"
"""Folder of the figures' styles and classic scripts, to be loaded in the order of their names."""

# Smaller magnitudes are written with an exponent, as JavaScript does.
_SMALLEST = 1e-6
WIDTHS = ("body", "middle", "page", "screen")
"""The named widths of the article's layout; each becomes the class "l-<name>"."""

_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@dataclass(frozen=True)
class Figure:
    """A figure that is complete without JavaScript and comes alive with it.

    Args:
        tag: Name of the custom element that enhances the figure, such as `"fv-sheet"`.
        id: Lower-case letters, digits and hyphens; the figure's anchor is `fig-<id>`.
        body: The static HTML, already escaped.
        caption: HTML, already escaped: text, `<strong>`, `<em>`, `<a href>`, `<code>`.
        width: One of `body`, `middle`, `page`, `screen`.
        payload: What the element needs beyond the static HTML, as plain JSON values.
        parts: More of it, by name, which the element asks for when it is needed. In the site each
            is a file of its own; in a notebook all is in one place.

    Raises:
        ValueError: If the id or the width cannot be used.
    """

    tag: str
    id: str
    body: str
    caption: str = ""
    width: str = "body"
    payload: Mapping[str, Any] | None = field(default=None, hash=False)
    parts: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id) or self.id.startswith("fig-"):
            raise ValueError(
                f"Figure id {self.id!r} cannot be an anchor: use lower-case letters, digits and "
                "single hyphens, without the prefix 'fig-', such as 'ladder'."
            )
        if self.width not in WIDTHS:
            raise ValueError(
                f"Figure width {self.width!r} is unknown: choose one of {', '.join(WIDTHS)}."
            )

    def _repr_html_(self) -> str:
        parts = []
        if self.payload is not None:
            parts.append(tag("template", _json(self.payload)))
        parts += [tag("template", _json(v), data_part=k) for k, v in self.parts.items()]
        caption = tag("figcaption", self.caption) if self.caption else ""
        parts.append(
            tag("figure", self.body, caption, id=f"fig-{self.id}", cls=f"fv l-{self.width}")
        )
        return tag(self.tag, *parts)


def _json(value: Any) -> str:
    data = json.dumps(value, separators=(",", ":"), allow_nan=False)
    # Quotes need no escape in text, and payloads are full of them.
    return html.escape(data, quote=False)


def text(value: object) -> str:
    """Escapes a value for HTML text and attributes."""
    return html.escape(str(value), quote=True)


def slug(label: str) -> str:
    """Turns a label such as `conv5:12` into the part of a link that names it (`conv5-12`)."""
    return re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-") or "item"


def tag(name: str, /, *children: str, cls: str | None = None, **attributes: object) -> str:
    """Writes one HTML element; children are HTML, attribute values are escaped.

    Attributes that are `None` or `False` are left out, `True` is written without a value;
    an underscore stands for a hyphen.
    """
    words = [f'class="{text(cls)}"'] if cls else []
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        key = key.replace("_", "-")
        words.append(key if value is True else f'{key}="{text(value)}"')
    start = " ".join([name, *words])
    if name == "img":
        return f"<{start}>"
    if name in ("path", "rect"):
        return f"<{start}/>"
    return f"<{start}>{''.join(children)}</{name}>"


def required_alt(alt: str, figure: str) -> str:
    """Returns the alt text, or says which figure lacks it."""
    if not alt.strip():
        raise ValueError(
            f"Figure {figure!r} has no alt text: say in one sentence what the picture shows."
        )
    return alt.strip()


def expect_length(name: str, values: object, count: int, of: str) -> None:
    """Raises a ValueError that names both lengths unless `values` has `count` entries."""
    length = len(values)  # type: ignore[arg-type]
    if length != count:
        raise ValueError(f"{name} has {length} entries, but there are {count} {of}.")


def fixed(value: float, digits: int) -> str:
    """Writes a number with so many digits behind the point, and a true minus sign."""
    return f"{value:z,.{digits}f}".replace("-", "\N{MINUS SIGN}")


def number(value: float) -> str:
    """Writes a number for readers: at most three significant digits, a true minus sign."""
    value = value or 0.0  # no minus before a zero
    if abs(value) >= 100:
        digits = f"{value:,.0f}"
    elif value == 0 or abs(value) >= _SMALLEST:
        digits = np.format_float_positional(value, 3, fractional=False, trim="-")
    else:
        digits = f"{value:.1e}"
    return digits.replace("-", "\N{MINUS SIGN}")
