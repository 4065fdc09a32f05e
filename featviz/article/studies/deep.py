"""Deep layers: what deep units answer to, asked in several ways."""

from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from torch import Tensor

from featviz.article import photographs
from featviz.article.bridge.values import Values
from featviz.article.studies.links import rung, unit_link
from featviz.article.studies.microscope import channel_images
from featviz.article.studies.shared import (
    alexnet,
    evenly,
    in_field,
    maximize,
    shared_channels,
    shared_neurons,
)
from featviz.ascent.result import Maximization
from featviz.ascent.score import evaluate
from featviz.figures import (
    Figure,
    Picker,
    Spectrum,
    grid,
    ladder,
    pairs,
    picker,
    spectrum,
)
from featviz.measures.patches_by_level import find_spectrum
from featviz.microscope import findings
from featviz.microscope.views import differing
from featviz.objectives.units import Channel, Neuron
from featviz.store import Store

DEEP = ("conv3", "conv4", "conv5")
"""The layers of this chapter."""

SHEET, ROW = 16, 8
"""Units shown per layer, and of these in the first of two rows."""

DIVERSE = 4
"""Images of one unit that must differ."""

PATCHES = 4
"""Natural patches shown per unit."""

SPLIT = ("conv4", 64)
"""A unit that the text names after looking: its answers are of two kinds."""

LEVEL_NAMES = ("most negative", "negative", "near zero", "positive", "most positive")
"""What the levels of a spectrum are called."""


def chosen() -> list[tuple[str, int]]:
    """Returns the units that are asked more than one question: two per layer, by their place."""
    return [(layer, unit) for layer in DEEP for unit in evenly(layer)[2:7:4]]


def _names() -> list[str]:
    return [f"{layer}:{unit}" for layer, unit in chosen()]


def _by_layer() -> dict[str, tuple[int, ...]]:
    return {layer: tuple(unit for one, unit in chosen() if one == layer) for layer in DEEP}


def unit_picker() -> Picker:
    """Returns the strip that picks one of these units for all figures."""
    pictures = [_image(shared_channels, layer, unit)[0] for layer, unit in chosen()]
    labels = _names()
    return picker("unit", pictures, labels, title="Follow one unit:")


def sheets() -> Figure:
    """Many channels of each layer, in rows."""
    rungs = [
        rung(layer, units, channel_images(layer, units))
        for layer in DEEP
        for units in (evenly(layer, SHEET)[:ROW], evenly(layer, SHEET)[ROW:])
    ]
    return ladder(
        rungs,
        id="sheets",
        alt="Six rows of eight textures: meshes, curls and rings at conv3, eyes, tufts and spokes at conv4, faces, "
        "branches and rounded things at conv5",
        caption="<strong>Look for repetition in conv3, for pieces in conv4, for parts in conv5</strong>: meshes and rings; "
        f"eyes and tufts; things with an inside and an outside. {SHEET} channels a layer, evenly spaced and unpicked.",
    )


def between() -> Figure:
    """What photographs do to a unit, from what silences it to what excites it."""
    strips, below = [], []
    for layer, units in _by_layer().items():
        against = maximize([-1 * Neuron(layer, unit) for unit in units])
        patches, values, everywhere = _natural_spectrum(layer, units)
        below += (everywhere < 0).float().mean(1).tolist()
        for index, unit in enumerate(units):
            image, best = _image(shared_neurons, layer, unit)
            strips.append(
                Spectrum(
                    f"{layer}:{unit}",
                    in_field(layer, against.images[index]), in_field(layer, image),
                    (-against.values[index].item(), best),
                    list(patches[index]), list(values[index]), everywhere[index],
                )
            )  # fmt: skip
    return spectrum(
        strips,
        LEVEL_NAMES,
        id="spectrum",
        alt="patches of photographs from most negative to most positive activation, between the images "
        "optimized against and for the unit",
        caption="<strong>From what silences a neuron to what excites it.</strong> Outside, images by ascent against and "
        f"for it; between, patches of {len(photographs.scenes())} photographs by its value. Blue: how often each value "
        f"occurs; {min(below):.0%} to {max(below):.0%} lie below zero.",
    )


