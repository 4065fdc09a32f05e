"""An executed page becomes Markdown that MkDocs treats as its own, with places for the outputs."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from featviz.article.bridge import cache, values
from featviz.article.bridge.execution import METADATA
from featviz.article.bridge.outputs import output_html

# Tags of code cells, all that there are.
HIDE = "hide"  # neither code nor output
HIDE_CODE = "hide-code"  # the code goes nowhere; for plumbing
SHOW_CODE = "show-code"  # the code stands open in the text, above its output
TAGS = (HIDE, HIDE_CODE, SHOW_CODE)

CODE_CLASS = "figure-code"

_DUMP = re.compile(r'<script type="application/x-notebook">([^<]*)</script>')
_PLACE = re.compile(r'<div data-output="(\d+)"></div>')
_HEADER = re.compile(r"\s*---\s*\n(.*?)\n---\s*$", re.DOTALL)


@dataclass
class Article:
    """A page after its run.

    Args:
        markdown: Prose, code and places for outputs.
        outputs: HTML for each place.
        meta: What the page's header says: title, description and so on.
        environment: What its run was computed with, as `environment.describe` says it.
    """

    markdown: str
    outputs: list[str] = field(default_factory=list)
    meta: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    def splice(self, content: str) -> str:
        """Put the outputs in their places.

        Args:
            content: The HTML that MkDocs made of `markdown`.
        """
        return _PLACE.sub(lambda match: self.outputs[int(match[1])], content)


def executed(dump: str) -> dict[str, Any]:
    """Read the notebook that a run left.

    Args:
        dump: What mkdocs-jupyter rendered with our template.

    Raises:
        ValueError: If the text is no such rendering.
    """
    match = _DUMP.search(dump)
    if not match:
        raise ValueError("mkdocs-jupyter did not render the page with featviz's template")
    run: dict[str, Any] = json.loads(base64.b64decode(match[1]))
    return run


def article(path: str | Path, run: Mapping[str, Any]) -> Article:
    """Join a page's prose, read afresh, to the outputs of its run, which may be older.

    Args:
        path: The page's source.
        run: The executed notebook.

    Returns:
        The article.

    Raises:
        ValueError: If a tag or a value is unknown, or an image has no alternative text.
    """
    ran = [cell["outputs"] for cell in run["cells"] if cell["cell_type"] == "code"]
    known = _values(ran)
    made = Article("", environment=dict(run["metadata"].get(METADATA, {})))
    parts: list[str] = []
    waiting: list[str] = []  # code of cells that showed nothing: part of the next figure's code
    outputs = iter(ran)
    for cell in cache.cells(path):
        if cell.cell_type == "raw":
            made.meta.update(_meta(cell.source))
        elif cell.cell_type == "markdown":
            parts.append(values.fill(cell.source, known))
        else:
            parts += _code_cell(cell, next(outputs), made, waiting)
    made.markdown = "\n\n".join(parts) + "\n"
    return made


def _code_cell(cell: Any, outputs: Any, made: Article, waiting: list[str]) -> list[str]:
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
    shown = [html for html in map(output_html, outputs) if html]
    for html in shown:
        parts.append(f'<div data-output="{len(made.outputs)}"></div>')
        made.outputs.append(html)
    if shown and waiting and SHOW_CODE not in tags:
        body = _fence("\n\n".join(waiting)).replace("\n", "\n    ")
        title = "Code of this figure" if "<figure" in "".join(shown) else "Code"
        parts.append(f'??? {CODE_CLASS} "{title}"\n\n    {body}')
        waiting.clear()
    return parts


def _fence(code: str) -> str:
    ticks = "`" * max(3, 1 + max(map(len, re.findall(r"`+", code)), default=0))
    return f"{ticks} python\n{code}\n{ticks}"


def _meta(header: str) -> dict[str, Any]:
    match = _HEADER.match(header)
    meta = yaml.safe_load(match[1]) if match else None
    return meta if isinstance(meta, dict) else {}


def _values(outputs: Sequence[Any]) -> dict[str, str]:
    known: dict[str, str] = {}
    for output in (one for cell in outputs for one in cell):
        known.update(output.get("data", {}).get(values.MIME, {}))
    return known
