"""How busy units are on photographs."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from featviz.network.network import AFTER_RELU, Network, is_activated
from featviz.network.receptive_fields import ReceptiveField
from featviz.network.values import activations


@dataclass(frozen=True, eq=False)
class Activity:
    """How busy units are on photographs.

    Attributes:
        share: (units,) part of all places where the unit passes its ReLU: is above 0 after it.
        mean: (units,) value after the ReLU, averaged over all places.
        peak: (units,) largest value before the ReLU.

    The ReLU is the activation that the network has behind the layer; if it has none, a plain one.
    """

    share: Tensor
    mean: Tensor
    peak: Tensor


def measure_activity(network: Network, layer: str, images: Sequence[Tensor]) -> Activity:
    """Measures how busy the units of a layer are on photographs.

    Args:
        network: The network.
        layer: The layer's name, without ":relu".
        images: Photographs (3, H, W) in [0, 1], of any sizes.

    Returns:
        The activity. Places whose field reaches over the border of the photograph don't count.

    Raises:
        ValueError: There is no photograph, or one is no larger than what a unit sees.
    """
    if not images:
        raise ValueError("there are no photographs to measure: give at least one.")
    before, after = torch.cat([_both_values(network, layer, image) for image in images], 2)
    return Activity((after > 0).float().mean(1), after.mean(1), before.amax(1))


def unpadded_places(network: Network, layer: str, size: int) -> range:
    """Returns the positions along one axis whose receptive field lies inside the image.

    Args:
        network: The network.
        layer: The layer's name.
        size: Side of the image in pixels.

    Returns:
        Their indices; all other positions see zero padding.
    """
    return places_inside(network.receptive_field(layer), network.shape(layer, size)[-1], size)


def places_inside(field: ReceptiveField, count: int, size: int) -> range:
    """Returns which positions along one axis have their whole field inside the image.

    Args:
        field: The receptive field.
        count: Positions along the axis.
        size: Pixels of the image along it.

    Returns:
        Their indices; none if the image holds no whole field.
    """
    inside = [at for at in range(count) if field.span(at)[0] >= 0 and field.span(at)[1] <= size]
    return range(inside[0], inside[-1] + 1) if inside else range(0)


def _both_values(network: Network, layer: str, image: Tensor) -> Tensor:
    """Values before and after the ReLU, (2, units, places), of one photograph without padding."""
    height, width = image.shape[-2:]
    rows, columns = unpadded_places(network, layer, height), unpadded_places(network, layer, width)
    if not rows or not columns:
        raise ValueError(
            f"a photo of {width} x {height} px holds no whole field of {layer}, whose units see "
            f"{network.receptive_field(layer).size} px."
        )
    names = [layer, layer + AFTER_RELU] if is_activated(network, layer) else [layer]
    values = [value[0] for value in activations(network, image, names).values()]
    both = torch.stack([values[0], values[1] if len(values) > 1 else values[0].relu()])
    return both[..., rows.start : rows.stop, columns.start : columns.stop].flatten(2)
