"""Small random changes of an image between steps, so that ascent finds what survives them.

A transform is a frozen specification and works on normalized images, in which 0 is the mean color.
It draws nothing itself: the loop hands it the numbers, each image's from that image's own stream,
so that an image doesn't depend on its neighbors in the batch.

Source: C. Olah, A. Mordvintsev, L. Schubert, "Feature Visualization", Distill 2017, section
"Transformation robustness".
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


class Transform:
    """A random change of images; abstract.

    Attributes:
        draws: How many random numbers it needs per image and step.
    """

    draws: int = 0

    def __call__(self, images: Tensor, uniform: Tensor, step: int) -> Tensor:
        """Changes images.

        Args:
            images: (N, 3, H, W), normalized: 0 is the mean color.
            uniform: (N, draws) numbers, uniform in [0, 1).
            step: Number of the step.

        Returns:
            (N, 3, H', W').
        """
        raise NotImplementedError


@dataclass(frozen=True)
class Pad(Transform):
    """A frame of the mean color.

    Attributes:
        pixels: Width of the frame.
    """

    pixels: int

    def __call__(self, images: Tensor, uniform: Tensor, step: int) -> Tensor:
        return F.pad(images, (self.pixels,) * 4)


@dataclass(frozen=True)
class Crop(Transform):
    """The middle of an image; undoes `Pad`.

    Attributes:
        pixels: What is cut off on each side.
    """

    pixels: int

    def __call__(self, images: Tensor, uniform: Tensor, step: int) -> Tensor:
        height, width = images.shape[-2:]
        return images[..., self.pixels : height - self.pixels, self.pixels : width - self.pixels]


@dataclass(frozen=True)
class RandomCrop(Transform):
    """A square part of the image at a random place, brought back to the image's size.

    Source: T. Fel et al., "Unlocking Feature Visualization for Deeper Networks with MAgnitude
    Constrained Optimization", NeurIPS 2023, section 4.

    Attributes:
        low: Smallest side of the part, as a share of the image's.
        high: Largest side.
    """

    low: float = 0.5
    high: float = 0.9
    draws = 3

    def __call__(self, images: Tensor, uniform: Tensor, step: int) -> Tensor:
        share = self.low + (self.high - self.low) * uniform[:, 0]
        height, width = images.shape[-2:]
        free = (1 - share)[:, None] * images.new_tensor((width, height)) / 2
        return _sample(images, share, torch.zeros_like(share), free * (2 * uniform[:, 1:] - 1))


@dataclass(frozen=True)
class Jitter(Transform):
    """A shift by whole pixels; what leaves on one side comes back on the other.

    Attributes:
        pixels: Largest shift in either direction, per axis.
    """

    pixels: int
    draws = 2

    def __call__(self, images: Tensor, uniform: Tensor, step: int) -> Tensor:
        shifts = (uniform * (2 * self.pixels + 1)).floor().long() - self.pixels
        rolled: Tensor = _Roll.apply(images, shifts.tolist())
        return rolled


class _Roll(torch.autograd.Function):
    """Rolls each image by its own shift; its gradient rolls back."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, shifts: list[list[int]]) -> Tensor:
        ctx.shifts = shifts
        return _roll(images, shifts)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return _roll(gradient, [[-down, -across] for down, across in ctx.shifts]), None


def _roll(images: Tensor, shifts: list[list[int]]) -> Tensor:
    rolled = torch.empty_like(images)
    for image, shift, target in zip(images, shifts, rolled, strict=True):
        target.copy_(image.roll(shift, (1, 2)))
    return rolled


@dataclass(frozen=True)
class Scale(Transform):
    """A zoom around the middle, on the same canvas.

    Attributes:
        low: Smallest factor.
        high: Largest factor.
    """

    low: float = 0.9
    high: float = 1.1
    draws = 1

    def __call__(self, images: Tensor, uniform: Tensor, step: int) -> Tensor:
        zoom = self.low + (self.high - self.low) * uniform[:, 0]
        return _sample(images, 1 / zoom, torch.zeros_like(zoom), zoom.new_zeros(len(zoom), 2))


@dataclass(frozen=True)
class Rotate(Transform):
    """A rotation around the middle, on the same canvas.

    Attributes:
        degrees: Largest angle in either direction.
    """

    degrees: float = 10.0
    draws = 1

    def __call__(self, images: Tensor, uniform: Tensor, step: int) -> Tensor:
        angle = math.radians(self.degrees) * (2 * uniform[:, 0] - 1)
        return _sample(images, torch.ones_like(angle), angle, angle.new_zeros(len(angle), 2))


