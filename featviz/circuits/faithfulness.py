"""Whether a circuit is what a unit is made of: what is left of the unit without it, or by it alone.

Source: the two tests, on the circuit removed and on all else removed, follow K. Wang et al.,
"Interpretability in the Wild", ICLR 2023, section 4, where means stand in for values as well.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from featviz.measures.statistics import Interval, crossed

CONDITIONS = ("circuit removed", "random removed", "circuit kept", "random kept")
"""What is taken away: the circuit or random units in its place; all else of the circuit's layers,
or all but the random units."""

STRONGEST = 4
"""Photographs per unit on which its response is compared, those where it is strongest. On eight,
40 random units of each of AlexNet's conv3 to conv5 kept as much to 3 percentage points in the mean,
in twice the time."""

Array = NDArray[np.floating]

Table = list[list[Interval]]


@dataclass(frozen=True, eq=False)
class Faithfulness:
    """What units of one layer give with their circuits removed, and with nothing else left.

    Each unit is read before its activation, at its strongest place of each photograph.

    Attributes:
        layer: The layer.
        units: (units,) their indices.
        keeps: How many units per earlier layer make the circuit, one after the other.
        photographs: (units, n) which photographs each was read on, the `STRONGEST` first.
        original: (units, n) what it gives there.
        values: (units, keeps, conditions, n) what it gives under each of `CONDITIONS`.
    """

    layer: str
    units: NDArray[np.integer]
    keeps: tuple[int, ...]
    photographs: NDArray[np.integer]
    original: Array
    values: Array

    def responses(self) -> Array:
        """Returns how much of each unit's response is left, (units, keeps, conditions).

        It is the mean over the photographs where the unit is strongest, negative values as 0,
        divided by the same without ablation; NaN for units that are active on none of them.
        """
        return _responses(self.original, self.values, np.ones(self.original.shape, bool))

    def correlations(self) -> Array:
        """Returns the correlation with the original values, (units, keeps, conditions).

        It is over all photographs that a unit was read on, and says little without weak ones; 0
        where nothing varies.
        """
        return _correlations(self.original, self.values, np.ones(self.original.shape, bool))

    def intervals(self) -> tuple[Table, Table]:
        """Returns the mean of responses and of correlations over units, with 95 % intervals.

        They allow for other units and other photographs (`measures.statistics.crossed`); for one
        unit alone for other photographs.

        Returns:
            Responses and correlations: for each of `keeps` an interval per condition.
        """
        return self._intervals(lambda both: both)

    def differences(self) -> tuple[Table, Table]:
        """Returns how much more the circuit does than random units, with 95 % intervals.

        Returns:
            Responses and correlations: for each of `keeps` what is left with the circuit removed,
            less with random units removed; and by the circuit alone, less by random units alone.
        """
        return self._intervals(lambda both: both[..., 0::2] - both[..., 1::2])

    def _intervals(self, change: Callable[[Array], Array]) -> tuple[Table, Table]:
        names, places = np.unique(self.photographs, return_inverse=True)
        places = places.reshape(self.photographs.shape)
        alone = len(self.units) == 1

        def statistic(*stay: NDArray[np.integer]) -> Array:
            rows = np.zeros(1, np.int64) if alone else stay[0]
            sides = self.original[rows], self.values[rows], np.isin(places[rows], stay[-1])
            both = np.stack([np.nanmean(of(*sides), 0) for of in (_responses, _correlations)])
            return change(both).ravel()

        counts = [len(names)] if alone else [len(self.units), len(names)]
        ends = crossed(statistic, counts)
        width = len(ends) // (2 * len(self.keeps))
        rows = [ends[first : first + width] for first in range(0, len(ends), width)]
        return rows[: len(self.keeps)], rows[len(self.keeps) :]


def _responses(original: Array, values: Array, within: NDArray[np.bool_]) -> Array:
    strong = within[:, :STRONGEST]
    whole = (original[:, :STRONGEST].clip(0) * strong).sum(1)
    left = (values[..., :STRONGEST].clip(0) * strong[:, None, None]).sum(-1)
    share: Array = left / np.where(whole > 0, whole, np.nan)[:, None, None]
    return share


def _correlations(original: Array, values: Array, within: NDArray[np.bool_]) -> Array:
    weights = within[:, None, None] / within.sum(1).clip(1)[:, None, None, None]
    sides = [original[:, None, None].astype(np.float64), values.astype(np.float64)]
    one, other = (side - (side * weights).sum(-1, keepdims=True) for side in sides)
    spreads = (weights * one**2).sum(-1) * (weights * other**2).sum(-1)
    together = (weights * one * other).sum(-1)
    ratio: Array = np.where(spreads > 0, together / np.sqrt(np.where(spreads > 0, spreads, 1)), 0)
    return ratio
