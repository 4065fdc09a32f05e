"""One output of a cell as HTML, and the pictures in it as files."""

from __future__ import annotations

import html
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from featviz.article.bridge import values
from featviz.figures.standalone import to_files

_IMAGES = ("image/webp", "image/png", "image/jpeg", "image/avif", "image/gif")
_IMAGE_WITHOUT_ALT = re.compile(r"<img\b(?![^>]*\balt=)[^>]*>")
_ID = re.compile(r'\sid="([\w.:-]+)"')


def output_html(output: Mapping[str, Any]) -> str:
    """Write one output of a cell as HTML.

    Args:
        output: An output as Jupyter's notebook format has it.

    Returns:
        HTML, or "" if there is nothing to show: values for the prose, and standard error.

    Raises:
        ValueError: If it holds an image without alternative text.
    """
    if output["output_type"] == "stream":
        return _block(output["text"]) if output["name"] == "stdout" else ""
    if output["output_type"] == "error":
        return _block(f"{output['ename']}: {output['evalue']}")
    data = output["data"]
    if values.MIME in data:
        return ""
    if "text/html" in data:
        return _checked(_text(data["text/html"]))
    for mime in _IMAGES:
        if mime in data:
            return _image(mime, _text(data[mime]), output.get("metadata", {}))
    return _block(data["text/plain"]) if "text/plain" in data else ""


def _text(value: str | list[str]) -> str:
    return value if isinstance(value, str) else "".join(value)


def _block(text: str | list[str]) -> str:
    shown = html.escape(_text(text).rstrip())
    return f'<pre class="output" data-search-exclude>{shown}</pre>' if shown else ""


def _checked(content: str) -> str:
    bare = _IMAGE_WITHOUT_ALT.search(content)
    if bare:
        raise ValueError(f"an image has no alternative text: {bare[0][:80]!r}; give it an alt")
    return content


def _image(mime: str, data: str, metadata: Mapping[str, Any]) -> str:
    alt = metadata.get(mime, {}).get("alt") or metadata.get("alt")
    if not alt:
        raise ValueError(
            f"an output of type {mime} has no alternative text; "
            f'show it with display(figure, metadata={{"{mime}": {{"alt": "..."}}}})'
        )
    uri = f"data:{mime};base64,{''.join(data.split())}"
    return f'<figure><img src="{uri}" alt="{html.escape(alt)}" decoding="async"></figure>'


def anchors(content: str) -> list[str]:
    """List the places that links may lead to in HTML.

    Args:
        content: HTML.
    """
    return _ID.findall(content)


def unload(page: NotebookNode, folder: Path, address: str) -> None:
    """Move the pictures and the long data of an executed page into files.

    A run is read by every build, and the pictures of one page can be a hundred megabytes.

    Args:
        page: The executed page; changed in place.
        folder: Where the files go; what it held before is gone.
        address: The folder as the page shall name it.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)

    def write(name: str, content: bytes) -> str:
        (folder / name).write_bytes(content)
        return f"{address}/{name}"

    for cell in (one for one in page.cells if one.cell_type == "code"):
        # Standard error is for the person at the terminal; it has no place in an article.
        cell.outputs = [one for one in cell.outputs if one.get("name") != "stderr"]
    for output in (one for cell in page.cells for one in cell.get("outputs", ())):
        data = output.get("data", {})
        if "text/html" in data:
            data["text/html"] = to_files(_text(data["text/html"]), write)
            data.pop("text/plain", None)  # the same once more, for terminals
