"""The weights that the reader's browser runs on: int8, 2.8 MB as text, and what is usual for units.

Each unit's filter has one scale. Rounding carries each weight's error to the next of the filter, so
that their sum stays right: that halves the error of the values, costs no byte and uses no photo.

Source: error diffusion as in R. Floyd, L. Steinberg, "An Adaptive Algorithm for Spatial Greyscale",
1976, along one line that winds through each filter.
"""

import base64
import json
import os
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from featviz.article import photographs
from featviz.network.network import Network
from featviz.network.values import activations, passes
from featviz.store import Arrays, Store
from featviz.zoo import bundled

LAYERS = ("conv1", "conv2", "conv3", "conv4", "conv5")
"""The trunk's convolutions, in their order."""

LEVELS = 127
"""Largest int8 weight, the filter's largest by size."""

SIDE = 224
"""Side in pixels of the photographs, as the live page takes the reader's."""

USUAL = ("mean", "place", "photo")
"""What is told of each unit over the article's photographs: the mean over all places, and the
standard deviations of the value at a place and of a photograph's mean. See `LiveUsual`."""


def script() -> str:
    """Returns the classic script that hands the weights to the page.

    Returns:
        The same text for the same network and photographs.
    """
    net = bundled.load("alexnet")
    usual = measure_usual(net)
    integers, numbers = [], []
    for layer in LAYERS:
        filters, bias = trained(net, layer)
        levels, scales = diffused(filters)
        integers.append(levels)
        numbers += [scales, bias, *(usual[f"{layer} {name}"] for name in USUAL)]
    parts = {
        "mean": list(net.mean),
        "std": list(net.std),
        "integers": _packed(integers, "i1"),
        "numbers": _packed(numbers, "<f4"),
    }
    return f'FeatvizLive.deliver("weights", {json.dumps(parts)});\n'


def diffused(filters: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Rounds filters to int8, each error carried to the next weight of its filter.

    Args:
        filters: (units, channels, kernel, kernel).

    Returns:
        Levels of the same shape, and (units,) what a level of each unit is worth.
    """
    flat = filters.reshape(len(filters), -1)
    scales = np.abs(flat).max(1) / np.float32(LEVELS)
    exact = flat / scales[:, None]
    levels = np.empty(flat.shape, dtype=np.int8)
    error = np.zeros(len(flat), dtype=np.float32)
    for place in _snake(*filters.shape[1:]):
        wanted = exact[:, place] + error
        levels[:, place] = np.rint(wanted).clip(-LEVELS, LEVELS)
        error = wanted - levels[:, place]
    return levels.reshape(filters.shape), scales


def _snake(channels: int, height: int, width: int) -> NDArray[np.intp]:
    """The places of a filter in an order in which each lies beside the next."""
    places = np.arange(channels * height * width).reshape(channels, height, width)
    places[:, 1::2] = places[:, 1::2, ::-1]
    lines = places.reshape(channels, -1)
    lines[1::2] = lines[1::2, ::-1]
    return lines.ravel()


def trained(net: Network, layer: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Returns a convolution's filters (units, channels, kernel, kernel) and biases (units,).

    Args:
        net: The network.
        layer: The layer's name.
    """
    conv = net.module.get_submodule(net.resolve(layer).module)
    filters, bias = (parameter.detach().numpy() for parameter in conv.parameters())
    return filters, bias


def _packed(arrays: Sequence[NDArray[np.generic]], kind: str) -> str:
    data = b"".join(np.asarray(array, dtype=kind).tobytes() for array in arrays)
    return base64.b64encode(zlib.compress(data, 9)).decode("ascii")


def measure_usual(net: Network) -> Arrays:
    """Returns what photographs give the layers' units before the ReLU, from the store.

    Args:
        net: The network.

    Returns:
        One array (units,) for each layer and each of `USUAL`, by `"<layer> <name>"`.
    """
    spec = {"network": net.fingerprint, "photographs": _photographs(), "side": SIDE}
    return Store().arrays(spec, lambda: _measure(net), __name__)


def _photographs() -> list[list[str | int]]:
    """Names the state of the article's photographs; to read them all takes seconds."""
    if own := os.environ.get(photographs.VARIABLE):
        stats = [(path.name, path.stat()) for path in sorted(Path(own).glob("*"))]
        return [[name, stat.st_size, stat.st_mtime_ns] for name, stat in stats]
    return [[name, photographs.credits()[name].sha256] for name in photographs.names()]


def _measure(net: Network) -> Arrays:
    """Means and deviations over all scenes, each at `SIDE`."""
    scenes = torch.stack([photo.image for photo in photographs.scenes(SIDE)])
    values: dict[str, list[tuple[NDArray[np.float64], ...]]] = {layer: [] for layer in LAYERS}
    for rows in passes(scenes):
        for layer, maps in activations(net, scenes[rows], LAYERS).items():
            flat = maps.flatten(2).numpy().astype(np.float64)
            values[layer].append((flat.mean(2), np.square(flat).mean(2)))
    arrays = {}
    for layer, parts in values.items():
        means, squares = (np.concatenate(column) for column in zip(*parts, strict=True))
        mean = means.mean(0)
        place = np.sqrt(squares.mean(0) - np.square(mean))
        for name, numbers in zip(USUAL, (mean, place, means.std(0)), strict=True):
            arrays[f"{layer} {name}"] = numbers.astype(np.float32)
    return arrays
