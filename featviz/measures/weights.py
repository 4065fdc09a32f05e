"""What the weights of a layer say by themselves: filters, their exact optimum, who reads whom."""

from operator import attrgetter
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from featviz.images.natural import ENERGY, whitened
from featviz.measures.gratings import GRAY
from featviz.network.graph import ACTIVATIONS, FUNCTIONS, KEEPING, Graph, function_name
from featviz.network.inputs import LUMA, gray
from featviz.network.network import Network, exposed_view, reads_image
from featviz.network.receptive_fields import POOLINGS

PASSED = (*ACTIVATIONS, *KEEPING, *POOLINGS.values())
"""Modules behind which units are still those of the module before."""

PASSED_FUNCTIONS = frozenset({*FUNCTIONS, *POOLINGS, "dropout", "contiguous"})
"""Names of functions and methods that do the same."""

BATCH_NORM = ("running_mean", "running_var", "weight", "bias", "training", "momentum", "eps")
"""What the function of that name takes behind its input, in this order."""

EPS = 1e-5
"""What it adds to the variance unless it is told. Source: torch.nn.functional.batch_norm."""


def optimum(network: Network, layer: str) -> tuple[Tensor, Tensor]:
    """Returns the images that excite the units of a first layer most, in closed form.

    A first layer's value is a weighted sum of pixels in [0, 1]: it is largest where every pixel
    with a positive weight is 1 and every other 0.

    Args:
        network: The network.
        layer: A layer that reads the image itself.

    Returns:
        (units, 3, k, k) images of 0 and 1, as large as the filters, gray ones if the network sees
        no color; and (units,) their values, before the ReLU and without its bias, less the value of
        plain gray.

    Raises:
        ValueError: The layer doesn't read the image.
    """
    filters = first_filters(network, layer)
    images = (filters > 0).float()
    values = (filters * (images - GRAY)).flatten(1).sum(1)
    return images.expand(-1, 3, -1, -1), values


def bounded_optimum(
    network: Network, layer: str, size: int | None = None, energy: float = ENERGY
) -> Tensor:
    """Returns the images that excite the units of a first layer most under the photographs' bound.

    To first order in contrast the value is linear in the image's spectrum, and the best spectrum
    under the bound of `images.Natural` is the filter's own, each octave brought to its limit: the
    whitened filter. Of a network without color it is the gray of it, as in `images.Gray`.

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
    filters = first_filters(network, layer)
    side = size or filters.shape[-1]
    first = network.receptive_field(layer).span(network.shape(layer, side)[-1] // 2)[0]
    after = side - first - filters.shape[-1]
    slopes = F.pad(filters, (first, after, first, after))
    if slopes.shape[1] == 1:
        slopes = slopes * slopes.new_tensor(LUMA).view(3, 1, 1)
        return gray(whitened(slopes, energy)).expand(-1, 3, -1, -1)
    return whitened(slopes, energy)


def gray_share(network: Network, layer: str) -> Tensor:
    """Returns how much of each filter of a first layer reads light rather than color.

    Args:
        network: The network.
        layer: A layer that reads the image itself.

    Returns:
        (units,) shares of the squared weights, per unit of pixel value, that lie along gray; all of
        them if the network sees no color.

    Raises:
        ValueError: The layer doesn't read the image.
    """
    filters = first_filters(network, layer)
    return filters.shape[1] * filters.mean(1).square().sum((1, 2)) / filters.square().sum((1, 2, 3))


def input_weights(network: Network, layer: str) -> Tensor:
    """Returns how strongly a convolution weighs each unit that it reads.

    Args:
        network: The network.
        layer: A convolution.

    Returns:
        (units, units read): the sum of the kernel between the two, times what batch norm between
        them multiplies the other by. By as much the unit's value rises if the other's whole map
        rises by 1 where activations pass it on. The units read are those of `module_read`.

    Raises:
        ValueError: The network has no such layer, or it is no ungrouped convolution.
    """
    module = network.module.get_submodule(network.resolve(layer).module)
    if not isinstance(module, nn.Conv2d) or module.groups != 1:
        raise ValueError(
            f"{layer} of {network.name} is no convolution that reads all units before it; "
            f"its layers are {', '.join(network.layers)}."
        )
    return module.weight.detach().float().cpu().sum((2, 3)) * module_read(network, layer)[1]


def module_read(network: Network, layer: str) -> tuple[str, Tensor]:
    """Finds the module whose units a convolution reads.

    Args:
        network: The network.
        layer: A convolution without groups.

    Returns:
        Dotted name of the nearest module that is a named layer or something else than batch norm,
        activation, pooling and dropout, or none if a sum, a concatenation, another function or the
        image is nearer; and (units read,) what batch norm on the way multiplies each unit by.

    Raises:
        UnknownLayerError: The network has no such layer.
    """
    name, graph = network.resolve(layer).module, network.graph
    conv = network.module.get_submodule(name)
    assert isinstance(conv, nn.Conv2d)  # else nothing tells its units
    gains = torch.ones(conv.in_channels)
    node = next((node for node in graph.nodes if node.target == name), None)
    if node is None:
        return "", gains
    named, view = network.dotted.values(), exposed_view(network)
    while True:
        node = node.all_input_nodes[0]
        module = "" if graph.callee(node) is None else str(node.target)
        gain = _gain(view, node)
        if module in named or (gain is None and not _passes(graph, node)):
            return module, gains
        gains = gains if gain is None else gains * gain.cpu()


def _passes(graph: Graph, node: fx.Node) -> bool:
    """Whether a call's units are still those of the one value that it is given."""
    known = isinstance(graph.callee(node), PASSED) or function_name(node) in PASSED_FUNCTIONS
    return known and len(node.all_input_nodes) == 1


