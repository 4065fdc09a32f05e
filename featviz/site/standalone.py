"""A page of one figure, outside of the article: a folder that opens from disk."""

from __future__ import annotations

import html
import shutil
from pathlib import Path

from featviz.figures import WEB, Figure
from featviz.site.outputs import to_files

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
    """Write a page with one figure, its pictures, styles and scripts.

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
    shown = to_files(figure._repr_html_(), write)
    styles = [f'<link rel="stylesheet" href="files/{p.name}">' for p in web if p.suffix == ".css"]
    scripts = [f'<script src="files/{p.name}"></script>' for p in web if p.suffix == ".js"]
    page = folder / f"{figure.id}.html"
    page.write_text(
        _PAGE.format(
            title=html.escape(title),
            styles="\n".join(styles),
            figure=shown,
            scripts="\n".join(scripts),
        ),
        encoding="utf-8",
    )
    return page
