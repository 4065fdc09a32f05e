"""What makes an image worse by itself; part of the same algebra as the objectives.

Source of the family: C. Olah, A. Mordvintsev, L. Schubert, "Feature Visualization", Distill 2017,
section "Frequency penalization".
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from featviz.objectives.algebra import IMAGE, Objective

BLUR_SIGMA = 1.0
"""Width in pixels of the blur that `Blur` compares an image with. Source: J. Yosinski et al.,
"Understanding Neural Networks Through Deep Visualization", 2015, table 1 (blur radius 1.0)."""


class Penalty(Objective):
    """What makes an image worse by itself; abstract. Its value is never positive."""

    @property
    def layers(self) -> frozenset[str]:
        return frozenset({IMAGE})


@dataclass(frozen=True)
class TotalVariation(Penalty):
    """The negative mean absolute difference between neighboring pixels.

    Source: A. Mahendran, A. Vedaldi, "Understanding Deep Image Representations by Inverting Them",
    CVPR 2015, section 3 (with exponent 1).
    """

    def __call__(self, values: Mapping[str, Tensor]) -> Tensor:
        image = values[IMAGE]
        down = image.diff(dim=2).abs().flatten(1).mean(1)
        across = image.diff(dim=3).abs().flatten(1).mean(1)
        return -(down + across)

    def __str__(self) -> str:
        return "penalty:tv"


@dataclass(frozen=True)
class L1(Penalty):
    """The negative mean absolute distance of the image from mid-gray."""

    def __call__(self, values: Mapping[str, Tensor]) -> Tensor:
        return -(values[IMAGE] - 0.5).abs().flatten(1).mean(1)

    def __str__(self) -> str:
        return "penalty:l1"


@dataclass(frozen=True)
class L2(Penalty):
    """The negative mean squared distance of the image from mid-gray."""

    def __call__(self, values: Mapping[str, Tensor]) -> Tensor:
        return -(values[IMAGE] - 0.5).square().flatten(1).mean(1)

    def __str__(self) -> str:
        return "penalty:l2"


@dataclass(frozen=True)
class Blur(Penalty):
    """The negative mean squared distance of the image from itself, blurred.

    Source: Olah et al., "Feature Visualization", Distill 2017, section "Frequency penalization".
    """

    def __call__(self, values: Mapping[str, Tensor]) -> Tensor:
        image = values[IMAGE]
        blur = gaussian_blur(image, BLUR_SIGMA, reach=2)
        return -(image - blur).square().flatten(1).mean(1)

    def __str__(self) -> str:
        return "penalty:blur"


def gaussian_blur(images: Tensor, sigma: float, reach: int) -> Tensor:
    """Returns images behind a Gaussian blur; beyond the border they go on as they end.

    Args:
        images: (N, 3, H, W).
        sigma: Its standard deviation in pixels.
        reach: How many pixels it takes on each side.
    """
    steps = torch.arange(-reach, reach + 1, device=images.device, dtype=images.dtype)
    weights = torch.exp(-0.5 * (steps / sigma) ** 2)
    weights = weights / weights.sum()
    planes = F.pad(images, (reach,) * 4, mode="replicate").flatten(0, 1)[:, None]
    rows = F.conv2d(planes, weights.view(1, 1, -1, 1))
    return F.conv2d(rows, weights.view(1, 1, 1, -1)).view_as(images)
