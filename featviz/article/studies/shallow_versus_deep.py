"""Shallow versus deep: shallow and deep on equal terms, in numbers, beside a network that learned nothing."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor

from featviz import photos
from featviz.article.bridge.values import Values
from featviz.article.studies import shallow_versus_deep_evidence as evidence
from featviz.article.studies.bounds import digits_for, quoted
from featviz.article.studies.microscope import scope
from featviz.article.studies.shallow_versus_deep_turning import TURN
from featviz.article.studies.shared import PER_LAYER, alexnet, evenly, maximize, shared_channels
from featviz.ascent.recipes import STANDARD, STRIPES, Adam, Recipe
from featviz.figures import Figure, grid, table
from featviz.images.fourier import Fourier
from featviz.images.natural import ENERGY
from featviz.measures.statistics import Interval, difference, interval
from featviz.microscope.views import NEURON
from featviz.network.network import Network
from featviz.network.values import activations
from featviz.objectives.resemblance import Resemblance

REMEMBERED = "chelsea"
"""The photograph that is rebuilt from each layer."""

CANVAS = 160
"""Side in pixels of the rebuilt photograph."""

REBUILD = Recipe(Fourier(decay=1.0), (), Adam(rate=0.1, momentum=(0.9, 0.999), tail=0.5), 160)
"""How a photograph is rebuilt: no transforms, as every pixel has its place."""


def inversion() -> Figure:
    """One photograph, rebuilt from what each layer has kept of it."""
    photo = photos.load(REMEMBERED, CANVAS).image
    found = [_rebuilt(net) for net in (alexnet(), evidence.control())]
    ours, twin = (distances for _, distances in found)
    return grid(
        ["AlexNet", "shuffled weights"],
        ["photo", *alexnet().layers],
        [[photo, *images] for images, _ in found],
        id="inversion",
        alt="A cat, and the images that each layer cannot tell from it: nearly the photograph at conv1, "
        "a cat-like arrangement of textures at conv5",
        caption="Images that give a layer <strong>nearly the values that the photograph gives it</strong> (off by "
        f"{ours.min():.0%} to {ours.max():.0%} of their length, with shuffled weights "
        f"{twin.min():.0%} to {twin.max():.0%}). From conv3 on AlexNet gives a face, the other noise. "
        f"Photograph: {photos.load(REMEMBERED).attribution}.",
    )


def _rebuilt(net: Network) -> tuple[Tensor, Tensor]:
    """The photograph, rebuilt from each layer, and how far its values there are from the photo's.

    Returns:
        (layers, 3, CANVAS, CANVAS) images, and (layers,) distances as shares of the values' length.
    """
    photo = photos.load(REMEMBERED, CANVAS).image
    targets = activations(net, photo, net.layers)
    objectives = [Resemblance(layer, targets[layer][0]) for layer in net.layers]
    images = maximize(objectives, net=net, size=CANVAS, recipe=REBUILD).images
    distances = [
        (activations(net, image, layer) - targets[layer]).norm() / targets[layer].norm()
        for layer, image in zip(net.layers, images, strict=True)
    ]
    return images, torch.stack(distances)


def _range(kind: str, layers: Sequence[str] | None = None) -> str:
    """The least and the most that is left in a layer's mean after a turn."""
    means = [evidence.left(layer, kind).mean().item() for layer in layers or alexnet().layers]
    return " to ".join(dict.fromkeys(f"{one(means):.0f}" for one in (min, max)))


