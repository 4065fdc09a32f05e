"""What the weights of a layer say by themselves: filters, their exact optimum, who reads whom."""

import torch.nn.functional as F
from torch import Tensor, nn

from featviz.images.natural import ENERGY, whitened
from featviz.measures.gratings import GRAY
from featviz.network.network import Network, reads_image


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
    filters = weights / weights.new_tensor(network.std).view(3, 1, 1)
    return images, (filters * (images - GRAY)).flatten(1).sum(1)


def bounded_optimum(
    network: Network, layer: str, size: int | None = None, energy: float = ENERGY
) -> Tensor:
    """Returns the images that excite the units of a first layer most under the photographs' bound.

    To first order in contrast the value is linear in the image's spectrum, and the best spectrum
    under the bound of `images.Natural` is the filter's own, each octave brought to its limit: the
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
    filters = weights / weights.new_tensor(network.std).view(3, 1, 1)
    side = size or filters.shape[-1]
    first = network.receptive_field(layer).span(network.shape(layer, side)[-1] // 2)[0]
    after = side - first - filters.shape[-1]
    return whitened(F.pad(filters, (first, after, first, after)), energy)


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
    filters = weights / weights.new_tensor(network.std).view(3, 1, 1)
    return 3 * filters.mean(1).square().sum((1, 2)) / filters.square().sum((1, 2, 3))


def input_weights(network: Network, layer: str) -> Tensor:
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


def first_weights(network: Network, layer: str) -> Tensor:
    """Returns the weights (units, 3, k, k) of a layer that reads the image itself.

    Args:
        network: The network.
        layer: The layer's name.

    Raises:
        ValueError: The layer doesn't read the image.
    """
    if not reads_image(network, layer):
        raise ValueError(
            f"{layer} of {network.name} doesn't read the image itself, so its weights are no "
            f"filters of pixels; {network.layers[0]} of AlexNet's kind does."
        )
    module = network.module.get_submodule(network.resolve(layer).module)
    assert isinstance(module, nn.Conv2d)  # `reads_image` has seen to it
    return module.weight.detach()


def as_pictures(weights: Tensor) -> Tensor:
    """Draws filters (N, 3, h, w) in [0, 1], each at its full contrast; gray is a weight of 0."""
    return 0.5 + weights / (2 * weights.abs().amax((1, 2, 3), keepdim=True))
