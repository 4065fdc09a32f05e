"""What three networks of ImageNet respond to on the same photographs, and units that match."""

import random
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import MappingProxyType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from featviz.article import vgg16
from featviz.article.photographs import scenes
from featviz.article.studies import shared
from featviz.article.studies.shallow_versus_deep_turning import TURN, on_patches
from featviz.measures.correspondence import on_grid
from featviz.measures.patches import Box, field_box
from featviz.microscope.build import Microscope
from featviz.microscope.views import View
from featviz.network.controls import initialized
from featviz.network.network import IMAGENET_MEAN, IMAGENET_STD, Network
from featviz.network.padding import places_inside
from featviz.network.values import activations
from featviz.photos import Photo
from featviz.store import Store, fingerprint
from featviz.zoo import bundled

SIZE = 224
"""Side of the photographs in pixels: what the networks were trained on."""

PART = 3
"""Of so many of the article's scenes one is used: VGG16 takes a second for each."""

APART = 16
"""Pixels between places at which units of two networks are compared: the largest stride."""

CENTERS = tuple(range(40, SIZE - 39, APART))
"""Middles of these places; what lies nearer to the border sees much of the zero padding."""

VIEW = View("channel", 112, 48)
"""How channels of all networks are asked. A step of VGG16 costs ten times AlexNet's, so that the
canvas is smaller than the microscope's."""

UNITS = 3
"""Channels per depth and network that are shown."""

DRAWS = 5
"""How often each network is drawn before training, for its activity."""

AT_ONCE = 2
"""Photographs that go through a network together; VGG16's maps of one take 60 MB."""

EVERY = 16
"""Of so many photographs one is shown to these networks, which hardly tell them apart."""

TURNED = 24
"""Units per layer whose best places are turned."""


def squeezenet() -> Network:
    """Loads SqueezeNet with a convolution per depth, so that all networks are read before ReLUs."""
    fires = zip(range(2, 10), (3, 4, 6, 7, 9, 10, 11, 12), strict=True)
    layers = {f"fire{fire}": f"features.{index}.expand3x3" for fire, index in fires}
    module = bundled.load("squeezenet").module
    return Network(module, IMAGENET_MEAN, IMAGENET_STD, {"conv1": "features.0", **layers})


LOAD: Mapping[str, Callable[[], Network]] = MappingProxyType(
    {"AlexNet": shared.alexnet, "VGG16": vgg16.load, "SqueezeNet": squeezenet}
)
"""The networks; their order is that of their colors."""

DEPTHS = MappingProxyType(
    {
        "AlexNet": ("conv1", "conv2", "conv3", "conv4", "conv5"),
        "VGG16": ("conv1_2", "conv2_2", "conv3_3", "conv4_3", "conv5_3"),
        "SqueezeNet": ("conv1", "fire3", "fire5", "fire7", "fire9"),
    }
)
"""Five depths of each: all convolutions of AlexNet, the last of each stage of VGG16."""


@cache
def network(name: str, draw: int | None = None) -> Network:
    """Returns one of the networks, or with a number as PyTorch makes it before training."""
    trained = LOAD[name]()
    return trained if draw is None else initialized(trained, shared.SEED + draw)


def drawn_units(name: str, layer: str) -> list[int]:
    """Returns `UNITS` units of a layer, drawn at random, so that none was chosen by looking."""
    count = network(name).units(layer)
    return sorted(random.Random(f"{shared.SEED}/{name}/{layer}").sample(range(count), UNITS))


def pictures(name: str, layer: str, units: Sequence[int]) -> Tensor:
    """Returns the pictures of channels, (N, 3, side, side) in [0, 1]."""
    scope = Microscope(network(name), seed=shared.SEED, views=(VIEW,))
    return torch.from_numpy(scope.pictures(layer, VIEW, units).images[:, 0]).float() / 255


@cache
def photographs() -> tuple[Photo, ...]:
    """Returns the photographs that all numbers of the chapter are on."""
    return scenes(SIZE)[::PART]


