"""What can be said of a layer's units in numbers, from their weights and on photographs."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from featviz.gratings import GRAY
from featviz.network import Network, activations
from featviz.passes import run_to


def optimum(network: Network, layer: str) -> tuple[Tensor, Tensor]:
    """Returns the images that excite the units of a first layer most, in closed form.

    A first layer's value is a weighted sum of pixels in [0, 1]: it is largest where every pixel
    with a positive weight is 1 and every other 0.

    Args:
        network: The network.
        layer: A layer that reads the image itself.

    Returns:
        (units, 3, k, k) images of 0 and 1, as large as the filters, and (units,) their values,
        before the ReLU and without its bias, less the value of plain gray.

    Raises:
        ValueError: The layer doesn't read the image.
    """
    weights = first_weights(network, layer)
    images = (weights > 0).float()
    seen = weights / weights.new_tensor(network.std).view(3, 1, 1)
    return images, (seen * (images - GRAY)).flatten(1).sum(1)


def gray_share(network: Network, layer: str) -> Tensor:
    """Returns how much of each filter of a first layer reads light rather than color.

    Args:
        network: The network.
        layer: A layer that reads the image itself.

    Returns:
        (units,) shares of the squared weights, per unit of pixel value, that lie along gray.

    Raises:
        ValueError: The layer doesn't read the image.
    """
    weights = first_weights(network, layer)
    seen = weights / weights.new_tensor(network.std).view(3, 1, 1)
    return 3 * seen.mean(1).square().sum((1, 2)) / seen.square().sum((1, 2, 3))


def inputs(network: Network, layer: str) -> Tensor:
    """Returns how strongly a convolution weighs each unit that it reads.

    Args:
        network: The network.
        layer: A convolution.

    Returns:
        (units, units read): the sum of the kernel between the two, by which the unit's value rises
        if the other's whole map rises by 1.

    Raises:
        ValueError: The network has no such layer, or it is no ungrouped convolution.
    """
    module = network.module.get_submodule(network.resolve(layer).module)
    if not isinstance(module, nn.Conv2d) or module.groups != 1:
        raise ValueError(
            f"{layer} of {network.name} is no convolution that reads all units before it; "
            f"its layers are {', '.join(network.layers)}."
        )
    return module.weight.detach().sum((2, 3))


@dataclass(frozen=True, eq=False)
class Activity:
    """How busy units are on photographs.

    Attributes:
        share: (units,) part of all places where the unit passes its ReLU.
        mean: (units,) value after the ReLU, averaged over all places.
        peak: (units,) largest value before the ReLU.
    """

    share: Tensor
    mean: Tensor
    peak: Tensor


def activity(network: Network, layer: str, images: Sequence[Tensor]) -> Activity:
    """Measures how busy the units of a layer are on photographs.

    Args:
        network: The network.
        layer: The layer's name, without ":relu".
        images: Photographs (3, H, W) in [0, 1], of any sizes.

    Returns:
        The activity. Places whose field reaches over the border of the photograph don't count.

    Raises:
        ValueError: There is no photograph, or one is no larger than what a unit sees.
    """
    if not images:
        raise ValueError("there are no photographs to measure: give at least one.")
    values = torch.cat([_unpadded(network, layer, image) for image in images], 1)
    return Activity((values > 0).float().mean(1), values.relu().mean(1), values.amax(1))


def inside(network: Network, layer: str, size: int) -> range:
    """Returns the positions along one axis whose receptive field lies inside the image.

    Args:
        network: The network.
        layer: The layer's name.
        size: Side of the image in pixels.

    Returns:
        Their indices; all other positions see zero padding.
    """
    field = network.receptive_field(layer)
    count = network.shape(layer, size)[-1]
    good = [i for i in range(count) if field.span(i)[0] >= 0 and field.span(i)[1] <= size]
    return range(good[0], good[-1] + 1) if good else range(0)


def first_weights(network: Network, layer: str) -> Tensor:
    """Returns the weights (units, 3, k, k) of a layer that reads the image itself.

    Args:
        network: The network.
        layer: The layer's name.

    Raises:
        ValueError: The layer doesn't read the image.
    """
    if not network.reads_image(layer):
        raise ValueError(
            f"{layer} of {network.name} doesn't read the image itself, so its weights are no "
            f"filters of pixels; {network.layers[0]} of AlexNet's kind does."
        )
    module = network.module.get_submodule(network.resolve(layer).module)
    assert isinstance(module, nn.Conv2d)  # `reads_image` has seen to it
    return module.weight.detach()


def _unpadded(network: Network, layer: str, image: Tensor) -> Tensor:
    """The values (units, places) of the places of one photograph that see no padding."""
    height, width = image.shape[-2:]
    rows, columns = inside(network, layer, height), inside(network, layer, width)
    if not rows or not columns:
        raise ValueError(
            f"a photo of {width} x {height} px holds no whole field of {layer}, whose units see "
            f"{network.receptive_field(layer).size} px."
        )
    value = activations(network, image, [layer])[layer][0]
    return value[:, rows.start : rows.stop, columns.start : columns.stop].flatten(1)


def effective_field(
    network: Network, layer: str, images: Sequence[Tensor], draws: int = 4, seed: int = 0
) -> Tensor:
    """Measures how much each pixel of a receptive field moves the unit in the center of the map.

    Source: W. Luo, Y. Li, R. Urtasun, R. Zemel, "Understanding the Effective Receptive Field in
    Deep Convolutional Neural Networks", NeurIPS 2016.

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
        ValueError: The center's field reaches over the border of the photographs.
    """
    field = network.receptive_field(layer)
    height, width = images[0].shape[-2:]
    row, column = (count // 2 for count in _map_shape(network, layer, images[0]))
    (top, bottom), (left, right) = field.span(row), field.span(column)
    if min(top, left) < 0 or bottom > height or right > width:
        raise ValueError(
            f"a photo of {width} x {height} px doesn't hold the {field.size} px around its center "
            f"that a unit of {layer} sees."
        )
    generator = torch.Generator().manual_seed(seed)
    signs = torch.randint(2, (draws, network.units(layer)), generator=generator) * 2.0 - 1
    view, ref = network.view(), network.resolve(layer)
    total = torch.zeros(height, width)
    for image in images:
        batch = network.normalize(image.expand(draws, -1, -1, -1)).requires_grad_()
        value = run_to(view, batch, [ref])[layer][:, :, row, column]
        (gradient,) = torch.autograd.grad((value * signs).sum(), batch)
        total += gradient.square().sum((0, 1))
    return total[top:bottom, left:right] / total.sum()


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


def _map_shape(network: Network, layer: str, image: Tensor) -> tuple[int, int]:
    height, width = activations(network, image, [layer])[layer].shape[-2:]
    return height, width
