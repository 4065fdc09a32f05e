"""What AlexNet's units are made of: the circuits of all of them, on half of the photographs."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from featviz.article.photographs import scenes
from featviz.article.studies.shared import SEED, alexnet, convolution
from featviz.circuits import expanded, graph
from featviz.circuits import proof as proving
from featviz.circuits.expanded import expanded_weights
from featviz.circuits.faithfulness import Faithfulness
from featviz.circuits.graph import KEEP, Circuits, Strengths, circuits_of, find_strengths
from featviz.circuits.proof import drawn_units, left_without, measure_faithfulness
from featviz.store import Store, fingerprint

BEST = 4
"""Photographs on which a unit is taken apart, those where it is strongest."""

COARSE = 16
"""Places to a side above which expanded weights are drawn half as fine."""

SIDE = 224
"""Side of the photographs in pixels."""

PROVED = 40
"""Units of a layer, drawn at random, whose circuits are taken away."""

KEEPS = (4, 16)
"""Units per layer that make a circuit, where circuits are taken away."""

WEAK = 0
"""Photographs that units are read on besides the strongest: only responses are shown."""

ARRAYS = ("units", "photographs", "original", "values")
"""What the store keeps of a proof."""

CHUNK = 64
"""Units whose expanded weights are in memory at a time."""


def kernels(layer: str) -> Tensor:
    """Returns the weights of a layer."""
    return convolution(layer).weight.detach()


@cache
def photographs(half: int) -> tuple[Tensor, ...]:
    """Returns the scenes with even numbers (0), on which circuits are sought, or odd ones (1)."""
    return tuple(photo.image for photo in scenes(SIDE)[half::2])


def _sought(layer: str) -> dict[str, object]:
    """What circuits of a layer depend on, for the store's keys."""
    return {
        "network": alexnet().fingerprint,
        "layer": layer,
        "best": BEST,
        "photos": [fingerprint(image.numpy()) for image in photographs(0)],
    }


@cache
def _strengths(layer: str) -> Strengths:
    def make() -> dict[str, NDArray[np.generic]]:
        found = find_strengths(alexnet(), layer, photographs(0), best=BEST)
        return {"values": found.values, **dict(zip(earlier, found.added, strict=True))}

    earlier = graph.columns_before(alexnet(), layer)
    arrays = Store().arrays(_sought(layer), make, graph.__name__)
    added = tuple(arrays[name] for name in earlier)
    return Strengths((layer, *earlier), np.arange(len(arrays["values"])), arrays["values"], added)


@cache
def circuits(layer: str) -> Circuits:
    """Returns the circuits of all units of a layer."""

    def make() -> dict[str, NDArray[np.generic]]:
        return circuits_of(alexnet(), _strengths(layer), keep=KEEP).arrays()

    spec = {**_sought(layer), "keep": KEEP}
    return Circuits.from_arrays(Store().arrays(spec, make, graph.__name__))


@cache
def through(layer: str, earlier: str) -> NDArray[np.float32]:
    """Returns the weights (units, keep, h, w) of circuits through all layers between, halved."""
    units = circuits(layer).units[circuits(layer).layers.index(earlier) - 1]

    def make() -> dict[str, NDArray[np.float32]]:
        parts = []
        for first in range(0, len(units), CHUNK):
            some = range(len(units))[first : first + CHUNK]
            maps = expanded_weights(alexnet(), layer, list(some), earlier)
            own = maps[torch.arange(len(some))[:, None], torch.from_numpy(units[some])]
            fine = own.shape[-1] <= COARSE
            parts.append(own if fine else F.avg_pool2d(own, 2, ceil_mode=True))
        return {"weights": torch.cat(parts).numpy()}

    spec = {
        "network": alexnet().fingerprint,
        "layer": layer,
        "earlier": earlier,
        "units": units.tolist(),
        "coarse": COARSE,
    }
    return Store().arrays(spec, make, expanded.__name__)["weights"]


@cache
def proof(layer: str) -> Faithfulness:
    """Returns what is left of units of a layer without their circuits, and by them alone.

    Circuits are sought on one half of the photographs, and taken away on the other.
    """
    units = drawn_units(alexnet(), layer, PROVED, SEED)
    spec = {
        "network": alexnet().fingerprint,
        "layer": layer,
        "units": units,
        "keeps": KEEPS,
        "others": WEAK,
        "best": BEST,
        "seed": SEED,
        "photos": [fingerprint(one.numpy()) for half in (0, 1) for one in photographs(half)],
    }

    def make() -> dict[str, NDArray[np.generic]]:
        wide = circuits_of(alexnet(), _strengths(layer), units=units, keep=max(KEEPS))
        result = measure_faithfulness(
            alexnet(), wide, photographs(1), keeps=KEEPS, others=WEAK, seed=SEED
        )
        return {name: getattr(result, name) for name in ARRAYS}

    arrays = Store().arrays(spec, make, proving.__name__)
    return Faithfulness(layer, keeps=KEEPS, **arrays)


def without(
    layer: str, unit: int, others: Sequence[tuple[str, int]]
) -> dict[tuple[str, int], float]:
    """Returns what is left of a unit's response when single units are taken away.

    Args:
        layer: The unit's layer.
        unit: Its index.
        others: (layer, index) of the units that are taken away one at a time.

    Returns:
        (layer, index) -> the mean response, as a part of that of the whole network, on the
        photographs of the other half where the unit is strongest.
    """
    images = photographs(1)
    spec = {
        "network": alexnet().fingerprint,
        "layer": layer,
        "unit": unit,
        "others": [list(one) for one in others],
        "photos": [fingerprint(image.numpy()) for image in images],
    }

    def make() -> dict[str, ArrayLike]:
        return {"left": list(left_without(alexnet(), layer, unit, others, images).values())}

    left = Store().arrays(spec, make, proving.__name__)["left"]
    return dict(zip(others, left.tolist(), strict=True))
