"""Gradient ascent: other questions for the same climb: directions, mixtures, classes, a photo."""

from functools import cache

import torch
from torch import Tensor

from featviz import photos
from featviz.article.studies.links import unit_link
from featviz.article.studies.shared import (
    SEED,
    alexnet,
    channel,
    evenly,
    how,
    in_field,
    maximize,
    shared_channels,
    shared_neurons,
)
from featviz.ascent.recipes import ACCENT
from featviz.ascent.result import Maximization
from featviz.figures import Figure, grid
from featviz.network.network import Network
from featviz.network.values import activations
from featviz.objectives.algebra import IMAGE, Objective
from featviz.objectives.resemblance import Resemblance
from featviz.objectives.units import Channel, DeepDream, Direction, Logit
from featviz.zoo import bundled

PLACE = 5
"""Place of the unit that is asked, among those that all chapters share."""

CLASSES = (1, 281, 340, 779, 949, 967, 483, 985)
"""Classes of ImageNet that are asked for: animals, things and a place, chosen by us."""

CLASS_SIDE = 224
"""Side in pixels of a class's image: it needs room for more than one thing."""

ACCENT_PHOTO, ACCENT_SIDE = "chelsea", 160
"""The photograph that is accentuated, and the side of its square in pixels."""

RANKS = ("most excited", "second", "third", "fourth")
"""Of which channels, by how much the photograph excites them."""

ACCENT_LAYERS = ("conv2", "conv3", "conv4", "conv5")
"""The layers that are asked."""

NEARNESS = 1000.0
"""Weight of the resemblance to the photograph."""

STRIP_LAYER, STRIPS = "conv5", ((0, 96), (32, 160), (64, 192))
"""A layer, and pairs of its units between which pictures are mixed: those that all chapters share,
three apart."""

SHARES = (0.25, 0.5, 0.75)
"""Shares of the second unit in the mixtures."""


def asked() -> Figure:
    """One neuron, one channel, a random direction and a whole layer, at every depth."""
    layers = alexnet().layers
    rows = []
    for layer in layers:
        neuron = shared_neurons(layer).images[PLACE]
        alone = shared_channels(layer).images[PLACE]
        objectives = [_direction(layer), DeepDream(f"{layer}:relu")]
        others = maximize(objectives, recipe=how(layer)).images
        rows.append([in_field(layer, neuron), alone, *others])
    units = [evenly(layer)[PLACE] for layer in layers]
    return grid(
        list(layers),
        ["one neuron", "one channel", "a random direction", "the whole layer"],
        rows,
        id="asked-for",
        alt="Five layers in rows; a neuron, a channel, a random direction and the whole layer in columns",
        caption="<strong>Compare the second column with the third</strong>, a random direction that mixes all channels a "
        f"little (seed {SEED}). First, the same unit as one neuron; last, the whole layer, which is what DeepDream climbs.",
        notes=[f"unit {unit}" for unit in units],
        links=[unit_link(layer, unit) for layer, unit in zip(layers, units, strict=True)],
    )


def _direction(layer: str) -> Objective:
    """A direction of length 1, drawn at random."""
    name = channel(layer, 0).layer
    stream = torch.Generator().manual_seed(SEED)
    vector = torch.randn(alexnet().units(layer), generator=stream)
    return Direction(name, tuple((vector / vector.norm()).tolist()))


def classes() -> Figure:
    """What a classifier wants to see for some classes."""
    result, net = _classes()
    return grid(
        ["SqueezeNet"],
        [net.classes[index] for index in CLASSES],
        [list(result.images)],
        id="classes",
        alt="Eight images, one per class: shapes of fish, a cat, zebras, a yellow bus, a strawberry, a cup, towers",
        caption="<strong>What a class wants.</strong> The same climb on the score of a class of SqueezeNet. Cover "
        "the names and guess.",
    )


def accentuated() -> Figure:
    """What units of every layer see in one photograph."""
    net, photo = alexnet(), photos.load(ACCENT_PHOTO, ACCENT_SIDE)
    image = photo.image
    rows, labels = [], []
    for layer in ACCENT_LAYERS:
        plain = [Channel(layer, unit) for unit in _loudest(net, image, layer)]
        objectives = [unit + NEARNESS * Resemblance(IMAGE, image) for unit in plain]
        rows.append([image, *maximize(objectives, start=image, recipe=ACCENT).images])
        labels.append([photo.name, *map(str, plain)])
    return grid(
        list(ACCENT_LAYERS),
        ["the photograph", *RANKS],
        rows,
        id="accentuated",
        alt="A cat's face, and the same face with what four units of each layer see in it: shifted hues, strokes and "
        "rings, fur, eyes and muzzles",
        caption="<strong>What does each layer see in this photograph?</strong> Climbs from the photograph, held near it, for the "
        f"{len(RANKS)} channels that it excites most: conv2 shifts hues, conv3 adds strokes and rings, conv4 and conv5 fur, eyes and muzzles. "
        f"Photograph: {photo.attribution}.",
        labels=labels,
        named=True,
    )


def _loudest(net: Network, image: Tensor, layer: str) -> list[int]:
    """The channels of a layer that an image excites most, averaged over its places."""
    values = activations(net, image, f"{layer}:relu")[0]
    loudest: list[int] = values.mean((1, 2)).topk(len(RANKS)).indices.tolist()
    return loudest


def strip() -> Figure:
    """From one unit to another, each picture from the same noise."""
    rows, names = [], []
    for one, other in STRIPS:
        ends = [Channel(STRIP_LAYER, one), Channel(STRIP_LAYER, other)]
        # Each counts by what it reaches alone, or the louder unit would have the whole strip.
        alone = [value.item() for value in maximize(ends, streams=["strip"] * 2).values]
        a, b = (float(f"{100 / value:.3g}") * unit for value, unit in zip(alone, ends, strict=True))
        mixtures = [a, *((1 - share) * a + share * b for share in SHARES), b]
        images = maximize(mixtures, streams=["strip"] * len(mixtures)).images
        rows.append(list(images))
        names.append(f"{STRIP_LAYER}:{one} to {other}")
    return grid(
        names,
        [f"{share:.0%}" for share in (0.0, *SHARES, 1.0)],
        rows,
        id="strip",
        alt="Three strips of five pictures, each from one unit of conv5 to another",
        caption="<strong>Follow one spot from left to right</strong>, and see where one motif gives way to the other. "
        "Between two units stand mixtures, each unit counted by what it reaches alone. A strip's pictures share their "
        "noise and shifts.",
    )


@cache
def _classes() -> tuple[Maximization, Network]:
    net = bundled.load("squeezenet")
    return maximize([Logit(index) for index in CLASSES], net=net, size=CLASS_SIDE), net
