"""Images whose parameters are a spectrum: Fourier coefficients, scaled as in photographs."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from featviz.images.colors import from_colors, sigmoid, to_colors
from featviz.images.pixels import Image, Parameterization, normal, start_logits, tiled

REFERENCE_FREQUENCY = 1 / 16
"""Cycles per pixel at which the spectrum's scale doesn't depend on its decay: 8 cycles over an
image of 128 px, where most of a unit's texture lies."""


SPECTRUM_GAIN = 0.25
"""Size of an image's logits against its spectrum. Source: lucid, `optvis/param/spatial.py`."""


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

    def build(
        self, streams: Sequence[Generator], height: int, width: int, start: Tensor | None = None
    ) -> Image:
        down, across = tiled(height, width)
        scale = radial_frequencies(down, across).clamp(min=1 / max(down, across)) ** -self.decay
        scale *= SPECTRUM_GAIN * REFERENCE_FREQUENCY ** (self.decay - 1)
        scale /= (down * across) ** 0.5  # the transform's own factor, taken once and not every step
        # Once for the real and once for the imaginary part: a real product is twice as fast.
        scale = scale[..., None].repeat(1, 1, 2)
        if start is None:
            coefficients = self.noise * normal(streams, (3, *scale.shape))
        else:
            logits = start_logits(start)
            channels = from_colors(logits) if self.decorrelate else logits
            spectrum = torch.view_as_real(torch.fft.rfft2(channels, norm="forward"))
            coefficients = spectrum / scale
        return _FourierImage(coefficients, scale, self.decorrelate, height, width)


class _FourierImage(Image):
    """Images whose parameters are the scaled coefficients of a real Fourier transform."""

    scale: Tensor

    def __init__(
        self, coefficients: Tensor, scale: Tensor, decorrelate: bool, height: int, width: int
    ) -> None:
        super().__init__(height, width)
        self.coefficients = nn.Parameter(coefficients)
        self.register_buffer("scale", scale)
        self.decorrelate = decorrelate

    def forward(self, step: int = 0) -> Tensor:
        spectrum = torch.view_as_complex(self.coefficients * self.scale)
        channels = torch.fft.irfft2(spectrum, norm="forward")
        logits = to_colors(channels) if self.decorrelate else channels
        return self.crop(sigmoid(logits))


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
    frequencies: Tensor = (down.square() + across.square()).sqrt()
    return frequencies
