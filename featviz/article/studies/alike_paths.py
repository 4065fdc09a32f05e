"""Whether a unit's picture and its natural patches run through the same units of the layers before.

Source of the question: R. Geirhos et al., "Don't trust your eyes: on the (un)reliability of feature
visualizations", ICML 2024: its check of whether natural and synthetic images are processed alike.
"""

from dataclasses import dataclass
from functools import cache

import torch
import torch.nn.functional as F
from scipy.stats import rankdata
from torch import Tensor

from featviz.article.bridge.values import Values
from featviz.article.studies.bounds import bounds, quoted
from featviz.article.studies.microscope import natural_patches, scope
from featviz.article.studies.shared import alexnet, evenly
from featviz.ascent.effective_field import used_field
from featviz.figures import Figure, intervals
from featviz.measures.gratings import GRAY
from featviz.measures.statistics import Interval, interval
from featviz.microscope.views import NEURON
from featviz.network.values import activations

DEEP = ("conv3", "conv4", "conv5")
"""Layers whose units are followed back: those with at least two layers before them."""

FOLLOWED = 48
"""Units of each."""


@dataclass(frozen=True, eq=False)
class Paths:
    """How alike two images run through a layer, less what images of another unit have in common.

    Attributes:
        picture: (units,) a unit's picture and its patches.
        patches: (units,) its patches, from different photographs, among each other; NaN for a unit
            whose patches are all from one.
    """

    picture: Tensor
    patches: Tensor


def same_path() -> Figure:
    """How alike the paths of pictures and of patches are, by layer and earlier layer."""
    pairs = [(layer, before) for layer in DEEP for before in _before(layer)]
    found = [paths(*pair) for pair in pairs]
    return intervals(
        [f"{layer}, through {before}" for layer, before in pairs],
        {
            "picture and patches": bounds([interval(one.picture) for one in found]),
            "patches among each other": bounds([_known(one.patches) for one in found]),
        },
        "likeness of paths, less another unit's",
        id="paths",
        alt="Per layer and earlier layer, the likeness of a picture's path with its patches', and of patches' among each other; "
        "both fall with the distance between the layers, and at most of them the pictures' is the smaller one",
        caption="<strong>Do picture and photograph take the same path?</strong> Rank correlation of the units' activity in an earlier "
        f"layer, less that with another unit's patches. {FOLLOWED} neurons a layer; 95% intervals over neurons.",
        at=0,
    )


@cache
def paths(layer: str, before: str) -> Paths:
    """Measures how alike the paths of a layer's units are in an earlier layer.

    Args:
        layer: Whose units.
        before: The earlier layer; each image is described by its units' means over all places, behind
            the ReLU.

    Returns:
        The likeness, one number per unit of `evenly(layer, FOLLOWED)`.
    """
    units = evenly(layer, FOLLOWED)
    examples = natural_patches(layer)
    natural = torch.from_numpy(examples.images[units]).float() / 255
    pictures = torch.from_numpy(scope().pictures(layer, NEURON, units).images[:, :1]).float() / 255
    # Both through the patches' resolution, or sharpness would tell them apart.
    small = F.interpolate(
        pictures[:, 0], natural.shape[-1], mode="bilinear", align_corners=False, antialias=True
    )
    images = torch.cat([small[:, None], natural], 1)
    values = activations(alexnet(), _on_gray(layer, images.flatten(0, 1)), f"{before}:relu")
    described = values.mean((2, 3)).view(*images.shape[:2], -1)
    photographs = torch.from_numpy(examples.photos[units])
    return compare(described[:, 0], described[:, 1:], photographs)


def compare(pictures: Tensor, patches: Tensor, photographs: Tensor) -> Paths:
    """Compares descriptions of pictures and patches.

    Args:
        pictures: (units, D).
        patches: (units, count, D).
        photographs: (units, count) which photograph each patch is from: two patches of one
            photograph may be alike because it is one.

    Returns:
        The likeness of each unit's own, less the mean of that with all other units' patches.
    """
    count = patches.shape[1]
    one, other = _ranked(pictures), _ranked(patches.flatten(0, 1))
    which = photographs.flatten()
    owner = torch.arange(len(pictures)).repeat_interleave(count)
    own = torch.arange(len(pictures))[:, None] == owner
    apart = which[:, None] != which
    return Paths(
        _above(one @ other.T, own, ~own),
        _above(
            other @ other.T,
            apart & (owner[:, None] == owner),
            apart & (owner[:, None] != owner),
        )
        .view(-1, count)
        .nanmean(1),
    )


def numbers() -> Values:
    """What the text quotes."""
    quotes = {}
    for layer in DEEP:
        for before in _before(layer):
            one = paths(layer, before)
            quotes[f"{layer}_{before}_picture"] = quoted(interval(one.picture), 2)
            quotes[f"{layer}_{before}_patches"] = quoted(_known(one.patches), 2)
    return Values(**quotes)


def _before(layer: str) -> tuple[str, ...]:
    layers = alexnet().layers
    return layers[: layers.index(layer)]


def _on_gray(layer: str, images: Tensor) -> Tensor:
    """Images (N, 3, S, S) where the units of a layer look, on gray as far as they see."""
    net = alexnet()
    side, used = net.receptive_field(layer).canvas(), used_field(net, layer)
    top, bottom = used.span(net.shape(layer, side)[-1] // 2)
    canvas = images.new_full((len(images), 3, side, side), GRAY)
    canvas[..., top:bottom, top:bottom] = F.interpolate(
        images, bottom - top, mode="bilinear", align_corners=False
    )
    return canvas


def _ranked(described: Tensor) -> Tensor:
    """Rows' ranks, centered and of length 1, so that products are rank correlations."""
    ranks = torch.from_numpy(rankdata(described.numpy(), axis=1))
    return F.normalize(ranks - ranks.mean(1, keepdim=True), dim=1)


def _above(likeness: Tensor, own: Tensor, others: Tensor) -> Tensor:
    """(rows,) means over one's own columns, less those over others'; NaN where one has none."""
    return torch.where(own, likeness, torch.nan).nanmean(1) - torch.where(
        others, likeness, torch.nan
    ).nanmean(1)


def _known(values: Tensor) -> Interval:
    return interval(values[~values.isnan()])
