"""The overview: the story in one ladder, a few cards, and numbers for the table of claims."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from featviz import photos
from featviz.article.bridge.values import Values
from featviz.article.studies import (
    alike,
    alike_evidence,
    attribution,
    attribution_controls,
    attribution_evidence,
    deep_judge,
    networks,
)
from featviz.article.studies import shallow_versus_deep_evidence as evidence
from featviz.article.studies.bounds import percent, span
from featviz.article.studies.cards import Card, cards
from featviz.article.studies.links import rung
from featviz.article.studies.microscope import channel_images, natural_patches, scope
from featviz.article.studies.shared import (
    PER_LAYER,
    alexnet,
    evenly,
    in_field,
    shared_channels,
    shared_neurons,
)
from featviz.attribution.attribute import one_scale
from featviz.figures import Figure, ladder, overlaid
from featviz.measures.statistics import interval
from featviz.microscope.views import NEURON
from featviz.network.values import activations

HERO = {
    "conv1": (5, 10, 2, 20, 15, 35),
    "conv2": (54, 62, 134, 164, 72, 70),
    "conv3": (143, 327, 67, 258, 34, 289),
    "conv4": (62, 121, 106, 77, 64, 0),
    "conv5": (254, 30, 117, 188, 232, 12),
}
"""Six units of each layer, chosen by looking at all pictures of conv1, every second of conv2 and 28
of each deeper layer: those whose motif is plainest, no more than two of a kind. conv1: two
directions of light, two colored stripes, two patches of color; conv2: spots and checks, then
crossings and stripes of color; conv3: rings, nets, scales; conv4: eyes, fur, eggs, berries,
branches, wickerwork; conv5: two animals, fruit, towers, domes, wheels."""

ROOT = ""
"""The way from this page to the site's root, where it lies itself."""

PHOTO, SIDE = "chelsea", 224
"""The photograph of the cards and its side in pixels, which is that of the network's input."""

EXPLAINED = "china"
"""The photograph of the card on attribution: its unit's evidence is on one thing deep down."""

CONTROL = 6
"""Of the units that all chapters share, the one of conv5 that is shown with and without learning."""


def hero() -> Figure:
    """Six well-chosen channels of each layer."""
    rungs = [
        rung(layer, units, channel_images(layer, units), ROOT) for layer, units in HERO.items()
    ]
    return ladder(
        rungs,
        id="hero",
        alt="Five rows of six textures: stripes and colors at conv1, weaves at conv2, rings, nets and scales at conv3, eyes, "
        "fur and eggs at conv4, animals, fruit and buildings at conv5",
        caption="<strong>What excites AlexNet, shallow to deep.</strong> Six channels of each layer, chosen to be plain; "
        'here are <a href="#fig-channels">eight that nobody chose</a>, and <a href="microscope.html">all of them</a>. '
        "<em>True to scale</em> leaves of each texture what one unit sees.",
        width="body",
    )


def channels() -> Figure:
    """What a whole channel wants: units that nobody chose, everywhere in the image at once."""
    rungs = [
        rung(layer, evenly(layer), shared_channels(layer).images.numpy(), ROOT)
        for layer in alexnet().layers
    ]
    return ladder(
        rungs,
        id="channels",
        alt="Five rows of textures: stripes at conv1, weaves at conv2, repeated curls and eyes at "
        "conv3 and conv4, repeated parts at conv5",
        caption=f"<strong>Unpicked</strong>: {PER_LAYER} evenly spaced channels of each layer. "
        "Stripes and color; weaves; curls and rings; parts set in a texture; heads and things. "
        "conv1 is asked behind its ReLU, because before it the mean's best image is a pattern of the stride.",
        width="page",
    )


def neurons() -> Figure:
    """One neuron's favorite image per unit, as large as what it sees."""
    rungs = [
        rung(layer, evenly(layer), in_field(layer, shared_neurons(layer).images).numpy(), ROOT)
        for layer in alexnet().layers
    ]
    return ladder(
        rungs,
        id="neurons",
        alt="Five rows of images, from striped patches of 11 pixels at conv1 to intricate shapes of "
        "163 pixels at conv5",
        caption="The <strong>same units as neurons</strong>: now one place of the map counts, and the image fills "
        "the part of the neuron's field that it uses. <em>True to scale</em> outlines the whole field around it. Deep down, "
        "the image is often one of what the channel repeats, sometimes a whole around it: a face around conv4's eye.",
        width="page",
    )


