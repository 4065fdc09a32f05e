"""A page's source as cells; read anew only if it has changed."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import jupytext
from nbformat import NotebookNode


def cells(path: str | Path) -> list[NotebookNode]:
    """Read the cells of a page.

    Args:
        path: A script in percent format, or a notebook.

    Returns:
        The cells; shared between callers, so not to be changed.
    """
    path = Path(path)
    return _cells(path.read_text(encoding="utf-8"), path.suffix)


@lru_cache(maxsize=64)
def _cells(text: str, suffix: str) -> list[NotebookNode]:
    read: list[NotebookNode] = jupytext.reads(text, fmt=suffix).cells
    return read
