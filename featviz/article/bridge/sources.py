"""The code is seen: a page for each study's source, and links to the functions of figures."""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Iterable, Mapping
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel

from featviz.article.bridge import cache

_STUDIES = Path(__file__).parents[1] / "studies"
_PACKAGE = "featviz.article.studies"
_PLACE = "source/"  # in the site


def add(files: Files, config: MkDocsConfig) -> None:
    """Add a page for each study, if a page of the site calls any.

    They stand in no menu, and search leaves them out: both would only make every page heavier.

    Args:
        files: The site's files; changed in place.
        config: MkDocs' configuration.
    """
    pages = [file.abs_src_path for file in files if file.src_uri.endswith(".py")]
    if not any(studies(code(path)) for path in pages if path):
        return
    for path in sorted(_STUDIES.glob("[!_]*.py")):
        content = page(path.stem, path.read_text(encoding="utf-8"))
        uri, inclusion = f"{_PLACE}{path.stem}.md", InclusionLevel.NOT_IN_NAV
        files.append(File.generated(config, uri, content=content, inclusion=inclusion))


def code(path: str | Path) -> str:
    """Read the code of a page, all of its cells in one."""
    return "\n".join(cell.source for cell in cache.cells(path) if cell.cell_type == "code")


def page(name: str, source: str) -> str:
    """Write the page of a study: its source, with a heading over each function and class.

    Args:
        name: The study's name.
        source: Its source.

    Returns:
        Markdown.
    """
    lines = source.splitlines()
    parts = [
        f"---\ntitle: 'Source of the figures: {name}'\n"
        f"description: The code that computes figures and numbers of the article, in {name}.py.\n"
        "search:\n  exclude: true\n---\n",
        f"# Source of the figures: `{name}`\n",
        f"All of `featviz/article/studies/{name}.py`, as the build has run it. What it imports of "
        "featviz itself is described in the [reference](../reference/api/index.md).\n",
    ]
    start = 0
    for node in ast.parse(source).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)]) - 1
            parts += [
                *_fence(lines[start:first]),
                f"## `{node.name}` {{#{node.name}}}\n",
                *_fence(lines[first : node.end_lineno]),
            ]
            start = node.end_lineno or first
    return "\n".join([*parts, *_fence(lines[start:])])


def _fence(lines: list[str]) -> list[str]:
    text = "\n".join(lines).strip("\n")
    # Five ticks: a study that writes Markdown may hold four.
    return [f"````` python\n{text}\n`````\n"] if text else []


def studies(source: str) -> dict[str, str]:
    """Say which studies a page's code names, and how.

    Args:
        source: Python.

    Returns:
        The study's name by the name that the code gives it.
    """
    return {
        alias.asname or alias.name: alias.name
        for node in ast.walk(_tree(source))
        if isinstance(node, ast.ImportFrom) and node.module == _PACKAGE
        for alias in node.names
    }


def links(cell: str, names: Mapping[str, str], uri: str) -> str:
    """Link the functions of studies that a cell calls to their source.

    Args:
        cell: The cell's code.
        names: What `studies` gave for the page.
        uri: The page's place in the site.

    Returns:
        Markdown, or nothing if no study is called.
    """
    calls = _calls(cell, names)
    places = [
        f"[`{study}.{name}`]"
        f"({posixpath.relpath(f'{_PLACE}{study}.md', posixpath.dirname(uri) or '.')}#{name})"
        for study, name in calls
    ]
    return f"Source: {', '.join(places)}" if places else ""


def _tree(code: str) -> ast.Module:
    try:
        return ast.parse(code)
    except SyntaxError:  # a page may hold IPython's magics, which are no Python
        return ast.Module([], [])


def _calls(cell: str, names: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    """Studies and functions, each once, in the order of the code."""
    calls = [
        (names[node.func.value.id], node.func.attr)
        for node in ast.walk(_tree(cell))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in names
    ]
    return dict.fromkeys(calls)