@cache
def _diverse() -> tuple[Tensor, Tensor]:
    """Images (units, DIVERSE, 3, H, W) that must differ; their share of the unit's own activation."""
    images, shares = [], []
    for layer, unit in chosen():
        channel = Channel(layer, unit)
        _, alone = _image(shared_channels, layer, unit)
        images.append(maximize([differing(channel, alone)] * DIVERSE).images)
        shares.append(evaluate(alexnet(), [channel] * DIVERSE, images[-1]) / alone)
    return torch.stack(images), torch.stack(shares)


def diverse() -> Figure:
    """Several images of one unit that must differ."""
    images, shares = _diverse()
    return grid(
        _names(),
        [f"answer {number}" for number in range(1, DIVERSE + 1)],
        images,
        id="diverse",
        alt="Six deep channels in rows, each with four images that were pushed apart",
        caption="<strong>What do the four images of a row share?</strong> All excite the same channel and were pushed to "
        "differ in their layer. The number is the activation in percent of that without the push.",
        scores=100 * shares,
        score_name="percent of the activation without the push",
        score_most=100 * shares.max().item(),
        subjects=_names(),
        links=[unit_link(layer, unit) for layer, unit in chosen()],
    )


def beside_photos() -> Figure:
    """Synthetic images beside the photographs' strongest patches."""
    synthetic, natural, notes = [], [], []
    for layer, units in _by_layer().items():
        patches, values, _ = _natural_spectrum(layer, units)
        for index, unit in enumerate(units):
            image, best = _image(shared_neurons, layer, unit)
            synthetic.append(in_field(layer, image))
            natural.append(patches[index, -1])
            notes.append(f"{best:.0f} against {values[index, -1].max():.0f} for the best patch")
    return pairs(
        synthetic,
        natural,
        _names(),
        headings=("what the neuron wants", "what excites it most in our photographs"),
        id="natural",
        alt="Six deep neurons: their synthetic image beside the four photo patches that excite them most",
        caption="<strong>Would you have guessed the right side from the left?</strong> Left, the image found by ascent; "
        f"right, the {PATCHES} patches of {len(photographs.scenes())} photographs that excite the neuron most. "
        '<a href="../reference/photographs.html">Whose they are</a>.',
        notes=notes,
        subjects=_names(),
        links=[unit_link(layer, unit) for layer, unit in chosen()],
    )


def _times() -> list[float]:
    """How many times as high as for the best patch each chosen unit's activation for its picture is."""
    return [
        _image(shared_neurons, layer, unit)[1] / values[-1].max().item()
        for layer, units in _by_layer().items()
        for unit, values in zip(units, _natural_spectrum(layer, units)[1], strict=True)
    ]


def _image(pictures: Callable[[str], Maximization], layer: str, unit: int) -> tuple[Tensor, float]:
    """One of the pictures that all chapters share, and its value."""
    result, row = pictures(layer), evenly(layer).index(unit)
    return result.images[row], result.values[row].item()


def _natural_spectrum(layer: str, units: tuple[int, ...]) -> tuple[Tensor, Tensor, Tensor]:
    """Patches (units, levels, PATCHES, 3, size, size), their values, and all values (units, n)."""
    samples = list(photographs.scenes())
    spec = {
        "network": alexnet().fingerprint,
        "layer": layer,
        "units": list(units),
        "count": PATCHES,
        "photos": list(map(findings.photo_fingerprint, samples)),
    }

    def make() -> dict[str, np.ndarray]:
        spectra = find_spectrum(alexnet(), layer, samples, units=units, count=PATCHES)
        levels = [[list(level) for level in spectra[unit].levels] for unit in units]
        return {
            "patches": np.array([[[e.patch.numpy() for e in lv] for lv in one] for one in levels]),
            "values": np.array([[[e.value for e in lv] for lv in one] for one in levels]),
            "everywhere": np.stack([spectra[unit].values.numpy() for unit in units]),
        }

    arrays = Store().arrays(spec, make, "featviz.measures.patches_by_level")
    patches, values, everywhere = (
        torch.from_numpy(arrays[name]) for name in ("patches", "values", "everywhere")
    )
    return patches.float() / 255, values, everywhere


def numbers() -> Values:
    """What the text quotes."""
    net, shares, times = alexnet(), _diverse()[1], _times()
    return Values(
        split_low=f"{int(100 * shares[chosen().index(SPLIT)].min())}%",
        lowest=f"{shares.min():.0%}",
        least_times=f"{min(times):.0f}",
        most_times=f"{max(times):.0f}",
        deep_units=sum(net.units(layer) for layer in DEEP),
    )
