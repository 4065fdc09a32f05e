"""Means with their intervals, and rank correlation."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

RESAMPLES = 2000
"""Bootstrap resamples: the interval's ends are then stable to about 1 % of its width."""


LEVEL = 0.95
"""Coverage of an interval."""


@dataclass(frozen=True)
class Interval:
    """A mean over photos and how far to trust it.

    Attributes:
        mean: The mean.
        low: Lower end of the bootstrap interval.
        high: Upper end.
        count: How many photos were averaged.
    """

    mean: float
    low: float
    high: float
    count: int


def agreement(one: Tensor, other: Tensor) -> float:
    """Returns the rank correlation (Spearman) of two maps of one shape; 0 if one is constant."""
    a, b = _ranks(one), _ranks(other)
    if not (np.ptp(a) and np.ptp(b)):
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def interval(values: ArrayLike, seed: int = 0) -> Interval:
    """Bootstraps the mean over photos.

    Source: B. Efron, R. Tibshirani, "An Introduction to the Bootstrap", 1993, section 13.3
    (percentile interval).

    Args:
        values: (photos,) or (photos, repetitions); repetitions of a photo stay together, as they
            are not independent.
        seed: Where the resamples come from.

    Returns:
        The mean with its 95 % interval.

    Raises:
        ValueError: There are no values.
    """
    table = np.asarray(values, np.float64)
    if not table.size:
        raise ValueError("there is nothing to average: give one value per photo.")
    per_photo: NDArray[np.float64] = table.reshape(len(table), -1).mean(1)
    draws = np.random.default_rng(seed).integers(len(per_photo), size=(RESAMPLES, len(per_photo)))
    means = per_photo[draws].mean(1)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(per_photo.mean()), float(low), float(high), len(per_photo))


def _ranks(map: Tensor) -> NDArray[np.float64]:
    """Each place's rank; equal places share the mean of theirs."""
    _, inverse, counts = np.unique(map.numpy().ravel(), return_inverse=True, return_counts=True)
    ranks: NDArray[np.float64] = (counts.cumsum() - (counts - 1) / 2)[inverse]
    return ranks
