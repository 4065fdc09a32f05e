"""What photographs do to a unit, from what silences it most to what excites it most.

Source of the idea: C. Olah, A. Mordvintsev, L. Schubert, "Feature Visualization", Distill 2017,
section "Diversity".
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor

from featviz.ascent.effective_field import used_field
from featviz.measures.patches import (
    Box,
    Bytes,
    Example,
    cut,
    field_box,
    holds_field,
    no_field,
    pixels_seen,
    values_inside,
)
from featviz.network.network import Network, check_units
from featviz.network.receptive_fields import ReceptiveField
from featviz.photos import Photo

LEVELS = (-1.0, -0.5, 0.0, 0.5, 1.0)
"""Most negative, negative, near zero, positive and most positive, as parts of the extremes."""


@dataclass(frozen=True, eq=False)
class Spectrum:
    """What photographs do to one unit.

    Attributes:
        levels: Per level the patches whose values lie nearest to it, nearest first.
        values: (n,) the unit's values at all places whose field lies inside a photograph.
    """

    levels: tuple[tuple[Example, ...], ...]
    values: Tensor


@dataclass(frozen=True, eq=False)
class _View:
    """A photograph, and the values (units, rows, columns) of the places that see no padding."""

    name: str
    pixels: Bytes
    first: tuple[int, int]
    values: Tensor


def find_spectrum(
    network: Network,
    layer: str,
    photos: Sequence[Photo],
    *,
    units: Sequence[int],
    levels: Sequence[float] = LEVELS,
    count: int = 4,
) -> dict[int, Spectrum]:
    """Finds the patches at which units answer at given levels between their extremes.

    Only fields that lie inside a photograph count: what a unit says of padding is no example.
    Patches of one level from one photograph don't overlap.

    Args:
        network: The network.
        layer: The layer's name.
        photos: Photographs.
        units: Which units.
        levels: 1 stands for the largest value on the photographs, -1 for the smallest, 0 for zero.
        count: Patches per unit and level; there are fewer if the photographs hold fewer apart.

    Returns:
        Unit -> its spectrum. Patches hold the part of the field that the units use.

    Raises:
        ValueError: An unknown layer or unit, or no photograph that holds a unit's whole field.
    """
    field, core = network.receptive_field(layer), used_field(network, layer)
    check_units(network, layer, units)
    views = [
        _View(
            photo.name,
            pixels_seen(network, photo),
            *values_inside(network, layer, photo, units),
        )
        for photo in photos
        if holds_field(field, photo)
    ]
    if not views:
        raise no_field(layer, field, len(photos))
    spectra = {}
    for index, unit in enumerate(units):
        values = torch.cat([one.values[index].flatten() for one in views])
        low, high = values.min().item(), values.max().item()
        targets = [level * (high if level > 0 else -low) for level in levels]
        spectra[unit] = Spectrum(
            tuple(_nearest(views, index, values, field, core, target, count) for target in targets),
            values,
        )
    return spectra


def _nearest(
    views: Sequence[_View],
    unit: int,
    values: Tensor,
    field: ReceptiveField,
    core: ReceptiveField,
    target: float,
    count: int,
) -> tuple[Example, ...]:
    """The patches whose values are nearest to a target, each photograph's apart from each other."""
    starts = [0, *accumulate(one.values[unit].numel() for one in views)]
    picks: list[tuple[int, Example]] = []
    for place in (values - target).abs().argsort(stable=True).tolist():
        which = bisect_right(starts, place) - 1
        one = views[which]
        row, column = divmod(place - starts[which], one.values.shape[2])
        position = one.first[0] + row, one.first[1] + column
        box = field_box(field, *position)
        if all(which != other or _apart(box, there.box) >= field.size for other, there in picks):
            value = one.values[unit, row, column].item()
            patch = cut(one.pixels, field_box(core, *position))
            picks.append((which, Example(one.name, value, position, box, patch)))
        if len(picks) == count:
            break
    return tuple(example for _, example in picks)


def _apart(one: Box, other: Box) -> int:
    """Pixels between the corners of two squares along the axis on which they are further apart."""
    return max(abs(one[0] - other[0]), abs(one[1] - other[1]))
