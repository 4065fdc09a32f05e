"""What a turn leaves of a neuron's answer to its own picture, and to its best natural patch."""

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from featviz.article.studies.microscope import scope
from featviz.article.studies.shared import alexnet, evenly
from featviz.ascent.score import evaluate
from featviz.measures.gratings import GRAY
from featviz.measures.patches import Box, field_box
from featviz.microscope import findings
from featviz.microscope.views import NEURON
from featviz.network.network import Network
from featviz.objectives.units import Neuron
from featviz.store import Store, fingerprint

ANGLES = (0, 10, 20, 30, 45, 60, 90)
"""Degrees that an image is turned by."""

TURNED = 48
"""Neurons per layer whose images are turned."""

KINDS = ("its own picture", "its best natural patch")
"""What is turned before a neuron."""


@cache
def left(layer: str, kind: str) -> Tensor:
    """Returns the share (TURNED, angles) of each neuron's activation, behind the ReLU, left by turns.

    Args:
        layer: The layer's name.
        kind: One of `KINDS`.
    """
    units = evenly(layer, TURNED)
    pictures = scope().pictures(layer, NEURON, units).images[:, 0]
    samples = scope().photographs
    spec = {
        "network": alexnet().fingerprint,
        "layer": layer,
        "pictures": fingerprint(pictures),
        "photos": list(map(findings.photo_fingerprint, samples)),
    }

    def make() -> dict[str, NDArray[np.float32]]:
        patches, field = findings.find_patches(scope(), layer), alexnet().receptive_field(layer)
        assert patches is not None  # the article's photographs hold every field
        strongest = zip(patches.photos[units, 0], patches.places[units, 0].tolist(), strict=True)
        best = [(patches.names[photo], field_box(field, *place)) for photo, place in strongest]
        by_name = {photo.name: photo.image for photo in samples}
        images = torch.from_numpy(pictures).float() / 255
        return {
            KINDS[0]: on_pictures(alexnet(), layer, units, images).numpy(),
            KINDS[1]: on_patches(alexnet(), layer, units, best, by_name).numpy(),
        }

    values = torch.from_numpy(Store().arrays(spec, make, __name__)[kind])
    return values.clamp(min=0) / values[:, :1]


def on_pictures(net: Network, layer: str, units: list[int], pictures: Tensor) -> Tensor:
    """Measures neurons before their own pictures, turned behind a round window.

    A square that is turned loses its corners, and the neuron's loss would be theirs and the turn's
    in one. The window is as wide as the picture, so that at every angle it shows the same part.
    Around it is plain gray as far as the neuron sees.

    Args:
        net: The network.
        layer: The neurons' layer.
        units: Which units.
        pictures: (units, 3, S, S), S the side of the field in use.

    Returns:
        (units, angles) values.
    """
    at = _offsets(net, layer)
    radius = pictures.shape[-1] / 2
    window = (radius - (at[:, None].square() + at.square()).sqrt()).clamp(0, 1)
    center = (pictures.shape[-1] - 1) / 2
    views = [
        GRAY + window * (_turn(pictures, at, (center, center), angle) - GRAY) for angle in ANGLES
    ]
    return _values(net, layer, units, views)


def on_patches(
    net: Network,
    layer: str,
    units: list[int],
    best: list[tuple[str, Box]],
    images: dict[str, Tensor],
    angles: Sequence[float] = ANGLES,
) -> Tensor:
    """Measures neurons before the places that excite them, the photograph turned around each.

    Args:
        net: The network.
        layer: The neurons' layer.
        units: Which units.
        best: The place of each: name of a photograph, and the unit's field in it.
        images: Photographs (3, H, W) by name. Beyond its border a photograph is mirrored.
        angles: Degrees that each is turned by.

    Returns:
        (units, angles) values.
    """
    at = _offsets(net, layer)
    centers = [((box[0] + box[2] - 1) / 2, (box[1] + box[3] - 1) / 2) for _, box in best]
    views = [
        torch.cat([
            _turn(images[photo][None], at, center, angle)
            for (photo, _), center in zip(best, centers, strict=True)
        ])
        for angle in angles
    ]  # fmt: skip
    return _values(net, layer, units, views)


def _offsets(net: Network, layer: str) -> Tensor:
    """(side,) pixels of the smallest canvas that holds a whole field, from that field's middle."""
    field = net.receptive_field(layer)
    side = field.canvas()
    position = net.shape(layer, side)[-1] // 2
    return torch.arange(side) - (field.start + field.stride * position)


def _turn(images: Tensor, at: Tensor, center: tuple[float, float], degrees: float) -> Tensor:
    """Reads images (N, 3, H, W) at offsets, both axes, from a point around which they are turned."""
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    rows, columns = at[:, None], at[None]
    across = cosine * columns - sine * rows + center[1]
    down = sine * columns + cosine * rows + center[0]
    height, width = images.shape[-2:]
    # grid_sample counts from -1 to 1, from border to border.
    places = torch.stack([(2 * across + 1) / width - 1, (2 * down + 1) / height - 1], -1)
    return F.grid_sample(
        images,
        places.expand(len(images), -1, -1, -1),
        padding_mode="reflection",
        align_corners=False,
    )


def _values(net: Network, layer: str, units: list[int], views: list[Tensor]) -> Tensor:
    """(units, angles) values of the neurons in the middle of images, one list item per angle."""
    neurons = [Neuron(layer, unit) for unit in units]
    return torch.stack([evaluate(net, neurons, images) for images in views], 1)