@dataclass(frozen=True)
class Affine(Transform):
    """Frame, rotation, zoom and shift in one resampling: the price of one, and blurred once.

    Its gradient is carried back by the inverse resampling. That equals the exact one up to
    interpolation and costs half.

    Attributes:
        degrees: Largest angle in either direction.
        low: Smallest zoom factor.
        high: Largest zoom factor.
        pixels: Largest shift in either direction, per axis.
        frame: Width in pixels of a frame of the mean color around the image.
    """

    degrees: float = 10.0
    low: float = 0.9
    high: float = 1.1
    pixels: float = 6.0
    frame: int = 6
    draws = 4

    def __call__(self, images: Tensor, uniform: Tensor, step: int) -> Tensor:
        angle = math.radians(self.degrees) * (2 * uniform[:, 0] - 1)
        zoom = self.low + (self.high - self.low) * uniform[:, 1]
        shift = self.pixels * (2 * uniform[:, 2:] - 1)
        height, width = images.shape[-2:]
        size = (height + 2 * self.frame, width + 2 * self.frame)
        warped: Tensor = _Warp.apply(images, 1 / zoom, angle, shift, size)
        return warped


class _Warp(torch.autograd.Function):
    """Resamples images onto another canvas; its gradient takes the way back."""

    @staticmethod
    def forward(
        ctx: Any,
        images: Tensor,
        extent: Tensor,
        angle: Tensor,
        shift: Tensor,
        size: tuple[int, int],
    ) -> Tensor:
        ctx.way = extent, angle, shift
        ctx.size = tuple(images.shape[-2:])
        return _resample(images, extent, angle, shift, size)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        extent, angle, shift = ctx.way
        cosine, sine = angle.cos() / extent, angle.sin() / extent
        x, y = shift.unbind(1)
        # The inverse of p -> extent * R(angle) p + shift.
        back = torch.stack([-(cosine * x + sine * y), sine * x - cosine * y], 1)
        carried = _resample(gradient, 1 / extent, -angle, back, ctx.size)
        # A source pixel receives from as many target pixels as it covers.
        return carried / extent.square().view(-1, 1, 1, 1), None, None, None, None


@dataclass(frozen=True)
class Cycle(Transform):
    """One of several transforms after the other, step by step.

    Attributes:
        transforms: What to take turns.
    """

    transforms: tuple[Transform, ...]

    @property
    def draws(self) -> int:  # type: ignore[override]
        return max(transform.draws for transform in self.transforms)

    def __call__(self, images: Tensor, uniform: Tensor, step: int) -> Tensor:
        transform = self.transforms[step % len(self.transforms)]
        return transform(images, uniform[:, : transform.draws], step)


STANDARD: tuple[Transform, ...] = (Affine(10.0, 0.9, 1.1, 6.0, 6),)
"""What `maximize` does by default. Angles and zooms span those of lucid's `standard_transforms`; of
its frame of 12 px, on average half is left after its shifts, and so are frame and shifts here."""

LUCID: tuple[Transform, ...] = (Pad(12), Jitter(8), Scale(0.9, 1.1), Rotate(10.0), Jitter(4))
"""The transforms of lucid, on one canvas. Source: lucid, `optvis/transform.py`,
`standard_transforms`."""


def draws(transforms: Sequence[Transform]) -> int:
    """Returns how many random numbers per image and step a sequence of transforms needs."""
    return sum(transform.draws for transform in transforms)


def apply(transforms: Sequence[Transform], images: Tensor, uniform: Tensor, step: int) -> Tensor:
    """Applies transforms one after the other.

    Args:
        transforms: What to apply.
        images: (N, 3, H, W), normalized.
        uniform: (N, draws(transforms)) numbers, uniform in [0, 1).
        step: Number of the step.

    Returns:
        (N, 3, H', W').
    """
    used = 0
    for transform in transforms:
        images = transform(images, uniform[:, used : used + transform.draws], step)
        used += transform.draws
    return images


def _sample(images: Tensor, extent: Tensor, angle: Tensor, shift: Tensor) -> Tensor:
    """Resamples images onto their own canvas, with the exact gradient."""
    return _resample(images, extent, angle, shift, tuple(images.shape[-2:]))


def _resample(
    images: Tensor, extent: Tensor, angle: Tensor, shift: Tensor, size: tuple[int, ...]
) -> Tensor:
    """Resamples each image where a turned and scaled canvas lies on it; the mean color outside.

    Args:
        images: (N, 3, H, W).
        extent: (N,) pixels of the image per pixel of the canvas.
        angle: (N,) angle of the canvas in radians.
        shift: (N, 2) where its middle lies, (x, y) in pixels from the image's middle.
        size: (H', W') of the canvas.

    Returns:
        (N, 3, H', W').
    """
    height, width = images.shape[-2:]
    down, across = size
    cosine, sine = extent * angle.cos(), extent * angle.sin()
    # Pixels from the canvas's middle. Columns and rows are worked out apart, so that one sum over
    # the canvas is left; F.affine_grid takes ten times as long. A grid whose x and y lie apart in
    # memory is read faster.
    v = torch.arange(down, device=images.device).view(1, -1, 1) - (down - 1) / 2
    u = torch.arange(across, device=images.device).view(1, 1, -1) - (across - 1) / 2
    cosine, sine, right, below = (t.view(-1, 1, 1) for t in (cosine, sine, *shift.unbind(1)))
    x = (cosine * u + right) * (2 / width) - sine * v * (2 / width)
    y = (sine * u + below) * (2 / height) + cosine * v * (2 / height)
    return F.grid_sample(images, torch.stack([x, y]).permute(1, 2, 3, 0), align_corners=False)
