"""Formulas become MathML while the site is built: a browser sets them without any script."""

from __future__ import annotations

import html
import re
from xml.etree import ElementTree

import latex2mathml.exceptions
from latex2mathml.converter import convert

_FORMULA = re.compile(
    r'<(?P<tag>span|div) class="arithmatex">\\(?:\(|\[)(?P<tex>.*?)\\(?:\)|\])</(?P=tag)>',
    re.DOTALL,
)
# How many parts a construct of MathML has.
_PARTS = {
    **dict.fromkeys(("mfrac", "mroot", "msub", "msup", "munder", "mover"), 2),
    **dict.fromkeys(("msubsup", "munderover"), 3),
}
_ESCAPED = re.compile(r"\\[{}]")


def formula(tex: str, display: bool) -> str:
    """Typeset one formula.

    Args:
        tex: The formula in TeX, without its delimiters.
        display: Whether it stands on a line of its own.

    Returns:
        MathML; within a box that may scroll if `display`.

    Raises:
        ValueError: If the formula is not valid TeX, or uses a command that is unknown.
    """
    try:
        mathml = convert(tex, display="block" if display else "inline")
        fault = _fault(tex, mathml)
    except Exception as error:
        if type(error).__module__ != latex2mathml.exceptions.__name__:
            raise
        fault = type(error).__name__
    if fault:
        raise ValueError(f"the formula {tex!r} is not valid TeX: {fault}")
    return f'<div class="formula">{mathml}</div>' if display else mathml


def _fault(tex: str, mathml: str) -> str:
    """Say what browsers would show broken: latex2mathml takes much for granted."""
    bare = _ESCAPED.sub("", tex)
    if bare.count("{") != bare.count("}"):
        return "its braces do not match"
    for part in ElementTree.fromstring(mathml).iter():
        name, text = part.tag.rpartition("}")[2], part.text or ""
        if name == "mi" and text.startswith("\\"):
            return f"the command {text} is unknown"
        if len(part) != _PARTS.get(name, len(part)):
            return "a part is missing"
    return ""


def typeset(content: str) -> str:
    """Typeset every formula that pymdownx.arithmatex marked.

    Args:
        content: A page's HTML.

    Returns:
        The HTML with each mark replaced.
    """
    return _FORMULA.sub(
        lambda match: formula(html.unescape(match["tex"]).strip(), match["tag"] == "div"),
        content,
    )
