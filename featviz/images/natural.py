"""Images under the energy of photographs: no octave of the spectrum may hold more than they do.

A climb that may put any energy anywhere buys its score with contrast, and with frequencies and
colors that no photograph holds. Here the energy in each octave of the spectrum is bounded by a
multiple of what photographs hold there. Where inside the octave it lies, in which of the
decorrelated colors and with which phases, is left to the climb.

The idea is near to that of MACO (see `featviz.images.maco`), which fixes the magnitude of every
single coefficient. A bound on their sum leaves a picture empty where the unit wants nothing, and
lets edges be sharp.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from featviz.images.colors import LOGIT_MARGIN, color_matrix, from_colors, sigmoid, to_colors
from featviz.images.fourier import REFERENCE_FREQUENCY, radial_frequencies
from featviz.images.pixels import Image, Parameterization, normal, start_logits, tiled
from featviz.network.passes import widened

EXPONENTS = (-1.18, -1.11, -0.93)
"""How the amplitudes of photographs fall with frequency, for each decorrelated channel. Source:
`tools/fit_natural.py`, which fits them and `AMPLITUDES` to the sample photographs."""

AMPLITUDES = (4.17, 4.67, 4.19)
"""The amplitudes at `REFERENCE_FREQUENCY`, of an orthonormal transform of logits: square roots of
the energy per coefficient that half of all crops stay below."""

ENERGY = 2.0
"""Default multiple of the photographs' energy: in every octave about two thirds of all crops of the
sample photographs hold less. The pictures' contrast is then a third above the median photograph's.
"""

ROUNDING = 1e-5
"""Part of its limit by which an octave may exceed it: one that was brought down to it may round to
a little more, and would otherwise change whenever the image is looked at."""


@dataclass(frozen=True)
class Natural(Parameterization):
    """A spectrum whitened by that of photographs, with a bound on the energy in every octave.

    Attributes:
        energy: What an octave may hold, as a multiple of what it holds in the median photograph.
        noise: Standard deviation of the whitened coefficients at the start.
        wake: Whether the noise is doubled, up to the bound, while an image has no gradient at all:
            gray may be so unlike what a network has seen that a whole layer is silent.
    """

    energy: float = ENERGY
    noise: float = 0.01
    wake: bool = True

    def __post_init__(self) -> None:
        if not self.energy > 0:
            raise ValueError(f"an octave's energy is a multiple above 0, not {self.energy!r}.")

    def build(
        self, streams: Sequence[Generator], height: int, width: int, start: Tensor | None = None
    ) -> Image:
        size = tiled(height, width)
        scale = math.sqrt(self.energy) * natural_amplitudes(*size)
        octaves = octaves_of(*size)
        limits = octave_limits(*size, self.energy).expand(len(streams), -1)
        if start is None:
            coefficients = self.noise * normal(streams, (*scale.shape, 2))
        else:
            spectrum = _spectrum(start_logits(start))
            # A photograph with more energy than the bound is left what it has.
            limits = limits.maximum(octaves.energies(spectrum))
            coefficients = spectrum / scale[..., None]
        # A photograph is not to be made louder.
        wake = self.wake and start is None
        return _BoundedImage(coefficients, scale, octaves, limits, wake, height, width)


class _BoundedImage(Image):
    """Images whose parameters are whitened coefficients of a real Fourier transform."""

    scale: Tensor
    numbers: Tensor
    counts: Tensor
    limits: Tensor

    def __init__(
        self,
        coefficients: Tensor,
        scale: Tensor,
        octaves: "Octaves",
        limits: Tensor,
        wake: bool,
        height: int,
        width: int,
    ) -> None:
        super().__init__(height, width)
        self.wake = wake
        self.coefficients = nn.Parameter(coefficients)
        # Once for the real and once for the imaginary part: a real product is twice as fast.
        self.register_buffer("scale", scale[..., None].repeat(1, 1, 1, 2))
        self.register_buffer("numbers", octaves.numbers)
        self.register_buffer("counts", octaves.counts)
        self.register_buffer("limits", limits)

    def forward(self, step: int = 0) -> Tensor:
        # Project the parameters instead of bounding the value: at equal contrast that excites a
        # tenth more than a gradient that goes through the bound, and it takes less time.
        octaves = Octaves(self.numbers, self.counts, self.limits.shape[1])
        spectrum = self.coefficients.detach() * self.scale
        factors = _factors(spectrum, octaves, self.limits)
        if (factors < 1).any():
            with torch.no_grad():
                self.coefficients.mul_(octaves.spread(factors, spectrum))
                torch.mul(self.coefficients, self.scale, out=spectrum)
        values: Tensor = _Scaled.apply(self.coefficients, self.scale, spectrum)
        return self.crop(_pixels(values, tiled(self.height, self.width)))

    def amplify(self, rows: Tensor) -> None:
        if self.wake:
            self.coefficients[rows] *= 2


class _Scaled(torch.autograd.Function):
    """The product of coefficients and scale, which is known already."""

    @staticmethod
    def forward(ctx: Any, coefficients: Tensor, scale: Tensor, product: Tensor) -> Tensor:
        ctx.scale = scale
        return product

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return gradient * ctx.scale, None, None


def _factors(spectrum: Tensor, octaves: "Octaves", limits: Tensor) -> Tensor:
    """What brings each octave down to its limit: (N, octaves), at most 1."""
    energies = octaves.energies(spectrum)
    return torch.where(energies > limits * (1 + ROUNDING), (limits / energies).sqrt(), 1.0)


def bounded(images: Tensor, energy: float = ENERGY) -> Tensor:
    """Brings finished images under the bound, so that other methods' can be compared on its terms.

    Args:
        images: (N, 3, H, W) in [0, 1].
        energy: As in `Natural`.

    Returns:
        (N, 3, H, W) in [0, 1].
    """
    size = (images.shape[-2], images.shape[-1])
    spectrum = _spectrum(images.clamp(LOGIT_MARGIN, 1 - LOGIT_MARGIN).logit())
    octaves = octaves_of(*size)
    factors = _factors(spectrum, octaves, octave_limits(*size, energy))
    return _pixels(spectrum * octaves.spread(factors, spectrum), size)


def whitened(slopes: Tensor, energy: float = ENERGY) -> Tensor:
    """Returns the images under the bound that lie farthest along a direction, to first order.

    Args:
        slopes: (N, 3, H, W) what each pixel adds to a linear objective.
        energy: As in `Natural`.

    Returns:
        (N, 3, H, W) in [0, 1]: each octave of the slopes' spectrum, brought to its limit.
    """
    height, width = slopes.shape[-2:]
    size = tiled(height, width)
    tiles = F.pad(slopes, (0, size[1] - width, 0, size[0] - height))
    octaves = octaves_of(*size)
    limits = octave_limits(*size, energy)
    # What a channel adds is the sum over the colors that it is mixed into.
    channels = torch.einsum("rc,nrhw->nchw", color_matrix(), tiles)
    spectrum = torch.view_as_real(torch.fft.rfft2(channels, norm="ortho"))
    energies = octaves.energies(spectrum).clamp(min=torch.finfo().tiny)
    best = spectrum * octaves.spread((limits / energies).sqrt(), spectrum)
    return _pixels(best, size)[..., :height, :width]


def _spectrum(logits: Tensor) -> Tensor:
    return torch.view_as_real(torch.fft.rfft2(from_colors(logits), norm="ortho"))


def _pixels(spectrum: Tensor, size: tuple[int, int]) -> Tensor:
    channels = torch.fft.irfft2(torch.view_as_complex(spectrum), s=size, norm="ortho")
    return sigmoid(to_colors(channels))


@lru_cache(maxsize=8)
def natural_amplitudes(height: int, width: int) -> Tensor:
    """Returns the amplitudes that photographs have in each decorrelated channel.

    The law of six numbers: a power of the frequency for each channel. The mean of an image counts
    as the lowest frequency that the image holds.

    Args:
        height: Height of the image in pixels.
        width: Width in pixels.

    Returns:
        (3, height, width // 2 + 1), for the logits and an orthonormal `rfft2`.
    """
    frequencies = radial_frequencies(height, width).clamp(min=1 / max(height, width))
    exponents = torch.tensor(EXPONENTS).view(3, 1, 1)
    amplitudes = torch.tensor(AMPLITUDES).view(3, 1, 1)
    return amplitudes * (frequencies / REFERENCE_FREQUENCY) ** exponents


def octave_limits(height: int, width: int, energy: float = ENERGY) -> Tensor:
    """Returns what each octave may hold: (octaves,), in the unit of `Octaves.energies`."""
    law = natural_amplitudes(height, width)
    # The energy of a coefficient is the sum of the squares of two parts.
    parts = (law / math.sqrt(2))[None, ..., None].expand(-1, -1, -1, -1, 2)
    return energy * octaves_of(height, width).energies(parts)[0]


@dataclass(frozen=True, eq=False)
class Octaves:
    """Which coefficients of `rfft2` lie in which octave, and how often each counts.

    The first octave is the mean. The others are octaves, low to high; the last reaches from a
    quarter of a cycle per pixel to the corners of the spectrum.

    Attributes:
        numbers: (height * (width // 2 + 1) * 2,) int64, the octave of the real and of the imaginary
            part of each coefficient.
        counts: As many; 2 for coefficients whose conjugates `rfft2` leaves out, or 1.
        total: How many octaves there are.
    """

    numbers: Tensor
    counts: Tensor
    total: int

    def energies(self, spectrum: Tensor) -> Tensor:
        """Returns the energy that images hold in each octave, summed over the three colors.

        Args:
            spectrum: (N, 3, height, width // 2 + 1, 2) real and imaginary parts of decorrelated
                logits, of an orthonormal `rfft2`.

        Returns:
            (N, octaves).
        """
        squares = spectrum.square()
        planes = (squares[:, 0] + squares[:, 1]).add_(squares[:, 2]).flatten(1).mul_(self.counts)
        # A product with a matrix would round by the batch and by the number of threads.
        planes = widened(planes)
        sums = planes.new_zeros(len(planes), self.total)
        where = self.numbers.expand(len(planes), -1)
        return sums.scatter_add_(1, where, planes).to(spectrum.dtype)

    def spread(self, per_octave: Tensor, spectrum: Tensor) -> Tensor:
        """Hands each coefficient its octave's number: (N, octaves) -> (N, 1, H, W, 2)."""
        # Indexing with brackets takes five times as long.
        spread = per_octave.index_select(1, self.numbers)
        return spread.view(len(spectrum), 1, *spectrum.shape[2:])


@lru_cache(maxsize=8)
def octaves_of(height: int, width: int) -> Octaves:
    """Returns the octaves of images of a size in pixels."""
    frequencies = radial_frequencies(height, width)
    numbers = frequencies.mul(2).log2().add(1e-6).floor().clamp(max=-1)  # rounding at the borders
    octaves, which = torch.unique(numbers, return_inverse=True)
    counts = torch.full_like(frequencies, 2.0)
    counts[:, 0] = 1
    if width % 2 == 0:
        counts[:, -1] = 1
    numbers, counts = (one.flatten().repeat_interleave(2) for one in (which, counts))
    return Octaves(numbers, counts, len(octaves))
