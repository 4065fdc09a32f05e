"""What can be said of a layer's units in numbers, from their weights and on photographs."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from featviz.gratings import GRAY
from featviz.natural import ENERGY, whitened
from featviz.network import Network, activations


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


def bounded_optimum(
    network: Network, layer: str, size: int | None = None, energy: float = ENERGY
) -> Tensor:
    """Returns the images that excite the units of a first layer most under the photographs' bound.

    To first order in contrast the value is linear in the image's spectrum, and the best spectrum
    under the bound of `natural.Natural` is the filter's own, each octave brought to its limit: the
    whitened filter.

    Args:
        network: The network.
        layer: A layer that reads the image itself.
        size: Side of the images in pixels, on which the central unit is asked; without it the
            filters' own.
        energy: As in `Natural`.

    Returns:
        (units, 3, size, size) images in [0, 1].

    Raises:
        ValueError: The layer doesn't read the image.
    """
    weights = first_weights(network, layer)
    seen = weights / weights.new_tensor(network.std).view(3, 1, 1)
    side = size or seen.shape[-1]
    first = network.receptive_field(layer).span(network.shape(layer, side)[-1] // 2)[0]
    after = side - first - seen.shape[-1]
    return whitened(F.pad(seen, (first, after, first, after)), energy)


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
