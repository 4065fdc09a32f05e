"""What only the live page loads: its figures' scripts, and on demand the worker and the weights."""

from __future__ import annotations

import base64
import json
from functools import cache
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

PAGE = "your_photo.py"
"""The page that the site has them for."""

SCRIPTS = (
    "trunk", "random", "fourier", "images", "transforms", "climb", "upright", "photo", "main",
)  # fmt: skip
"""The worker's, in the order in which they need each other."""

STYLE, SCRIPT = "assets/live/page.css", "assets/live/page.js"
"""What the page's header names: the styles and scripts of its figures."""

CLIENT = Path(__file__).parent / "client.js"
"""The script that opens the network; every page has it."""

_HERE = Path(__file__).parent
_ENGINE, _WEIGHTS = "assets/live/engine.js", "assets/live/weights.js"


def add(files: Files, config: MkDocsConfig) -> None:
    """Add the scripts of the live page to the site, if it has one.

    Args:
        files: The site's files; changed in place.
        config: MkDocs' configuration.
    """
    if files.get_file_from_path(PAGE):
        for uri, content in bundled().items():
            files.append(File.generated(config, uri, content=content))


def bundled() -> dict[str, str]:
    """Returns what the live page loads, by its place in the site: what its header names first."""
    style, script = (
        "\n".join(path.read_text("utf-8") for path in sorted((_HERE / "page").glob(f"*{suffix}")))
        for suffix in (".css", ".js")
    )
    return {STYLE: style, SCRIPT: script, _ENGINE: engine(), _WEIGHTS: _weights()}


def engine() -> str:
    """Returns the classic script that hands the worker's source and its WebAssembly to the page."""
    scripts = [(_HERE / "worker" / f"{name}.js").read_text("utf-8") for name in SCRIPTS]
    wasm = base64.b64encode((_HERE / "wasm" / "trunk.wasm").read_bytes()).decode("ascii")
    source = '"use strict";\n' + "".join(scripts)
    return f'FeatvizLive.deliver("engine", {json.dumps({"source": source, "wasm": wasm})});\n'


@cache  # `mkdocs serve` asks again at every change of a page
def _weights() -> str:
    # Imported here: it imports torch, which sites without the page can do without.
    from featviz.article.live import weights

    return weights.script()
