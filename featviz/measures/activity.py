"""How busy units are on photographs."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from featviz.network.network import AFTER_RELU, Network, is_activated
from featviz.network.passes import widened
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


def measure_activity(
    network: Network, layers: Sequence[str], images: Sequence[Tensor]
) -> dict[str, Activity]:
    """Measures how busy the units of layers are on photographs, in one pass of each photograph.

    Args:
        network: The network.
        layers: The layers' names, without ":relu".
        images: Photographs (3, H, W) in [0, 1], of any sizes.

    Returns:
        Layer -> its activity. Places whose field reaches over the border of the photograph don't
        count.

    Raises:
        ValueError: There is no photograph, or one is no larger than what a unit sees.
    """
    if not images:
        raise ValueError("there are no photographs to measure: give at least one.")
    values: dict[str, list[tuple[Tensor, ...]]] = {layer: [] for layer in layers}
    for image in images:
        for layer, (before, after) in _both_values(network, layers, image).items():
            count = torch.tensor(after.shape[1])
            values[layer].append(((after > 0).sum(1), after.sum(1), before.amax(1), count))
    return {layer: _over_photographs(ones) for layer, ones in values.items()}


def _over_photographs(values: Sequence[tuple[Tensor, ...]]) -> Activity:
    """The activity on photographs with so many active places, sums, peaks and places each."""
    active, sums, peaks, places = (torch.stack(ones) for ones in zip(*values, strict=True))
    share, mean = active.sum(0) / places.sum(), widened(sums).sum(0) / places.sum()
    return Activity(share, mean.float(), peaks.amax(0))


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


def _both_values(
    network: Network, layers: Sequence[str], image: Tensor
) -> dict[str, tuple[Tensor, Tensor]]:
    """Values before and after each layer's ReLU, (units, places), of one photograph's insides."""
    names = {
        layer: [layer, layer + AFTER_RELU] if is_activated(network, layer) else [layer]
        for layer in layers
    }
    values = activations(network, image, [name for pair in names.values() for name in pair])
    both = {}
    for layer, pair in names.items():
        height, width = image.shape[-2:]
        rows, columns = (unpadded_places(network, layer, side) for side in (height, width))
        if not rows or not columns:
            raise ValueError(
                f"a photo of {width} x {height} px holds no whole field of {layer}, whose units "
                f"see {network.receptive_field(layer).size} px."
            )
        before, *after = (
            values[name][0, :, rows.start : rows.stop, columns.start : columns.stop].flatten(1)
            for name in pair
        )
        both[layer] = (before, after[0] if after else before.relu())
    return both
