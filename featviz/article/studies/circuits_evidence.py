"""What AlexNet's units are made of: the circuits of all of them, on half of the photographs."""

from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from featviz.article.photographs import scenes
from featviz.circuits import graph
from featviz.circuits.expanded import expanded_weights
from featviz.circuits.graph import KEEP, Circuits, find_circuits
from featviz.network.network import Network
from featviz.store import Store, fingerprint
from featviz.zoo import bundled

BEST = 4
"""Photographs on which a unit is taken apart, those where it is strongest."""

COARSE = 16
"""Places to a side above which expanded weights are drawn half as fine."""

CHUNK = 64
"""Units whose expanded weights are in memory at a time."""


@cache
def network() -> Network:
    """Loads AlexNet."""
    return bundled.load("alexnet")


@cache
def photographs(half: int) -> tuple[Tensor, ...]:
    """Returns the scenes with even numbers (0), on which circuits are sought, or odd ones (1)."""
    return tuple(photo.image for photo in scenes()[half::2])


@cache
def circuits(layer: str) -> Circuits:
    """Returns the circuits of all units of a layer."""
    spec = {
        "network": network().fingerprint,
        "layer": layer,
        "keep": KEEP,
        "best": BEST,
        "photos": [fingerprint(image.numpy()) for image in photographs(0)],
    }

    def make() -> dict[str, NDArray[np.generic]]:
        return find_circuits(network(), layer, photographs(0), keep=KEEP, best=BEST).arrays()

    return Circuits.from_arrays(Store().arrays(spec, make, graph.__name__))


@cache
def through(layer: str, earlier: str) -> NDArray[np.float32]:
    """Returns the weights (units, keep, h, w) of circuits through all layers between, halved."""
    units = circuits(layer).units[circuits(layer).layers.index(earlier) - 1]

    def make() -> dict[str, NDArray[np.float32]]:
        parts = []
        for some in torch.arange(len(units)).split(CHUNK):
            maps = expanded_weights(network(), layer, some.tolist(), earlier)
            own = maps[torch.arange(len(some))[:, None], torch.from_numpy(units)[some]]
            fine = own.shape[-1] <= COARSE
            parts.append(own if fine else F.avg_pool2d(own, 2, ceil_mode=True))
        return {"weights": torch.cat(parts).numpy()}

    spec = {
        "network": network().fingerprint,
        "layer": layer,
        "earlier": earlier,
        "units": units.tolist(),
        "coarse": COARSE,
    }
    return Store().arrays(spec, make, "featviz.circuits.expanded")["weights"]
