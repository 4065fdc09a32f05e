"""When a page must run again: if its code changed or the library did, not if its prose did."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import jupytext
from nbformat import NotebookNode

from featviz.store import surroundings

_PACKAGE = Path(__file__).parents[2]
# These shape how a page looks, not what its code computes.
_PRESENTATION = (
    "article/bridge/",
    "article/hooks.py",
    "article/live/client.js",
    "article/live/page/",
    "article/live/wasm/",
    "article/live/worker/",
    "article/theme/",
    "figures/web/",
)
# Counts changes in what the bridge keeps of a run; part of every key.
_FORMAT = 5
# Seconds that a build may take from a page's files to the page.
_LONGEST_BUILD = 3600
# As `featviz.article.photographs` knows it, which imports torch.
_OWN_PHOTOGRAPHS = "PHOTOS"
_VALUES = "article/bridge/values.py"  # the one module of the bridge that pages themselves import


def library_digest(package: Path = _PACKAGE) -> str:
    """Name the state of everything that a page's result depends on besides the page.

    Args:
        package: The folder of the library.

    Returns:
        A hexadecimal digest over the library's files, its `surroundings`, the reader's own
        photographs and Python itself.
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
    digest.update(_own_photographs().encode())
    return digest.hexdigest()


def _own_photographs() -> str:
    """Name the state of the reader's own photographs; "" without any."""
    folder = os.environ.get(_OWN_PHOTOGRAPHS)
    if not folder:
        return ""
    # Not their bytes: they may be thousands, and every build asks.
    about = [(path.name, path.stat()) for path in sorted(Path(folder).glob("*"))]
    return repr([(name, stat.st_size, stat.st_mtime_ns) for name, stat in about])


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
    cells: list[NotebookNode] = jupytext.reads(text, fmt=suffix).cells
    return cells


def page_key(path: str | Path, uri: str, library: str) -> str:
    """Name one run of one page; takes the place of mkdocs-jupyter's key.

    Args:
        path: The page.
        uri: The page's place in the site: two pages with the same code have different keys, and
            so has a page that moves, as its run names its files as seen from its place.
        library: What `library_digest` gave.

    Returns:
        A hexadecimal digest.
    """
    code = [cell.source for cell in cells(path) if cell.cell_type == "code"]
    return hashlib.sha256(json.dumps([_FORMAT, uri, code, library]).encode()).hexdigest()


def files_of(run: Path) -> Path:
    """Say where the pictures and the long data of a kept run lie.

    Args:
        run: The run's file in mkdocs-jupyter's cache.
    """
    return run.with_suffix(".files")


def drop_broken(run: Path) -> None:
    """Delete a run that a killed build left half written, or whose files are gone.

    Args:
        run: Its file in mkdocs-jupyter's cache.
    """
    with suppress(FileNotFoundError, ValueError):
        json.loads(run.read_text(encoding="utf-8"))
        if files_of(run).is_dir():
            return
    run.unlink(missing_ok=True)


def drop_unused(folder: Path) -> None:
    """Delete the files of runs that mkdocs-jupyter has dropped.

    Args:
        folder: Its cache.
    """
    # A build beside this one writes a run's files before the run itself.
    drop_old(set(folder.glob("*.files")) - set(map(files_of, folder.glob("*.json"))))


def drop_old(folders: Iterable[Path]) -> None:
    """Delete folders that no running build can still be writing.

    Args:
        folders: What a build leaves when it is killed.
    """
    for folder in folders:
        if time.time() - folder.stat().st_mtime > _LONGEST_BUILD:
            shutil.rmtree(folder, ignore_errors=True)
