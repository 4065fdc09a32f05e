"""What the chapter on shallow and deep measures, of AlexNet and of networks that learned nothing."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from featviz.article.studies import shallow_versus_deep_turning as turning
from featviz.article.studies.microscope import natural_patches, over, scope
from featviz.article.studies.shared import (
    SEED,
    alexnet,
    evenly,
    maximize,
    plain,
    shared_channels,
    shared_neurons,
)
from featviz.ascent.recipes import LINEAR, STANDARD
from featviz.measures.extent import extents
from featviz.measures.patches import field_box
from featviz.microscope import findings
from featviz.microscope.views import NEURON
from featviz.network.controls import initialized, shuffled
from featviz.network.network import Network
from featviz.objectives.units import Neuron
from featviz.store import Store, fingerprint

DRAWS = 5
"""How often each network that has learned nothing is drawn, for numbers."""

CONTROLS: dict[str, Callable[[Network, int], Network]] = {
    "shuffled": shuffled,
    "untrained": initialized,
}
"""Networks that have learned nothing: numbers of the same sizes, and the architecture by itself."""

TURNED = 48
"""Neurons per layer before which images are turned."""

BEFORE_TURNS = ("its own picture", "its best natural patch")
"""What is turned before a neuron."""


@cache
def control() -> Network:
    """Returns AlexNet with every weight tensor shuffled: the same numbers, nothing learned."""
    return _draws("shuffled")[0]


@cache
def exaggeration(layer: str) -> NDArray[np.float64]:
    """Returns synthetic over best natural activation (units,), both less that for plain gray.

    Without gray a bias, which any image gets, would count for both.
    """
    return _above_gray(layer, scope().pictures(layer, NEURON).values[:, 0])


def _above_gray(layer: str, values: NDArray[np.float32]) -> NDArray[np.float64]:
    patches = natural_patches(layer)
    gray = plain(layer).numpy().astype(np.float64)
    return (values - gray) / (patches.values[:, 0] - gray)


def quoted_exaggeration(layer: str) -> str:
    """Writes the ratio's median over a layer's units, and its middle half."""
    low, middle, high = np.quantile(exaggeration(layer), (0.25, 0.5, 0.75))
    return f"{middle:.1f} ({low:.1f} to {high:.1f})"


def at_one_bound() -> float:
    """Returns the ratio's median for conv1 if its pictures had as much energy as deeper layers'."""
    neurons = [Neuron("conv1", unit) for unit in range(alexnet().units("conv1"))]
    found = maximize(neurons, recipe=replace(LINEAR, image=STANDARD.image))
    return float(np.median(_above_gray("conv1", found.values.numpy())))


def longer(layer: str) -> tuple[float, float]:
    """Returns medians of the ratio of the shared units: as above, and at default steps."""
    units, values = evenly(layer), scope().pictures(layer, NEURON).values[:, 0]
    longer = values.copy()
    longer[units] = shared_neurons(layer).values.numpy()
    short, long = (np.median(_above_gray(layer, one)[units]) for one in (values, longer))
    return float(short), float(long)


@cache
def active(net: Network, layer: str) -> Tensor:
    """Returns the percent (units,) of a layer's places at which each unit is active."""
    activity = findings.find_activity(over(net), layer)
    assert activity is not None  # every layer sees less than a photograph
    percent: Tensor = 100 * activity.share
    return percent


@cache
def needed(net: Network, layer: str) -> Tensor:
    """Returns the pixels (PER_LAYER,) across the part that channels need of their own pictures."""
    parts = extents(net, layer, evenly(layer), shared_channels(layer, net).images)
    assert parts.isfinite().all()  # every picture excites its channel
    return parts


@cache
def left(layer: str, kind: str) -> Tensor:
    """Returns the percent (TURNED,) of each neuron's activation, behind the ReLU, left by a turn.

    Args:
        layer: The layer's name.
        kind: One of `BEFORE_TURNS`.
    """
    units = evenly(layer, TURNED)
    pictures = scope().pictures(layer, NEURON, units).images[:, 0]
    samples = scope().photographs
    spec = {
        "network": alexnet().fingerprint,
        "layer": layer,
        "pictures": fingerprint(pictures),
        "photos": list(map(findings.photo_fingerprint, samples)),
    }

    def make() -> dict[str, NDArray[np.float32]]:
        patches, field = natural_patches(layer), alexnet().receptive_field(layer)
        strongest = zip(patches.photos[units, 0], patches.places[units, 0].tolist(), strict=True)
        best = [(patches.names[photo], field_box(field, *place)) for photo, place in strongest]
        by_name = {photo.name: photo.image for photo in samples}
        images = torch.from_numpy(pictures).float() / 255
        measured = (
            turning.on_pictures(alexnet(), layer, units, images),
            turning.on_patches(alexnet(), layer, units, best, by_name),
        )
        return {kind: one.numpy() for kind, one in zip(BEFORE_TURNS, measured, strict=True)}

    values = torch.from_numpy(Store().arrays(spec, make, turning.__name__)[kind])
    return 100 * values[:, 1].clamp(min=0) / values[:, 0]


@cache
def drawn(kind: str, layer: str) -> Tensor:
    """Returns the percent (DRAWS,) of active places in networks that learned nothing."""
    return torch.stack([active(net, layer).mean() for net in _draws(kind)])


@cache
def _draws(kind: str) -> tuple[Network, ...]:
    return tuple(CONTROLS[kind](alexnet(), SEED + draw) for draw in range(DRAWS))
