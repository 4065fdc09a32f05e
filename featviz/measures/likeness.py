"""Whether units whose pictures look alike behave alike on photographs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike
from torch import Tensor

from featviz.measures.statistics import agreement, ranks
from featviz.measures.two_choice import standardized


@dataclass(frozen=True, eq=False)
class Behavior:
    """What units do on photographs, summed over places, so that photographs can be left out.

    Attributes:
        places: (photographs,) how many places each shows.
        sums: (photographs, units) of the values.
        products: (photographs, units, units) of the products of two units at one place.
    """

    places: Tensor
    sums: Tensor
    products: Tensor

    @classmethod
    def of(cls, maps: Iterable[Tensor], around: int = 1) -> "Behavior":
        """Sums up the maps of photographs.

        Args:
            maps: One (units, h, w) per photograph.
            around: Side of the squares of places of which only the largest value counts; 1 takes
                each place by itself.
        """
        flat = [F.max_pool2d(map, around).double().flatten(1) for map in maps]
        return cls(
            torch.tensor([values.shape[1] for values in flat], dtype=torch.float64),
            torch.stack([values.sum(1) for values in flat]),
            torch.stack([values @ values.T for values in flat]),
        )

    def correlation(self, photographs: ArrayLike | None = None) -> Tensor:
        """Returns the correlations of units over all places of photographs.

        Args:
            photographs: Indices of which, one named twice counts twice; without it all.

        Returns:
            (units, units); NaN for units that have the same value everywhere.
        """
        every = range(len(self.places)) if photographs is None else np.asarray(photographs)
        weights = torch.bincount(torch.as_tensor(every), minlength=len(self.places)).double()
        count, sums = weights @ self.places, weights @ self.sums
        products = torch.tensordot(weights, self.products, 1) / count
        covariance = products - torch.outer(sums, sums) / count**2
        spread = covariance.diagonal().clamp(min=0).sqrt()
        # What rounding leaves of a constant is no behavior.
        flat = spread <= 1e-6 * products.diagonal().sqrt()
        spread = torch.where(flat, torch.nan, spread)
        correlations: Tensor = covariance / torch.outer(spread, spread)
        return correlations.clamp(-1, 1)


def likeness(looks: Tensor, others: Tensor) -> Tensor:
    """Returns how alike descriptions are: the cosine of what sets them apart from all others.

    Args:
        looks: (N, D) descriptions of pictures, as `two_choice.seen_by` gives them.
        others: (M, D) of the pictures to compare with; by their mean and spread each column is
            standardized, so that what all pictures have in common does not count.

    Returns:
        (N, M) from -1 to 1.
    """
    one, other = (F.normalize(standardized(side.double(), others.double()), dim=1)
                  for side in (looks, others))  # fmt: skip
    return one @ other.T


def each_pair(square: Tensor) -> Tensor:
    """Returns what a symmetric (units, units) says of each pair of two units: (pairs,)."""
    row, column = torch.triu_indices(len(square), len(square), offset=1)
    return square[row, column]


def pair_agreement(one: Tensor, other: Tensor) -> float:
    """Returns the rank correlation of two kinds of likeness over all pairs of units.

    Args:
        one: (units, units), symmetric.
        other: The same units'.
    """
    return agreement(each_pair(one), each_pair(other))


def permuted_agreements(one: Tensor, other: Tensor, draws: int, seed: int) -> Tensor:
    """Returns the same where the units of one side are dealt anew: what chance brings.

    Source: N. Mantel, "The Detection of Disease Clustering and a Generalized Regression Approach",
    Cancer Research 27:2, 1967.

    Args:
        one: (units, units), symmetric, the side that is dealt.
        other: The other side.
        draws: How often.
        seed: Where the permutations come from.

    Returns:
        (draws,) rank correlations.
    """
    stream = torch.Generator().manual_seed(seed)
    orders = [torch.randperm(len(one), generator=stream) for _ in range(draws)]
    # Ranks don't change by dealing: they are made once.
    ranked = torch.zeros(one.shape, dtype=torch.float64)
    row, column = torch.triu_indices(len(one), len(one), offset=1)
    ranked[row, column] = torch.from_numpy(ranks(one[row, column]))
    ranked += ranked.T.clone()
    fixed = _centered(torch.from_numpy(ranks(other[row, column])))
    dealt = (_centered(ranked[order][:, order][row, column]) for order in orders)
    return torch.stack([values @ fixed for values in dealt])


def standings(looks: Tensor, behavior: Tensor) -> Tensor:
    """Returns where the unit that looks most like each unit stands in likeness of behavior.

    Args:
        looks: (units, units) how alike pictures look.
        behavior: (units, units) how alike units behave.

    Returns:
        (units,) percent of the other units that behave less like the unit than its lookalike does,
        from 0 to 100; of equal ones half count. Chance is 50.
    """
    count = len(looks)
    alone = torch.eye(count, dtype=torch.bool)
    nearest = looks.masked_fill(alone, -torch.inf).argmax(1, keepdim=True)
    reached = behavior.gather(1, nearest)
    below = ((behavior < reached) & ~alone).sum(1)
    ties = ((behavior == reached) & ~alone).sum(1) - 1  # one is the lookalike itself
    return 100 * (below + ties / 2) / (count - 2)


def within(behavior: Tensor, units: Sequence[int]) -> float:
    """Returns the mean likeness of the pairs among some units."""
    some = torch.as_tensor(units)
    return each_pair(behavior[some][:, some]).mean().item()


def within_random(behavior: Tensor, size: int, draws: int, seed: int) -> Tensor:
    """Returns the same for random sets of units.

    Args:
        behavior: (units, units).
        size: Units per set.
        draws: How many sets.
        seed: Where they come from.

    Returns:
        (draws,) means.
    """
    stream = torch.Generator().manual_seed(seed)
    picks = torch.rand(draws, len(behavior), generator=stream).topk(size, dim=1).indices
    among = behavior[picks[:, :, None], picks[:, None]]
    row, column = torch.triu_indices(size, size, offset=1)
    return among[:, row, column].mean(1)


def _centered(values: Tensor) -> Tensor:
    """Values less their mean, of length 1: the product of two such is their correlation."""
    return F.normalize(values - values.mean(), dim=0)
