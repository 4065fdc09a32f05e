"""Image parameterizations: what gradient ascent moves instead of raw pixels.

Each is a frozen specification whose `build` gives a module; the module's `forward` gives images
(N, 3, H, W) in [0, 1]. Images of a batch share nothing: each starts from its own stream.

Source: A. Mordvintsev, N. Pezzotti, L. Schubert, C. Olah, "Differentiable Image
Parameterizations", Distill 2018.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from featviz.images.colors import LOGIT_MARGIN, sigmoid

TILE = 16
"""Pixels that the sides of all parameters are rounded up to. Rows then fill a processor's vector
registers whatever the batch, so that an image has the same bits in any; and Fourier transforms of
such sizes are fast."""


class Image(nn.Module):
    """Images made from parameters; abstract.

    Args:
        height: Height of the images in pixels; parameters fill whole tiles.
        width: Width in pixels.
    """

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.height, self.width = height, width

    def forward(self, step: int = 0) -> Tensor:
        """Returns the images (N, 3, H, W) that the network is to see at a step."""
        raise NotImplementedError

    def shown(self) -> Tensor:
        """Returns the images (N, 3, H, W) in [0, 1] for the eye."""
        return self.forward()

    def alpha(self) -> Tensor:
        """Returns the opacities (N, 1, H, W) in [0, 1]; 1 unless the image is transparent."""
        return torch.ones_like(self.shown()[:, :1])

    def amplify(self, rows: Tensor) -> None:
        """Raises the contrast of those images (N,) that have no gradient; not all do."""

    def crop(self, images: Tensor) -> Tensor:
        """Cuts the images out of their tiles."""
        return images[..., : self.height, : self.width]


class Parameterization:
    """Specification of an image parameterization; abstract."""

    def build(
        self, streams: Sequence[Generator], height: int, width: int, start: Tensor | None = None
    ) -> Image:
        """Makes the module, each image from its own stream.

        Args:
            streams: One random stream per image.
            height: Height of the images in pixels.
            width: Width in pixels.
            start: (N, 3, height, width) images in [0, 1] to start from; noise without it.

        Returns:
            A module whose parameters have the images in their first dimension.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class Pixels(Parameterization):
    """The pixels themselves.

    Attributes:
        squash: "sigmoid" moves the pixels' logits, "clamp" the pixels, cut off at 0 and 1.
        noise: Standard deviation of the start around mid-gray, in the parameters' unit.
    """

    squash: str = "sigmoid"
    noise: float = 0.01

    def __post_init__(self) -> None:
        if self.squash not in ("sigmoid", "clamp"):
            raise ValueError(f"pixels are squashed by 'sigmoid' or 'clamp', not {self.squash!r}.")

    def build(
        self, streams: Sequence[Generator], height: int, width: int, start: Tensor | None = None
    ) -> Image:
        noise = self.noise * normal(streams, (3, *tiled(height, width)))
        if self.squash == "sigmoid":
            logits = noise if start is None else start_logits(start)
            return _SigmoidPixels(logits, height, width)
        return _ClampedPixels(noise + 0.5 if start is None else filled(start), height, width)


class _SigmoidPixels(Image):
    def __init__(self, logits: Tensor, height: int, width: int) -> None:
        super().__init__(height, width)
        self.logits = nn.Parameter(logits)

    def forward(self, step: int = 0) -> Tensor:
        return self.crop(sigmoid(self.logits))


class _ClampedPixels(Image):
    def __init__(self, pixels: Tensor, height: int, width: int) -> None:
        super().__init__(height, width)
        self.pixels = nn.Parameter(pixels)

    def forward(self, step: int = 0) -> Tensor:
        # Project instead of clamping the value, so that no pixel loses its gradient at the border.
        with torch.no_grad():
            self.pixels.clamp_(0, 1)
        return self.crop(self.pixels.clone())


@dataclass(frozen=True)
class UnboundedPixels(Parameterization):
    """Pixels free to leave [0, 1], brought back for the eye when all is done.

    The network sees gray noise without bounds; the picture is centered, set to a fixed contrast and
    cut off, so that what is shown isn't what the network saw. The example also cuts 25 px off each
    side; here the whole picture is shown.

    Source: F. Chollet, "Visualizing what convnets learn", Keras code examples, 2020
    (`initialize_image`, `deprocess_image`).

    Attributes:
        noise: Width of the uniform noise around mid-gray at the start. The example's is 0.25 in
            images from -1 to 1.
        contrast: Standard deviation of the picture shown.
    """

    noise: float = 0.125
    contrast: float = 0.15

    def build(
        self, streams: Sequence[Generator], height: int, width: int, start: Tensor | None = None
    ) -> Image:
        shape = (3, *tiled(height, width))
        uniform = torch.stack([torch.rand(shape, generator=stream) for stream in streams])
        pixels = 0.5 + self.noise * (uniform - 0.5) if start is None else filled(start)
        return _UnboundedPixels(pixels, self.contrast, height, width)


class _UnboundedPixels(Image):
    def __init__(self, pixels: Tensor, contrast: float, height: int, width: int) -> None:
        super().__init__(height, width)
        self.pixels = nn.Parameter(pixels)
        self.contrast = contrast

    def forward(self, step: int = 0) -> Tensor:
        return self.crop(self.pixels.clone())

    def shown(self) -> Tensor:
        pixels = self.crop(self.pixels)
        flat = pixels.flatten(1)
        deviations = pixels - flat.mean(1)[:, None, None, None]
        scale = flat.std(1)[:, None, None, None] + torch.finfo().eps
        return (0.5 + self.contrast * deviations / scale).clamp(0, 1)


def tiled(height: int, width: int) -> tuple[int, int]:
    """Returns a size in pixels, rounded up to whole tiles."""
    return -(-height // TILE) * TILE, -(-width // TILE) * TILE


def filled(images: Tensor) -> Tensor:
    """Continues images (N, 3, H, W) to whole tiles, by the colors of their border."""
    height, width = images.shape[-2:]
    down, across = tiled(height, width)
    return F.pad(images, (0, across - width, 0, down - height), mode="replicate")


def start_logits(images: Tensor) -> Tensor:
    """Returns the logits of images (N, 3, H, W) in [0, 1], continued to whole tiles."""
    return filled(images).clamp(LOGIT_MARGIN, 1 - LOGIT_MARGIN).logit()


def normal(streams: Sequence[Generator], shape: tuple[int, ...]) -> Tensor:
    """Returns standard normal numbers (N, *shape), the i-th from the i-th stream."""
    return torch.stack([torch.randn(shape, generator=stream) for stream in streams])
