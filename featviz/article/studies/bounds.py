"""Intervals as charts and texts take them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from featviz.measures.statistics import Interval, difference

Bounds = tuple[list[float], list[float], list[float]]
"""Means, lower ends, upper ends."""


def bounds(intervals: Sequence[Interval], by: float = 1) -> Bounds:
    """Returns the means of intervals, their lower and their upper ends, each times a number.

    Args:
        intervals: The intervals.
        by: What they are multiplied by: 100 makes percent of shares.
    """
    means = [by * one.mean for one in intervals]
    return means, [by * one.low for one in intervals], [by * one.high for one in intervals]


def percent(one: Interval, by: float = 1) -> str:
    """Returns an interval of percent, or of shares by 100, as texts quote it: 64% (54 to 74)."""
    return f"{by * one.mean:.{digits_for(one, by)}f}% ({span(one, by)})"


def span(one: Interval, by: float = 1) -> str:
    """Returns the ends of an interval of percent, or of shares by 100: 54 to 74."""
    return f"{by * one.low:.{digits_for(one, by)}f} to {by * one.high:.{digits_for(one, by)}f}"


def digits_for(one: Interval, by: float = 1) -> int:
    """Returns 1 where whole numbers would hide that an interval has a width, else 0.

    Args:
        one: The interval.
        by: As of `percent`.
    """
    return int(one.low < one.high and f"{by * one.low:.0f}" == f"{by * one.high:.0f}")


def quoted(one: Interval, digits: int) -> str:
    """Returns an interval as texts quote it: 0.24 (0.23 to 0.27).

    Args:
        one: The interval.
        digits: Digits behind the point.
    """
    text = f"{one.mean:z.{digits}f} ({one.low:z.{digits}f} to {one.high:z.{digits}f})"
    return text.replace("-", "\N{MINUS SIGN}")


def over_both(values: NDArray[np.float64]) -> Interval:
    """Returns the mean of (things, draws) with an interval that takes both for drawn at random.

    The error of the mean is that of the things' means and that of the draws' means, one beside the
    other: as in Welch's test, whose interval around 0 it is.
    """
    around = difference(values.mean(1), values.mean(0))
    mean = float(values.mean())
    return Interval(mean, mean + around.low, mean + around.high, around.count)
