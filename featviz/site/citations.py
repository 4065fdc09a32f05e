"""Works are described once, in one file; a page that cites one gets its footnote."""

from __future__ import annotations

import re
from collections.abc import Mapping

_DEFINITION = re.compile(
    r"^\[\^(?P<key>[\w:.-]+)\]:[ \t]*(?P<text>.*(?:\n(?:[ \t]+.*|[ \t]*(?=\n[ \t])))*)",
    re.MULTILINE,
)
_MARK = re.compile(r"(?<!\\)\[\^(?P<key>[\w:.-]+)\](?!:)")
_CODE = re.compile(r"(`+)[^`].*?\1", re.DOTALL)


class CitationError(ValueError):
    """A page cites a work that nobody describes."""


def definitions(text: str) -> dict[str, str]:
    """Read footnote definitions.

    Args:
        text: Markdown such as `[^zeiler2014]: M. Zeiler, R. Fergus. ...`.

    Returns:
        The text of each footnote by its key.
    """
    return {match["key"]: match["text"].rstrip() for match in _DEFINITION.finditer(text)}


def cite(markdown: str, shared: Mapping[str, str]) -> str:
    """Append the definitions that a page needs and does not give itself.

    Args:
        markdown: A page.
        shared: Definitions that all pages share.

    Returns:
        The page with definitions at its end.

    Raises:
        CitationError: If a footnote is defined neither here nor there.
    """
    own = definitions(markdown)
    wanted = dict.fromkeys(match["key"] for match in _MARK.finditer(_CODE.sub("", markdown)))
    missing = [key for key in wanted if key not in own]
    unknown = [key for key in missing if key not in shared]
    if unknown:
        known = ", ".join(sorted({*own, *shared})) or "none"
        raise CitationError(f"footnote [^{unknown[0]}] has no definition; known: {known}")
    return "\n\n".join([markdown.rstrip(), *(f"[^{key}]: {shared[key]}" for key in missing)]) + "\n"
