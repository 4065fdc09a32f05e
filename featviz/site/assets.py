"""The files that the site needs besides its pages: styles, scripts, fonts, pictures."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel

_SITE = Path(__file__).parent / "web"
_FIGURES = Path(__file__).parents[1] / "figures" / "web"
_ROOT = "assets/featviz"
_OF_FIGURES = "assets/figures"
_FORMULA_STYLE = re.compile(r'\s*<link rel="stylesheet" href="[^"]*/katex\.min\.css">')


def _shipped() -> Iterator[tuple[str, Path]]:
    """Give every file that ships with the package, by its address in the site."""
    for folder, root in ((_SITE, _ROOT), (_FIGURES, f"{_ROOT}/figures")):
        for path in sorted(folder.rglob("*")):
            # KaTeX's script works while the site is built; readers need its fonts and style only.
            if path.is_file() and path.name != "katex.min.js":
                yield f"{root}/{path.relative_to(folder).as_posix()}", path


def announce(config: MkDocsConfig) -> None:
    """List styles and scripts, so that every page loads them.

    Args:
        config: MkDocs' configuration; changed in place.
    """
    for uri, _ in _shipped():
        if "iframe-worker" in uri:
            # Search needs it on pages opened from disk; unlisted, it would be fetched from a CDN.
            if uri.endswith(".js"):
                config.extra.setdefault("polyfills", []).append(uri)
        elif uri.endswith(".css"):
            config.extra_css.append(uri)
        elif uri.endswith(".js"):
            config.extra_javascript.append(uri)


def trim(page: str) -> str:
    """Leave out the style of formulas where there are none; browsers wait for every style.

    Args:
        page: A finished page.
    """
    return page if 'class="katex' in page else _FORMULA_STYLE.sub("", page)


def add(files: Files, config: MkDocsConfig) -> None:
    """Add the package's files to the site.

    Args:
        files: The site's files; changed in place.
        config: MkDocs' configuration.
    """
    for uri, path in _shipped():
        files.append(
            File.generated(config, uri, abs_src_path=str(path), inclusion=InclusionLevel.INCLUDED)
        )


def figure_address(page: str) -> str:
    """Name the folder of the figures' files as seen from a page.

    Args:
        page: The page's address from the site's root.
    """
    return posixpath.relpath(_OF_FIGURES, posixpath.dirname(page) or ".")


def add_figure_files(files: Files, config: MkDocsConfig, folder: Path) -> None:
    """Add the files of a page's figures, pictures and data, to the site, each once.

    Args:
        files: The site's files; changed in place.
        config: MkDocs' configuration.
        folder: Where they lie; their names stand for their contents.
    """
    for path in sorted(folder.iterdir()):
        _add_figure_file(files, config, path.name, abs_src_path=str(path))


def figure_file(files: Files, config: MkDocsConfig, name: str, content: bytes) -> None:
    """Add one more, that lies nowhere yet.

    Args:
        files: The site's files; changed in place.
        config: MkDocs' configuration.
        name: The file's name, which stands for its content.
        content: What it holds.
    """
    _add_figure_file(files, config, name, content=content)


def _add_figure_file(files: Files, config: MkDocsConfig, name: str, **source: Any) -> None:
    uri = f"{_OF_FIGURES}/{name}"
    if files.get_file_from_path(uri) is None:
        files.append(File.generated(config, uri, inclusion=InclusionLevel.INCLUDED, **source))
