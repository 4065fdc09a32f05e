"""How busy units are on photographs."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from featviz.network.network import Network
from featviz.network.values import activations


@dataclass(frozen=True, eq=False)
class Activity:
    """How busy units are on photographs.

    Attributes:
        share: (units,) part of all places where the unit passes its ReLU.
        mean: (units,) value after the ReLU, averaged over all places.
        peak: (units,) largest value before the ReLU.
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
    values = torch.cat([_unpadded(network, layer, image) for image in images], 1)
    return Activity((values > 0).float().mean(1), values.relu().mean(1), values.amax(1))


def unpadded_places(network: Network, layer: str, size: int) -> range:
    """Returns the positions along one axis whose receptive field lies inside the image.

    Args:
        network: The network.
        layer: The layer's name.
        size: Side of the image in pixels.

    Returns:
        Their indices; all other positions see zero padding.
    """
    field = network.receptive_field(layer)
    count = network.shape(layer, size)[-1]
    good = [i for i in range(count) if field.span(i)[0] >= 0 and field.span(i)[1] <= size]
    return range(good[0], good[-1] + 1) if good else range(0)


def _unpadded(network: Network, layer: str, image: Tensor) -> Tensor:
    """The values (units, places) of the places of one photograph that see no padding."""
    height, width = image.shape[-2:]
    rows, columns = unpadded_places(network, layer, height), unpadded_places(network, layer, width)
    if not rows or not columns:
        raise ValueError(
            f"a photo of {width} x {height} px holds no whole field of {layer}, whose units see "
            f"{network.receptive_field(layer).size} px."
        )
    value = activations(network, image, layer)[0]
    return value[:, rows.start : rows.stop, columns.start : columns.stop].flatten(1)
