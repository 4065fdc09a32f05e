"""Gray images around another parameterization, for networks of one channel."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Generator, Tensor

from featviz.images.pixels import Image, Parameterization
from featviz.network.inputs import gray


@dataclass(frozen=True)
class Gray(Parameterization):
    """Another parameterization without its colors: red, green and blue are equal.

    Attributes:
        image: The parameterization.
    """

    image: Parameterization

    def build(
        self, streams: Sequence[Generator], height: int, width: int, start: Tensor | None = None
    ) -> Image:
        return _GrayImage(self.image.build(streams, height, width, start))


class _GrayImage(Image):
    def __init__(self, image: Image) -> None:
        super().__init__(image.height, image.width)
        self.image = image

    def forward(self, step: int = 0) -> Tensor:
        return gray(self.image(step)).expand(-1, 3, -1, -1)

    def shown(self) -> Tensor:
        return gray(self.image.shown()).expand(-1, 3, -1, -1)

    def alpha(self) -> Tensor:
        return self.image.alpha()

    def amplify(self, rows: Tensor) -> None:
        self.image.amplify(rows)
