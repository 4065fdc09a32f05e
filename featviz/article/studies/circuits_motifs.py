"""Motifs of circuits, counted in AlexNet's weights, and how many chance would make.

Source of the motifs: C. Olah et al., "Zoom In: An Introduction to Circuits", Distill 2020.
"""

from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from featviz.article.studies.circuits_evidence import kernels
from featviz.article.studies.microscope import scope
from featviz.article.studies.shared import SEED, alexnet
from featviz.measures.tuning import ORIENTED, orientation_distance
from featviz.microscope import findings

ALIKE = 0.4
"""Correlation of kernels above which one unit counts as the other turned."""

DRAWS = 100
"""How often chance is drawn."""

STRONG = 0.9
"""Part of a layer's weights that a strong one exceeds."""

ALONG, ACROSS = 22.5, 67.5
"""Degrees between two orientations below which they agree, and above which they cross."""

QUARTER, MIRROR, UPSIDE = "a quarter turn", "its mirror image", "upside down"

TURNS: Mapping[str, Callable[[Tensor], Tensor]] = MappingProxyType(
    {
        QUARTER: lambda kernels: torch.rot90(kernels, 1, (2, 3)),
        MIRROR: lambda kernels: kernels.flip(3),
        UPSIDE: lambda kernels: kernels.flip(2),
    }
)
"""What kernels (units, inputs, h, w) may be turned into."""


class Count(NamedTuple):
    """How often a motif is seen, of how many cases, and what chance gives: mean and middle 95%."""

    seen: int
    cases: int
    chance: float
    low: float
    high: float


@cache
def likeness(layer: str, turn: str) -> Tensor:
    """Returns how alike each unit's kernel, turned, is to each unit's.

    A turned kernel reads the turned units: those of the layer before that are most alike to its own
    ones turned. Those of the first layer are colors, which don't turn.

    Args:
        layer: The layer.
        turn: One of `TURNS`.

    Returns:
        (units, units) correlations.
    """
    return _likeness(kernels(layer), turn, _turned(layer, turn))


def _turned(layer: str, turn: str) -> Tensor:
    """The units of the layer before that stand for each of its units turned."""
    depth = alexnet().layers.index(layer)
    if not depth:
        return torch.arange(kernels(layer).shape[1])
    turned: Tensor = likeness(alexnet().layers[depth - 1], turn).argmax(1)
    return turned


def _likeness(weights: Tensor, turn: str, turned: Tensor) -> Tensor:
    one, other = _sides(weights, turn, turned)
    return one @ other.T


def _to_itself(weights: Tensor, turn: str, turned: Tensor) -> Tensor:
    """The diagonal of that: how alike (units,) are to themselves turned."""
    one, other = _sides(weights, turn, turned)
    return (one * other).sum(1)


def _sides(weights: Tensor, turn: str, turned: Tensor) -> tuple[Tensor, Tensor]:
    """Kernels turned, and as they are, as rows whose products are correlations."""
    # Inputs first: rows that lie together add up four times faster.
    inputs = TURNS[turn](weights).transpose(0, 1).contiguous()
    images = torch.zeros_like(inputs).index_add_(0, turned, inputs).transpose(0, 1)
    return _standard(images.flatten(1)), _standard(weights.flatten(1))


def _standard(rows: Tensor) -> Tensor:
    rows = rows - rows.mean(1, keepdim=True)
    standard: Tensor = rows / rows.norm(dim=1, keepdim=True).clamp_min(1e-12)
    return standard


def turned_twins(layer: str, turn: str) -> Count:
    """Counts units of which another unit is the same, turned.

    Chance deals the turned units of the layer before anew; at the first layer the pixels of each
    filter.
    """
    weights, turned = kernels(layer), _turned(layer, turn)
    first = layer == alexnet().layers[0]

    def draw(generator: torch.Generator) -> float:
        if first:
            pixels = torch.rand(weights.shape, generator=generator).flatten(1).argsort(1)
            mixed = weights.flatten(1).gather(1, pixels).view_as(weights)
            return _others(_likeness(mixed, turn, turned))
        order = torch.randperm(len(turned), generator=generator)
        return _others(_likeness(weights, turn, turned[order]))

    return _count(_others(likeness(layer, turn)), len(weights), draw)


