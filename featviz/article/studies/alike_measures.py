"""What is measured of pairs of units, by what pictures and maps of photographs say alone.

Apart from figures and pages, so that their changes leave what is measured in the store.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from featviz.measures.likeness import (
    Behavior,
    each_pair,
    likeness,
    pair_agreement,
    permuted_agreements,
    standings,
    within,
    within_random,
)
from featviz.measures.patches import values_inside
from featviz.measures.statistics import crossed
from featviz.measures.two_choice import plain_look, seen_by
from featviz.network.network import Network
from featviz.photos import Photo
from featviz.zoo import bundled

EYE = "features.12"
"""SqueezeNet's fire9, its last layer before the classes: what it takes to be in a picture."""

AROUND = 3
"""Side of the squares of places of which only the strongest counts, as in AlexNet's own pooling."""

EDGES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99, 1.0)
"""Where pairs are parted into groups, as parts of all pairs in the order of how alike they look."""

PERMUTED = 1000
"""How often pictures are dealt to units anew."""

SPLITS = 10
"""How often photographs are dealt into two halves."""

SETS = 20_000
"""Random sets that a family is held against."""

Arrays = dict[str, NDArray[np.floating]]
"""What the store keeps."""


def measure_pairs(
    network: Network,
    layer: str,
    units: Sequence[int],
    images: NDArray[np.uint8],
    photographs: Sequence[Photo],
    seed: int,
) -> Arrays:
    """Measures how alike units look and behave, and how far the two agree.

    Args:
        network: The network.
        layer: The layer's name.
        units: Which units.
        images: (units, 3, H, W) their pictures.
        photographs: On which they behave.
        seed: Where permutations and halves come from.

    Returns:
        The attributes of `alike_evidence.Evidence`; "numbers" holds agreements, standings and
        groups, each with the ends of its interval.
    """
    after = [values_inside(network, layer, photo, units)[1].relu() for photo in photographs]
    behavior = Behavior.of(after)
    # Few units of an untrained network are silent on all photographs: they show no behavior.
    live = behavior.correlation().diagonal().isfinite().nonzero()[:, 0]
    pixels = _pixels(images)[live]
    looks = [likeness(one, one) for one in (see(pixels), plain_look(pixels))]
    whole = np.arange(len(after))
    halves = [behavior.correlation(part) for part in (whole, whole[::2], whole[1::2])]
    kinds = [one[live][:, live] for one in halves]
    return {
        **_agreements(behavior, live, looks),
        "permuted": permuted_agreements(looks[0], kinds[0], PERMUTED, seed).numpy(),
        "halves": np.array(_halves(behavior, live, seed)),
        "near": _crossed(
            Behavior.of(after, AROUND),
            live,
            lambda some, alike: [standings(looks[0][some][:, some], alike).mean().item()],
        )[0],
        "looks": looks[0].float().numpy(),
        "behavior": torch.stack(kinds).float().numpy(),
    }


def measure_families(
    network: Network,
    layer: str,
    families: Sequence[Sequence[int]],
    photographs: Sequence[Photo],
    seed: int,
) -> Arrays:
    """Measures how alike the units of families behave.

    Args:
        network: The network.
        layer: The layer's name.
        families: The units of each.
        photographs: On which they behave.
        seed: Where random sets come from.

    Returns:
        "families": (families, 7) the mean correlation of its pairs with the ends of its interval
        over photographs, the same of random sets with the middle 95 %, and how often a random set
        is as much alike.
    """
    units = range(network.units(layer))
    maps = [values_inside(network, layer, photo, units)[1].relu() for photo in photographs]
    behavior = Behavior.of(maps)
    return {"families": np.array([_test(behavior, family, seed) for family in families])}


def measure_return(first: NDArray[np.uint8], again: NDArray[np.uint8]) -> Arrays:
    """Finds which picture looks most like another one of some of the same units.

    Args:
        first: (units, 3, H, W).
        again: (N, 3, H, W).

    Returns:
        "nearest": (N,) rows of `first`.
    """
    near = likeness(see(_pixels(again)), see(_pixels(first)))
    return {"nearest": near.argmax(1).double().numpy()}


def see(pixels: Tensor) -> Tensor:
    """Describes pictures (N, 3, H, W) in [0, 1] by what SqueezeNet takes to be in them."""
    return seen_by(bundled.load("squeezenet"), EYE, pixels)


def _agreements(behavior: Behavior, live: Tensor, looks: Sequence[Tensor]) -> Arrays:
    seen = each_pair(looks[0])
    edges = seen.quantile(torch.tensor(EDGES, dtype=seen.dtype))

    def statistic(some: NDArray[np.int64], alike: Tensor) -> list[float]:
        views = [one[some][:, some] for one in looks]
        agreements = [pair_agreement(one, alike) for one in views]
        places = [standings(one, alike).mean().item() for one in views]
        return [*agreements, *places, *_by_group(each_pair(views[0]), each_pair(alike), edges)]

    return {
        "numbers": _crossed(behavior, live, statistic),
        "centers": np.array(_by_group(seen, seen, edges)),
    }


def _by_group(seen: Tensor, values: Tensor, edges: Tensor) -> list[float]:
    """Means of values of the pairs in each group."""
    group = torch.bucketize(seen, edges[1:-1].contiguous())
    return [values[group == index].mean().item() for index in range(len(edges) - 1)]


def _crossed(
    behavior: Behavior,
    live: Tensor,
    statistic: Callable[[NDArray[np.int64], Tensor], list[float]],
) -> NDArray[np.float64]:
    """(k, 3) numbers of units and their behavior, with the ends of their intervals over both.

    Args:
        behavior: Of all units of a layer.
        live: Those that count.
        statistic: Computes the k numbers of some of these and of how alike they behave.
    """
    whole = behavior.correlation()  # on all photographs it is computed once

    def of(some: NDArray[np.int64], shown: NDArray[np.int64]) -> list[float]:
        everything = len(shown) == len(behavior.places)
        alike = whole if everything else behavior.correlation(shown)
        return statistic(some, alike[live[some]][:, live[some]])

    found = crossed(of, [len(live), len(behavior.places)])
    return np.array([[one.mean, one.low, one.high] for one in found])


def _halves(behavior: Behavior, live: Tensor, seed: int) -> float:
    """What behavior on half of the photographs says of that on the other half."""
    stream = torch.Generator().manual_seed(seed)
    agreements = []
    for _ in range(SPLITS):
        order = torch.randperm(len(behavior.places), generator=stream).tolist()
        middle = len(order) // 2
        sides = [behavior.correlation(part) for part in (order[:middle], order[middle:])]
        # On half of the photographs a unit may be silent.
        both = live[torch.stack(sides)[:, live, live].isfinite().all(0)]
        agreements.append(pair_agreement(*(one[both][:, both] for one in sides)))
    return float(np.mean(agreements))


def _test(behavior: Behavior, units: Sequence[int], seed: int) -> list[float]:
    (mean,) = crossed(
        lambda some: [within(behavior.correlation(some), units)], [len(behavior.places)]
    )
    chance = within_random(behavior.correlation(), len(units), SETS, seed).numpy()
    ends = np.quantile(chance, [0.025, 0.975]).tolist()
    above = (1 + (chance >= mean.mean).sum()) / (1 + SETS)
    return [mean.mean, mean.low, mean.high, float(chance.mean()), *ends, float(above)]


def _pixels(images: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(images).float() / 255