def _gain(view: nn.Module, node: fx.Node) -> Tensor | None:
    """What a batch norm multiplies each unit by; None of all else, and where images decide it."""
    module = view.get_submodule(str(node.target)) if node.op == "call_module" else None
    if isinstance(module, nn.BatchNorm2d):
        settings: dict[str, Any] = vars(module) | module._parameters | module._buffers
    elif function_name(node) == "batch_norm":
        settings = dict(zip(BATCH_NORM, node.args[1:], strict=False)) | node.kwargs
        for key, setting in settings.items():
            if isinstance(setting, fx.Node):
                known = setting.op == "get_attr"
                settings[key] = attrgetter(str(setting.target))(view) if known else None
    else:
        return None
    variance, weight = settings.get("running_var"), settings.get("weight")
    if variance is None:
        return None
    deviation: Tensor = (variance.detach() + settings.get("eps", EPS)).sqrt()
    return 1 / deviation if weight is None else weight.detach() / deviation


def first_filters(network: Network, layer: str) -> Tensor:
    """Returns what each pixel in [0, 1] adds to the units of a first layer.

    Args:
        network: The network.
        layer: A layer that reads the image itself.

    Returns:
        (units, 3, k, k) weights by the normalization's deviation; (units, 1, k, k) without color.

    Raises:
        ValueError: The layer doesn't read the image.
    """
    weights = first_weights(network, layer)
    return weights / weights.new_tensor(network.std).view(-1, 1, 1)


def first_weights(network: Network, layer: str) -> Tensor:
    """Returns the weights of a layer that reads the image itself.

    Args:
        network: The network.
        layer: The layer's name.

    Returns:
        (units, 3, k, k); (units, 1, k, k) of a network without color.

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
    return module.weight.detach().float().cpu()


def as_pictures(weights: Tensor) -> Tensor:
    """Draws filters (N, 3, h, w) in [0, 1], each at its full contrast; gray is a weight of 0.

    Args:
        weights: (N, 3, h, w), or (N, 1, h, w) of a network without color.

    Returns:
        (N, 3, h, w).
    """
    most = weights.abs().amax((1, 2, 3), keepdim=True).clamp(min=torch.finfo().tiny)
    pictures = 0.5 + weights / (2 * most)
    return pictures.expand(-1, 3, -1, -1)
