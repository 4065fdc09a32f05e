"""How alike units look and behave, of AlexNet and of a network that learned nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from featviz.article.photographs import scenes
from featviz.article.studies import alike_measures as measures
from featviz.article.studies.deep_families import NAMED
from featviz.article.studies.microscope import scope
from featviz.article.studies.shared import SEED, alexnet, evenly
from featviz.measures.statistics import Interval
from featviz.microscope import findings
from featviz.microscope.build import Microscope
from featviz.microscope.views import CHANNEL, View
from featviz.network.controls import initialized
from featviz.network.network import Network
from featviz.photos import Photo
from featviz.store import Store, fingerprint

LOOKS = ("SqueezeNet's eye", "color and coarseness")
"""By what pictures are alike."""

SIDE = 256
"""Side in pixels of the photographs, from which AlexNet's training cut its own; 6 by 6 places of
conv5 lie inside."""

AGAIN = 16
"""Units per layer whose pictures are made once more, from another seed."""

UNTRAINED = 32
"""Units per layer of the network that has learned nothing."""

SMALL = View("channel", 96, 32)
"""How that network's units are asked: as the microscope's opposites are, at a quarter of the cost."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of a layer's pairs of units.

    Attributes:
        agreement: For each of `LOOKS` the rank correlation with behavior, over all pairs.
        standing: For each of them the mean percentile of behavior at which the unit that looks most
            alike stands.
        groups: Mean correlation of the pairs in each group of `EDGES`.
        centers: (groups,) how alike these pairs look in the mean.
        permuted: (draws,) rank correlations for pictures that are dealt to units anew.
        halves: Rank correlation of behavior on one half of the photographs with that on the other.
        near: The first standing, for the strongest of `AROUND` by `AROUND` places.
        looks: (units, units) how alike pictures look to the first of `LOOKS`.
        behavior: (3, units, units) correlation on all photographs, on every other, on the rest.
    """

    agreement: tuple[Interval, ...]
    standing: tuple[Interval, ...]
    groups: tuple[Interval, ...]
    centers: NDArray[np.floating]
    permuted: NDArray[np.floating]
    halves: float
    near: Interval
    looks: Tensor
    behavior: Tensor


@dataclass(frozen=True)
class Family:
    """How alike the units of one name behave.

    Attributes:
        name: The name, with the layer's.
        mean: Their pairs' mean correlation, with its interval over photographs.
        chance: That of random sets of as many units, and where 95 % of these lie.
        p: How often a random set is as much alike.
    """

    name: str
    mean: Interval
    chance: Interval
    p: float


def photographs() -> tuple[Photo, ...]:
    """Returns the photographs on which behavior is measured; no picture was made from them."""
    return scenes(SIDE)


@cache
def trained(layer: str) -> Evidence:
    """Returns the evidence of all units of a layer of AlexNet."""
    images = scope().pictures(layer, CHANNEL).images[:, 0]
    return _evidence(alexnet(), layer, range(alexnet().units(layer)), images)


@cache
def untrained(layer: str) -> Evidence:
    """Returns the same of some units of AlexNet as PyTorch initializes it.

    Shuffled weights would leave whole layers nearly silent, and no behavior to compare.
    """
    network, units = initialized(alexnet(), SEED), evenly(layer, UNTRAINED)
    images = Microscope(network, seed=SEED, views=(SMALL,)).pictures(layer, SMALL, units).images
    return _evidence(network, layer, units, images[:, 0])


@cache
def returns(layer: str) -> NDArray[np.bool_]:
    """Returns of which units (AGAIN,) the picture from another seed looks most like the first."""
    units = evenly(layer, AGAIN)
    first = scope().pictures(layer, CHANNEL).images[:, 0]
    again = Microscope(alexnet(), seed=SEED + 1).pictures(layer, CHANNEL, units).images[:, 0]
    spec = {"first": fingerprint(first), "again": fingerprint(again)}
    entry = Store().arrays(spec, lambda: measures.measure_return(first, again), measures.__name__)
    same: NDArray[np.bool_] = entry["nearest"] == np.array(units)
    return same


@cache
def families() -> tuple[Family, ...]:
    """Returns how alike the units behave that the chapter on deep layers puts under one name."""
    count, tested = len(photographs()), []
    for layer, names in NAMED.items():
        sets = [list(units) for _, units in names.values()]
        spec = {"sets": sets, "layer": layer, "seed": SEED, **_sources(alexnet())}

        def make(layer: str = layer, sets: list[list[int]] = sets) -> measures.Arrays:
            return measures.measure_families(alexnet(), layer, sets, photographs(), SEED)

        rows = Store().arrays(spec, make, measures.__name__)["families"].tolist()
        for name, (mean, low, high, chance, least, most, p) in zip(names, rows, strict=True):
            own, random = Interval(mean, low, high, count), Interval(chance, least, most, count)
            tested.append(Family(f"{name} ({layer})", own, random, p))
    return tuple(tested)


def _evidence(
    network: Network, layer: str, units: Sequence[int], images: NDArray[np.uint8]
) -> Evidence:
    spec = {
        **_sources(network),
        "layer": layer,
        "units": list(units),
        "pictures": fingerprint(images),
        "seed": SEED,
    }
    arrays = Store().arrays(
        spec,
        lambda: measures.measure_pairs(network, layer, units, images, photographs(), SEED),
        measures.__name__,
    )
    count = min(len(units), len(photographs()))
    table = [*arrays["numbers"].tolist(), arrays["near"].tolist()]
    *numbers, near = [Interval(mean, low, high, count) for mean, low, high in table]
    return Evidence(
        agreement=tuple(numbers[:2]),
        standing=tuple(numbers[2:4]),
        groups=tuple(numbers[4:]),
        centers=arrays["centers"],
        permuted=arrays["permuted"],
        halves=float(arrays["halves"]),
        near=near,
        looks=torch.from_numpy(arrays["looks"]),
        behavior=torch.from_numpy(arrays["behavior"]),
    )


def _sources(network: Network) -> dict[str, object]:
    images = list(map(findings.photo_fingerprint, photographs()))
    return {"network": network.fingerprint, "photos": images}
