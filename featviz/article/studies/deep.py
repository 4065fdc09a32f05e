"""Deep layers: what deep units answer to, asked in several ways."""

from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from torch import Tensor

from featviz.article import photographs
from featviz.article.bridge.values import Values
from featviz.article.studies.microscope import scope
from featviz.article.studies.shared import (
    alexnet,
    evenly,
    in_field,
    maximize,
    shared_channels,
    shared_neurons,
    unit_link,
)
from featviz.ascent.recipes import HIGHEST_ADAM, Recipe
from featviz.ascent.result import Maximization
from featviz.ascent.score import evaluate
from featviz.figures import Figure, Picker, Spectrum, grid, pairs, picker, sheet, spectrum
from featviz.images.maco import Maco
from featviz.measures.patches_by_level import find_spectrum
from featviz.microscope.views import CHANNEL, differing
from featviz.objectives.units import Channel, Neuron
from featviz.store import Store, fingerprint

DEEP = ("conv3", "conv4", "conv5")
"""The layers of this chapter."""

SHEET = 48
"""Units shown per layer."""

SHEET_SIDE = 92
"""Side in pixels of a sheet's pictures: three sheets stand near the top of the page."""

DIVERSE = 4
"""Images of one unit that must differ."""

PHASES = Recipe(Maco(gain=1.5), optimizer=HIGHEST_ADAM, steps=128)
"""Phases alone, at one and a half times the photographs' amplitudes."""

PATCHES = 4
"""Natural patches shown per unit."""

SPLIT = ("conv4", 64)
"""A unit that the text names after looking: its answers are of two kinds."""

LEVEL_NAMES = ("most negative", "negative", "near zero", "positive", "most positive")
"""What the levels of a spectrum are called."""


def chosen() -> list[tuple[str, int]]:
    """Returns the units that are asked more than one question: two per layer, by their place."""
    return [(layer, unit) for layer in DEEP for unit in evenly(layer)[2:7:4]]


def _by_layer() -> dict[str, tuple[int, ...]]:
    return {layer: tuple(unit for one, unit in chosen() if one == layer) for layer in DEEP}


def unit_picker() -> Picker:
    """Returns the strip that picks one of these units for all figures."""
    pictures = [_image(shared_channels, layer, unit)[0] for layer, unit in chosen()]
    labels = [f"{layer}:{unit}" for layer, unit in chosen()]
    return picker("unit", pictures, labels, title="Follow one unit:")


def units(layer: str) -> Figure:
    """Many channels of a layer as one sheet."""
    numbers = evenly(layer, SHEET)
    result = scope().pictures(layer, CHANNEL, numbers)
    count = alexnet().units(layer)
    return sheet(
        result.images[:, 0] / 255,
        [f"{layer}:{unit}" for unit in numbers],
        id=f"sheet-{layer}",
        alt=f"A sheet of {SHEET} images, one per channel of {layer}",
        caption=f"{SHEET} of {layer}'s {count} channels, spread evenly. Point at one, or walk with the "
        "arrow keys, to see it large; a press keeps it. " + _LOOK[layer],
        values={"activation": result.values[:, 0], "contrast": result.contrast[:, 0]},
        links=[unit_link(layer, unit) for unit in numbers],
        columns=12,
        side=SHEET_SIDE,
    )


_LOOK = {
    "conv3": "<strong>Look for repetition</strong>: meshes, scales, curls, rings with a center. Most are "
    "textures that could go on forever.",
    "conv4": "<strong>Look for pieces</strong>: eyes, tufts, spokes and windows stand apart from a ground "
    "that carries them.",
    "conv5": "<strong>Look for parts</strong>: many images hold something with an inside and an outside, "
    "a face, a fruit, a shell, fewer times and larger than in conv3.",
}


def asked() -> Figure:
    """A few units, asked in several ways."""
    channels = [Channel(layer, unit) for layer, unit in chosen()]
    rows = [[in_field(layer, _image(shared_neurons, layer, unit)[0])] for layer, unit in chosen()]
    for column in (
        [_image(shared_channels, layer, unit)[0] for layer, unit in chosen()],
        maximize([-1 * channel for channel in channels]).images,
        maximize(channels, recipe=PHASES).images,
    ):
        for row, image in zip(rows, column, strict=True):
            row.append(image)
    return grid(
        [str(channel) for channel in channels],
        ["neuron", "channel", "the opposite", "phases alone"],
        rows,
        id="asked",
        alt="Six deep units in rows, each shown as neuron, as channel, negated, and with phases alone "
        "that move",
        caption="<strong>One unit, asked in four ways.</strong> The neuron has one place to please, "
        "the channel all of them: see what the second repeats of the first. The opposite "
        "maximizes the negative, which a ReLU never passes on. MACO keeps every amplitude of the photographs' law "
        "and moves only phases.",
        subjects=[str(channel) for channel in channels],
        links=[unit_link(layer, unit) for layer, unit in chosen()],
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
        caption="<strong>From what silences a neuron to what excites it.</strong> Outside, the images found by "
        "ascent against and for it; between them, patches of photographs by the neuron's value before the "
        f"ReLU: the {PATCHES} lowest and highest in {len(photographs.scenes())} photographs, those nearest to half of either, and to "
        "zero. Blue: how often each value occurs. "
        f"{min(below):.0%} to {max(below):.0%} of a unit's values lie below zero.",
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
    channels = [Channel(layer, unit) for layer, unit in chosen()]
    images, shares = _diverse()
    return grid(
        [str(channel) for channel in channels],
        [f"answer {number}" for number in range(1, DIVERSE + 1)],
        images,
        id="diverse",
        alt="Six deep channels in rows, each with four images that were pushed apart",
        caption="<strong>Four answers to one question:</strong> the images of a row excite the same channel and were "
        "pushed to differ in their layer. The number is the activation in percent of that without the push. "
        "What all four share is what the unit detects; what only one has is decoration, or a second meaning if its "
        "number is as high.",
        scores=100 * shares,
        score_name="percent of the activation without the push",
        subjects=[str(channel) for channel in channels],
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
        [f"{layer}:{unit}" for layer, unit in chosen()],
        headings=("what the neuron wants", "what excites it most in our photographs"),
        id="natural",
        alt="Six deep neurons: their synthetic image beside the four photo patches that excite them most",
        caption=f"Left, the image found by ascent; right, the {PATCHES} patches of {len(photographs.scenes())} photographs "
        "that excite the neuron most, cut alike to the part of its field that it uses. "
        "<strong>Would you have guessed the right side from the left?</strong> "
        '<a href="../reference/photographs.html">Whose they are</a>.',
        notes=notes,
        subjects=[f"{layer}:{unit}" for layer, unit in chosen()],
        links=[unit_link(layer, unit) for layer, unit in chosen()],
    )


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
        "photos": [fingerprint(photo.image.numpy()) for photo in samples],
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
    net, shares = alexnet(), _diverse()[1]
    return Values(
        shown=SHEET,
        split_low=f"{int(100 * shares[chosen().index(SPLIT)].min())}%",
        lowest=f"{int(100 * shares.min())}%",
        deep_units=sum(net.units(layer) for layer in DEEP),
        photographs=len(photographs.scenes()),
        conv3_field=net.receptive_field("conv3").size,
        conv5_field=net.receptive_field("conv5").size,
    )
