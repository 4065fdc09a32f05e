"""What units of earlier layers add to a unit's value, on photographs."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from featviz.circuits.linear import behind
from featviz.circuits.places import Views, find_peaks
from featviz.network.ablation import Photographs, single
from featviz.network.network import Network, check_unit, private_view
from featviz.network.passes import own_mode, run_to

BEST = 8
"""Photographs per unit on which it is taken apart: those where it is strongest."""


@own_mode()
def attributions(
    network: Network, images: Photographs, layer: str, unit: int, earlier: str
) -> Tensor:
    """Attributes a unit's value to the units and places of an earlier layer.

    On each image the unit is read where it is strongest, before its activation. What an earlier
    unit adds at a place is its value after the activation times the gradient: with the biases
    between the two these add up to the unit's value, since ReLUs and max pooling are linear where
    they are.

    Source: A. Shrikumar et al., "Learning Important Features Through Propagating Activation
    Differences", ICML 2017, section 2 (gradient times input).

    Args:
        network: The network.
        images: Photographs (3, H, W) in [0, 1] of one size, or a batch (N, 3, H, W).
        layer: The unit's layer.
        unit: Its index.
        earlier: The earlier layer.

    Returns:
        (N, earlier units, h, w), signed.

    Raises:
        UnknownLayerError: The network has no such layer.
        UnknownUnitError: The layer has no such unit.
        ValueError: The earlier layer doesn't reach the unit, or there are no images.
    """
    check_unit(network, layer, unit)
    peaks = find_peaks(network, layer, images)
    whole = torch.stack(single(images))
    units = torch.full((len(whole),), unit)
    views = Views(whole, units, peaks.rows[:, unit], peaks.columns[:, unit])
    return torch.cat([maps[0] for _, maps in contributions(network, layer, views, [earlier])])


def contributions(
    network: Network, layer: str, views: Views, earlier: Sequence[str]
) -> Iterator[tuple[Views, list[Tensor]]]:
    """Yields what earlier layers add to units at their places, a few views at a time.

    Args:
        network: The network.
        layer: The units' layer.
        views: What the units see.
        earlier: Earlier layers.

    Yields:
        Some of the views, and for each earlier layer (N, earlier units, h, w): value times
        gradient.

    Raises:
        ValueError: An earlier layer doesn't reach the units.
    """
    root, refs = network.resolve(layer), [behind(network, name) for name in earlier]
    view = private_view(network, [root, *refs]).to(views.images.device)
    for part in views.parts():
        inputs = network.normalize(part.images).requires_grad_()
        values = run_to(view, inputs, [root, *refs])
        before = [values[ref.name] for ref in refs]
        score = part.read(values[layer]).sum()
        slopes = torch.autograd.grad(score, before, allow_unused=True)
        maps = []
        for name, value, slope in zip(earlier, before, slopes, strict=True):
            if slope is None:
                raise ValueError(f"{name} of {network.name} doesn't reach {layer}.")
            maps.append((value * slope).detach())
        yield part, maps
