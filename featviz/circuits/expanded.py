"""Weights between any two layers of a network, through what lies between them."""

import math
from collections.abc import Sequence
from numbers import Integral

import torch
from torch import Tensor

from featviz.circuits.linear import Way, behind, linear_way
from featviz.network.ablation import Photographs, mean_values
from featviz.network.network import Network, check_unit, field_of
from featviz.network.padding import places_inside
from featviz.network.passes import device_of, own_mode, run_to


@own_mode()
def expanded_weights(
    network: Network, layer: str, units: int | Sequence[int], earlier: str
) -> Tensor:
    """Returns the linear map from an earlier layer's units to units of a later one.

    That is how much a unit's value at one place rises with each earlier unit's value at each place,
    if ReLUs let everything pass and max pooling takes the mean. Where several paths lead from one
    layer to the other, as behind residual sums, it is the sum over them.

    Source: C. Voss et al., "Visualizing Weights", Distill 2021, section "Expanded Weights"; the map
    is the gradient of the network with those parts exchanged.

    Args:
        network: The network; it stays as it is.
        layer: The later layer; batch norm before its activation is part of the map.
        units: Its units, or one.
        earlier: The earlier layer, whose values after the activation are meant.

    Returns:
        (units, earlier units, kh, kw), as a convolution's weights: places in the earlier layer's
        map, around the later unit's field. A layer that sees the whole image has the whole map of
        an image as large as the network was made for.

    Raises:
        UnknownLayerError: The network has no such layer.
        UnknownUnitError: The layer has no such unit.
        ValueError: No path leads from one to the other, or none that can be made linear.
    """
    numbers = [int(units)] if isinstance(units, int | Integral) else list(units)
    for unit in numbers:
        check_unit(network, layer, unit)
    way = linear_way(network, layer, earlier)
    row, column, side = _middle(network, layer)
    gray = torch.full((1, 3, side, side), 0.5, device=device_of(way.view))
    gray = network.normalize(gray).requires_grad_()
    values = run_to(way.view, gray, [way.later, way.earlier])
    before, after = values[way.earlier.name], values[way.later.name][0]
    window = _window(network, way, row, column, before.shape[-2:])
    maps = []
    for unit in numbers:
        value = after[unit] if after.ndim == 1 else after[unit, row, column]
        (slope,) = torch.autograd.grad(value, before, retain_graph=True)
        maps.append(slope[0][:, *window])
    return torch.stack(maps)


@own_mode()
def effective_weights(
    network: Network, layer: str, units: int | Sequence[int], earlier: str, images: Photographs
) -> Tensor:
    """Returns how much earlier units add to later ones on photographs, in the mean.

    That is the expanded weight, summed over places, times the earlier unit's mean activation: a
    strong weight from a unit that is rarely active says little.

    Args:
        network: The network.
        layer: The later layer.
        units: Its units, or one.
        earlier: The earlier layer.
        images: Photographs (3, H, W) in [0, 1], of any sizes, or a batch (N, 3, H, W).

    Returns:
        (units, earlier units).

    Raises:
        ValueError: As `expanded_weights`, or there is no photograph.
    """
    weights = expanded_weights(network, layer, units, earlier).sum((2, 3))
    name = behind(network, earlier).name
    return weights * mean_values(network, [name], images)[name].to(weights.device)


def _middle(network: Network, layer: str) -> tuple[int, int, int]:
    """A place (row, column) of a layer that sees no padding, and the image's side where it is so.

    Of a layer that sees the whole image the middle of the image that the network was made for.
    """
    field = field_of(network, layer)
    side = field.canvas() if field else network.size
    shape = network.shape(layer, side)
    if len(shape) == 1:
        return 0, 0, side
    if field is None:
        return shape[1] // 2, shape[2] // 2, side
    places = places_inside(field, shape[-1], side)
    return places[len(places) // 2], places[len(places) // 2], side


def _window(
    network: Network, way: Way, row: int, column: int, shape: Sequence[int]
) -> tuple[slice, slice]:
    """Which places of the earlier layer lie in the field of one of the later: all if unknown."""
    try:
        field = network.receptive_field(way.later.name)
        part = network.receptive_field(way.earlier.name)
    except ValueError:
        return slice(0, shape[0]), slice(0, shape[1])
    sides = []
    for place, count in zip((row, column), shape, strict=True):
        (first, end), (start, stop) = field.span(place), part.span(0)
        low = math.ceil((first - start) / part.stride)
        high = math.floor((end - stop) / part.stride)
        sides.append(slice(max(0, low), min(count, high + 1)))
    return sides[0], sides[1]
