"""What gratings and photographs say of the shallow layers, trained and untrained; computed once."""

from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from featviz.article.studies.microscope import over, scope
from featviz.article.studies.shared import SEED, alexnet, maximize, plain
from featviz.ascent.recipes import EXACT, HIGHEST_NEURON
from featviz.measures import tuning
from featviz.measures.statistics import Interval, interval
from featviz.measures.tallies import Activity
from featviz.measures.tuning import ORIENTED, Preferences, Tuning
from featviz.measures.weights import input_weights, optimum
from featviz.microscope import findings
from featviz.network.controls import initialized
from featviz.network.network import Network, reads_image
from featviz.objectives.units import Neuron

KINDS = ("trained", "untrained")
"""The network, and its control."""

DRAWS = 5
"""How often the untrained network is drawn."""


@cache
def network(kind: str, draw: int = 0) -> Network:
    """Returns AlexNet, or a control: the same architecture as PyTorch makes it, untrained."""
    return alexnet() if kind == "trained" else initialized(alexnet(), SEED + draw)


def networks(kind: str) -> list[tuple[str, int]]:
    """Returns the names of AlexNet, or of all its controls, as `preferences` and so on take them."""
    return [(kind, draw) for draw in range(DRAWS if kind == "untrained" else 1)]


def sample(
    kind: str, measure: Callable[[str, int], ArrayLike]
) -> NDArray[np.bool_] | NDArray[np.float64]:
    """Returns what intervals stand on: AlexNet's units, or the means of the untrained networks.

    Args:
        kind: One of `KINDS`.
        measure: Network, as `networks` names it, to its units' numbers (units,).

    Returns:
        (units,) or (DRAWS,), since units of one draw are not drawn apart.
    """
    tables = [np.asarray(measure(*name)) for name in networks(kind)]
    return tables[0] if kind == "trained" else np.array([table.mean() for table in tables])


@cache
def tuned(layer: str, kind: str = "trained", draw: int = 0) -> Tuning:
    """Returns how a layer's units answer to gratings."""
    result = findings.find_tuning(over(network(kind, draw)), layer)
    assert result is not None  # shallow units see less than an image
    return result


@cache
def preferences(layer: str, kind: str = "trained", draw: int = 0) -> Preferences:
    """Returns what a layer's units prefer."""
    return tuning.preferences(tuned(layer, kind, draw))


@cache
def families(layer: str, kind: str = "trained", draw: int = 0) -> tuple[str, ...]:
    """Returns the family of each unit of a layer, as far as gratings explain the unit."""
    return findings.find_families(over(network(kind, draw)), layer)


def members(layer: str, family: str, count: int | None = None) -> list[int]:
    """Returns the units of a family, those first that answer most strongly to a grating."""
    strength, names = preferences(layer).response, families(layer)
    order = strength.argsort(descending=True).tolist()
    return [unit for unit in order if names[unit] == family][:count]


@cache
def activity(layer: str) -> Activity:
    """Returns how busy a layer's units are on the photographs."""
    result = findings.find_activity(scope(), layer)
    assert result is not None  # shallow units see less than a photograph
    return result


def ascent_error() -> float:
    """Returns how far ascent stays from conv1's exact optimum: the worst unit's relative gap."""
    exact = optimum(alexnet(), "conv1")[1]
    return float(((exact - _ascent_values("conv1")) / exact).abs().max())


@cache
def grating_share(layer: str) -> np.ndarray:
    """Returns what each unit gives for its best grating, as a part of the best known for it.

    The best known is the exact optimum in conv1; deeper it is the largest of what gradient ascent,
    the photographs and the gratings give.
    """
    gratings = preferences(layer).response
    if layer == "conv1":
        best = optimum(alexnet(), layer)[1]
    else:
        best = torch.maximum(torch.maximum(_ascent_values(layer), _photo_values(layer)), gratings)
    shares: np.ndarray = (gratings / best).numpy()
    return shares


def inherited() -> tuple[Interval, Interval, Interval]:
    """Returns by how many degrees conv2's edges, bars and gratings differ from their inputs.

    Returns:
        From the oriented filter of conv1 with the largest sum of weights; from the one with the
        smallest, which inhibits most; and from the oriented filters of conv1 on average, which is
        what one drawn by chance gives.
    """
    before, after = preferences("conv1"), preferences("conv2")
    names = families("conv2")
    units = [u for u, name in enumerate(names) if name in ("edge or bar", "grating")]
    inputs = (before.selectivity >= ORIENTED).nonzero().flatten()
    weights = input_weights(alexnet(), "conv2")[units][:, inputs]
    angles = before.orientation[inputs]
    apart = tuning.orientation_distance(after.orientation[units][:, None], angles)
    rows = torch.arange(len(units))
    gaps = (apart[rows, weights.argmax(1)], apart[rows, weights.argmin(1)], apart.mean(1))
    first, last, mean = (interval(one) for one in gaps)
    return first, last, mean


def along_phase(layer: str, unit: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns phases from the best one, and a unit's response to its best grating so shifted."""
    responses = tuned(layer).responses[unit]
    best = np.unravel_index(int(responses.argmax()), responses.shape)
    color, angle, frequency, phase = (int(i) for i in best)
    wave = (responses[color, angle, frequency] / responses.max()).roll(-phase).numpy()
    return np.linspace(0, 360, len(wave) + 1), np.append(wave, wave[0])


def _ascent_values(layer: str) -> Tensor:
    """(units,) values of the neurons' images by ascent, less those of plain gray."""
    net = alexnet()
    neurons = [Neuron(layer, unit) for unit in range(net.units(layer))]
    # On the whole field and for the highest score, whatever the picture looks like.
    recipe = EXACT if reads_image(net, layer) else HIGHEST_NEURON
    side = net.receptive_field(layer).canvas()
    return maximize(neurons, size=side, recipe=recipe).values - plain(layer)


def _photo_values(layer: str) -> Tensor:
    """(units,) largest values on the photographs, less those of plain gray."""
    return activity(layer).peak - plain(layer)
