"""What the chapter on attribution measures: arrays from the store, made where they are missing."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from featviz import photos
from featviz.attribution import checks
from featviz.attribution.attribute import Attribution, attribute
from featviz.attribution.groups import strongest
from featviz.measures import statistics
from featviz.network import controls
from featviz.network.network import Network
from featviz.network.values import activations
from featviz.objectives.units import Channel, Logit
from featviz.photos import Photo
from featviz.store import Arrays, Store, fingerprint
from featviz.zoo import bundled

CODE = "featviz.article.studies.attribution_evidence"
"""The module whose source, with all that it imports, is part of every key of the store."""

SEED = 0
"""Where all noise comes from. Not `shared`'s: what that imports would be part of the keys too."""

SHOWN = ("chelsea", "coffee", "astronaut", "china")
"""Photographs that the figures show."""

MEASURED = (
    "astronaut", "camera", "chelsea", "china", "coffee", "flower", "grace_hopper", "rocket"
)  # fmt: skip
"""Photographs that the measures average over: the samples that show things, not textures, and state
a license."""

NEIGHBORS = 2
"""Each measured photograph stands beside the one before it and the one after it."""

DRAWS = 5
"""How often each control is drawn: random maps, and shufflings of the weights."""

DEPTHS = {
    "conv1": "features.0:relu",
    "fire3": "features.4",
    "fire5": "features.7",
    "fire7": "features.10",
    "fire9": "features.12",
}
"""Five depths of SqueezeNet, evenly spaced: its first convolution and every other fire module."""

MEASURES = ("gradcam", "layercam", "gradient")
"""Methods that are measured in every layer: those that take one pass."""

SIZE = 224
"""Side of the photographs in pixels: what both networks were trained on."""


@cache
def alexnet() -> Network:
    """Returns the network whose layers are mapped."""
    return bundled.load("alexnet")


@cache
def classifier() -> Network:
    """Returns the bundled classifier."""
    return bundled.load("squeezenet")


@cache
def photo(name: str) -> Photo:
    """Returns a sample photograph as the networks see it."""
    return photos.load(name, SIZE)


@cache
def top_class(name: str) -> tuple[int, float]:
    """Returns the class that the classifier ranks first on a photograph, and its probability."""
    scores = activations(classifier(), photo(name).image, "output")[0].softmax(0)
    return int(scores.argmax()), float(scores.max())


def class_name(name: str) -> str:
    """Returns the name of a photograph's first class."""
    return classifier().classes[top_class(name)[0]]


def strengths(names: Sequence[str] = SHOWN) -> dict[tuple[str, str], Attribution]:
    """Maps how strongly each of AlexNet's layers answers, by photograph and layer."""
    net = alexnet()
    return {
        (name, layer): attribute(net, photo(name).image, None, f"{layer}:relu", "activation")
        for name in names
        for layer in net.layers
    }


def leading_unit(name: str) -> int:
    """Returns the channel of conv5 that a photograph excites most, after the ReLU."""
    value = activations(alexnet(), photo(name).image, "conv5:relu")[0]
    return int(value.mean((1, 2)).argmax())


def unit_evidence(names: Sequence[str] = SHOWN) -> dict[tuple[str, str], Attribution]:
    """Explains each photograph's leading unit of conv5 in every layer."""
    net = alexnet()
    return {
        (name, layer): attribute(
            net, photo(name).image, Channel("conv5:relu", leading_unit(name)),
            f"{layer}:relu", "gradcam",
        )
        for name in names
        for layer in net.layers
    }  # fmt: skip


def class_maps(names: Sequence[str], method: str = "gradcam") -> dict[tuple[str, str], Attribution]:
    """Explains each photograph's first class at every depth of the classifier."""
    return {
        (name, depth): attribute(
            classifier(), photo(name).image, top_class(name)[0], layer, method, seed=SEED
        )
        for name in names
        for depth, layer in DEPTHS.items()
    }


def montage(left: str, right: str) -> Tensor:
    """Returns two photographs side by side."""
    return checks.side_by_side(photo(left).image, photo(right).image)


