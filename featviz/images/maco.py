"""Images whose amplitudes are those of natural images: only the phases are free.

Source: T. Fel et al., "Unlocking Feature Visualization for Deeper Networks with MAgnitude
Constrained Optimization", NeurIPS 2023.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from featviz.images.colors import from_colors, sigmoid, to_colors
from featviz.images.natural import natural_amplitudes
from featviz.images.pixels import Image, Parameterization, start_logits, tiled


@dataclass(frozen=True)
class Maco(Parameterization):
    """Phases alone: the amplitudes stay those of natural images.

    The amplitudes are those of `featviz.images.natural`, a law fitted to sample photographs, not
    the mean over ImageNet as in the paper.

    Source: T. Fel et al., "Unlocking Feature Visualization for Deeper Networks with MAgnitude
    Constrained Optimization", NeurIPS 2023, section 3.

    Attributes:
        gain: Factor on the amplitudes; 1 is the photographs' own contrast.
    """

    gain: float = 2.0

    def build(
        self, streams: Sequence[Generator], height: int, width: int, start: Tensor | None = None
    ) -> Image:
        magnitude = self.gain * natural_amplitudes(*tiled(height, width))
        if start is None:
            uniform = [torch.rand(magnitude.shape, generator=stream) for stream in streams]
            phases = math.pi * (2 * torch.stack(uniform) - 1)
        else:
            phases = torch.fft.rfft2(from_colors(start_logits(start))).angle()
        return _PhaseImage(phases, magnitude, height, width)


class _PhaseImage(Image):
    magnitude: Tensor

    def __init__(self, phases: Tensor, magnitude: Tensor, height: int, width: int) -> None:
        super().__init__(height, width)
        self.phases = nn.Parameter(phases)
        self.register_buffer("magnitude", magnitude)

    def forward(self, step: int = 0) -> Tensor:
        spectrum = torch.polar(self.magnitude.expand_as(self.phases), self.phases)
        return self.crop(sigmoid(to_colors(torch.fft.irfft2(spectrum, norm="ortho"))))
