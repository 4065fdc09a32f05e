"""When a page must run again: if its code changed or the library did, not if its prose did."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import jupytext
from nbformat import NotebookNode

from featviz.store import surroundings

_PACKAGE = Path(__file__).parents[2]
# These shape how a page looks, not what its code computes.
_PRESENTATION = (
    "article/bridge/",
    "article/hooks.py",
    "article/compute.py",
    "article/theme/",
    "figures/web/",
)
# Counts changes in what the bridge keeps of a run; part of every key.
_FORMAT = 4
# Seconds that a build may take from a page's files to the page.
_LONGEST_BUILD = 3600
_VALUES = "article/bridge/values.py"  # the one module of the bridge that pages themselves import


def library_digest(package: Path = _PACKAGE) -> str:
    """Name the state of everything that a page's result depends on besides the page.

    Args:
        package: The folder of the library.

    Returns:
        A hexadecimal digest over the library's files, its `surroundings` and Python itself.
    """
    digest = hashlib.sha256()
    digest.update(repr(sys.version_info[:2]).encode())
    for path in sorted(package.rglob("*")):
        name = path.relative_to(package).as_posix()
        if not path.is_file() or "__pycache__" in name:
            continue
        if name.startswith(_PRESENTATION) and name != _VALUES:
            continue
        digest.update(f"{name}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    digest.update(surroundings().encode())
    for name in sorted(os.environ):
        if name.startswith("FEATVIZ_"):
            digest.update(f"{name}={os.environ[name]}".encode())
    return digest.hexdigest()


def cells(path: str | Path) -> list[NotebookNode]:
    """Read the cells of a page, if it has changed.

    Args:
        path: A script in percent format, or a notebook.

    Returns:
        The cells; shared between callers, so not to be changed.
    """
    return _cells(Path(path).read_text(encoding="utf-8"), Path(path).suffix)


@lru_cache(maxsize=64)
def _cells(text: str, suffix: str) -> list[NotebookNode]:
    read: list[NotebookNode] = jupytext.reads(text, fmt=suffix).cells
    return read


def page_key(
    path: str | Path, uri: str, config: Mapping[str, Any], execute: bool, library: str
) -> str:
    """Name one run of one page; takes the place of mkdocs-jupyter's key.

    Args:
        path: The page.
        uri: The page's place in the site: two pages with the same code have different keys, and
            so has a page that moves, as its run names its files as seen from its place.
        config: mkdocs-jupyter's options.
        execute: Whether the page is to be run.
        library: What `library_digest` gave.

    Returns:
        A hexadecimal digest.
    """
    code = [cell.source for cell in cells(path) if cell.cell_type == "code"]
    parts = [_FORMAT, uri, code, execute, config["allow_errors"], library]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def run_of(folder: Path, key: str) -> Path:
    """Say where mkdocs-jupyter keeps a run.

    Args:
        folder: Its cache.
        key: The run's name.
    """
    return folder / f"{key}.json"


def files_of(run: Path) -> Path:
    """Say where the pictures and the long data of a cached run lie.

    Args:
        run: The run's file in mkdocs-jupyter's cache.
    """
    return run.with_suffix(".files")


def drop_broken(folder: Path) -> None:
    """Delete cached runs that a killed build left half written, or whose files are gone.

    Args:
        folder: mkdocs-jupyter's cache: one JSON object a file, a run of megabytes in one string,
            which is why its end is looked at and the whole isn't parsed.
    """
    for path in folder.glob("*.json"):
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 1))
            whole = file.read() == b"}"
        if not whole or not files_of(path).is_dir():
            path.unlink()


def drop_unused(folder: Path) -> None:
    """Delete the files of runs that mkdocs-jupyter has dropped.

    Args:
        folder: Its cache.
    """
    kept = {files_of(path) for path in folder.glob("*.json")}
    for left in set(folder.glob("*.files")) - kept:
        # A build beside this one writes a run's files before the run itself.
        if time.time() - left.stat().st_mtime > _LONGEST_BUILD:
            shutil.rmtree(left, ignore_errors=True)