def scorecard() -> Figure:
    """All measures in one table, with intervals and the control."""
    layers = alexnet().layers
    active = partial(evidence.active, alexnet())
    rows = {
        "receptive field, px": [str(alexnet().receptive_field(one).size) for one in layers],
        "part needed of a picture, px": [_part(alexnet(), one) for one in layers],
        "part needed, px, shuffled, one draw": [_part(evidence.control(), one) for one in layers],
        "part needed, AlexNet less shuffled": [_text(_larger(one)) for one in layers],
        "places active, %": [_text(interval(active(one))) for one in layers],
        **{
            f"places active, %, {kind}": [
                _text(interval(evidence.drawn(kind, one))) for one in layers
            ]
            for kind in evidence.CONTROLS
        },
        "places active, AlexNet less untrained": [
            _text(difference(active(one), evidence.drawn("untrained", one))) for one in layers
        ],
        **{
            f"left after a turn of {TURN}°, %, {kind}": [
                _text(interval(evidence.left(one, kind))) for one in layers
            ]
            for kind in evidence.BEFORE_TURNS
        },
        "synthetic over natural, median (middle half)": [
            evidence.quoted_exaggeration(one) for one in layers
        ],
    }
    return table(
        [(name, *cells) for name, cells in rows.items()],
        ["measure", *layers],
        id="scorecard",
        alt="Table of measures per layer with intervals",
        caption="<strong>Compare each row's first and last layer, and activity with that of networks that learned nothing.</strong> "
        f"Brackets: 95% intervals over units, in activity's controls over {evidence.DRAWS} draws of a network; in the last row the middle half.",
        width="page",
    )


def _part(net: Network, layer: str) -> str:
    """The pixels across the part that a layer's channels need of their pictures."""
    return _text(interval(evidence.needed(net, layer)))


def _larger(layer: str) -> Interval:
    """By how many pixels across AlexNet's channels need more than those of the control."""
    return difference(*(evidence.needed(net, layer) for net in (alexnet(), evidence.control())))


def untrained() -> Figure:
    """The control for the eye: the same pictures of a network that learned nothing."""
    layers = alexnet().layers
    rows = []
    for net in (alexnet(), evidence.control()):
        rows.append([shared_channels(layer, net).images[i] for layer in layers for i in (2, 6)])
    return grid(
        ["AlexNet", "shuffled weights"],
        [f"{layer}:{evenly(layer)[i]}" for layer in layers for i in (2, 6)],
        rows,
        id="untrained",
        alt="Ten channels' pictures of AlexNet above those of the same network with shuffled weights",
        caption="The same method on the same network with its weights shuffled. <strong>Whatever you can name in "
        "the lower row is in your eye or in the method</strong>: nothing was learned there.",
    )


def numbers() -> Values:
    """What the text quotes."""
    ratios = {layer: np.median(evidence.exaggeration(layer)) for layer in ("conv1", "conv5")}
    short, long = evidence.longer("conv5")
    picture, patch = evidence.BEFORE_TURNS
    active = {
        layer: evidence.active(alexnet(), layer).mean().item() for layer in ("conv1", "conv5")
    }
    controls = {
        kind: [evidence.drawn(kind, layer).mean().item() for layer in alexnet().layers]
        for kind in evidence.CONTROLS
    }
    return Values(
        units=PER_LAYER,
        photographs=len(scope().photographs),
        ratio_first=f"{ratios['conv1']:.1f}",
        ratio_last=f"{ratios['conv5']:.1f}",
        ratio_one_bound=f"{evidence.at_one_bound():.1f}",
        stripes_energy=str(STRIPES.energy),
        energy=f"{ENERGY:g}",
        ratio_steps=NEURON.steps,
        ratio_short=f"{short:.1f}",
        ratio_long=f"{long:.1f}",
        long_steps=STANDARD.steps,
        turned=evidence.TURNED,
        part_first=_part(alexnet(), "conv1"),
        part_last=_part(alexnet(), "conv5"),
        part_shuffled_first=_part(evidence.control(), "conv1"),
        part_shuffled_last=_part(evidence.control(), "conv5"),
        part_larger=", ".join(_text(_larger(layer)) for layer in alexnet().layers),
        left_pictures=_range(picture),
        left_more=quoted(difference(*(evidence.left(la, picture) for la in ("conv5", "conv1"))), 0),
        left_shallow=_range(patch, ("conv1", "conv2")),
        left_deep=_range(patch, ("conv3", "conv4", "conv5")),
        active_first=f"{active['conv1']:.0f}",
        active_last=f"{active['conv5']:.0f}",
        shuffled_active=", ".join(f"{share:.0f}" for share in controls["shuffled"]),
        initial_low=f"{min(controls['untrained']):.0f}",
        initial_high=f"{max(controls['untrained']):.0f}",
    )


def _text(value: Interval) -> str:
    return quoted(value, 1 if abs(value.mean) < 10 else digits_for(value))
