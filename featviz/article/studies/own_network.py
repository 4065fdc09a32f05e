"""The page "Your own network": what changes inside a small network while it learns."""

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.nn.functional import one_hot

from featviz import figures
from featviz.article.bridge.values import Values
from featviz.article.studies.bounds import bounds, percent, quoted
from featviz.article.studies.own_network_data import KINDS, SHAPES, SIDE, TEXTURES, draw
from featviz.article.studies.shared import maximize
from featviz.attribution.attribute import attribute
from featviz.measures.statistics import Interval, interval, share
from featviz.measures.weights import as_pictures, first_weights
from featviz.network.network import Network
from featviz.network.values import activations
from featviz.objectives.algebra import Objective
from featviz.objectives.units import Channel, Logit

LAYERS = ("conv1", "conv2", "conv3")
"""The layers of the page's network."""

BOARD = 4
"""Rows and columns of a board of pictures."""

STEPS = 48
"""Steps of ascent for each picture."""

GAP = 2
"""Pixels between the pictures of a board."""

HELD_OUT = 800
"""Pictures that the network is never trained on; what is read off it is scored on them."""

READER = 800
"""Other pictures, from which it is learned what to read off."""

RIDGE = 1e-3
"""Weight of the penalty of a reader, in mean squares of what it reads."""

WATCHED = 100
"""Held-out pictures on which units are compared with what they become."""

EARLY = 100
"""The step of training after which the text says how far each layer is."""


def examples() -> figures.Figure:
    """Returns some pictures of each kind."""
    across = 6
    images, labels = draw(200, seed=2)
    rows = [images[labels == kind][:across].numpy() for kind in range(len(KINDS))]
    half = len(TEXTURES)
    return figures.pairs(
        rows[:half],
        rows[half:],
        [f"{texture}, {shape}" for texture, shape in zip(TEXTURES, SHAPES, strict=True)],
        headings=("textures", "shapes"),
        id="kinds",
        alt="Rows of stripes, checks and dots; beside them disks, squares, triangles and rings.",
        caption="<strong>What there is to learn</strong>: four textures and four shapes, in any two "
        "colors, tilted, moved and noisy. A small window is enough for the textures only: all shapes have edges.",
    )


def learning(networks: Mapping[int, Network]) -> figures.Figure:
    """Returns what each layer's units want, before, during and after training, under a slider.

    Args:
        networks: The network after each number of steps of training.
    """
    boards = ["filters of conv1", *LAYERS, "classes"]
    frames = [
        [_board(_filters(net) if board is boards[0] else _wants(net, board)) for board in boards]
        for net in networks.values()
    ]
    right = [_accuracy(net).mean for net in networks.values()]
    return figures.trajectory(
        np.array(frames),
        list(networks),
        np.repeat(np.array(right)[:, None], len(boards), axis=1),
        id="learning",
        labels=boards,
        value_name="share recognized",
        log_x=True,
        alt="Sixteen pictures each: noise before training; edges and colors in conv1 after it, "
        "and textures, corners and rings in conv3 and the classes.",
        caption="<strong>A network learns.</strong> Move the slider from the first step of training "
        f"to the last: what excites {BOARD**2} units of each layer at that moment, and two pictures of each class. The curve is "
        f"the share of {HELD_OUT} held-out pictures that the network recognizes.",
    )


def settling(networks: Mapping[int, Network]) -> figures.Figure:
    """Returns how early the units of each layer are what they will be.

    Args:
        networks: The network after each number of steps of training.
    """
    steps = list(networks)
    series = {
        layer: figures.Series(np.maximum(steps, 1), *bounds(_alike_the_last(networks, layer)))
        for layer in LAYERS
    }
    return figures.curves(
        series,
        "step of training",
        "correlation with the finished unit",
        id="settling",
        log_x=True,
        alt="Three rising curves: conv1 starts highest and is first to come near 1.",
        caption="<strong>The shallow layer settles first.</strong> Correlation of a unit's activations on "
        f"{WATCHED} held-out pictures with those after the last step, where all curves end at 1: means over units with 95% "
        "intervals (step 0 stands at 1).",
    )


def attributions(net: Network) -> figures.Figure:
    """Returns which parts of two pictures speak for their kind, by a shallow and a deep layer."""
    images, labels = _held_out()
    picks = [int((labels == KINDS.index(kind)).nonzero()[0]) for kind in ("checks", "ring")]
    layers = (LAYERS[0], LAYERS[-1])
    maps = [
        [attribute(net, images[i], Logit(int(labels[i])), layer, "gradcam").map for layer in layers]
        for i in picks
    ]
    return figures.attribution_grid(
        images[picks].numpy(),
        [[map_ / map_.abs().max().clamp(min=1e-12) for map_ in row] for row in maps],
        [KINDS[labels[i]] for i in picks],
        layers,
        id="own-attribution",
        alt="Checks and a ring with heat maps: along edges in conv1, on a part of each figure in conv3.",
        caption="<strong>Where the evidence lies</strong>: Grad-CAM for each picture's own kind, each "
        "map relative to its largest value, for the first held-out pictures of a texture and of a shape.",
        scale_name="relative evidence",
        width="middle",
    )


