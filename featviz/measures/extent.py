"""How large the part of a picture is that a unit needs."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from featviz.measures.gratings import GRAY
from featviz.network.network import Network
from featviz.network.receptive_fields import ReceptiveField
from featviz.network.values import activations

KEPT = 0.5
"""Share of a unit's activation above gray that the part must give."""

WINDOWS = 25
"""Sizes of window that are tried: between two of them the activation is taken to rise evenly."""


@torch.no_grad()
def extents(network: Network, layer: str, units: Sequence[int], images: Tensor) -> Tensor:
    """Measures how large the part of its own picture is that gives a unit half its activation.

    Where the picture excites the unit most, all but a disk is made gray. What the unit gives for
    plain gray is taken off all values.

    Source: B. Zhou et al., "Object Detectors Emerge in Deep Scene CNNs", ICLR 2015, section 3.2,
    who cover small parts of photographs to find what a unit needs; here all else is covered.

    Args:
        network: The network.
        layer: The units' layer, whose receptive field is known.
        units: Which units.
        images: (N, 3, H, W) tensor in [0, 1], the picture of each, of one motif or of many.

    Returns:
        (N,) diameter of the disk in pixels; NaN for a unit that its picture does not excite.

    Raises:
        ValueError: An unknown layer, or one whose units see the whole image; images of another
            shape or range.
    """
    field = network.receptive_field(layer)
    side = field.canvas()
    middle = network.shape(layer, side)[-1] // 2
    first = field.span(middle)[0]
    from_middle = torch.arange(side) - (field.start + field.stride * middle)
    distance = (from_middle[:, None].square() + from_middle.square()).sqrt()
    # The largest reaches into the corners of the field, which is a square.
    diameters = torch.linspace(0, 2**0.5 * (field.size + 1), WINDOWS)
    disks = ((diameters[:, None, None] + 1) / 2 - distance).clamp(0, 1)[:, None]
    disks[0] = 0  # nothing is to be seen of the picture, not even a pixel's half
    around = F.pad(images, (side,) * 4, value=GRAY)
    maps = activations(network, around, layer)[torch.arange(len(units)), list(units)]
    results = []
    for unit, image, values in zip(units, around, maps, strict=True):
        top, left = (field.span(at)[0] - first for at in _strongest(values, field, side, image))
        crop = image[:, top : top + side, left : left + side]
        views = GRAY + disks * (crop - GRAY)
        answers = activations(network, views, layer)[:, unit, middle, middle]
        results.append(_reached(diameters, answers - answers[0]))
    return torch.stack(results)


def _strongest(
    values: Tensor, field: ReceptiveField, border: int, image: Tensor
) -> tuple[int, int]:
    """The largest of values (h, w) among those in the middle of whose field there is picture."""
    inside = [
        (border <= centers) & (centers < side - border)
        for count, side in zip(values.shape, image.shape[1:], strict=True)
        for centers in [field.start + field.stride * torch.arange(count)]
    ]
    there = inside[0][:, None] & inside[1]
    row, column = divmod(int(values.where(there, -torch.inf).argmax()), values.shape[1])
    return row, column


def _reached(diameters: Tensor, values: Tensor) -> Tensor:
    """The first diameter at which values reach their part of the last one."""
    if values[-1] <= 0:
        return torch.tensor(torch.nan)
    share = values / values[-1]
    after = int((share >= KEPT).float().argmax())
    before = after - 1
    part = (KEPT - share[before]) / (share[after] - share[before])
    return diameters[before] + part * (diameters[after] - diameters[before])