def montage_maps(
    pair: tuple[str, str], name: str, methods: Sequence[str], depths: Sequence[str]
) -> dict[tuple[str, str], Attribution]:
    """Explains one photograph's class on two side by side, by depth and method."""
    target = Logit(top_class(name)[0])

    def make() -> Arrays:
        image = montage(*pair)
        return {
            f"{depth}/{method}": attribute(
                classifier(), image, target, DEPTHS[depth], method, seed=SEED
            ).map.numpy()
            for depth in depths
            for method in methods
        }

    spec = _spec("montage", pair, of=name, methods=methods, depths=depths)
    arrays = Store().arrays(spec, make, CODE)
    return {
        (depth, method): Attribution(
            torch.from_numpy(arrays[f"{depth}/{method}"]), depth, method, target, None
        )
        for depth in depths
        for method in methods
    }


def pointing() -> Arrays:
    """Measures where the evidence for a class lies when its photograph stands beside another.

    Returns:
        `share` (methods + random, depths, pairs, 2): part of the evidence for the left and for the
        right photograph's class that lies on it; `agreement` (methods, depths, pairs): rank
        correlation of the maps of the two classes; `spread` (methods, depths, pairs, 2): share of
        the places that hold half of the evidence.
    """

    def make() -> Arrays:
        share, same, spread = zip(*map(_point, pairs()), strict=True)
        return {
            "share": np.stack([of.transpose(1, 2, 0) for of in share], 2),
            "agreement": np.stack(same, 2),
            "spread": np.stack([of.transpose(1, 2, 0) for of in spread], 2),
        }

    return Store().arrays(_spec("pointing", MEASURED, methods=MEASURES), make, CODE)


Table = NDArray[np.float64]


def pairs() -> list[tuple[str, str]]:
    """Lists which measured photographs stand side by side: each beside the next, in a ring."""
    return list(zip(MEASURED, (*MEASURED[1:], MEASURED[0]), strict=True))


def _point(pair: tuple[str, str]) -> tuple[Table, Table, Table]:
    """One pair's shares (2, methods + random, depths), agreement and spread (2, ...)."""
    maps = [montage_maps(pair, name, MEASURES, tuple(DEPTHS)) for name in pair]
    share = np.zeros((2, len(MEASURES) + 1, len(DEPTHS)))
    same = np.zeros((len(MEASURES), len(DEPTHS)))
    spread = np.zeros((2, len(MEASURES), len(DEPTHS)))
    for d, depth in enumerate(DEPTHS):
        for m, method in enumerate(MEASURES):
            left, right = (of[depth, method].map for of in maps)
            share[:, m, d] = checks.share_left(left), 1 - checks.share_left(right)
            same[m, d] = statistics.agreement(left, right)
            spread[:, m, d] = checks.spread(left), checks.spread(right)
        share[:, -1, d] = _chance(left.shape, pairs().index(pair)).mean(1)
    return share, same, spread


def _chance(shape: Sequence[int], index: int) -> Table:
    """What random maps put on the right photograph of a pair: (2, DRAWS), a map of its own each.

    One map for both classes would put on either side what it doesn't on the other: a half, whatever
    map it is.
    """
    seeds = SEED + 2 * DRAWS * index + np.arange(2 * DRAWS).reshape(2, DRAWS)
    shares = [
        [checks.share_left(checks.random_map(shape, int(seed))) for seed in row] for row in seeds
    ]
    right: Table = np.abs(np.array(shares) - [[0], [1]])
    return right


