"""What neurons give before images that are turned: their own pictures, and natural patches.

Apart from figures and pages, so that their changes leave what is measured in the store.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from featviz.ascent.score import evaluate
from featviz.measures.gratings import GRAY
from featviz.measures.patches import Box
from featviz.network.network import Network
from featviz.objectives.units import Neuron

TURN = 45
"""Degrees that an image is turned by, halfway to where many things look alike again."""


def on_pictures(
    net: Network,
    layer: str,
    units: list[int],
    pictures: Tensor,
    angles: Sequence[float] = (0, TURN),
) -> Tensor:
    """Measures neurons before their own pictures, turned behind a round window.

    A square that is turned loses its corners, and the neuron's loss would be theirs and the turn's
    in one. The window is as wide as the picture, so that at every angle it shows the same part.
    Around it is plain gray as far as the neuron sees.

    Args:
        net: The network.
        layer: The neurons' layer.
        units: Which units.
        pictures: (units, 3, S, S), S the side of the field in use.
        angles: Degrees that each is turned by.

    Returns:
        (units, angles) values.
    """
    at = _offsets(net, layer)
    radius = pictures.shape[-1] / 2
    window = (radius - (at[:, None].square() + at.square()).sqrt()).clamp(0, 1)
    center = (pictures.shape[-1] - 1) / 2
    views = [
        GRAY + window * (_turn(pictures, at, (center, center), angle) - GRAY) for angle in angles
    ]
    return _values(net, layer, units, views)


def on_patches(
    net: Network,
    layer: str,
    units: list[int],
    best: list[tuple[str, Box]],
    images: dict[str, Tensor],
    angles: Sequence[float] = (0, TURN),
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
