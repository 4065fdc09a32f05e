"""What a page's cells have shown, as HTML, and the pictures in it as files."""

from __future__ import annotations

import html
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from featviz.article.bridge import values
from featviz.figures.standalone import to_files

_IMAGES = ("image/webp", "image/png", "image/jpeg", "image/avif", "image/gif")
_IMAGE_WITHOUT_ALT = re.compile(r"<img\b(?![^>]*\balt=)[^>]*>")
# A link to another page's source becomes a link to the page, as MkDocs does in prose.
_SOURCE_LINK = re.compile(r'(<a\b[^>]*href="(?![a-z]+:)[^"#]+)\.(?:py|md)(?=["#])')


def keep(
    outputs: Sequence[Iterable[Mapping[str, Any]]], folder: Path, address: str
) -> dict[str, Any]:
    """Write the pictures and the long data of a run as files, and all else as HTML.

    A run is read by every build, and the pictures of one page can be a hundred megabytes.

    Args:
        outputs: For each code cell its outputs, as Jupyter's notebook format has them.
        folder: Where the files go; what it held before is gone.
        address: The folder as the page shall name it.

    Returns:
        "outputs": for each cell, HTML of what it shows; "values": those for the page's text.

    Raises:
        ValueError: If an image has no alternative text.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f"{folder.stem}-", suffix=".files", dir=folder.parent))

    def write(name: str, content: bytes) -> str:
        (beside / name).write_bytes(content)
        return f"{address}/{name}"

    cells = [[to_files(one, write) for one in map(output_html, cell) if one] for cell in outputs]
    numbers: dict[str, str] = {}
    for output in (one for cell in outputs for one in cell):
        numbers.update(output.get("data", {}).get(values.MIME, {}))
    # Whole or not at all: a build beside this one may run the same page.
    shutil.rmtree(folder, ignore_errors=True)
    try:
        beside.rename(folder)
    except OSError:
        shutil.rmtree(beside)
        if not folder.is_dir():
            raise
    return {"outputs": cells, "values": numbers}


def output_html(output: Mapping[str, Any]) -> str:
    """Write one output of a cell as HTML.

    Args:
        output: An output as Jupyter's notebook format has it.

    Returns:
        HTML, or "" if there is nothing to show: values for the prose, and standard error, which
        is for the person at the terminal.

    Raises:
        ValueError: If it holds an image without alternative text.
    """
    if output["output_type"] == "stream":
        return _block(output["text"]) if output["name"] == "stdout" else ""
    data = output["data"]
    if values.MIME in data:
        return ""
    if "text/html" in data:
        return _check(_SOURCE_LINK.sub(r"\1.html", data["text/html"]))
    for mime in _IMAGES:
        if mime in data:
            return _image(mime, data[mime], output.get("metadata", {}))
    return _block(data["text/plain"]) if "text/plain" in data else ""


def _block(text: str) -> str:
    body = html.escape(text.rstrip())
    return f'<pre class="output" data-search-exclude>{body}</pre>' if body else ""


def _check(content: str) -> str:
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
