"""The network: what the network is made of, and how much of an image each layer sees."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
from torch import Tensor

from featviz import figures, photos
from featviz.article import photographs
from featviz.article.bridge.values import Values
from featviz.article.studies.shared import SEED, alexnet, convolution
from featviz.ascent.effective_field import concentrated, effective_field
from featviz.attribution.attribute import attribute, one_scale
from featviz.measures.activity import measure_activity
from featviz.measures.statistics import Interval, interval
from featviz.network.network import PROBE_SIZE
from featviz.network.padding import unpadded_places
from featviz.network.values import activations
from featviz.objectives.units import Channel
from featviz.store import Arrays, Make, Store, fingerprint

SHOWN = ("chelsea", "coffee", "astronaut")
"""Photographs whose maps are shown."""

LIMIT = 3.0
"""Multiples of a layer's mean magnitude at which the colors of maps end."""

PART = 0.9
"""Part of the squared gradient that counts as the field in use."""

SIGNS = 4
"""Draws of random signs, per photograph, under which gradients of a layer's units are added up."""

SEEN = "chelsea"
"""Photograph that the receptive fields are drawn on."""


def layers() -> figures.Figure:
    """Returns the table of AlexNet's layers, read off its modules."""
    net = alexnet()
    rows = []
    for layer in net.layers:
        module = convolution(layer)
        units, height, width = net.shape(layer, PROBE_SIZE)
        field = net.receptive_field(layer)
        whole = len(unpadded_places(net, layer, PROBE_SIZE)) ** 2
        rows.append([
            layer,
            f"{module.kernel_size[0]}\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}{module.kernel_size[1]}",
            module.stride[0],
            units,
            f"{height} × {width}",
            f"{field.size} px",
            f"{field.stride} px",
            f"{whole / (height * width):.0%}",
            sum(parameter.numel() for parameter in module.parameters()),
        ])  # fmt: skip
    first, last = (net.receptive_field(layer).size for layer in (net.layers[0], net.layers[-1]))
    return figures.table(
        rows,
        ["layer", "kernel", "stride", "units", "map", "sees", "moves by", "sees no border", "weights"],
        id="layers",
        alt="AlexNet's five convolutional layers: kernel, stride, units, map and receptive field.",
        caption=f"<strong>AlexNet to scale</strong>, for {PROBE_SIZE} × {PROBE_SIZE} pixels. What a "
        f"unit <em>sees</em> grows {last / first:.0f}-fold while the kernels shrink; its neighbor's "
        "square is <em>moved by</em> a stride. Places that <em>see no border</em> see no padding.",
        width="page",
    )  # fmt: skip


def receptive_fields() -> figures.Figure:
    """Returns the receptive field of every layer, to scale on a photo."""
    net = alexnet()
    photo = photos.load(SEEN, PROBE_SIZE)
    by_layer = {layer: net.receptive_field(layer) for layer in net.layers}
    fields = [
        figures.Field(
            layer,
            field.size,
            field.stride,
            f"{field.size**2 / PROBE_SIZE**2:.1%} of the image, in steps of {field.stride} px",
        )
        for layer, field in by_layer.items()
    ]
    first, last = (
        by_layer[layer].size ** 2 / PROBE_SIZE**2 for layer in (net.layers[0], net.layers[-1])
    )
    return figures.receptive_field(
        photo.image,
        fields,
        id="receptive-fields",
        alt="A tabby cat's face with five nested squares, from a few pixels to most of the face.",
        caption="<strong>What one unit sees.</strong> Move the slider from conv1 to conv5, and the "
        f"square by clicking or with the arrow keys: {first:.1%} of the image at conv1, {last:.0%} at "
        f"conv5. Photograph: {photo.attribution}.",
    )


def unit_maps() -> figures.Figure:
    """Returns the map of one unit per layer on several photos, on one scale."""
    net = alexnet()
    samples = [photos.load(name, PROBE_SIZE) for name in SHOWN]
    units = [Channel(layer, _keenest(layer)) for layer in net.layers]
    maps = [
        attribute(net, photo.image, unit, unit.layer, "activation")
        for photo in samples
        for unit in units
    ]
    levels = [one.map.numpy() for one in one_scale(maps)]
    rows = [levels[i : i + len(units)] for i in range(0, len(levels), len(units))]
    credits = "; ".join(f"{photo.name}: {photo.attribution}" for photo in samples)
    return figures.attribution_grid(
        [photo.image.numpy() for photo in samples],
        rows,
        [photo.name for photo in samples],
        [str(unit) for unit in units],
        id="unit-maps",
        alt="Three photos, each with the map of one unit of each layer; maps grow coarser.",
        caption="<strong>A unit is a map.</strong> Before the ReLU: red places excite the unit, blue ones go against it, "
        f"in multiples of the layer's mean magnitude. Chosen because they vary most on {samples[0].name}. "
        f"Photographs: {credits}.",
        scale_name="multiples of the layer's mean magnitude",
        limit=LIMIT,
        column_notes=[_map_size(layer) for layer in net.layers],
    )


