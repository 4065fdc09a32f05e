"""Images with an opacity for every pixel, around another parameterization."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from featviz.images.colors import sigmoid
from featviz.images.pixels import Image, Parameterization, tiled

BACKDROP = 8
"""Side in cells of the random colors that transparent images are held against."""


@dataclass(frozen=True)
class Transparent(Parameterization):
    """Another parameterization, with an opacity for every pixel.

    At every step the image is held against other random colors, so that it turns opaque only where
    that helps. It starts half opaque everywhere.

    Source: Mordvintsev et al., "Differentiable Image Parameterizations", Distill 2018, section
    "Semi-transparent patterns".

    Attributes:
        image: The parameterization of the colors.
    """

    image: Parameterization

    def build(
        self, streams: Sequence[Generator], height: int, width: int, start: Tensor | None = None
    ) -> Image:
        return TransparentImage(self.image.build(streams, height, width, start), streams)


class TransparentImage(Image):
    """Images with an opacity; shown on white.

    Args:
        image: The colors.
        streams: The images' random streams; each names its image's backdrops by its seed.
    """

    def __init__(self, image: Image, streams: Sequence[Generator]) -> None:
        super().__init__(image.height, image.width)
        self.image = image
        self.seeds = [stream.initial_seed() for stream in streams]
        down, across = tiled(image.height, image.width)
        self.opacity = nn.Parameter(torch.zeros(len(streams), 1, down, across))

    def alpha(self) -> Tensor:
        return self.crop(sigmoid(self.opacity))

    def forward(self, step: int = 0) -> Tensor:
        return self._over(self._backdrop(step), step)

    def shown(self) -> Tensor:
        return self._over(torch.ones((), device=self.opacity.device), 0)

    def amplify(self, rows: Tensor) -> None:
        self.image.amplify(rows)

    def _over(self, backdrop: Tensor, step: int) -> Tensor:
        alpha = self.alpha()
        images: Tensor = alpha * self.image(step) + (1 - alpha) * backdrop
        return images

    def _backdrop(self, step: int) -> Tensor:
        streams = [Generator().manual_seed(seed ^ step + 1) for seed in self.seeds]
        shape = (3, BACKDROP, BACKDROP)
        cells = torch.stack([torch.rand(shape, generator=stream) for stream in streams])
        size = tiled(self.height, self.width)
        return self.crop(F.interpolate(cells, size, mode="bilinear")).to(self.opacity.device)
