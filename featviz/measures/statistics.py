"""Means and shares with intervals that cover, and rank correlation."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri, stdtrit
from torch import Tensor

LEVEL = 0.95
"""Coverage of an interval."""


@dataclass(frozen=True)
class Interval:
    """A mean and how far to trust it.

    Attributes:
        mean: The mean.
        low: Lower end of the interval; NaN if there is none.
        high: Upper end; NaN if there is none.
        count: How many independent things were averaged: one alone has no interval.
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


def interval(values: ArrayLike) -> Interval:
    """Returns a mean with its 95 % interval by Student's t.

    Of normal values it covers the true mean in 95 % of cases, however few they are; of skewed ones
    less often, as a test measures: of exponential ones in 88, 90, 91 and 93 % of cases at n = 4, 8,
    16 and 30, of log-normal ones (sigma 1) in 82, 83, 86 and 88 %.

    Source: Student, "The Probable Error of a Mean", Biometrika 6:1, 1908.

    Args:
        values: (n,) or (n, repetitions); repetitions of one thing are averaged first, as they are
            not independent.

    Returns:
        The mean and its interval, which is NaN for one value.

    Raises:
        ValueError: There are no values.
    """
    table = np.asarray(values, np.float64)
    if not table.size:
        raise ValueError("there is nothing to average: give at least one value.")
    each: NDArray[np.float64] = table.reshape(len(table), -1).mean(1)
    if len(each) == 1:
        return Interval(float(each[0]), math.nan, math.nan, 1)
    mean, reach = float(each.mean()), float(_reach(each))
    return Interval(mean, mean - reach, mean + reach, len(each))


def share(hits: ArrayLike) -> Interval:
    """Returns the share of things that are so, with its 95 % interval by Wilson.

    Unlike that of a mean it stays within [0, 1] and has a width where none or all are so.

    Source: E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference",
    Journal of the American Statistical Association 22:158, 1927.

    Args:
        hits: (n,) true or false.

    Returns:
        The share and its interval.

    Raises:
        ValueError: There is nothing to count.
    """
    table = np.asarray(hits, bool)
    count = table.size
    if not count:
        raise ValueError("there is nothing to count: give at least one value.")
    part, z = float(table.mean()), float(ndtri((1 + LEVEL) / 2))
    middle = (part + z**2 / (2 * count)) / (1 + z**2 / count)
    reach = math.sqrt(part * (1 - part) / count + (z / (2 * count)) ** 2) * z / (1 + z**2 / count)
    # Rounding must not leave 0 or 1 outside.
    return Interval(part, min(middle - reach, part), max(middle + reach, part), count)


def _reach(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Half the width of Student's interval for the means of (..., n) values."""
    count = values.shape[-1]
    error = values.std(-1, ddof=1) / math.sqrt(count)
    reach: NDArray[np.float64] = stdtrit(count - 1, (1 + LEVEL) / 2) * error
    return reach


def _ranks(map: Tensor) -> NDArray[np.float64]:
    """Each place's rank; equal places share the mean of theirs."""
    _, inverse, counts = np.unique(map.numpy().ravel(), return_inverse=True, return_counts=True)
    ranks: NDArray[np.float64] = (counts.cumsum() - (counts - 1) / 2)[inverse]
    return ranks
