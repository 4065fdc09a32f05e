"""Formulas are typeset while the site is built: the reader's browser gets finished HTML."""

from __future__ import annotations

import html
import json
import re
from functools import cache
from pathlib import Path

import quickjs

_KATEX = Path(__file__).parent / "web" / "katex" / "katex.min.js"
_FORMULA = re.compile(
    r'<(?P<tag>span|div) class="arithmatex">\\(?:\(|\[)(?P<tex>.*?)\\(?:\)|\])</(?P=tag)>',
    re.DOTALL,
)


class FormulaError(ValueError):
    """A formula that KaTeX cannot read."""


@cache
def _engine() -> quickjs.Context:
    context = quickjs.Context()
    context.eval("var window = this, self = this;")
    context.eval(_KATEX.read_text(encoding="utf-8"))
    return context


@cache
def formula(tex: str, display: bool) -> str:
    """Typeset one formula.

    Args:
        tex: The formula in TeX, without its delimiters.
        display: Whether it stands on a line of its own.

    Returns:
        HTML: MathML for screen readers beside the visible form.

    Raises:
        FormulaError: If KaTeX rejects the formula.
    """
    options = json.dumps({"displayMode": display, "throwOnError": True, "strict": "ignore"})
    try:
        typeset = _engine().eval(f"katex.renderToString({json.dumps(tex)}, {options})")
    except quickjs.JSException as error:
        reason = str(error).splitlines()[0]
        raise FormulaError(f"the formula {tex!r} is not valid TeX: {reason}") from None
    return f'<div class="formula">{typeset}</div>' if display else str(typeset)


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
