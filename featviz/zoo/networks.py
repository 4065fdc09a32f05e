"""Networks that load by name: the bundled ones offline, torchvision's on request."""

import difflib
from collections.abc import Callable

import torch
import torchvision
from torch import Tensor, nn

from featviz.network.network import Network
from featviz.zoo.classifier import load_classifier
from featviz.zoo.imagenet import CLASSES
from featviz.zoo.weights import load_weights

ALEXNET_LAYERS = {
    "conv1": "features.0",
    "conv2": "features.3",
    "conv3": "features.6",
    "conv4": "features.8",
    "conv5": "features.10",
}
"""The convolutions of torchvision's AlexNet, shallow to deep."""


def load(name: str, *, classifier: bool = False) -> Network:
    """Loads a bundled network; works without a connection.

    Args:
        name: `"alexnet"`: the convolutional trunk of torchvision's AlexNet; `"squeezenet"`:
            SqueezeNet 1.1 with its classifier. Both were trained on ImageNet.
        classifier: Whether AlexNet's classifier is wanted too. Its 233 MB are taken from torch's
            cache, or downloaded there; SqueezeNet has its own.

    Returns:
        The network, in evaluation mode, on the CPU.

    Raises:
        ValueError: No network has that name, or its weights file is damaged, or AlexNet's
            classifier is wanted and can't be had.
    """
    if name not in _BUNDLED:
        near = difflib.get_close_matches(name, _BUNDLED, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(
            f"no bundled network is called {name!r}; there are {', '.join(_BUNDLED)} "
            f"(featviz.networks()).{hint} Wrap any other module in featviz.Network(module)."
        )
    if classifier and name == "alexnet":
        return _whole_alexnet()
    return _BUNDLED[name]()


def networks() -> tuple[str, ...]:
    """Returns the names that `load` knows."""
    return tuple(_BUNDLED)


def _alexnet() -> Network:
    module = _Trunk(torchvision.models.alexnet(weights=None).features)
    module.load_state_dict(load_weights("alexnet"))
    return Network(module.eval(), layers=ALEXNET_LAYERS, name="alexnet")


def _whole_alexnet() -> Network:
    with torch.device("meta"):  # no time for random numbers that are replaced at once
        module = torchvision.models.alexnet(weights=None)
    module.load_state_dict(load_classifier(), assign=True)
    return Network(module.eval(), layers=ALEXNET_LAYERS, name="alexnet", classes=CLASSES)


def _squeezenet() -> Network:
    module = torchvision.models.squeezenet1_1(weights=None)
    module.load_state_dict(load_weights("squeezenet"))
    return Network(module.eval(), name="squeezenet", classes=CLASSES)


class _Trunk(nn.Module):
    """A network's convolutional part, under the names that it has in the whole network."""

    def __init__(self, features: nn.Module) -> None:
        super().__init__()
        self.features = features

    def forward(self, images: Tensor) -> Tensor:
        values: Tensor = self.features(images)
        return values


_BUNDLED: dict[str, Callable[[], Network]] = {"alexnet": _alexnet, "squeezenet": _squeezenet}
