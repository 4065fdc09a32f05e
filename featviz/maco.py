"""Images whose amplitudes are those of natural images: only the phases are free.

Source: T. Fel et al., "Unlocking Feature Visualization for Deeper Networks with MAgnitude
Constrained Optimization", NeurIPS 2023.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Generator, Tensor, nn

from featviz import photos
from featviz.colors import LOGIT_MARGIN, from_colors, to_colors
from featviz.images import Image, Parameterization, tiled


@dataclass(frozen=True)
class Maco(Parameterization):
    """Phases alone: the amplitudes stay those of natural images.

    The amplitudes are the mean over the bundled sample photographs' logits, not over ImageNet as in
    the paper.

    Source: T. Fel et al., "Unlocking Feature Visualization for Deeper Networks with MAgnitude
    Constrained Optimization", NeurIPS 2023, section 3.

    Attributes:
        gain: Factor on the amplitudes; 1 is the photographs' own contrast.
    """

    gain: float = 2.0

    def build(self, streams: Sequence[Generator], height: int, width: int) -> Image:
        magnitude = self.gain * natural_magnitude(*tiled(height, width))
        uniform = [torch.rand(magnitude.shape, generator=stream) for stream in streams]
        phases = math.pi * (2 * torch.stack(uniform) - 1)
        return _PhaseImage(phases, magnitude, height, width)


class _PhaseImage(Image):
    magnitude: Tensor

    def __init__(self, phases: Tensor, magnitude: Tensor, height: int, width: int) -> None:
        super().__init__(height, width)
        self.phases = nn.Parameter(phases)
        self.register_buffer("magnitude", magnitude)

    def forward(self, step: int = 0) -> Tensor:
        spectrum = torch.polar(self.magnitude.expand_as(self.phases), self.phases)
        return self.crop(to_colors(torch.fft.irfft2(spectrum, norm="ortho")).sigmoid())


@lru_cache(maxsize=8)
def natural_magnitude(height: int, width: int) -> Tensor:
    """Returns the mean amplitudes of the sample photographs' decorrelated logits.

    Args:
        height: Height of the crops in pixels.
        width: Width in pixels.

    Returns:
        (3, height, width // 2 + 1), for an orthonormal `rfft2`.
    """
    total = torch.zeros(3, height, width // 2 + 1)
    count = 0
    for name in photos.samples():
        image = photos.load(name).image
        down, across = image.shape[1] // height, image.shape[2] // width
        if not down * across:
            continue
        whole = image[:, : down * height, : across * width]
        crops = whole.reshape(3, down, height, across, width).permute(1, 3, 0, 2, 4).flatten(0, 1)
        logits = crops.clamp(LOGIT_MARGIN, 1 - LOGIT_MARGIN).logit()
        total += torch.fft.rfft2(from_colors(logits), norm="ortho").abs().sum(0)
        count += len(crops)
    if not count:
        raise ValueError(f"no sample photograph is as large as {height} x {width} px.")
    return total / count
