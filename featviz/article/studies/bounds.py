"""Intervals as charts and texts take them."""

from collections.abc import Sequence

from featviz.measures.statistics import Interval

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


def quoted(one: Interval, digits: int) -> str:
    """Returns an interval as texts quote it: 0.24 (0.23 to 0.27).

    Args:
        one: The interval.
        digits: Digits behind the point.
    """
    text = f"{one.mean:z.{digits}f} ({one.low:z.{digits}f} to {one.high:z.{digits}f})"
    return text.replace("-", "\N{MINUS SIGN}")
