"""The networks that are part of featviz. What the article computes leans on this module alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
import torchvision
from torch import Tensor, nn

from featviz.network.network import Network
from featviz.zoo.imagenet import CLASSES
from featviz.zoo.weights import load_weights

ALEXNET = {
    "conv1": "features.0",
    "conv2": "features.3",
    "conv3": "features.6",
    "conv4": "features.8",
    "conv5": "features.10",
}
"""The convolutions of torchvision's AlexNet, shallow to deep."""


def load(name: str) -> Network:
    """Loads a bundled network.

    Args:
        name: A key of `BUNDLED`.

    Raises:
        WeightsError: Its file of weights is missing or altered.
    """
    return BUNDLED[name].load()


def _alexnet() -> Network:
    with torch.device("meta"):  # random numbers would be replaced at once
        module = _Trunk(torchvision.models.alexnet(weights=None).features)
    module.load_state_dict(load_weights("alexnet"), assign=True)
    return Network(module.eval(), layers=ALEXNET, name="alexnet")


def _squeezenet() -> Network:
    with torch.device("meta"):
        module = torchvision.models.squeezenet1_1(weights=None)
    module.load_state_dict(load_weights("squeezenet"), assign=True)
    return Network(module.eval(), name="squeezenet", classes=CLASSES)


class _Trunk(nn.Module):
    """A network's convolutional part, under the names that it has in the whole network."""

    def __init__(self, features: nn.Module) -> None:
        super().__init__()
        self.features = features

    def forward(self, images: Tensor) -> Tensor:
        values: Tensor = self.features(images)
        return values


@dataclass(frozen=True)
class Bundled:
    """One bundled network.

    Attributes:
        architecture: What torchvision calls the whole of it.
        load: Loads it.
    """

    architecture: str
    load: Callable[[], Network]


BUNDLED: Mapping[str, Bundled] = MappingProxyType(
    {
        "alexnet": Bundled("alexnet", _alexnet),
        "squeezenet": Bundled("squeezenet1_1", _squeezenet),
    }
)
"""The bundled networks by name."""
