"""The part of its receptive field that a unit uses.

What a unit can see and what moves it are two things: few paths lead to the rim of its field, and a
picture that fills the whole field is noise there.

Source: W. Luo, Y. Li, R. Urtasun, R. Zemel, "Understanding the Effective Receptive Field in Deep
Convolutional Neural Networks", NeurIPS 2016.
"""

from collections.abc import Sequence
from dataclasses import replace
from weakref import WeakKeyDictionary

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from featviz.images.natural import Natural
from featviz.network.inputs import Images, check_images
from featviz.network.network import PROBE_SIZE, Network, private_view, reads_image
from featviz.network.passes import device_of, own_mode, run_to
from featviz.network.receptive_fields import ReceptiveField

PART = 0.95
"""Share of the squared gradient that the field in use holds. With it the pictures of AlexNet's deep
neurons show about the middle .6 of their fields, where SqueezeNet tells them best (the whole field
costs it 9 and 14 points of right choices at conv4 and conv5)."""

IMAGES = 4
"""Images of noise, with the energy of photographs, on which the field in use is measured."""

_fields: WeakKeyDictionary[Network, dict[tuple[str, str], ReceptiveField]] = WeakKeyDictionary()
"""Weights and layer -> the field that a network's layer of these uses."""


@own_mode()
def used_field(network: Network, layer: str) -> ReceptiveField:
    """Returns the square in the middle of a layer's receptive field that its units use.

    It holds `PART` of the squared gradients of the layer's units on noise that has the spectrum of
    photographs. A layer that reads the image itself uses its whole field. Where the field doesn't
    fit on images that the network was made for, only what lies on them counts.

    Args:
        network: The network.
        layer: The layer's name.

    Returns:
        The field, as large as that square; stride and centers are the receptive field's.

    Raises:
        ValueError: An unknown layer, or one without a receptive field.
    """
    whole = network.receptive_field(layer)
    if reads_image(network, layer):
        return whole
    fields, key = _fields.setdefault(network, {}), (network.weights, layer)
    if key not in fields:
        limit = network.record.size or PROBE_SIZE
        side = min(whole.canvas(), limit)
        streams = [Generator().manual_seed(seed) for seed in range(IMAGES)]
        with torch.no_grad():
            images = Natural(energy=1.0, noise=1.0).build(streams, side, side)()
        field = replace(whole, size=concentrated(_shares(network, layer, list(images)), PART))
        while field.canvas() > limit and field.size > 2:
            field = replace(field, size=field.size - 2)
        fields[key] = field
    return fields[key]


@own_mode()
def effective_field(
    network: Network, layer: str, images: Sequence[Images], draws: int = 4, seed: int = 0
) -> Tensor:
    """Measures how much each pixel of a receptive field moves the unit in the center of the map.

    Source: Luo et al. 2016, section 2.

    Args:
        network: The network.
        layer: The layer's name.
        images: Photographs (3, H, W) in [0, 1], all of one size.
        draws: Random signs per photograph under which the units of the layer are summed: their
            gradients then add up by their squares.
        seed: Where the signs come from.

    Returns:
        (size, size) shares of the squared gradient, over the field; they sum to 1.

    Raises:
        ValueError: There is no photograph, or the center's field reaches over the border of one.
    """
    field = network.receptive_field(layer)
    photos = [check_images(image) for image in images]
    if not photos:
        raise ValueError("there are no photographs to measure on: give at least one.")
    height, width = photos[0].shape[-2:]
    row, column = (count // 2 for count in network.shape(layer, (height, width))[-2:])
    (top, bottom), (left, right) = field.span(row), field.span(column)
    if min(top, left) < 0 or bottom > height or right > width:
        raise ValueError(
            f"a photo of {width} x {height} px doesn't hold the {field.size} px around its center "
            f"that a unit of {layer} sees."
        )
    return _shares(network, layer, photos, draws, seed)


def _shares(
    network: Network, layer: str, photos: Sequence[Tensor], draws: int = 4, seed: int = 0
) -> Tensor:
    """What `effective_field` returns; 0 where the field reaches over the border."""
    field = network.receptive_field(layer)
    height, width = photos[0].shape[-2:]
    row, column = (count // 2 for count in network.shape(layer, (height, width))[-2:])
    (top, bottom), (left, right) = field.span(row), field.span(column)
    generator = torch.Generator().manual_seed(seed)
    signs = torch.randint(2, (draws, network.units(layer)), generator=generator) * 2.0 - 1
    ref = network.resolve(layer)
    view = private_view(network, [ref])
    signs = signs.to(device_of(view))
    total = torch.zeros(height, width)
    for photo in photos:
        images = photo.to(signs.device).expand(draws, -1, -1, -1)
        batch = network.normalize(images).requires_grad_()
        value = run_to(view, batch, [ref])[layer][:, :, row, column]
        (gradient,) = torch.autograd.grad((value * signs).sum(), batch)
        total += gradient.square().sum((0, 1)).cpu()
    return F.pad(total, (-left, right - width, -top, bottom - height)) / total.sum()


def concentrated(shares: Tensor, part: float) -> int:
    """Returns the side of the smallest centered square that holds a part of the shares.

    Args:
        shares: (size, size), summing to 1.
        part: Between 0 and 1.
    """
    size = len(shares)
    for side in range(size % 2 or 2, size, 2):
        edge = (size - side) // 2
        if shares[edge : size - edge, edge : size - edge].sum() >= part:
            return side
    return size