def numbers() -> Values:
    """Returns the numbers that the chapter's text quotes."""
    net = alexnet()
    first, last = net.layers[0], net.layers[-1]
    fields = {layer: net.receptive_field(layer) for layer in net.layers}
    counts = {layer: len(unpadded_places(net, layer, PROBE_SIZE)) ** 2 for layer in net.layers}
    places = {layer: net.shape(layer, PROBE_SIZE)[-1] ** 2 for layer in net.layers}
    shares = _silence()
    return Values(
        units=f"{sum(net.units(layer) for layer in net.layers):,}",
        size=PROBE_SIZE,
        first_field=fields[first].size,
        last_field=fields[last].size,
        first_stride=fields[first].stride,
        last_stride=fields[last].stride,
        first_share=f"{fields[first].size ** 2 / PROBE_SIZE**2:.1%}",
        last_share=f"{fields[last].size ** 2 / PROBE_SIZE**2:.0%}",
        first_inside=f"{counts[first] / places[first]:.0%}",
        last_inside=counts[last],
        last_places=places[last],
        gray_last=f"{shares['gray'].mean():.0%}",
        photos_last=f"{shares['photos'].mean():.0%}",
        part=f"{PART:.0%}",
        samples=len(_samples()),
        used_first=_pixels(interval(_used()[f"side/{first}"])),
        used_last=_pixels(interval(_used()[f"side/{last}"])),
        reached=sum(int(_used()[f"reach/{one}"].max()) == fields[one].size for one in fields),
    )


@cache
def _scenes() -> list[Tensor]:
    """The photographs before which activity is counted."""
    return [photo.image for photo in photographs.scenes(PROBE_SIZE)]


@cache
def _samples() -> list[Tensor]:
    """The photographs before which gradients are taken, a second for each."""
    return [photos.load(name, PROBE_SIZE).image for name in photos.samples()]


def _measurement(figure: str, images: Sequence[Tensor], make: Make, **settings: object) -> Arrays:
    """What a figure measures on photographs, from the store or measured now."""
    spec = {
        "network": alexnet().fingerprint,
        "photos": [fingerprint(image.numpy()) for image in images],
        "figure": figure,
        **settings,
    }
    return Store().arrays(spec, make, __name__)


@cache
def _silence() -> Arrays:
    """Per unit of the last layer, the share of its values below zero on photographs, and in the middle of gray."""
    return _measurement("silence", _scenes(), _measure_silence)


def _measure_silence() -> Arrays:
    net = alexnet()
    last = net.layers[-1]
    plain = [torch.full((3, PROBE_SIZE, PROBE_SIZE), 0.5)]
    return {
        key: 1 - measure_activity(net, [last], images)[last].share.numpy()
        for key, images in (("photos", _scenes()), ("gray", plain))
    }


@cache
def _used() -> Arrays:
    """Per layer and photograph, the side of the square that holds `PART` of the effect, and reach.

    Reach is the number of rows in which there is any effect at all.
    """
    return _measurement("used fields", _samples(), _measure_used, part=PART, signs=SIGNS)


def _measure_used() -> Arrays:
    net = alexnet()
    sizes = {}
    for layer in net.layers:
        # Every photograph has signs of its own, so that photographs differ by these as well.
        shares = [
            effective_field(net, layer, [image], SIGNS, seed=SEED + index)
            for index, image in enumerate(_samples())
        ]
        sizes[f"side/{layer}"] = np.array([concentrated(each, PART) for each in shares])
        sizes[f"reach/{layer}"] = np.array([int((each.sum(1) > 0).sum()) for each in shares])
    return sizes


def _pixels(side: Interval) -> str:
    if side.low == side.high:
        return f"{side.mean:.0f}"
    return f"{side.mean:.0f} ({side.low:.0f} to {side.high:.0f})"


def _keenest(layer: str) -> int:
    """The unit whose positive values differ most from place to place on the first photo."""
    photo = photos.load(SHOWN[0], PROBE_SIZE).image
    values = activations(alexnet(), photo, f"{layer}:relu")
    return int(values[0].flatten(1).std(1).argmax())


def _map_size(layer: str) -> str:
    _, height, width = alexnet().shape(layer, PROBE_SIZE)
    return f"{height}\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}{width}"