def findings_in_cards() -> Figure:
    """What the chapters found, each in a picture and a number."""
    entries = [_sees(), _active(), _read(), _alike(), _evidence(), _untrained()]
    return cards(
        entries,
        id="findings",
        caption="<strong>What the chapters found.</strong> Brackets hold 95% intervals, over units, photographs or untrained networks.",
    )


def _sees() -> Card:
    fields = _fields()
    return Card(
        "The network",
        "chapters/network.html#fig-receptive-fields",
        f"{fields[0]} to {fields[-1]} px",
        "is what one unit sees, from conv1 to conv5.",
        _squares(photos.load(PHOTO, SIDE).image.numpy(), fields),
        "A cat's face with five squares one within the other, the smallest on the nose, the largest around the head",
    )


def _active() -> Card:
    first, last = (interval(evidence.active(alexnet(), layer)) for layer in ("conv1", "conv5"))
    return Card(
        "Shallow versus deep",
        "chapters/depth.html#fig-scorecard",
        f"{first.mean:.0f} to {last.mean:.0f}%",
        f"of the places of a photograph excite a unit, from conv1 ({span(first)}) to conv5 ({span(last)}). The cat: left half conv1, right half conv5; bright where many are active.",
        _activity_map(),
        "The cat as a map of how many units are active at each place: the left half by conv1, in fine bright outlines, "
        "the right half by conv5, in coarse dark squares",
    )


def _read() -> Card:
    eye, unit = deep_judge.numbers(), deep_judge.best_read("conv5")
    return Card(
        "Who can read which picture?",
        "chapters/depth.html#fig-readers",
        eye["fire9_conv5"],
        f"({eye['eye_conv5_interval']}) of choices are right when another network, shown conv5's pictures, says which "
        f"photographs excite the unit; its first layer is right in {eye['conv1_conv5']}. Shown is one that it reads without fault.",
        _beside_patches(unit),
        f"The picture of conv5:{unit}, and three patches of photographs that excite it",
    )


def _alike() -> Card:
    quotes = alike.numbers()
    pair, _ = alike.choose(alike_evidence.trained("conv5"), "alike in both")
    left, right = channel_images("conv5", pair)
    rho, _, ends = quotes["rho_conv5"].partition(" ")
    return Card(
        "Looking alike",
        "chapters/alike.html#fig-agreement",
        rho,
        f"{ends} is the rank correlation between how alike the pictures of two units of conv5 "
        f"look and how alike the units behave; at conv2 it is {quotes['rho_conv2']}. A lookalike is a good guess and no proof. Shown are "
        "halves of two that are alike in both.",
        _halves(left, right),
        f"Half of the picture of conv5:{pair[0]} beside half of that of conv5:{pair[1]}, which looks and behaves alike",
    )


