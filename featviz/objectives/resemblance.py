"""Making an image that a layer can't tell from another: what the layer has kept of it.

Source: A. Mahendran, A. Vedaldi, "Understanding Deep Image Representations by Inverting Them",
CVPR 2015, section 3.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from featviz.network.network import Network
from featviz.objectives.algebra import IMAGE, Objective


@dataclass(frozen=True)
class Resemblance(Objective):
    """How close a layer's value is to a given one: 1 minus the squared relative distance.

    Attributes:
        layer: The layer's name; `"image"` compares the images themselves, before transforms.
        target: (units, h, w) the value to come close to, that of a photo say.
    """

    layer: str
    target: Tensor = field(repr=False, compare=False)
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        if not isinstance(self.target, Tensor):
            raise ValueError(
                f"a target is a tensor (units, h, w), not a {type(self.target).__name__}; "
                "torch.as_tensor makes one of an array."
            )
        target = self.target.detach().cpu().contiguous()
        if not (target.isfinite().all() and target.any()):
            raise ValueError(
                f"a target in {self.layer} has finite numbers that aren't all 0: the distance from "
                "it is measured by its own length."
            )
        data = (target.float() if target.dtype == torch.bfloat16 else target).numpy().tobytes()
        object.__setattr__(self, "digest", hashlib.sha256(data).hexdigest()[:16])

    @property
    def layers(self) -> frozenset[str]:
        return frozenset({self.layer})

    def __call__(self, values: Mapping[str, Tensor]) -> Tensor:
        value = values[self.layer]
        target = self.target.detach().to(value)
        if value.shape[1:] != target.shape:
            raise ValueError(
                f"{self} compares values of shape {tuple(target.shape)}, and an image of this size "
                f"gives {tuple(value.shape[1:])}; let both come from images of one size."
            )
        distance = (value - target).square().flatten(1).sum(1) / target.square().sum()
        return 1 - distance

    def check(self, network: Network) -> None:
        units = 3 if self.layer == IMAGE else network.units(self.layer)
        if self.target.ndim != 3 or len(self.target) != units:
            raise ValueError(
                f"a target in {self.layer} has shape ({units}, h, w), "
                f"not {tuple(self.target.shape)}."
            )

    def __str__(self) -> str:
        return f"{self.layer}:like[{self.digest}]"
