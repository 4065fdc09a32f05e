"""Image parameterizations: what gradient ascent moves instead of raw pixels.

Each is a frozen specification whose `build` gives a `torch.nn.Module`; the module's `forward` gives
images (N, 3, H, W) in [0, 1]. Images of a batch share nothing: each starts from its own stream.

Source: A. Mordvintsev, N. Pezzotti, L. Schubert, C. Olah, "Differentiable Image
Parameterizations", Distill 2018.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

COLOR_COVARIANCE_ROOT = ((0.26, 0.09, 0.02), (0.27, 0.00, -0.05), (0.27, -0.09, 0.03))
"""Square root of the covariance of ImageNet's colors: (RGB) x (decorrelated channels).
Source: lucid, `optvis/param/color.py`, `color_correlation_svd_sqrt`."""

REFERENCE_FREQUENCY = 1 / 16
"""Cycles per pixel at which the spectrum's scale doesn't depend on its decay: 8 cycles over an
image of 128 px, where most of a unit's texture lies."""

SPECTRUM_GAIN = 0.25
"""Size of an image's logits against its spectrum. Source: lucid, `optvis/param/spatial.py`."""

TILE = 16
"""Pixels that the sides of all parameters are rounded up to. Rows then fill a processor's vector
registers whatever the batch, so that an image has the same bits in any; and Fourier transforms of
such sizes are fast."""


class Parameterization:
    """Specification of an image parameterization; abstract."""

    def build(self, streams: Sequence[torch.Generator], height: int, width: int) -> nn.Module:
        """Makes the module, each image from its own stream.

        Args:
            streams: One random stream per image.
            height: Height of the images in pixels.
            width: Width in pixels.

        Returns:
            A module whose `forward()` gives images (N, 3, height, width) in [0, 1], and whose
            parameters have the images in their first dimension.
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

    def build(self, streams: Sequence[torch.Generator], height: int, width: int) -> nn.Module:
        noise = self.noise * _normal(streams, (3, *tiled(height, width)))
        if self.squash == "sigmoid":
            return _SigmoidPixels(noise, height, width)
        return _ClampedPixels(noise + 0.5, height, width)


class _Cropped(nn.Module):
    """Images cut from tiles of parameters; abstract."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.height, self.width = height, width

    def crop(self, images: Tensor) -> Tensor:
        return images[..., : self.height, : self.width]


class _SigmoidPixels(_Cropped):
    def __init__(self, logits: Tensor, height: int, width: int) -> None:
        super().__init__(height, width)
        self.logits = nn.Parameter(logits)

    def forward(self) -> Tensor:
        return self.crop(self.logits.sigmoid())


class _ClampedPixels(_Cropped):
    def __init__(self, pixels: Tensor, height: int, width: int) -> None:
        super().__init__(height, width)
        self.pixels = nn.Parameter(pixels)

    def forward(self) -> Tensor:
        # Project instead of clamping the value, so that no pixel loses its gradient at the border.
        with torch.no_grad():
            self.pixels.clamp_(0, 1)
        return self.crop(self.pixels.clone())


@dataclass(frozen=True)
class UnboundedPixels(Parameterization):
    """Pixels free to leave [0, 1], brought back for the eye when all is done.

    The network sees gray noise without bounds; the picture is centered, set to a fixed contrast and
    cut off, so that what is shown isn't what the network saw.

    Source: F. Chollet, "Visualizing what convnets learn", Keras code examples, 2020
    (`initialize_image`, `deprocess_image`).

    Attributes:
        noise: Width of the uniform noise around mid-gray at the start.
        contrast: Standard deviation of the picture shown.
    """

    noise: float = 0.25
    contrast: float = 0.15

    def build(self, streams: Sequence[torch.Generator], height: int, width: int) -> nn.Module:
        shape = (3, *tiled(height, width))
        uniform = torch.stack([torch.rand(shape, generator=stream) for stream in streams])
        start = 0.5 + self.noise * (uniform - 0.5)
        return _UnboundedPixels(start, self.contrast, height, width)


