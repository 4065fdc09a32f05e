"""Your photo: the network in the reader's browser, and what the build has to show before it runs."""

import io
from functools import cache

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from featviz import photos
from featviz.article import photographs
from featviz.article.bridge.values import Values
from featviz.article.live import weights
from featviz.article.live.climb_figure import climb_figure
from featviz.article.live.photo_figure import (
    SHOWN,
    PhotoLayer,
    Sample,
    encode,
    photo_figure,
)
from featviz.article.studies.microscope import channel_images, scope
from featviz.article.studies.shared import alexnet, channel, how, maximize
from featviz.figures import Figure
from featviz.microscope.views import CHANNEL
from featviz.network.network import PROBE_SIZE
from featviz.network.values import activations

SAMPLES = {
    "chelsea": "a cat",
    "coffee": "coffee",
    "astronaut": "an astronaut",
    "rocket": "a rocket",
}
"""Photographs that the page offers, and what they show."""

STRONGEST = 6
"""Units named of each layer."""

UNIT = ("conv5", 7)
"""The unit whose climb the page begins with: it was chosen by looking."""

PICKS = {
    "conv1": (0, 39), "conv2": (9, 62), "conv3": (125, 217), "conv4": (17, 91, 211), "conv5": (7, 187, 193),
}  # fmt: skip
"""Units that the page offers to climb, chosen by looking as well."""


def your_photo() -> Figure:
    """The network on the reader's own photo; before that on the first sample."""
    credits = [f"{label}: {photos.load(name).attribution}" for name, label in SAMPLES.items()]
    return photo_figure(
        _samples(),
        [_layer(layer) for layer in alexnet().layers],
        side=PROBE_SIZE,
        id="photo",
        alt="A photo beside five rows, conv1 to conv5: where each layer answers, and its strongest units with their pictures",
        caption="<strong>Point at the photo, or move the cross-hair with the arrow keys</strong>, to see what each place means to "
        "each layer; the squares are the receptive fields, to scale. Press a unit to see where it answers and what in the photo made it; "
        "paint over a part, and the network runs again. Numbers are standard deviations from the unit's mean over "
        f"the article's photographs. Samples: {'; '.join(credits)}.",
        microscope="microscope.html",
        circuits="chapters/circuits.html",
    )


def your_climb() -> Figure:
    """A climb in the page; before it is played the build's own run of the unit."""
    layer, unit = UNIT
    result = maximize(
        [channel(layer, unit)],
        size=CHANNEL.side,
        steps=CHANNEL.steps,
        recipe=how(layer),
        frames="log",
    )
    picks = {
        f"{name}:{number}": picture
        for name, numbers in PICKS.items()
        for number, picture in zip(numbers, channel_images(name, numbers), strict=True)
    }
    return climb_figure(
        f"{layer}:{unit}",
        result.frames[:, 0].numpy(),
        result.frame_steps,
        result.history[:, 0].numpy(),
        picks,
        {name: alexnet().units(name) for name in alexnet().layers},
        id="climb",
        alt="The image of a unit grows from gray noise to a full pattern",
        caption="<strong>Press play.</strong> Each step asks the network how the picture has to change for the unit to answer more, "
        f"and changes it a little. The dashed curve is the build's own run of {layer}:{unit}, in float32.",
        microscope="microscope.html",
    )


def numbers() -> Values:
    """What the text quotes."""
    return Values(steps=CHANNEL.steps, photographs=len(photographs.scenes()))


@cache
def _samples() -> tuple[Sample, ...]:
    return tuple(
        Sample(name, label, encode(photos.load(name, SHOWN).image))
        for name, label in SAMPLES.items()
    )


def _seen() -> Tensor:
    """(3, PROBE_SIZE, PROBE_SIZE) what the network sees of the first sample."""
    with Image.open(io.BytesIO(_samples()[0].file)) as file:
        levels = np.asarray(file.convert("RGB"), np.float32)
    return photos.fit(torch.from_numpy(levels / 255).permute(2, 0, 1), PROBE_SIZE)


def _layer(layer: str) -> PhotoLayer:
    """What a layer makes of the first sample."""
    net = alexnet()
    usual = {
        name: torch.from_numpy(weights.measure_usual(net)[f"{layer} {name}"])
        for name in weights.USUAL
    }
    values = activations(net, _seen(), layer)[0]
    scores = (values.mean((1, 2)) - usual["mean"]) / usual["photo"]
    best = scores.topk(STRONGEST)
    above = (values - usual["mean"][:, None, None]).relu() / usual["place"][:, None, None]
    field = net.receptive_field(layer)
    return PhotoLayer(
        layer,
        field.size,
        field.stride,
        field.start + 0.5,
        scope().pictures(layer, CHANNEL).images[:, 0],
        (above.mean(0) - above.mean(0).min()).numpy(),
        best.indices.tolist(),
        best.values.tolist(),
    )
