"""Images as people have them, brought to the one form that everything else takes."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor

from featviz.network.passes import ordinary

Images = Tensor | NDArray[Any] | Image.Image
"""What is taken for images: tensors and arrays (N, 3, H, W) or (3, H, W) of floats in [0, 1]; also
arrays (N, H, W, 3) or (H, W, 3), arrays of bytes, and pictures of Pillow's. Gray ones may have one
channel in place of three."""

ROUNDING = 1e-4
"""How far beyond 0 and 1 a value may lie for a rounding error, which is cut off."""

LUMA = (0.299, 0.587, 0.114)
"""What red, green and blue add to the gray that a network of one channel sees. Source: ITU-R
BT.601, as in Pillow's and torchvision's conversions."""

CLEAR_MODES = ("RGB", "L", "P", "1")
"""Pillow's modes whose pixels, if none is transparent, have one meaning as red, green and blue."""


def check_images(images: Images) -> Tensor:
    """Returns a batch of images as (N, 3, H, W) float32, or says what is wrong with it.

    Args:
        images: One or several.

    Raises:
        ValueError: Another shape, integers, or values out of [0, 1].
        TypeError: Something else than `Images`.
    """
    images = ordinary(_tensor(images))
    batch = images[None] if images.ndim == 3 else images
    if batch.ndim == 4 and batch.shape[1] == 1:
        batch = batch.expand(-1, 3, -1, -1)
    if batch.ndim != 4 or batch.shape[1] != 3:
        raise ValueError(f"images have shape (N, 3, H, W) or (3, H, W), not {tuple(images.shape)}.")
    if not batch.is_floating_point():
        raise ValueError(f"images are floats in [0, 1], not {batch.dtype}; divide bytes by 255.")
    batch = batch.float()
    low, high = (end.item() for end in batch.aminmax()) if batch.numel() else (0.0, 1.0)
    if low >= 0 and high <= 1:
        return batch
    if not (low >= -ROUNDING and high <= 1 + ROUNDING):
        raise ValueError(f"images have values in [0, 1], not from {low:.5g} to {high:.5g}.")
    return batch.clamp(0, 1)


def check_size(size: object, of: str = "an image") -> tuple[int, int]:
    """Returns (height, width) in pixels of what is given as one number or as a pair.

    Args:
        size: What is given.
        of: What has that size, for the message.

    Raises:
        ValueError: It is no size.
    """
    sides = tuple(size) if isinstance(size, Sequence) else (size, size)
    if len(sides) != 2 or any(not isinstance(side, Integral) or side < 1 for side in sides):
        raise ValueError(
            f"{of}'s size is a whole number of pixels, at least 1, or a pair of them "
            f"(height, width), not {size!r}."
        )
    return int(sides[0]), int(sides[1])


def gray(images: Tensor) -> Tensor:
    """Returns the gray (N, 1, H, W) that a network of one channel sees of images (N, 3, H, W)."""
    return (images * images.new_tensor(LUMA).view(3, 1, 1)).sum(1, keepdim=True)


def _tensor(images: Images) -> Tensor:
    if isinstance(images, Tensor):
        return images
    if isinstance(images, Image.Image):
        if images.mode not in CLEAR_MODES or images.has_transparency_data:
            raise ValueError(
                f"a picture of mode {images.mode} has no one meaning as red, green and blue; "
                'convert it, with picture.convert("RGB") say, or read its file by '
                "featviz.photos.load."
            )
        # As it is to be seen: cameras note how they were held.
        upright = ImageOps.exif_transpose(images).convert("RGB")
        images = np.moveaxis(np.asarray(upright), -1, 0)
    if not isinstance(images, np.ndarray):
        raise TypeError(
            f"images are a tensor, a NumPy array or a picture of Pillow's, not "
            f"{type(images).__name__}; of a featviz.photos.Photo it is photo.image."
        )
    first, last = images.shape[-3:-2], images.shape[-1:]
    if (last == (3,) and first != (3,)) or (last == (1,) and first not in ((), (1,), (3,))):
        images = np.moveaxis(images, -1, -3)
    if images.dtype == np.uint8:
        images = images / np.float32(255)
    return torch.from_numpy(np.array(images, order="C"))  # a copy: an array may be read-only