@cache
def look(name: str, draw: int | None = None, every: int = 1) -> dict[str, Tensor]:
    """Shows photographs to a network, trained or as it is before training.

    Args:
        name: The network's.
        draw: Number of the network before training.
        every: Of so many photographs one is shown.

    Returns:
        For each layer `share/LAYER` (photographs, units), the part of the places at which a unit is
        active; `peak/LAYER` (photographs, units), its largest value there, and `at/LAYER`
        (photographs, units, 2), the row and column of that. Only places whose whole field lies
        inside the photograph count. For each of the five depths `maps/LAYER` (units, photographs,
        places), the values behind the ReLU on the grid of `CENTERS`.
    """
    net = network(name, draw)
    images = [photo.image for photo in photographs()[::every]]
    spec = {
        "network": net.fingerprint,
        "depths": list(DEPTHS[name]),
        "centers": list(CENTERS),
        "photos": [fingerprint(image.numpy()) for image in images],
    }

    def make() -> dict[str, NDArray[np.generic]]:
        groups = [images[first : first + AT_ONCE] for first in range(0, len(images), AT_ONCE)]
        rows = [row for group in groups for row in _look(net, DEPTHS[name], group)]
        return {
            key: np.stack([row[key] for row in rows], 1 if key.startswith("maps") else 0)
            for key in rows[0]
        }

    arrays = Store().arrays(spec, make, __name__)
    return {key: torch.from_numpy(array) for key, array in arrays.items()}


def _look(
    net: Network, depths: tuple[str, ...], images: Sequence[Tensor]
) -> list[dict[str, NDArray[np.generic]]]:
    """The same of a few photographs, each without its axis."""
    rows: list[dict[str, NDArray[np.generic]]] = [{} for _ in images]
    for layer, values in activations(net, torch.stack(list(images)), net.layers).items():
        field, side = net.receptive_field(layer), values.shape[-1]
        inside = places_inside(field, side, SIZE)
        span = slice(inside.start, inside.stop)
        for row, value in zip(rows, values, strict=True):
            flat = value[:, span, span].flatten(1)
            peak, index = flat.max(1)
            at = torch.stack([index // len(inside), index % len(inside)], 1)
            row[f"share/{layer}"] = (flat > 0).float().mean(1).numpy()
            row[f"peak/{layer}"] = peak.numpy()
            row[f"at/{layer}"] = (at + inside.start).numpy()
            if layer in depths:
                grid = on_grid(value.relu(), field, CENTERS, APART)
                # Half the bytes, and three digits, which no correlation notices.
                row[f"maps/{layer}"] = grid.flatten(1).half().numpy()
    return rows


def active(name: str, layer: str) -> Tensor:
    """Returns the percent (photographs,) of a layer's places that are active, over all units."""
    return 100 * look(name)[f"share/{layer}"].mean(1)


def active_untrained(name: str, layer: str) -> Tensor:
    """Returns the same (DRAWS,) of networks before training, over some photographs."""
    looks = [look(name, draw, EVERY) for draw in range(DRAWS)]
    return torch.stack([100 * one[f"share/{layer}"].mean() for one in looks])


@cache
def left(name: str, layer: str) -> Tensor:
    """Returns the percent (TURNED,) that a turn leaves of units' answers to their best places."""
    net, sight = network(name), look(name)
    count = net.units(layer)
    units = [index * count // TURNED for index in range(TURNED)]
    field, peaks = net.receptive_field(layer), sight[f"peak/{layer}"][:, units]
    best: list[tuple[str, Box]] = []
    for unit, photo in zip(units, peaks.argmax(0).tolist(), strict=True):
        row, column = sight[f"at/{layer}"][photo, unit].tolist()
        best.append((str(photo), field_box(field, row, column)))
    images = {str(index): photo.image for index, photo in enumerate(photographs())}
    spec = {
        "network": net.fingerprint,
        "layer": layer,
        "turn": TURN,
        "units": units,
        "boxes": [list(box) for _, box in best],
        "photos": [fingerprint(images[photo].numpy()) for photo, _ in best],
    }
    values = Store().arrays(
        spec,
        lambda: {"values": on_patches(net, layer, units, best, images, (0, TURN)).numpy()},
        __name__,
    )["values"]
    answers = torch.from_numpy(values).clamp(min=0)
    answers = answers[answers[:, 0] > 0]  # a unit that no photograph excites has nothing to keep
    return 100 * answers[:, 1] / answers[:, 0]
