"""One output of a cell as HTML, and the pictures in it as files."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Callable, Mapping
from typing import Any

from featviz.site import values

_IMAGES = ("image/webp", "image/png", "image/jpeg", "image/avif", "image/gif")
_EXTENSIONS = {"jpeg": "jpg", "svg+xml": "svg"}
_DATA_URI = re.compile(
    r"data:image/(?P<kind>png|jpeg|webp|gif|avif);base64,(?P<data>[A-Za-z0-9+/=]+)"
)
_IMAGE_WITHOUT_ALT = re.compile(r"<img\b(?![^>]*\balt=)[^>]*>")
# An element with this attribute keeps its pictures inside the page: its script reads their
# pixels, which a browser refuses for files opened from disk.
KEEP = "data-keep-images"
_ID = re.compile(r'\sid="([\w.:-]+)"')
# A part of a figure's data that its script asks for when it needs it.
_PART = re.compile(r'<template data-part="(?P<name>[\w.:-]+)">(?P<data>[^<]*)</template>')
_KEPT = re.compile(rf"<(?P<tag>[\w-]+)\b[^>]*\s{KEEP}\b.*?</(?P=tag)>", re.DOTALL)


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


def images_to_files(content: str, write: Callable[[str, bytes], str]) -> str:
    """Move the pictures that HTML carries in itself into files.

    Args:
        content: HTML.
        write: Stores a picture under a name and gives the address that the page shall use.

    Returns:
        The HTML with addresses instead; elements marked `data-keep-images` stay as they are.
    """

    def one(match: re.Match[str]) -> str:
        picture = base64.b64decode(match["data"])
        extension = _EXTENSIONS.get(match["kind"], match["kind"])
        return write(f"{hashlib.sha256(picture).hexdigest()[:16]}.{extension}", picture)

    moved, end = [], 0
    for kept in _KEPT.finditer(content):
        moved += [_DATA_URI.sub(one, content[end : kept.start()]), kept[0]]
        end = kept.end()
    return "".join([*moved, _DATA_URI.sub(one, content[end:])])


def anchors(content: str) -> list[str]:
    """List the places that links may lead to in HTML.

    Args:
        content: HTML.
    """
    return _ID.findall(content)


def parts_to_files(content: str, write: Callable[[str, bytes], str]) -> str:
    """Move the parts of figures' data into scripts, which load from disk where data does not.

    Args:
        content: HTML whose pictures are files already.
        write: As in `images_to_files`.

    Returns:
        The HTML with the address of each part's script instead.
    """

    def one(match: re.Match[str]) -> str:
        data = html.unescape(match["data"])
        script = f"FV.deliver(document.currentScript.src,{data});\n".encode()
        address = write(f"{hashlib.sha256(script).hexdigest()[:16]}.js", script)
        return f'<template data-part="{match["name"]}" data-src="{address}"></template>'

    return _PART.sub(one, content)
