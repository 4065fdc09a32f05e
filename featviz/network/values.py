"""What layers give for images."""

from collections.abc import Iterator, Sequence
from itertools import chain
from numbers import Integral
from typing import overload

import torch
from torch import Tensor, nn

from featviz.network.inputs import Images, check_images
from featviz.network.network import Network, private_view
from featviz.network.passes import own_mode, run_to
from featviz.network.returned import LayerRef

PASS = 2**20
"""Pixels that go through a network at a time, unless the caller says otherwise: 64 images of 128 px
or 20 of 224. The first layers of VGG16 then take half a GB."""


@overload
def activations(
    network: Network, images: Images, layers: str, *, batch: int | None = None
) -> Tensor: ...


@overload
def activations(
    network: Network,
    images: Images,
    layers: list[str] | tuple[str, ...],
    *,
    batch: int | None = None,
) -> dict[str, Tensor]: ...


@own_mode()
def activations(
    network: Network,
    images: Images,
    layers: str | list[str] | tuple[str, ...],
    *,
    batch: int | None = None,
) -> Tensor | dict[str, Tensor]:
    """Computes the values of layers for a batch of images.

    Args:
        network: The network.
        images: (N, 3, H, W) or one image (3, H, W), floats in [0, 1]; NumPy arrays, of bytes
            too, and pictures of Pillow's do as well.
        layers: Names, or one; `"conv5"` is the value before the activation, `"conv5:relu"` the one
            after it.
        batch: Images per pass, if not as many as `PASS` pixels hold. It bounds the memory; values
            may round otherwise, because threads share a batch's work by its size.

    Returns:
        Layer name -> value (N, units, h, w), without gradients, on the images' device; for one name
        the value itself. On a processor images go through the network with channels last in memory,
        by which convolutions round.

    Raises:
        UnknownLayerError: The network has no such layer.
        ValueError: The images have another shape or type, or are too small for the network.
    """
    images = check_images(images)
    names = [layers] if isinstance(layers, str) else list(layers)
    refs = [network.resolve(layer) for layer in names]
    view = private_view(network, refs, in_place=True).to(images.device)
    parts: list[dict[str, Tensor]] = []
    with torch.no_grad():
        for rows in passes(images, batch):
            inputs = network.normalize(images[rows])
            run = run_to if len(images) == 1 else run_alike
            parts.append(run(view, inputs, refs))
    values = {name: map_by_map([part[name] for part in parts]) for name in names}
    return values[layers] if isinstance(layers, str) else values


def run_alike(view: nn.Module, inputs: Tensor, refs: Sequence[LayerRef]) -> dict[str, Tensor]:
    """Does what `run_to` does, with the same roundings for one image as for one among others.

    Args:
        view: A private view.
        inputs: (N, 3, H, W) normalized images.
        refs: The layers to read.

    Returns:
        Layer name -> value (N, units, ...).
    """
    if len(inputs) != 1:
        return run_to(view, inputs, refs)
    # A batch of one takes other kernels than larger ones, with other roundings.
    pair = run_to(view, inputs.expand(2, -1, -1, -1), refs)
    return {name: value[:1] for name, value in pair.items()}


def map_by_map(parts: Sequence[Tensor]) -> Tensor:
    """Joins what passes give for some images each, with the places of a unit together in memory.

    Passes may leave the units of a place together, which sums and maxima over places are slow with.

    Args:
        parts: (N, units, ...) each, without gradients; values without places are only joined.

    Returns:
        (sum of N, units, ...).
    """
    if parts[0].ndim < 4:
        return torch.cat(list(parts))
    result = parts[0].new_empty((sum(map(len, parts)), *parts[0].shape[1:]))
    # An image at a time, for which torch has a transpose: five times as fast as a batch.
    for target, value in zip(result, chain.from_iterable(parts), strict=True):
        target.flatten(1).copy_(value.flatten(1))
    return result


def passes(images: Tensor, batch: int | None = None) -> Iterator[slice]:
    """Cuts a batch of images into those that go through a network at a time.

    Args:
        images: (N, 3, H, W).
        batch: Images per pass; without it as many as `PASS` pixels hold.

    Yields:
        Rows of `images`; one pass of none for no images.

    Raises:
        ValueError: Fewer than one image per pass.
    """
    if batch is not None and (not isinstance(batch, Integral) or batch < 1):
        raise ValueError(f"batch is a whole number of images, at least 1, not {batch!r}.")
    width = int(batch or 0) or max(1, PASS // max(1, images.shape[-2] * images.shape[-1]))
    for first in range(0, max(1, len(images)), width):
        yield slice(first, first + width)
