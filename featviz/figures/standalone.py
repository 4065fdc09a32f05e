"""A page of one figure that opens from disk, and pictures in HTML moved to files."""

from __future__ import annotations

import base64
import hashlib
import html
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from featviz.figures._figure import WEB, Figure
from featviz.writing import write_whole

_EXTENSIONS = {"jpeg": "jpg", "svg+xml": "svg"}
# A figure's data. What is longer than this, in characters, and each part that a script asks for by
# name, goes into a file that is loaded when it is needed.
_LONGEST_PAYLOAD = 4_000
_TEMPLATE = re.compile(r'<template(?P<part> data-part="[\w.:-]+")?>(?P<json>[^<]*)</template>')
_DATA_URI = re.compile(
    r"data:image/(?P<kind>png|jpeg|webp|gif|avif);base64,(?P<data>[A-Za-z0-9+/=]+)"
)

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
{styles}
<style>
:root {{ color-scheme: light; }}
body {{ margin: 0 auto; max-width: 1180px; padding: 12px; font-family: system-ui, sans-serif; }}
figure {{ margin: 0; }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
{figure}
</main>
{scripts}
</body>
</html>
"""


def write_page(figure: Figure, folder: Path, title: str) -> Path:
    """Writes a page with one figure, its pictures, styles and scripts.

    Args:
        figure: The figure.
        folder: Where to; made if it is not there.
        title: What the page is called.

    Returns:
        The page; its file is called as the figure.

    Raises:
        OSError: If the folder cannot be written.
    """
    files = folder / "files"
    files.mkdir(parents=True, exist_ok=True)

    def write(name: str, content: bytes) -> str:
        (files / name).write_bytes(content)
        return f"files/{name}"

    web = sorted(path for path in WEB.iterdir() if path.suffix in (".js", ".css"))
    for path in web:
        shutil.copyfile(path, files / path.name)
    content = to_files(figure._repr_html_(), write)
    styles = [f'<link rel="stylesheet" href="files/{p.name}">' for p in web if p.suffix == ".css"]
    scripts = [f'<script src="files/{p.name}"></script>' for p in web if p.suffix == ".js"]
    page = folder / f"{figure.id}.html"
    text = _PAGE.format(
        title=html.escape(title),
        styles="\n".join(styles),
        figure=content,
        scripts="\n".join(scripts),
    )
    write_whole(page, text.encode())
    return page


def to_files(content: str, write: Callable[[str, bytes], str]) -> str:
    """Moves the pictures and the long data that HTML carries in itself into files.

    Args:
        content: HTML.
        write: Stores a file under a name and gives the address that the page shall use.

    Returns:
        The HTML with addresses instead.
    """

    def address(data: bytes, extension: str) -> str:
        return write(f"{hashlib.sha256(data).hexdigest()[:12]}.{extension}", data)

    def picture(match: re.Match[str]) -> str:
        extension = _EXTENSIONS.get(match["kind"], match["kind"])
        return address(base64.b64decode(match["data"]), extension)

    def data(match: re.Match[str]) -> str:
        part = match["part"] or ""
        if not part and len(match["json"]) <= _LONGEST_PAYLOAD:
            return match[0]
        # A script, because a page opened from disk may not fetch: see `arrive` in fv-base.js.
        script = f"FV.deliver(document.currentScript.src,{html.unescape(match['json'])});\n"
        return f'<template{part} data-src="{address(script.encode(), "js")}"></template>'

    return _TEMPLATE.sub(data, _DATA_URI.sub(picture, content))
