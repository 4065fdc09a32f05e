"""Chapters 3 and 5: other questions for the same climb: directions, layers, classes, two units."""

from functools import cache

import torch
from torch import Tensor

from featviz import quality, zoo
from featviz.ascent import Maximization
from featviz.figures import Figure, grid
from featviz.network import Network
from featviz.objectives import Channel, Direction, Layer, Logit, Objective
from featviz.site.values import Values
from featviz.studies.bench import (
    SEED,
    alexnet,
    channel,
    evenly,
    in_field,
    maximize,
    shared_channels,
    shared_neurons,
    unit_link,
)

SHOWN = 5
"""Place of the unit that is asked, among those that all chapters share."""

CLASSES = (1, 281, 340, 779, 949, 967, 483, 985)
"""Classes of ImageNet that are asked for: animals, things and a place, chosen by us."""

CLASS_SIDE = 160
"""Side in pixels of a class's image: it needs room for more than one thing."""

PAIR_LAYER, PAIRED = "conv5", 5
"""The layer whose first shared units are asked for two at a time, and how many."""


def asked() -> Figure:
    """One neuron, one channel, a random direction and a whole layer, at every depth."""
    layers = alexnet().layers
    rows = []
    for layer in layers:
        neuron = shared_neurons(layer).images[SHOWN]
        alone = shared_channels(layer).images[SHOWN]
        others = maximize([_direction(layer), Layer(f"{layer}:relu")], size=128).images
        rows.append([in_field(layer, neuron), alone, *others])
    units = [evenly(layer)[SHOWN] for layer in layers]
    return grid(
        list(layers),
        ["one neuron", "one channel", "a random direction", "the whole layer"],
        rows,
        id="asked-for",
        alt="Five layers in rows; a neuron, a channel, a random direction and the whole layer in columns",
        caption="<strong>Four questions, one climb.</strong> Left, one unit as a neuron and as a channel: "
        + ", ".join(f"{layer}:{unit}" for layer, unit in zip(layers, units, strict=True))
        + ". A channel is one axis of its layer's space; a random direction mixes all of them a little (one per layer, "
        f"of length 1, drawn with seed {SEED}). The whole layer, as loud as it can be, is the objective of DeepDream: the "
        "image picks its units itself. <strong>Compare the second column with the third</strong>, and read the last "
        "downward: rings at conv3, an eye at conv4, a face at conv5.",
        links=[unit_link(layer, unit) for layer, unit in zip(layers, units, strict=True)],
    )


def _direction(layer: str) -> Objective:
    """A direction of length 1, drawn at random."""
    read = channel(layer, 0).layer
    stream = torch.Generator().manual_seed(SEED)
    vector = torch.randn(alexnet().units(layer), generator=stream)
    return Direction(read, tuple((vector / vector.norm()).tolist()))


def classes() -> Figure:
    """What a classifier wants to see for some classes."""
    found, net = _classes()
    return grid(
        ["SqueezeNet"],
        [net.classes[index] for index in CLASSES],
        [list(found.images)],
        id="classes",
        alt="Eight images, one per class: shapes of fish, a cat, zebras, a yellow bus, a strawberry, a cup, towers",
        caption="<strong>What a class wants.</strong> The same climb on the score of a class of SqueezeNet. Cover "
        "the names and guess. To us zebra, goldfish and castle can be guessed; the school bus has spots and "
        "something like a fish's head, and of the daisy two yellow disks are left. What a score rests on need not "
        "be the thing that the class is named after.",
    )


@cache
def _classes() -> tuple[Maximization, Network]:
    net = zoo.load("squeezenet")
    return maximize([Logit(index) for index in CLASSES], net=net, size=CLASS_SIDE), net


def together() -> Figure:
    """Units two at a time: each pair's common image, and each unit alone."""
    units, (images, kept) = _paired_units(), _pairs()
    names = [f"{PAIR_LAYER}:{unit}" for unit in units]
    return grid(
        names,
        names,
        [list(row) for row in images],
        id="together",
        alt=f"Five units of {PAIR_LAYER} against each other: alone on the diagonal, in pairs beside it",
        caption="<strong>Two units at once.</strong> On the diagonal each unit alone; elsewhere one image "
        "that is asked to excite the unit of its row and that of its column, each counted in percent of what it reaches "
        "alone. The number is what the weaker of the two gets. Each pair stands twice, so that a row or a column can be "
        "read whole. Look whether the two divide the ground between them, or become one thing that is both.",
        scores=100 * kept,
        score_name="percent left",
        links=[unit_link(PAIR_LAYER, unit) for unit in units],
    )


def _paired_units() -> list[int]:
    return evenly(PAIR_LAYER)[:PAIRED]


@cache
def _pairs() -> tuple[Tensor, Tensor]:
    """Images (k, k, 3, H, W) of all pairs, and the share (k, k) that the weaker unit keeps."""
    net = alexnet()
    alone = [Channel(PAIR_LAYER, unit) for unit in _paired_units()]
    shared = shared_channels(PAIR_LAYER)
    best = quality.values(net, alone, quality.to_bytes(shared.images[:PAIRED]))
    # Each counts in percent of what it reaches alone, or the louder unit would have the image. The
    # weight's digits are part of the image's name in the store.
    even = [
        float(f"{100 / value:.3g}") * unit for unit, value in zip(alone, best.tolist(), strict=True)
    ]
    at = [(i, j) for i in range(PAIRED) for j in range(i)]
    both = maximize([even[i] + even[j] for i, j in at], size=128)
    images = torch.zeros(PAIRED, PAIRED, *both.images.shape[1:])
    kept = torch.ones(PAIRED, PAIRED)
    for i in range(PAIRED):
        images[i, i] = shared.images[i]
    for (i, j), image in zip(at, both.images, strict=True):
        left = quality.values(
            net, [alone[i], alone[j]], quality.to_bytes(image[None].repeat(2, 1, 1, 1))
        )
        images[i, j] = images[j, i] = image
        kept[i, j] = kept[j, i] = (left / best[[i, j]]).min()
    return images, kept


def numbers() -> Values:
    """What the deep chapter's text quotes."""
    kept = _pairs()[1]
    apart = kept[~torch.eye(PAIRED, dtype=torch.bool)]
    return Values(pair_low=f"{apart.min():.0%}", pair_high=f"{apart.max():.0%}")
