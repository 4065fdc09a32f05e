"""Which units of other networks respond as AlexNet's do, on photographs they weren't chosen on."""

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from featviz.article.studies.networks_evidence import DEPTHS, look
from featviz.measures.correspondence import (
    correlations,
    mutual_matches,
    pair_correlations,
)
from featviz.measures.statistics import Interval, crossed

ALIKE = 0.5
"""Correlation on held-out photographs above which two units count as alike: a quarter of either's
variance is then the other's."""

OTHERS = ("VGG16", "SqueezeNet")
"""The networks in which AlexNet's units are looked for."""

TRAINED, UNTRAINED, MIXED = "trained", "untrained", "mixed"
"""In what they are looked for: the network; the same before training; the network while it looks at
another photograph than AlexNet does."""


TWINS = 2
"""Pairs of each of AlexNet's layers that are shown."""


class Twin(NamedTuple):
    """A unit of AlexNet and its match in VGG16, with their correlation on held-out photographs."""

    layer: str
    unit: int
    other_layer: str
    other_unit: int
    held: float


@dataclass(frozen=True, eq=False)
class Matches:
    """Units of an AlexNet layer, each with one of another network, chosen on half the photographs.

    Attributes:
        units: (n,) of AlexNet's layer.
        others: (n,) of the other's layer, or of its five depths one after the other.
        chosen: (n,) correlations on the photographs they were chosen on.
        steady: (n,) the lower of the correlations on the two halves of those. One photograph that
            excites both units can't make it large.
        held: (n,) on the other photographs.
        tested: Values there of the ones and of the others, (n, photographs, places) each.
    """

    units: Tensor
    others: Tensor
    chosen: Tensor
    steady: Tensor
    held: Tensor
    tested: tuple[Tensor, Tensor]


@cache
def best(layer: str, other: str, kind: str = TRAINED, every: int = 1) -> Matches:
    """Finds for each unit of AlexNet's layer the unit of another network that is most alike.

    Args:
        layer: AlexNet's layer.
        other: One of `OTHERS`; all its five depths are searched.
        kind: `TRAINED`, `UNTRAINED` or `MIXED`.
        every: Of so many of the photographs to choose on one is used.
    """
    halves = _halves("AlexNet", layer)
    parts = zip(*(_halves(other, one, kind) for one in DEPTHS[other]), strict=True)
    choices, test = (torch.cat(part) for part in parts)
    table = correlations(*(side[:, ::every].flatten(1) for side in (halves[0], choices)))
    pairs = torch.stack([torch.arange(len(table)), table.argmax(1)], 1)
    return _matches(halves, (choices, test), pairs)


@cache
def mutual(layer: str, other: str, other_layer: str, kind: str = TRAINED) -> Matches:
    """Finds the units of two layers that are each other's best match.

    Args:
        layer: AlexNet's layer.
        other: As for `best`.
        other_layer: The other network's layer.
        kind: As for `best`.
    """
    halves, others = _halves("AlexNet", layer), _halves(other, other_layer, kind)
    table = correlations(halves[0].flatten(1), others[0].flatten(1))
    return _matches(halves, others, mutual_matches(table))


@cache
def steadiest() -> list[Twin]:
    """Lists the steadiest mutual matches of each of AlexNet's layers but the first, in VGG16."""
    twins = []
    for layer in DEPTHS["AlexNet"][1:]:
        every = []
        for other_layer in DEPTHS["VGG16"]:
            found = mutual(layer, "VGG16", other_layer)
            columns = (found.units, found.others, found.steady, found.held)
            for unit, other, steady, held in zip(*(one.tolist() for one in columns), strict=True):
                every.append((steady, Twin(layer, unit, other_layer, other, held)))
        by_unit: dict[int, Twin] = {}
        for _, twin in sorted(every, key=lambda one: -one[0]):
            by_unit.setdefault(twin.unit, twin)
        twins += list(by_unit.values())[:TWINS]
    return twins


def median(matches: Matches) -> Interval:
    """Returns the median of the pairs' correlations, with its interval over tested photographs.

    How many pairs exceed a threshold would have none that covers: what photographs drawn anew add
    to each correlation carries pairs over it from the side on which most of them are.
    """

    def middle(kept: NDArray[np.int64]) -> list[float]:
        return [float(pair_correlations(*(side[:, kept] for side in matches.tested)).median())]

    (found,) = crossed(middle, [matches.tested[0].shape[1]])
    return found


Halves = tuple[Tensor, Tensor]
"""Values (units, photographs, places) on the photographs to choose on, and on those to test on."""


def _halves(name: str, layer: str, kind: str = TRAINED) -> Halves:
    maps = look(name, 0 if kind == UNTRAINED else None)[f"maps/{layer}"].float()
    halves = maps[:, ::2], maps[:, 1::2]
    return (halves[0].roll(1, 1), halves[1].roll(1, 1)) if kind == MIXED else halves


def _matches(halves: Halves, others: Halves, pairs: Tensor) -> Matches:
    one, other = pairs.T
    sides = [(ours[one], theirs[other]) for ours, theirs in zip(halves, others, strict=True)]
    chosen, held = (pair_correlations(*side) for side in sides)
    quarters = [
        pair_correlations(*(values[:, part::2] for values in sides[0])) for part in range(2)
    ]
    return Matches(one, other, chosen, torch.minimum(*quarters), held, sides[1])