def _evidence() -> Card:
    measured, maps = (
        attribution_controls.numbers(),
        attribution_evidence.unit_evidence((EXPLAINED,)),
    )
    image = attribution_evidence.photo(EXPLAINED).image
    shallow, deep = (
        overlaid(image, one_scale([maps[EXPLAINED, layer]])[0].map, attribution.UNIT_LIMIT)
        for layer in ("conv1", "conv4")
    )
    return Card(
        "Attribution",
        "chapters/attribution.html#fig-unit-cam",
        measured["share_last"],
        f"({measured['share_last_interval']}) of the evidence for a class lies on the right one of two photographs at a "
        f"classifier's last layer, and {measured['share_first']} at its first (Grad-CAM). Here a unit of AlexNet is explained by "
        "conv1, left, and by conv4, right.",
        # The left half twice: there stands the tower.
        _halves(shallow, np.roll(deep, SIDE // 2, -1)),
        "A pagoda twice, under maps of evidence: left by conv1, on every contour, right by conv4, on the tower alone",
    )


def _untrained() -> Card:
    ours = interval(evidence.active(alexnet(), "conv5"))
    naive = interval(evidence.drawn("untrained", "conv5"))
    return Card(
        "Beside networks that learned nothing",
        "chapters/depth.html#fig-untrained",
        f"{naive.mean:.0f} to {ours.mean:.0f}%",
        f"of conv5's places are active before training ({span(naive)}) and after it. Left a channel's picture, right one of the "
        "network with its weights shuffled: nothing in it can be named.",
        _halves(
            shared_channels("conv5").images[CONTROL].numpy(),
            shared_channels("conv5", evidence.control()).images[CONTROL].numpy(),
        ),
        "Half of a textured picture of conv5 beside half of a picture of grain",
    )


def _fields() -> list[int]:
    return [alexnet().receptive_field(layer).size for layer in alexnet().layers]


def _squares(image: NDArray[np.float32], sides: Sequence[int]) -> NDArray[np.float32]:
    """Outlines squares of some sides around the center of (3, H, W)."""
    drawing = image.copy()
    middle = image.shape[-1] // 2
    for side in sides:
        start, end = middle - side // 2, middle + side // 2 + 1
        # A white line on a dark one is seen on any ground.
        for thick, level in ((1, 0.0), (0, 1.0)):
            for edge in (start - thick, end - 1 + thick):
                drawing[:, edge, start - thick : end + thick] = level
                drawing[:, start - thick : end + thick, edge] = level
    return drawing


def _activity_map() -> NDArray[np.float32]:
    """(3, SIDE, SIDE) share of a layer's units active at each place: conv1 left, conv5 right."""
    values: Mapping[str, Tensor] = activations(
        alexnet(), photos.load(PHOTO, SIDE).image, ["conv1", "conv5"]
    )
    maps = [
        F.interpolate((value > 0).float().mean(1, keepdim=True), SIDE)[0].expand(3, -1, -1)
        for value in values.values()
    ]
    top = max(float(one.max()) for one in maps)
    return _halves(*((one / top).numpy() for one in maps))


def _halves(left: NDArray[np.floating], right: NDArray[np.floating]) -> NDArray[np.floating]:
    """The left half of one picture (3, H, W) and the right half of another, a white line between."""
    middle = left.shape[-1] // 2
    joined = np.concatenate([left[..., :middle], right[..., middle:]], -1)
    joined[..., middle - 1 : middle + 1] = 1
    return joined


def _beside_patches(unit: int) -> NDArray[np.float32]:
    """The picture of a unit of conv5 and the first three of its natural patches, in a square."""
    patches = natural_patches("conv5")
    picture = scope().pictures("conv5", NEURON, (unit,)).images[0, 0]
    side = SIDE // 2
    tiles = [
        F.interpolate(torch.from_numpy(one)[None].float() / 255, side, mode="area")[0].numpy()
        for one in (picture, *patches.images[unit][:3])
    ]
    rows = [np.concatenate(tiles[start : start + 2], -1) for start in (0, 2)]
    return np.concatenate(rows, -2)


def numbers() -> Values:
    """The counts and sizes that the text quotes, and what of the claims no chapter quotes."""
    net, likeness = alexnet(), alike.numbers()
    quotes = {}
    for layer in ("conv1", "conv5"):
        quotes[f"active_{layer}"] = percent(interval(evidence.active(net, layer)))
        quotes[f"initial_{layer}"] = percent(interval(evidence.drawn("untrained", layer)))
        quotes[f"ratio_{layer}"] = evidence.quoted_exaggeration(layer)
        quotes[f"alike_{layer}"] = likeness[f"rho_{layer}"]
    return Values(
        layers=len(net.layers),
        pairs_first=f"{math.comb(net.units('conv1'), 2):,}",
        pairs_last=f"{math.comb(net.units('conv5'), 2):,}",
        **networks.matched(),
        first_field=_fields()[0],
        last_field=_fields()[-1],
        first_units=net.units("conv1"),
        last_units=net.units("conv5"),
        **quotes,
    )