def readers(net: Network, untrained: Sequence[Network]) -> figures.Figure:
    """Returns what a linear reader of each layer can tell, after training and before.

    Args:
        net: The trained network.
        untrained: Networks as PyTorch makes them, to compare with.
    """
    names = {"textures": TEXTURES, "shapes": SHAPES}
    series: dict[str, tuple[ArrayLike, ArrayLike, ArrayLike]] = {
        f"{name}, trained": bounds([_read(net, layer, kinds) for layer in LAYERS])
        for name, kinds in names.items()
    }
    each = {
        f"{name}, untrained": [
            np.array([_read(one, layer, kinds).mean for one in untrained]) for layer in LAYERS
        ]
        for name, kinds in names.items()
    }
    none = np.full(len(LAYERS), np.nan)
    series |= {
        name: (np.array([one.mean() for one in ones]), none, none) for name, ones in each.items()
    }
    return figures.bars(
        LAYERS,
        series,
        "share told apart",
        each=each,
        id="readers",
        alt="Textures are told apart from conv1 on; shapes only from conv2 and conv3 on.",
        caption="<strong>Textures are told apart early; shapes need depth.</strong> A linear reader of each unit's mean "
        "activation tells the four textures apart, or the four shapes "
        f"(chance {1 / len(SHAPES):.0%}; 95% intervals over {HELD_OUT // 2} held-out pictures). "
        f"Dots: {len(untrained)} untrained networks.",
    )


def numbers(networks: Mapping[int, Network], untrained: Sequence[Network]) -> Values:
    """Returns the numbers that the text quotes; arguments as `settling`'s and `readers`'."""
    last = list(networks.values())[-1]
    accuracy = _accuracy(last)
    shares = {
        f"{name}_{layer}": percent(_read(last, layer, kinds), 100)
        for name, kinds in (("textures", TEXTURES), ("shapes", SHAPES))
        for layer in (LAYERS[0], LAYERS[-1])
    }
    early = list(networks).index(EARLY)
    likeness = {
        f"settled_{layer}": quoted(_alike_the_last(networks, layer)[early], 2) for layer in LAYERS
    }
    naive = interval(np.array([_read(one, LAYERS[-1], SHAPES).mean for one in untrained]))
    return Values(
        steps=max(networks),
        accuracy=f"{accuracy.mean:.0%}",
        accuracy_low=f"{accuracy.low:.0%}",
        accuracy_high=f"{accuracy.high:.0%}",
        held_out=HELD_OUT,
        naive_shapes=percent(naive, 100),
        early=EARLY,
        **likeness,
        **shares,
    )


def _alike_the_last(networks: Mapping[int, Network], layer: str) -> list[Interval]:
    """Correlation of each unit's activations with its last ones, at every step."""
    images = _held_out()[0][:WATCHED]
    maps = [activations(net, images, f"{layer}:relu") for net in networks.values()]
    last = _standardize(maps[-1])
    # A unit that is silent everywhere is like nothing: 0.
    return [interval((_standardize(values) * last).sum(1)) for values in maps]


def _standardize(values: Tensor) -> Tensor:
    """Each unit's values (units, all places of all images) with mean 0 and length 1, or all 0."""
    flat = values.transpose(0, 1).flatten(1).double()
    centered = flat - flat.mean(1, keepdim=True)
    lengths: Tensor = centered.norm(dim=1, keepdim=True)
    return centered / lengths.clamp(min=1e-12)


def _wants(net: Network, layer: str) -> NDArray[np.float32]:
    """Pictures (BOARD**2, 3, SIDE, SIDE) of the first units of a layer, or two of each class."""
    objectives: list[Objective] = [Channel(layer, unit) for unit in range(BOARD**2)]
    if layer == "classes":
        objectives = [Logit(kind) for kind in range(len(KINDS)) for _ in range(2)]
    return maximize(objectives, net=net, size=SIDE, steps=STEPS).images.numpy()


def _filters(net: Network) -> NDArray[np.float32]:
    pictures: NDArray[np.float32] = as_pictures(first_weights(net, LAYERS[0])).numpy()
    return pictures


def _board(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Lays pictures (BOARD**2, 3, h, w) out on one square (3, side, side) of a fixed size."""
    board = np.ones((3, BOARD * (SIDE + GAP) - GAP, BOARD * (SIDE + GAP) - GAP), np.float32)
    # Whole pixels: a filter of 7 pixels stays as sharp as it is.
    grow = SIDE // images.shape[-1]
    for index, image in enumerate(images.repeat(grow, -1).repeat(grow, -2)):
        row, column = (place * (SIDE + GAP) for place in divmod(index, BOARD))
        height, width = image.shape[1:]
        board[:, row : row + height, column : column + width] = image
    return board


@cache
def _held_out() -> tuple[Tensor, Tensor]:
    return draw(HELD_OUT, seed=1)


@cache
def _for_readers() -> tuple[Tensor, Tensor]:
    return draw(READER, seed=3)


@cache
def _accuracy(net: Network) -> Interval:
    images, labels = _held_out()
    return share((activations(net, images, "output").argmax(1) == labels).numpy())


@cache
def _read(net: Network, layer: str, kinds: Sequence[str]) -> Interval:
    """How many of some kinds a linear reader of a layer's mean activations tells apart."""
    indices = torch.tensor([KINDS.index(kind) for kind in kinds])

    def inputs(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        among = torch.isin(labels, indices)
        means = activations(net, images[among], f"{layer}:relu").mean((2, 3)).double()
        return torch.cat([means, torch.ones(len(means), 1)], 1), labels[among]

    values, answers = inputs(*_for_readers())
    gram = values.T @ values / len(values)
    gram += RIDGE * gram.diagonal().mean() * torch.eye(len(gram))
    reader = torch.linalg.solve(gram, values.T @ one_hot(answers, len(KINDS)).double())
    new, right = inputs(*_held_out())
    return share(((new @ reader).argmax(1) == right).numpy())