class _UnboundedPixels(_Cropped):
    def __init__(self, pixels: Tensor, contrast: float, height: int, width: int) -> None:
        super().__init__(height, width)
        self.pixels = nn.Parameter(pixels)
        self.contrast = contrast

    def forward(self) -> Tensor:
        return self.crop(self.pixels.clone())

    def shown(self) -> Tensor:
        pixels = self.crop(self.pixels)
        flat = pixels.flatten(1)
        centered = pixels - flat.mean(1)[:, None, None, None]
        spread = flat.std(1)[:, None, None, None] + torch.finfo().eps
        return (0.5 + self.contrast * centered / spread).clamp(0, 1)


@dataclass(frozen=True)
class Fourier(Parameterization):
    """A spectrum with the falling amplitudes and correlated colors of natural images.

    Attributes:
        decay: Exponent of the amplitude's fall with frequency; natural images have about 1.
        decorrelate: Whether the three channels are decorrelated colors instead of red, green, blue.
        noise: Standard deviation of the coefficients at the start.
    """

    decay: float = 1.25
    decorrelate: bool = True
    noise: float = 0.01

    def build(self, streams: Sequence[torch.Generator], height: int, width: int) -> nn.Module:
        down, across = tiled(height, width)
        scale = radial_frequencies(down, across).clamp(min=1 / max(down, across)) ** -self.decay
        scale *= SPECTRUM_GAIN * REFERENCE_FREQUENCY ** (self.decay - 1)
        start = self.noise * _normal(streams, (3, *scale.shape, 2))
        colors = color_matrix() if self.decorrelate else None
        return _FourierImage(start, scale, colors, height, width)


class _FourierImage(_Cropped):
    """Images whose parameters are the scaled coefficients of a real Fourier transform."""

    scale: Tensor
    colors: Tensor | None

    def __init__(
        self,
        coefficients: Tensor,
        scale: Tensor,
        colors: Tensor | None,
        height: int,
        width: int,
    ) -> None:
        super().__init__(height, width)
        self.coefficients = nn.Parameter(coefficients)
        self.register_buffer("scale", scale)
        self.register_buffer("colors", colors)

    def forward(self) -> Tensor:
        spectrum = torch.view_as_complex(self.coefficients) * self.scale
        channels = torch.fft.irfft2(spectrum, norm="ortho")
        return self.crop(to_colors(channels, self.colors))


def tiled(height: int, width: int) -> tuple[int, int]:
    """Returns a size in pixels, rounded up to whole tiles."""
    return -(-height // TILE) * TILE, -(-width // TILE) * TILE


def radial_frequencies(height: int, width: int) -> Tensor:
    """Returns the frequency of each coefficient of `rfft2`, in cycles per pixel.

    Args:
        height: Height of the image in pixels.
        width: Width in pixels.

    Returns:
        (height, width // 2 + 1).
    """
    down = torch.fft.fftfreq(height)[:, None]
    across = torch.fft.rfftfreq(width)
    return (down**2 + across**2).sqrt()


def color_matrix() -> Tensor:
    """Returns the (3, 3) matrix from decorrelated channels to RGB, largest column of length 1."""
    root = torch.tensor(COLOR_COVARIANCE_ROOT)
    return root / root.norm(dim=0).max()


def to_colors(channels: Tensor, colors: Tensor | None) -> Tensor:
    """Maps channels (N, 3, H, W) to RGB in [0, 1] by a color matrix, if any, and a sigmoid."""
    if colors is None:
        return channels.sigmoid()
    # Written out: a matrix product may sum in another order for another batch.
    red, green, blue = channels.unbind(1)
    mixed = [row[0] * red + row[1] * green + row[2] * blue for row in colors]
    return torch.stack(mixed, 1).sigmoid()


def _normal(streams: Sequence[torch.Generator], shape: tuple[int, ...]) -> Tensor:
    """Standard normal numbers (N, *shape), the i-th from the i-th stream."""
    return torch.stack([torch.randn(shape, generator=stream) for stream in streams])