def curves() -> Arrays:
    """Measures deletion and insertion, as shares of the class's probability on the whole photo.

    Returns:
        `deletion` and `insertion` (methods + random, depths, photos) areas under the curves, those
        of random maps averaged over `DRAWS` of them, and `center` and `edges` (2, photos): the same
        two areas for the controls that have no depth.
    """

    def make() -> Arrays:
        shape = (len(MEASURES) + 1, len(DEPTHS), len(MEASURED))
        deletion, insertion = np.zeros(shape), np.zeros(shape)
        controls = {name: np.zeros((2, len(MEASURED))) for name in ("center", "edges")}
        for p, name in enumerate(MEASURED):
            image = photo(name).image
            maps = [checks.center_map((SIZE, SIZE)), checks.edge_map(image)]
            for layer in DEPTHS.values():
                maps += [
                    attribute(classifier(), image, top_class(name)[0], layer, method).map
                    for method in MEASURES
                ]
                seeds = range(SEED + p * DRAWS, SEED + (p + 1) * DRAWS)
                maps += [checks.random_map(maps[-1].shape, seed) for seed in seeds]
            areas = _areas(name, maps)
            controls["center"][:, p], controls["edges"][:, p] = areas[:, 0], areas[:, 1]
            by_depth = areas[:, 2:].reshape(2, len(DEPTHS), -1)
            for of, ours in zip((deletion, insertion), by_depth, strict=True):
                of[:-1, :, p] = ours[:, : len(MEASURES)].T
                of[-1, :, p] = ours[:, len(MEASURES) :].mean(1)
        return {"deletion": deletion, "insertion": insertion, **controls}

    return Store().arrays(_spec("curves", MEASURED, methods=MEASURES), make, CODE)


def randomization(depth: str = "fire9") -> Arrays:
    """Measures how much of a map outlives what the network has learned.

    Returns:
        `classifier` and `all` (methods + activation, photos, draws): rank agreement of a map with
        those of `DRAWS` networks whose last layer, or whose every layer, is shuffled.
    """
    methods = (*MEASURES, "activation")

    def make() -> Arrays:
        net = classifier()
        twins = {
            kind: [controls.shuffled(net, SEED + n, modules) for n in range(DRAWS)]
            for kind, modules in (("classifier", ["classifier.1"]), ("all", None))
        }
        shape = (len(methods), len(MEASURED), DRAWS)
        agreements = {kind: np.zeros(shape) for kind in twins}
        for m, method in enumerate(methods):
            for p, name in enumerate(MEASURED):
                target = None if method == "activation" else top_class(name)[0]
                image, layer = photo(name).image, DEPTHS[depth]
                own = attribute(net, image, target, layer, method).map
                for kind, draws in twins.items():
                    others = (attribute(twin, image, target, layer, method).map for twin in draws)
                    agreements[kind][m, p] = [statistics.agreement(own, o) for o in others]
        return agreements

    return Store().arrays(
        _spec("randomization", MEASURED, methods=methods, depth=depth), make, CODE
    )


def dictionary(layer: str, count: int, names: Sequence[str] = SHOWN) -> tuple[Tensor, Tensor]:
    """Finds the strongest units of a layer at each place of the photographs.

    Returns:
        (photos, h, w, count) indices of units and their values after the ReLU. A map finer than
        27 x 27 is halved: of each block of four places, the strongest answer of each unit counts.
    """
    if layer != "conv1":
        tops = [strongest(alexnet(), photo(name).image, f"{layer}:relu", count) for name in names]
        return torch.stack([f.units for f in tops]), torch.stack([f.values for f in tops])
    images = torch.stack([photo(name).image for name in names])
    value = F.max_pool2d(activations(alexnet(), images, "conv1:relu"), 2)
    values, units = value.topk(count, dim=1)
    return units.permute(0, 2, 3, 1), values.permute(0, 2, 3, 1)


@cache
def _fingerprints() -> tuple[str, str]:
    return classifier().fingerprint, alexnet().fingerprint


def _spec(what: str, names: Sequence[str], **settings: object) -> dict[str, object]:
    return {
        "what": what,
        "networks": list(_fingerprints()),
        "photos": [fingerprint(photo(name).image.numpy()) for name in names],
        "names": list(names),
        "settings": settings,
    }


def _areas(name: str, maps: Sequence[Tensor]) -> Table:
    """Areas (deletion and insertion, maps) of a photograph's first class."""
    index, whole = top_class(name)
    both = checks.curves(classifier(), photo(name).image, Logit(index), maps)
    return np.array([[checks.area(curve, whole) for curve in curves] for curves in both])
