"""The files that the site needs besides its pages: styles, scripts, pictures."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel

_SITE = Path(__file__).parent / "web"
_FIGURES = Path(__file__).parents[2] / "figures" / "web"
_OF_FIGURES = "assets/figures"
# As mkdocs.yml lists them.
_STYLE, _SCRIPT = "assets/featviz/featviz.css", "assets/featviz/featviz.js"
_COMMENT = re.compile(r"/\*.*?\*/\s*", re.DOTALL)
# The theme's script and the one that its search needs on disk; ours come deferred from MkDocs.
_EAGER = re.compile(r'<script (src="[^"]*/(?:bundle\.\w+\.min|iframe-worker)\.js")>')


def _joined(suffix: str) -> str:
    """Give all our styles, or all our scripts, as one file: a page waits for each that it names."""
    paths = [p for folder in (_SITE, _FIGURES) for p in sorted(folder.glob(f"*{suffix}"))]
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


def defer(page: str) -> str:
    """Let a page be seen before its scripts are there.

    Args:
        page: A finished page.
    """
    return _EAGER.sub(r"<script defer \1>", page)


def add(files: Files, config: MkDocsConfig) -> None:
    """Add our styles and scripts to the site.

    Args:
        files: The site's files; changed in place.
        config: MkDocs' configuration.
    """
    _add(files, config, _STYLE, content=_COMMENT.sub("", _joined(".css")))
    _add(files, config, _SCRIPT, content=_joined(".js"))


def figure_address(page: str) -> str:
    """Name the folder of the figures' files as seen from a page.

    Args:
        page: The page's address from the site's root.
    """
    return posixpath.relpath(_OF_FIGURES, posixpath.dirname(page) or ".")


def add_figure_files(files: Files, config: MkDocsConfig, folder: Path) -> None:
    """Add the files of a page's figures, pictures and data, to the site.

    Args:
        files: The site's files; changed in place.
        config: MkDocs' configuration.
        folder: Where they lie; their names stand for their contents.
    """
    for path in sorted(folder.glob("*")):
        _add(files, config, f"{_OF_FIGURES}/{path.name}", abs_src_path=str(path))


def add_figure_file(files: Files, config: MkDocsConfig, name: str, content: bytes) -> None:
    """Add one more, that lies nowhere yet.

    Args:
        files: The site's files; changed in place.
        config: MkDocs' configuration.
        name: The file's name, which stands for its content.
        content: What it holds.
    """
    _add(files, config, f"{_OF_FIGURES}/{name}", content=content)


def _add(files: Files, config: MkDocsConfig, uri: str, **source: Any) -> None:
    """Add a file to the site, once."""
    if files.get_file_from_path(uri) is None:
        files.append(File.generated(config, uri, inclusion=InclusionLevel.INCLUDED, **source))
