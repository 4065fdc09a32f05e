"""The styles and scripts that the site needs besides its theme's, as one file of each kind."""

from __future__ import annotations

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

_PACKAGE = Path(__file__).parents[2]
_FOLDERS = (_PACKAGE / "article/bridge/web", _PACKAGE / "article/live", _PACKAGE / "figures/web")
# As mkdocs.yml lists them.
_STYLE, _SCRIPT = "assets/featviz/featviz.css", "assets/featviz/featviz.js"
_COMMENT = re.compile(r"/\*.*?\*/\s*", re.DOTALL)


def add(files: Files, config: MkDocsConfig) -> None:
    """Add our styles and scripts to the site.

    Args:
        files: The site's files; changed in place.
        config: MkDocs' configuration.
    """
    style, script = _COMMENT.sub("", _join(".css")), _join(".js")
    for uri, content in ((_STYLE, style), (_SCRIPT, script)):
        files.append(File.generated(config, uri, content=content))


def _join(suffix: str) -> str:
    """Give all our styles, or all our scripts, as one file: a page waits for each that it names."""
    paths = [path for folder in _FOLDERS for path in sorted(folder.glob(f"*{suffix}"))]
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)
