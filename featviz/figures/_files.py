"""Arrays in [0,1] to picture files, whole or not at all."""

import io
import math
from numbers import Integral
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from featviz.writing import write_whole

Pixels = NDArray[np.uint8]

FORMATS = (".png", ".webp")
"""Kinds of files that hold pictures without loss."""

WEBP_LIMIT = 16383
"""WebP cannot hold more pixels than this per side (WebP container specification)."""

SAVED_GAP = 2
"""White pixels between the images of a file."""

NOTEBOOK_SIDE = 1024
"""Longest side in pixels of what a notebook shows, about its column's width; a file has all."""

NOTEBOOK_LEAST = 112
"""Sides in pixels below which a notebook shows an image enlarged, by whole pixels."""

# How far a value may leave [0,1] by rounding alone.
_RANGE_SLACK = 1e-3


def pixels(images: ArrayLike, name: str = "images") -> Pixels:
    """Converts images to bytes.

    Args:
        images: (N,3,H,W) or (3,H,W), float in [0,1], RGB.
        name: How the caller names the argument, for messages.

    Returns:
        (N,H,W,3) uint8.

    Raises:
        ValueError: If the shape, the range or a value is not that of images.
    """
    array = np.asarray(images)
    if array.ndim == 3:
        array = array[None]
    if array.ndim != 4 or array.shape[1] != 3 or 0 in array.shape:
        raise ValueError(
            f"{name} has shape {np.shape(images)}: expected (N, 3, height, width) or "
            "(3, height, width) with N at least 1."
        )
    array = array.astype(np.float32)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds values that are not finite.")
    low, high = float(array.min()), float(array.max())
    if low < -_RANGE_SLACK or high > 1 + _RANGE_SLACK:
        raise ValueError(
            f"{name} ranges from {low:.3g} to {high:.3g}: images are floats in [0, 1]."
        )
    levels = np.clip(array, 0, 1) * 255 + 0.5
    return np.ascontiguousarray(levels.astype(np.uint8).transpose(0, 2, 3, 1))


def save(
    images: ArrayLike, path: str | Path, *, columns: int | None = None, gap: int = SAVED_GAP
) -> None:
    """Writes images to one PNG or WebP file, without loss; it is there whole or not at all.

    Args:
        images: (N,3,H,W) or (3,H,W) in [0,1].
        path: The file; its suffix says which format.
        columns: Images to a row; about a square without it.
        gap: White pixels between them.

    Raises:
        ValueError: If the suffix is another or the images are none.
        OSError: If the file cannot be written.
    """
    target = Path(path)
    if target.suffix.lower() not in FORMATS:
        raise ValueError(f"a picture's file ends in {' or '.join(FORMATS)}, unlike {target}.")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {target.parent} for {target.name}.")
    if columns is not None and (not isinstance(columns, Integral) or columns < 1):
        raise ValueError(f"columns is a whole number, at least 1, not {columns!r}.")
    sheet = _sheet(pixels(images), columns, gap)
    if target.suffix.lower() == ".webp" and max(sheet.shape) > WEBP_LIMIT:
        raise ValueError(
            f"WebP holds at most {WEBP_LIMIT} x {WEBP_LIMIT} px, and these are {sheet.shape[1]} x "
            f"{sheet.shape[0]}: save them as .png, or in other columns."
        )
    buffer = io.BytesIO()
    Image.fromarray(sheet).save(buffer, target.suffix[1:], lossless=True)
    write_whole(target, buffer.getvalue())


def png(images: ArrayLike) -> bytes:
    """Encodes images as a notebook shows them: small ones enlarged, many of them shrunk.

    Args:
        images: (N,3,H,W) or (3,H,W) in [0,1].
    """
    pictures = pixels(images)
    factor = max(1, NOTEBOOK_LEAST // max(pictures.shape[1:3]))
    sheet = Image.fromarray(_sheet(pictures.repeat(factor, 1).repeat(factor, 2), None, SAVED_GAP))
    sheet.thumbnail((NOTEBOOK_SIDE, NOTEBOOK_SIDE))
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    return buffer.getvalue()


def _sheet(pictures: Pixels, columns: int | None, gap: int) -> Pixels:
    """Lays (N,H,W,3) pictures side by side and below each other on white."""
    count, height, width, _ = pictures.shape
    columns = min(count, columns or math.ceil(math.sqrt(count)))
    rows = math.ceil(count / columns)
    size = (rows * (height + gap) - gap, columns * (width + gap) - gap, 3)
    sheet = np.full(size, 255, np.uint8)
    for index, picture in enumerate(pictures):
        top, left = index // columns * (height + gap), index % columns * (width + gap)
        sheet[top : top + height, left : left + width] = picture
    return sheet
