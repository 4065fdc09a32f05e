"""Who chooses between photographs by a picture: layers of SqueezeNet, trained and not.

Apart from figures and pages, so that their changes leave what is measured in the store.
"""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from featviz.measures.two_choice import choices
from featviz.network.controls import initialized
from featviz.network.network import Network
from featviz.network.values import activations
from featviz.zoo import bundled

JUDGES = {
    "conv1": "features.0:relu",
    "fire3": "features.4",
    "fire9": "features.12",
    "fire9, untrained": "features.12",
}
"""SqueezeNet's layers by their names in its article: its first, one of its first blocks and its
last before the classes. What a layer takes to be in an image is its mean over all places."""

UNTRAINED, SOME = 5, 32
"""How often the untrained SqueezeNet is drawn, and for how many units of a layer each draw judges,
evenly spread: all would take five times as long as everything else."""

SHOWN = 128
"""Side in pixels at which judges see pictures and patches alike."""

CHUNK = 64
"""Images that are described at a time: all maps of conv1 would take two GB."""


def judge(
    pictures: NDArray[np.uint8], patches: NDArray[np.uint8], seed: int
) -> dict[str, NDArray[np.uint8]]:
    """Lets every judge choose, for each picture, between its unit's patches and another unit's.

    Args:
        pictures: (units, 3, H, W).
        patches: (units, count, 3, h, w).
        seed: Where the untrained networks come from.

    Returns:
        Name of a judge -> (1, units, units) `choices`, doubled; of the untrained
        (UNTRAINED, SOME, SOME), or of all units if there are fewer.
    """
    # Through the patches' own resolution, or sharpness would give pictures away.
    small = _resize(torch.from_numpy(pictures).float() / 255, patches.shape[-1])
    synthetic = _resize(small, SHOWN)
    natural = _resize(torch.from_numpy(patches).flatten(0, 1).float() / 255, SHOWN)
    natural = natural.view(*patches.shape[:2], 3, SHOWN, SHOWN)
    squeezenet = bundled.load("squeezenet")
    *trained, untrained = JUDGES
    chosen = dict(zip(trained, _choose(squeezenet, trained, synthetic, natural), strict=True))
    count = len(pictures)
    some = torch.arange(min(SOME, count)) * count // min(SOME, count)
    drawn = [
        _choose(initialized(squeezenet, seed + draw), [untrained], synthetic[some], natural[some])[
            0
        ]
        for draw in range(UNTRAINED)
    ]
    chosen[untrained] = torch.cat(drawn)
    return {name: one.to(torch.uint8).numpy() for name, one in chosen.items()}


def _choose(
    network: Network, names: Sequence[str], synthetic: Tensor, natural: Tensor
) -> list[Tensor]:
    """(1, units, units) doubled choices of each of a network's judges."""
    layers = [JUDGES[name] for name in names]
    one, other = (_describe(network, layers, side) for side in (synthetic, natural.flatten(0, 1)))
    return [
        2 * choices(mine, theirs.view(*natural.shape[:2], -1).mean(1))[None]
        for mine, theirs in zip(one, other, strict=True)
    ]


def _describe(network: Network, layers: Sequence[str], images: Tensor) -> list[Tensor]:
    """(N, units) of each layer, its means over all places: as `seen_by`, in one pass for all."""
    parts = []
    for first in range(0, len(images), CHUNK):
        maps = activations(network, images[first : first + CHUNK], list(layers))
        parts.append([maps[layer].flatten(2).mean(2) for layer in layers])
    return [torch.cat(one) for one in zip(*parts, strict=True)]


def _resize(images: Tensor, side: int) -> Tensor:
    pixels = F.interpolate(images, side, mode="bilinear", align_corners=False, antialias=True)
    return pixels.clamp(0, 1)  # rounding
