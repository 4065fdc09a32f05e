"""The page of the photographs: thumbnails and credits, made of what stands beside the pictures."""

from __future__ import annotations

import io
import json
from functools import cache
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from PIL import Image, ImageOps

_FOLDER = Path(__file__).parents[1] / "photographs"
_THUMBNAILS = "assets/photographs"  # in the site
# Width and height in pixels: of photographs in a table's row, of cut-outs side by side.
_SIZES = {"scenes": (96, 64), "cutouts": (64, 64)}
# Pillow's WebP quality.
_QUALITY = 75


def add(files: Files, config: MkDocsConfig) -> None:
    """Add a thumbnail of every packed photograph to the site.

    Args:
        files: The site's files; changed in place.
        config: MkDocs' configuration.
    """
    for one in _listed():
        content = _thumbnail(_FOLDER / one["set"] / f"{one['name']}.webp", _SIZES[one["set"]])
        uri = f"{_THUMBNAILS}/{one['name']}.webp"
        files.append(File.generated(config, uri, content=content))


def describe() -> dict[str, Any]:
    """Describe the packed photographs to the template that lists them.

    Returns:
        "scenes" and "cutouts", the credits of each set; "folder", that of the thumbnails in the
        site; "sizes", those of the thumbnails by set.
    """
    sets = {kind: [one for one in _listed() if one["set"] == kind] for kind in _SIZES}
    return {**sets, "folder": _THUMBNAILS, "sizes": _SIZES}


def _listed() -> list[dict[str, str]]:
    # Read here, because the module that reads them for studies imports torch.
    listed: list[dict[str, str]] = json.loads((_FOLDER / "credits.json").read_text("utf-8"))[
        "photographs"
    ]
    return listed


@cache  # `mkdocs serve` asks again at every change of a page
def _thumbnail(path: Path, size: tuple[int, int]) -> bytes:
    data = io.BytesIO()
    with Image.open(path) as image:
        ImageOps.fit(image, size).save(data, "WEBP", quality=_QUALITY)
    return data.getvalue()
