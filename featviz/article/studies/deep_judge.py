"""Whether networks that never saw AlexNet can tell which photographs a picture is for."""

from functools import cache

import torch
from torch import Tensor

from featviz.article.bridge.values import Values
from featviz.article.studies import judges
from featviz.article.studies.bounds import bounds, over_both, quoted, span
from featviz.article.studies.microscope import natural_patches, scope
from featviz.article.studies.shared import SEED
from featviz.figures import Figure, intervals
from featviz.measures.statistics import Interval, interval
from featviz.measures.two_choice import share_right
from featviz.microscope.views import NEURON
from featviz.store import Store, fingerprint

LAYERS = ("conv2", "conv3", "conv4", "conv5")
"""Layers whose units' pictures are judged; those of conv1 are 11 pixels wide."""

EYE, UNTRAINED_EYE = "fire9", "fire9, untrained"
"""The judge that plays, and that the overview quotes; and the same before training."""


def readers() -> Figure:
    """How well judges of several depths tell which photographs a picture is for."""
    series = {
        f"SqueezeNet's {name}": bounds([_mean(layer, name) for layer in LAYERS], 100)
        for name in judges.JUDGES
    }
    return intervals(
        LAYERS,
        series,
        "right choices, %",
        id="readers",
        alt="Per layer, the shares of right choices of four judges: the shallow ones and the untrained one fall with depth, "
        "the deep one does not",
        caption="<strong>Deep pictures need a deep judge.</strong> Right choices between two units' patches, from a neuron's picture, by three "
        f"layers of SqueezeNet and by fire9 of {judges.UNTRAINED} untrained ones ({judges.SOME} units a layer); 95% intervals over units and over these; guessing is 50%.",
        at=50,
    )


def numbers() -> Values:
    """What the text quotes."""
    quotes = {
        f"{name.replace(', ', '_')}_{layer}": f"{_mean(layer, name).mean:.0%}"
        for layer in LAYERS
        for name in judges.JUDGES
    }
    for layer in LAYERS:
        share = _mean(layer, EYE)
        quotes[f"eye_{layer}_interval"] = span(share, 100)
        quotes[f"untrained_{layer}_interval"] = span(_mean(layer, UNTRAINED_EYE), 100)
        more = interval(100 * (_shares(layer)[EYE][:, 0] - _shares(layer)["conv1"][:, 0]))
        quotes[f"deeper_{layer}"] = quoted(more, 0)
    return Values(
        **quotes,
        judged_units=f"{sum(len(_shares(layer)[EYE]) for layer in LAYERS):,}",
    )


def best_read(layer: str) -> int:
    """Returns the unit whose picture SqueezeNet's eye reads best, the first if there are several."""
    return int(_shares(layer)[EYE][:, 0].argmax())


def _mean(layer: str, judge: str) -> Interval:
    """The mean over units, and over networks where these are drawn too."""
    shares = _shares(layer)[judge]
    return interval(shares) if shares.shape[1] == 1 else over_both(shares.numpy())


def _shares(layer: str) -> dict[str, Tensor]:
    """Name of a judge -> (units, draws) shares of right choices."""
    return {name: share_right(one).T for name, one in choices(layer).items()}


@cache
def choices(layer: str) -> dict[str, Tensor]:
    """Returns the choices of every judge: its name -> (draws, units, units), as `judges.judge` has them, halved."""
    pictures = scope().pictures(layer, NEURON).images[:, 0]
    patches = natural_patches(layer)
    spec = {
        "pictures": fingerprint(pictures),
        "patches": fingerprint(patches.images),
        "seed": SEED,
    }
    images = patches.images
    arrays = Store().arrays(spec, lambda: judges.judge(pictures, images, SEED), judges.__name__)
    return {name: torch.from_numpy(array).double() / 2 for name, array in arrays.items()}
