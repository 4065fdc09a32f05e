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
class Jitter(Transform):
    """A shift by whole pixels; what leaves on one side comes back on the other.

    Attributes:
        pixels: Largest shift in either direction, per axis.
        frame: Width in pixels of a frame of the mean color around the image, as `Pad` makes it; to
            put it there while shifting takes a third of the time.
    """

    pixels: int
    frame: int = 0
    draws = 2

    def __call__(self, images: Tensor, uniform: Tensor, step: int) -> Tensor:
        shifts = (uniform * (2 * self.pixels + 1)).floor().long() - self.pixels
        result: Tensor = _Shift.apply(images, shifts.tolist(), self.frame)
        return result


class _Shift(torch.autograd.Function):
    """Frames images and rolls each by its own shift; the gradient takes the way back."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, shifts: list[list[int]], frame: int) -> Tensor:
        ctx.size = height, width = images.shape[-2:]
        ctx.places = [
            _on_torus(ctx.size, (frame + down, frame + across), frame) for down, across in shifts
        ]
        targets = images.new_zeros(*images.shape[:2], height + 2 * frame, width + 2 * frame)
        for image, target, places in zip(images, targets, ctx.places, strict=True):
            for here, there in places:
                target[:, *there] = image[:, *here]
        return targets

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        sources = gradient.new_empty(*gradient.shape[:2], *ctx.size)
        for source, part, places in zip(sources, gradient, ctx.places, strict=True):
            for here, there in places:
                source[:, *here] = part[:, *there]
        return sources, None, None


def _on_torus(
    size: tuple[int, int], corner: tuple[int, int], frame: int
) -> list[tuple[tuple[slice, slice], tuple[slice, slice]]]:
    """Rectangles of an image, and where they lie on a larger canvas on which it is put at a corner.

    What goes beyond the canvas comes back on its other side.
    """
    parts = []
    for length, first in zip(size, corner, strict=True):
        span = length + 2 * frame
        first %= span
        fits = min(length, span - first)
        pieces = [(slice(fits), slice(first, first + fits))]
        if fits < length:
            pieces.append((slice(fits, length), slice(length - fits)))
        parts.append(pieces)
    rows, columns = parts
    return [((a, c), (b, d)) for a, b in rows for c, d in columns]


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
        still = torch.zeros_like(zoom)
        return _resample(images, _similarity(1 / zoom, still, zoom.new_zeros(len(zoom), 2)))


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
        same = torch.ones_like(angle)
        return _resample(images, _similarity(same, angle, angle.new_zeros(len(angle), 2)))


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
        result: Tensor = _Warp.apply(images, _similarity(1 / zoom, angle, shift), size)
        return result


class _Warp(torch.autograd.Function):
    """Resamples images onto another canvas; its gradient takes the way back."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, way: Tensor, size: tuple[int, int]) -> Tensor:
        ctx.way, ctx.size = way, images.shape[-2:]
        return _resample(images, way, size)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        back, area = _inverse(ctx.way)
        # A source pixel receives from as many target pixels as it covers.
        return _resample(gradient, back, ctx.size).div_(area.view(-1, 1, 1, 1)), None, None


@dataclass(frozen=True)
class Cycle(Transform):
    """One of several sequences of transforms after the other, step by step.

    Attributes:
        turns: The sequences that take turns.
    """

    turns: tuple[tuple[Transform, ...], ...]

    def __post_init__(self) -> None:
        if not self.turns:
            raise ValueError("a Cycle needs at least one sequence of transforms to take turns.")

    @property
    def draws(self) -> int:  # type: ignore[override]
        return max(map(draws, self.turns))

    def __call__(self, images: Tensor, uniform: Tensor, step: int) -> Tensor:
        return apply(self.turns[step % len(self.turns)], images, uniform, step)


STANDARD: tuple[Transform, ...] = (Cycle(((Affine(10.0, 0.9, 1.1, 8.0, 12),), (Jitter(14, 12),))),)
"""What `maximize` does by default. Angles and zooms span those of lucid's `standard_transforms`,
and the frame of 12 px is lucid's. A plain shift may be wider than it: what it takes over the frame
comes back on the other side. Every other step only shifts, which costs a third and blurs half of
the gradients only."""

NARROW: tuple[Transform, ...] = (Cycle(((Affine(10.0, 0.9, 1.1, 6.0, 6),), (Jitter(14, 6),))),)
"""The same with half of the frame, for the highest score on the image as it is. A narrower frame
costs a tenth of the score under lucid's transforms, and gains a little of the other."""

LUCID: tuple[Transform, ...] = (Pad(12), Jitter(4), Scale(0.9, 1.1), Rotate(10.0), Jitter(2))
"""The transforms of lucid, on one canvas: its jitters of 8 and 4 px cut as many off, and so shift
by half of that in either direction; here nothing is cut off. Its zooms are 11 steps where ours are
any number between, and its angles are whole degrees, of which it draws 0 six times in 26. Source:
lucid, `optvis/transform.py`, `standard_transforms`."""


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
    start = 0
    for transform in transforms:
        images = transform(images, uniform[:, start : start + transform.draws], step)
        start += transform.draws
    return images


def _similarity(extent: Tensor, angle: Tensor, shift: Tensor) -> Tensor:
    """Maps a turned and scaled canvas that lies on an image, both measured from their middles.

    Args:
        extent: (N,) pixels of the image per pixel of the canvas.
        angle: (N,) angle of the canvas in radians.
        shift: (N, 2) where its middle lies, (x, y) in pixels.

    Returns:
        (N, 2, 3) matrices that take (x, y, 1) on the canvas to (x, y) on the image.
    """
    a, b = extent * angle.cos(), extent * angle.sin()
    x, y = shift.unbind(1)
    return torch.stack([a, -b, x, b, a, y], 1).view(-1, 2, 3)


def _inverse(way: Tensor) -> tuple[Tensor, Tensor]:
    """The way back of (N, 2, 3) similarities, and (N,) the area that one pixel is mapped to."""
    a, b, x, y = way[:, 0, 0], way[:, 1, 0], way[:, 0, 2], way[:, 1, 2]
    area = a * a + b * b
    a, b = a / area, b / area
    return torch.stack([a, b, -a * x - b * y, -b, a, b * x - a * y], 1).view(-1, 2, 3), area


def _resample(images: Tensor, way: Tensor, size: Sequence[int] | None = None) -> Tensor:
    """Reads each image where its canvas lies on it; the mean color outside.

    Args:
        images: (N, 3, H, W).
        way: (N, 2, 3) from the canvas to the image, as `_similarity` gives it.
        size: (H', W') of the canvas, if it isn't the image's.

    Returns:
        (N, 3, H', W').
    """
    height, width = images.shape[-2:]
    down, across = size or (height, width)
    way = way * way.new_tensor((2 / width, 2 / height)).view(2, 1)  # to grid_sample's unit
    u = torch.arange(across, device=images.device) - (across - 1) / 2
    v = torch.arange(down, device=images.device) - (down - 1) / 2
    # Columns and rows are worked out apart, so that one sum over the canvas is left; F.affine_grid
    # takes ten times as long. A grid whose x and y lie apart in memory is read faster.
    columns = way[:, :, :1] * u + way[:, :, 2:]
    rows = way[:, :, 1:2] * v
    grid = columns[:, :, None, :] + rows[:, :, :, None]
    return F.grid_sample(images, grid.permute(0, 2, 3, 1), align_corners=False)