def _others(table: Tensor) -> int:
    """How many units have another one that is alike."""
    return int((table.clone().fill_diagonal_(-1).amax(1) > ALIKE).sum())


def own_mirror_images(layer: str) -> Count:
    """Counts units that are more alike to their own mirror image than to themselves upside down.

    Chance deals the pixels of each input's kernel anew. It is no coin: where the units of the layer
    before are like their mirror images, so are sums of them, whatever the kernels.
    """
    weights, turns = kernels(layer), (MIRROR, UPSIDE)
    turned = [_turned(layer, turn) for turn in turns]

    def count(weights: Tensor) -> int:
        mirror, upside = (
            _to_itself(weights, turn, units) for turn, units in zip(turns, turned, strict=True)
        )
        return int((mirror > upside).sum())

    def draw(generator: torch.Generator) -> float:
        pixels = torch.rand(weights.shape, generator=generator).flatten(2).argsort(2)
        return count(weights.flatten(2).gather(2, pixels).view_as(weights))

    return _count(count(weights), len(weights), draw)


def mirrored_pairs(layer: str) -> list[tuple[int, int]]:
    """Lists the pairs of units that are each other's mirror image."""
    table = likeness(layer, MIRROR)
    best = table.argmax(1)
    return [
        (one, other)
        for one, other in enumerate(best.tolist())
        if one < other and best[other] == one and table[one, other] > ALIKE
    ]


def unions(layer: str) -> Count:
    """Counts units of the next layer that read both of a mirrored pair with strong weights.

    Chance gives the first of each pair any other partner.
    """
    sums = kernels(_after(layer)).sum((2, 3))
    strong = sums > sums.flatten().kthvalue(int(STRONG * sums.numel())).values
    pairs = torch.tensor(mirrored_pairs(layer)).view(-1, 2)

    def both(partners: Tensor) -> int:
        return int((strong[:, pairs[:, 0]] & strong[:, partners]).sum())

    def draw(generator: torch.Generator) -> float:
        others = torch.randint(1, strong.shape[1], (len(pairs),), generator=generator)
        return both((pairs[:, 0] + others) % strong.shape[1])

    return _count(both(pairs[:, 1]), len(pairs) * len(strong), draw)


def crossings(layer: str) -> Count:
    """Counts oriented units of the next layer that their orientation excites, the crossing inhibits.

    That is in the mean over a layer's oriented units, less the mean over all of them. Chance deals the layer's orientations anew.
    """
    before, after = (findings.find_preferences(scope(), one) for one in (layer, _after(layer)))
    assert before is not None  # AlexNet's units all have fields
    assert after is not None
    inputs, readers = (one.selectivity >= ORIENTED for one in (before, after))
    sums = kernels(_after(layer)).sum((2, 3))[readers][:, inputs]
    sums = sums - sums.mean(1, keepdim=True)
    angles, own = before.orientation[inputs], after.orientation[readers]

    def crossed(angles: Tensor) -> int:
        apart = orientation_distance(own[:, None], angles)
        along, across = (
            (sums * near).sum(1) / near.sum(1).clamp(min=1)
            for near in (apart <= ALONG, apart >= ACROSS)
        )
        return int(((along > 0) & (across < 0)).sum())

    def draw(generator: torch.Generator) -> float:
        return crossed(angles[torch.randperm(len(angles), generator=generator)])

    return _count(crossed(angles), len(own), draw)


def _after(layer: str) -> str:
    return alexnet().layers[alexnet().layers.index(layer) + 1]


def _count(seen: int, cases: int, draw: Callable[[torch.Generator], float]) -> Count:
    generator = torch.Generator().manual_seed(SEED)
    draws = np.array([draw(generator) for _ in range(DRAWS)])
    low, high = np.quantile(draws, [0.025, 0.975])
    return Count(seen, cases, float(draws.mean()), float(low), float(high))
