"""Units of two networks that respond alike: correlated at the same places of the same photographs.

Source: A. Dravid, Y. Gandelsman, A. A. Efros, A. Shocher, "Rosetta Neurons: Mining the Common Units
in a Model Zoo", ICCV 2023. There maps are enlarged to one size; here each value counts where the
network's geometry puts it, so that maps of other strides and paddings don't shift against another.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from featviz.network.receptive_fields import ReceptiveField


def on_grid(
    values: Tensor, field: ReceptiveField, centers: Sequence[float], apart: float
) -> Tensor:
    """Averages a layer's values around the places of a grid.

    The weight of a position falls linearly from 1 in the middle of a place to 0 at the middle of
    the next one.

    Args:
        values: (..., h, w) of a layer.
        field: The layer's receptive field, which says where in the image each position lies.
        centers: Middles of the places along either axis, in pixels of the image.
        apart: Pixels from one place to the next, more than half of the field's stride.

    Returns:
        (..., places, places).

    Raises:
        ValueError: A place has no position of the layer around it.
    """
    rows, columns = (_weights(field, count, centers, apart) for count in values.shape[-2:])
    return rows @ values @ columns.T


def _weights(field: ReceptiveField, count: int, centers: Sequence[float], apart: float) -> Tensor:
    """(places, positions) weights along one axis, which sum to 1 at each place."""
    positions = field.start + field.stride * torch.arange(count)
    distances = (positions - torch.tensor(centers)[:, None]).abs()
    weights = (1 - distances / apart).clamp(min=0)
    sums = weights.sum(1, keepdim=True)
    if not sums.all():
        raise ValueError(
            f"no position of {count} that lie {field.stride} px apart is within {apart} px of each "
            f"of the places at {', '.join(f'{center:g}' for center in centers)} px."
        )
    return weights / sums


def correlations(one: Tensor, other: Tensor) -> Tensor:
    """Returns the correlations (Pearson) of all units of one layer with all of another.

    Args:
        one: (units, samples) values.
        other: (others, samples) at the same places of the same photographs.

    Returns:
        (units, others); 0 where either is constant.
    """
    return _standard(one) @ _standard(other).T


def _standard(values: Tensor) -> Tensor:
    above = values - values.mean(1, keepdim=True)
    length = above.norm(dim=1, keepdim=True)
    return torch.where(length > 0, above / length.clamp(min=1e-30), 0.0)


def mutual_matches(table: Tensor) -> Tensor:
    """Returns which units are each other's best match.

    Args:
        table: (units, others) correlations.

    Returns:
        (pairs, 2) indices of a unit and of the other, by the unit's.
    """
    best, best_of_others = table.argmax(1), table.argmax(0)
    units = torch.arange(len(table))
    is_mutual = best_of_others[best] == units
    return torch.stack([units, best], 1)[is_mutual]


def pair_correlations(one: Tensor, other: Tensor) -> Tensor:
    """Returns the correlations (Pearson) of pairs of units.

    Args:
        one: (pairs, photographs, places) values of the one unit of each pair.
        other: The same of the other unit.

    Returns:
        (pairs,); 0 where either unit is constant.
    """
    # In float64, as moments far from 0 cancel.
    sides = [_standard(side.double().flatten(1)) for side in (one, other)]
    return (sides[0] * sides[1]).sum(1).float()
