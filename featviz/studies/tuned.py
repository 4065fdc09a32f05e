"""What gratings and photographs say of the shallow layers, trained and untrained; computed once."""

import copy
from functools import cache

import numpy as np
import torch
from torch import Tensor

from featviz import measures, photos, tuning
from featviz.faithfulness import Interval, interval
from featviz.gratings import GRAY, Gratings
from featviz.network import PROBE_SIZE, Network, activations
from featviz.objectives import Neuron
from featviz.store import Store
from featviz.studies.bench import SEED, alexnet, maximize
from featviz.tuning import ORIENTED, Preferences, Tuning

KINDS = ("trained", "untrained")
"""The network, and its control."""


@cache
def network(kind: str) -> Network:
    """Returns AlexNet, or its control: the same architecture as PyTorch makes it, untrained."""
    net = alexnet()
    if kind == "trained":
        return net
    module = copy.deepcopy(net.module)
    # The modules draw from the global generator only; it comes back as it was.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        for layer in net.layers:
            module.get_submodule(net.resolve(layer).module).reset_parameters()  # type: ignore[operator]
    layers = {layer: net.resolve(layer).module for layer in net.layers}
    return Network(module, net.mean, net.std, layers, name=f"{net.name}, untrained")


@cache
def tuned(layer: str, kind: str = "trained") -> Tuning:
    """Returns how a layer's units answer to gratings."""
    net, gratings = network(kind), Gratings()
    spec = {"network": net.fingerprint, "layer": layer, "gratings": gratings}
    found = Store().arrays(
        spec, lambda: {"r": tuning.tuning(net, layer, gratings).responses.numpy()}, tuning.__name__
    )
    return Tuning(layer, gratings, torch.from_numpy(found["r"]))


@cache
def preferences(layer: str, kind: str = "trained") -> Preferences:
    """Returns what a layer's units prefer."""
    return tuning.preferences(tuned(layer, kind))


@cache
def families(layer: str, kind: str = "trained") -> tuple[str, ...]:
    """Returns the family of each unit of a layer."""
    return tuning.families(preferences(layer, kind))


def members(layer: str, family: str, count: int | None = None) -> list[int]:
    """Returns the units of a family, those first that answer most strongly to a grating."""
    strength, names = preferences(layer).response, families(layer)
    order = strength.argsort(descending=True).tolist()
    return [unit for unit in order if names[unit] == family][:count]


@cache
def activity(layer: str) -> dict[str, np.ndarray]:
    """Returns how busy a layer's units are on the sample photographs: share, mean and peak."""
    net = alexnet()
    spec = {"network": net.fingerprint, "layer": layer, "photos": list(photos.samples())}

    def make() -> dict[str, np.ndarray]:
        images = [photos.load(name, PROBE_SIZE).image for name in photos.samples()]
        found = measures.activity(net, layer, images)
        return {name: getattr(found, name).numpy() for name in ("share", "mean", "peak")}

    return Store().arrays(spec, make, measures.__name__)


def ascent_error() -> float:
    """Returns how far ascent stays from conv1's exact optimum: the worst unit's relative gap."""
    exact = measures.optimum(alexnet(), "conv1")[1]
    return float(((exact - _climbed("conv1")) / exact).abs().max())


@cache
def grating_share(layer: str) -> np.ndarray:
    """Returns what each unit gives for its best grating, as a part of the best known for it."""
    best = measures.optimum(alexnet(), layer)[1] if layer == "conv1" else _climbed(layer)
    shares: np.ndarray = (preferences(layer).response / best).numpy()
    return shares


@cache
def inherited() -> tuple[Interval, Interval]:
    """Returns by how many degrees conv2's oriented units of light differ from their inputs.

    Returns:
        From the oriented filter of conv1 with the largest sum of weights, and from the oriented
        filters of conv1 on average, which is what one drawn by chance gives.
    """
    before, after = preferences("conv1"), preferences("conv2")
    names = families("conv2")
    units = [u for u, name in enumerate(names) if name in ("edge or bar", "grating")]
    oriented = (before.selectivity >= ORIENTED).nonzero().flatten()
    weights = measures.inputs(alexnet(), "conv2")[units][:, oriented]
    angles = before.orientation[oriented]
    apart = tuning.orientation_distance(after.orientation[units][:, None], angles)
    strongest = apart[torch.arange(len(units)), weights.argmax(1)]
    return interval(strongest.numpy(), SEED), interval(apart.mean(1).numpy(), SEED)


def _climbed(layer: str) -> Tensor:
    """(units,) values of the neurons' images by ascent, less those of plain gray."""
    net = alexnet()
    found = maximize([Neuron(layer, unit) for unit in range(net.units(layer))])
    side = net.receptive_field(layer).canvas()
    plain = activations(net, torch.full((3, side, side), GRAY), [layer])[layer][0]
    middle = plain.shape[-1] // 2
    return found.values - plain[:, middle, middle]
