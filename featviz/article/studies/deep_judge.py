"""Deep layers: whether a network that never saw AlexNet can tell which photographs a picture is for."""

from collections.abc import Callable
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from featviz.article.bridge.values import Values
from featviz.article.studies.microscope import scope
from featviz.figures import Figure, bars
from featviz.measures.statistics import Interval, interval
from featviz.measures.two_choice import plain_look, seen_by, two_choice
from featviz.microscope import findings
from featviz.microscope.views import NEURON
from featviz.store import Store, fingerprint
from featviz.zoo import bundled

LAYERS = ("conv2", "conv3", "conv4", "conv5")
"""Layers whose units' pictures are judged; those of conv1 are 11 pixels wide."""

JUDGE = "features.12"
"""SqueezeNet's fire9, its last layer before the classes: what it takes to be in an image."""

SHOWN = 128
"""Side in pixels at which the judge sees pictures and patches alike."""

JUDGES = ("SqueezeNet's eye", "color and coarseness alone")
"""Who judges, and the control."""


def judged() -> Figure:
    """How well each judge tells which photographs a picture is for."""
    means = {name: [_mean(layer, name) for layer in LAYERS] for name in JUDGES}
    return bars(
        LAYERS,
        {
            name: (
                [100 * m.mean for m in ms],
                [100 * m.low for m in ms],
                [100 * m.high for m in ms],
            )
            for name, ms in means.items()
        },
        "right choices, %",
        id="judged",
        alt="Bars per layer: the share of right choices of SqueezeNet, and of a judge of color and "
        "coarseness, which falls to one half with depth",
        caption="<strong>Which photographs is this picture for?</strong> A judge sees a neuron's picture and two sets of "
        f"{findings.PATCHES} patches, those that excite this unit most and those of another unit of the layer, and "
        "chooses the set that looks more like the picture. Means over all pairs of units of a layer, with 95% "
        "intervals over units; 50% is guessing. One judge is SqueezeNet, another network, which sees all in the same size; the other knows nothing but "
        "color and how coarse a picture is. <strong>Compare the two</strong>: what the first has over the second is "
        "neither color nor scale.",
    )


def numbers() -> Values:
    """What the text quotes."""
    shares = _shares()
    quotes = {}
    for layer in LAYERS:
        for name, short in zip(JUDGES, ("eye", "plain"), strict=True):
            share = _mean(layer, name)
            quotes[f"{short}_{layer}"] = f"{share.mean:.0%}"
            quotes[f"{short}_{layer}_interval"] = f"{share.low:.0%} to {share.high:.0%}"
        eye, plain = (shares[layer, name] for name in JUDGES)
        quotes[f"more_{layer}"] = _points(interval(eye.astype(float) - plain))
        quotes[f"missed_{layer}"] = str(int((shares[layer, JUDGES[0]] < 0.5).sum()))
    everyone = np.concatenate([shares[layer, JUDGES[0]] for layer in LAYERS])
    return Values(
        **quotes,
        judged_units=f"{len(everyone):,}",
        missed=f"{(everyone < 0.5).mean():.0%}",
    )


def best_read(layer: str) -> int:
    """Returns the unit whose picture SqueezeNet's eye reads best, the first if there are several."""
    return int(_shares()[layer, JUDGES[0]].argmax())


def _points(share: Interval) -> str:
    mean, low, high = (round(100 * end) for end in (share.mean, share.low, share.high))
    return f"{mean} ({low} to {high})".replace("-", "\N{MINUS SIGN}")


def _mean(layer: str, judge: str) -> Interval:
    return interval(_shares()[layer, judge])


@cache
def _shares() -> dict[tuple[str, str], NDArray[np.float32]]:
    """(units,) shares of right choices per layer and judge."""
    shares = {}
    for layer in LAYERS:
        pictures = scope().pictures(layer, NEURON).images[:, 0]
        patches = findings.find_patches(scope(), layer)
        assert patches is not None  # every layer sees less than the sample photographs show
        spec = {
            "pictures": fingerprint(pictures),
            "patches": fingerprint(patches.images),
            "judge": JUDGE,
            "side": SHOWN,
        }
        one = Store().arrays(spec, lambda p=pictures, n=patches.images: _judge(p, n), __name__)  # type: ignore[misc]
        for name, key in zip(JUDGES, ("eye", "plain"), strict=True):
            shares[layer, name] = one[key]
    return shares


def _judge(
    pictures: NDArray[np.uint8], patches: NDArray[np.uint8]
) -> dict[str, NDArray[np.float32]]:
    """Both judges' shares, for pictures (N, 3, H, W) and patches (N, count, 3, h, w)."""
    side, (units, count) = patches.shape[-1], patches.shape[:2]
    # Through the patches' own resolution, or sharpness would give pictures away.
    synthetic = _resize(torch.from_numpy(pictures).float() / 255, side)
    natural = torch.from_numpy(patches).flatten(0, 1).float() / 255
    looks: dict[str, Callable[[Tensor], Tensor]] = {"eye": _eye_look, "plain": _plain}
    return {
        name: two_choice(look(synthetic), look(natural).view(units, count, -1).mean(1)).numpy()
        for name, look in looks.items()
    }


def _eye_look(images: Tensor) -> Tensor:
    return seen_by(bundled.load("squeezenet"), JUDGE, _resize(images, SHOWN))


def _plain(images: Tensor) -> Tensor:
    return plain_look(_resize(images, SHOWN))


def _resize(images: Tensor, side: int) -> Tensor:
    pixels = F.interpolate(images, side, mode="bilinear", align_corners=False, antialias=True)
    return pixels.clamp(0, 1)  # rounding
