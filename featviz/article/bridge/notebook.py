"""A page that has run becomes Markdown that MkDocs treats as its own, with places for outputs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from featviz.article.bridge import cache, sources, values

# Tags of code cells, all that there are.
HIDE = "hide"  # neither code nor output
HIDE_CODE = "hide-code"  # the code goes nowhere; for plumbing
SHOW_CODE = "show-code"  # the code stands open in the text, above its output
TAGS = (HIDE, HIDE_CODE, SHOW_CODE)

_PLACE = re.compile(r'<div data-cell="(\d+)"></div>')


def article(path: str | Path, uri: str, run: Mapping[str, Any]) -> str:
    """Join a page's prose, read afresh, to its run, which may be older.

    Args:
        path: The page's source.
        uri: The page's place in the site.
        run: The outputs of each code cell, and the values for the text.

    Returns:
        Markdown below the page's header, with places for the outputs.

    Raises:
        ValueError: If a tag or a value is unknown.
    """
    parts: list[str] = []
    waiting: list[str] = []  # code of cells that showed nothing: part of the next figure's code
    links = partial(sources.links, names=sources.studies(sources.code(path)), uri=uri)
    ran = 0
    for cell in cache.cells(path):
        if cell.cell_type == "raw":
            parts.append(cell.source)
        elif cell.cell_type == "markdown":
            parts.append(values.fill(cell.source, run["values"]))
        else:
            parts += _code_cell(cell, ran, run["outputs"][ran], waiting, links)
            ran += 1
    return "\n\n".join(parts) + "\n"


def splice(content: str, outputs: Sequence[Sequence[str]]) -> str:
    """Put outputs in their places.

    Args:
        content: The HTML that MkDocs made of an article.
        outputs: For each code cell, HTML.
    """
    return _PLACE.sub(lambda match: "\n".join(outputs[int(match[1])]), content)


def _code_cell(
    cell: Any,
    place: int,
    outputs: Sequence[str],
    waiting: list[str],
    links: Callable[[str], str],
) -> list[str]:
    tags = set(cell.metadata.get("tags", ()))
    unknown = sorted(tags - set(TAGS))
    if unknown:
        raise ValueError(f"tag {unknown[0]!r} of a code cell is unknown; valid: {', '.join(TAGS)}")
    if HIDE in tags:
        return []
    parts = []
    if SHOW_CODE in tags:
        parts.append(_fence(cell.source))
    elif HIDE_CODE not in tags:
        waiting.append(cell.source)
    if outputs:
        parts.append(f'<div data-cell="{place}"></div>')
    if outputs and waiting and SHOW_CODE not in tags:
        title = "Code of this figure" if "<figure" in "".join(outputs) else "Code"
        parts += [
            '<details class="figure-code" data-search-exclude="" markdown>'
            f"<summary>{title}</summary>",
            _fence("\n\n".join(waiting)),
            links("\n".join(waiting)),
            "</details>",
        ]
        waiting.clear()
    return parts


def _fence(code: str) -> str:
    ticks = "`" * max(3, 1 + max(map(len, re.findall(r"`+", code)), default=0))
    return f"{ticks} python\n{code}\n{ticks}"
