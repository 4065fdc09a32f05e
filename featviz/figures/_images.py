"""Pictures to WebP in a page: alone and in sprites."""

import base64
import io
import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from featviz.figures._figure import required_alt, tag
from featviz.figures._files import WEBP_LIMIT, Pixels

WEBP_QUALITY = 78
"""WebP quality, 0..100. Below 75 the hue of fine gratings shifts visibly; above 78, which the
microscope's tiles have too, the weight grows without a visible gain, and a page of a hundred
pictures is heavier than what it may load before its reader scrolls."""

WEBP_EFFORT = 4
"""Encoder effort, 0..6: 4 is Pillow's default, 6 takes three times as long for 3 % less weight."""

PIXEL_ART_BELOW = 32
"""Pictures whose longer side is below this many pixels are stored without loss and enlarged with
hard pixel edges: the 11 px of a conv1 filter are its data, not a photograph."""


@dataclass(frozen=True)
class Sprite:
    """Equally sized pictures in one sheet, in reading order."""

    uri: str
    columns: int
    rows: int
    width: int
    height: int
    count: int

    @property
    def pixelated(self) -> bool:
        """Whether its cells are so small that their pixels are the message."""
        return pixel_art(self.width, self.height)

    def shape(self) -> dict[str, int | bool]:
        """What an element needs to find a cell: columns, rows, cell size."""
        return {
            "columns": self.columns,
            "rows": self.rows,
            "width": self.width,
            "height": self.height,
            "pixelated": self.pixelated,
        }

    def img(self, alt: str, *, cls: str = "fv-sprite", lazy: bool = True) -> str:
        """The whole sheet as an `<img>`: the static fallback and the sprite's source."""
        return tag(
            "img",
            src=self.uri,
            alt=required_alt(alt, "sprite"),
            width=self.columns * self.width,
            height=self.rows * self.height,
            loading="lazy" if lazy else None,
            decoding="async",
            cls=cls + (" fv-pixels" if self.pixelated else ""),
        )


def pixel_art(width: int, height: int) -> bool:
    """Whether a picture of this size is enlarged with hard pixel edges."""
    return max(width, height) < PIXEL_ART_BELOW


def data_uri(picture: Pixels, *, lossless: bool | None = None, quality: int = WEBP_QUALITY) -> str:
    """Encodes one (H,W,3) picture as a WebP data URI; small ones without loss."""
    if lossless is None:
        lossless = pixel_art(picture.shape[1], picture.shape[0])
    buffer = io.BytesIO()
    Image.fromarray(picture).save(
        buffer, "WEBP", quality=quality, method=WEBP_EFFORT, lossless=lossless
    )
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def img(picture: Pixels, alt: str, *, cls: str = "", lazy: bool = True) -> str:
    """One (H,W,3) picture as an `<img>` with its size reserved."""
    height, width = picture.shape[:2]
    small = pixel_art(width, height)
    return tag(
        "img",
        src=data_uri(picture),
        alt=required_alt(alt, "image"),
        width=width,
        height=height,
        loading="lazy" if lazy else None,
        cls=" ".join(filter(None, [cls, "fv-pixels" if small else ""])) or None,
    )


def sprite(pictures: Pixels, columns: int | None = None, *, quality: int = WEBP_QUALITY) -> Sprite:
    """Packs (N,H,W,3) pictures into one sheet, row by row.

    Args:
        pictures: (N,H,W,3) uint8.
        columns: Pictures to a row; about a square without it.
        quality: WebP quality, 0..100.

    Raises:
        ValueError: If the sheet is larger than WebP can hold.
    """
    count, height, width, _ = pictures.shape
    columns = min(count, columns or math.ceil(math.sqrt(count)))
    rows = math.ceil(count / columns)
    if columns * width > WEBP_LIMIT or rows * height > WEBP_LIMIT:
        raise ValueError(
            f"A sheet of {count} pictures of {width} x {height} px in {columns} columns is "
            f"{columns * width} x {rows * height} px: WebP holds at most {WEBP_LIMIT} px a side; "
            "give smaller pictures or split the sheet."
        )
    uri = data_uri(mosaic(pictures, columns), lossless=pixel_art(width, height), quality=quality)
    return Sprite(uri, columns, rows, width, height, count)


def mosaic(pictures: Pixels, columns: int, fill: int = 128) -> Pixels:
    """Lays (N,H,W,3) pictures out row by row, without gaps; what the last row lacks is gray."""
    count, height, width, _ = pictures.shape
    rows = math.ceil(count / columns)
    cells = np.full((rows * columns, height, width, 3), fill, np.uint8)
    cells[:count] = pictures
    sheet = cells.reshape(rows, columns, height, width, 3).transpose(0, 2, 1, 3, 4)
    return np.ascontiguousarray(sheet.reshape(rows * height, columns * width, 3))


def resize(picture: Pixels, side: int) -> Pixels:
    """Shrinks a picture so that its longer side is at most `side` pixels."""
    height, width = picture.shape[:2]
    factor = side / max(height, width)
    if factor >= 1:
        return picture
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))
