"""What lies between two layers of a network, made linear.

ReLUs and their kind let everything pass, max pooling becomes average pooling; convolutions, batch
norm, sums and concatenations are linear as they are. Strides become dilation by themselves.

Source: C. Olah et al., "Zoom In: An Introduction to Circuits", Distill 2020; the name "expanded
weights" and the treatment of what lies between: C. Voss et al., "Visualizing Weights", Distill
2021.
"""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import fx, nn

from featviz.network.graph import ACTIVATIONS, KEEPING, function_name, made_of
from featviz.network.network import AFTER_RELU, Network, exposed_view, is_activated
from featviz.network.returned import LayerRef

BOUNDED = (nn.Sigmoid, nn.Tanh, nn.Hardtanh, nn.Hardsigmoid)
"""Activations that don't go on rising."""

RECTIFIERS = tuple(kind for kind in ACTIVATIONS if kind not in BOUNDED)
"""Modules that come near to the identity above 0, which stands for them."""

LINEAR = (
    nn.Conv2d, nn.ConvTranspose2d, nn.Linear, nn.BatchNorm2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d,
    nn.Flatten, nn.ZeroPad2d, *KEEPING,
)  # fmt: skip
"""Modules that are linear in evaluation mode, but for a constant."""

RECTIFYING = frozenset(kind.__name__.lower() for kind in RECTIFIERS) | {"leaky_relu"}
"""Names of functions and methods that do what `RECTIFIERS` do."""

SUMS = frozenset({"add", "iadd", "sub", "isub"})
"""Names of functions and operators behind which paths add up."""

LINEAR_FUNCTIONS = SUMS | {
    "cat", "concat", "flatten", "view", "reshape", "size", "getattr", "mean", "dropout",
    "contiguous", "clone", "avg_pool2d", "adaptive_avg_pool2d", "batch_norm", "conv2d", "linear",
}  # fmt: skip
"""Names of functions and methods that are linear in what lies between, but for a constant."""


@dataclass(frozen=True, eq=False)
class Way:
    """What leads from an earlier layer to a later one, made linear.

    Attributes:
        view: A private view of the network, linear between the two.
        later: Where the later layer's value is read in it.
        earlier: Where the earlier's is.
        paths: How many paths lead from one to the other: more than one where residual sums or
            branches lie between, over which weights are summed.
    """

    view: nn.Module
    later: LayerRef
    earlier: LayerRef
    paths: int


def behind(network: Network, layer: str) -> LayerRef:
    """Finds a layer's value after its activation; its own if it has none."""
    return network.resolve(layer + AFTER_RELU if is_activated(network, layer) else layer)


def linear_way(network: Network, layer: str, earlier: str) -> Way:
    """Makes linear what lies between two layers.

    Args:
        network: The network; it stays as it is.
        layer: The later layer.
        earlier: The earlier one. Of both the value after the activation is meant.

    Returns:
        The way from one to the other.

    Raises:
        ValueError: No path leads from one to the other, torch.fx can't follow the network, or there
            is something between them that can't be made linear.
    """
    later, first = behind(network, layer), behind(network, earlier)
    if network.graph.module is None:
        raise ValueError(
            f"what lies between {earlier} and {layer} isn't known, because {network.graph.obstacle}"
        )
    view = exposed_view(network, {later.source, first.source})
    assert isinstance(view, fx.GraphModule)  # as the graph has one
    paths = _paths(view, later.source, first.source)
    if later.source == first.source or not paths:
        raise ValueError(
            f"no path leads from {earlier} to {layer} in {network.name}; the earlier layer comes "
            f"second, of {', '.join(network.layers)}."
        )
    for node in list(paths)[1:]:
        if not _is_linear(view, node, paths):
            what = function_name(node) or type(view.get_submodule(str(node.target))).__name__
            raise ValueError(
                f"{node.target if node.op == 'call_module' else node.name} ({what}) lies between "
                f"{earlier} and {layer} of {network.name} and can't be made linear; convolution, "
                "rectifiers, pooling, batch norm and sums can."
            )
    count = list(paths.values())[-1]
    _straighten(view)
    return Way(view, later, first, count)


def _paths(view: fx.GraphModule, later: str, earlier: str) -> dict[fx.Node, int]:
    """The calls from the earlier source to the later one -> how many paths lead there, in order."""
    target = _node(view, later)
    leading = made_of([target])
    paths = {_node(view, earlier): 1}
    for node in view.graph.nodes:
        if node in leading and node not in paths:
            count = sum(paths.get(source, 0) for source in node.all_input_nodes)
            paths |= {node: count} if count else {}
    return paths if target in paths else {}


def _node(view: fx.GraphModule, source: str) -> fx.Node:
    """The call of a view that gives a source's value; the last for the network's output."""
    nodes: list[fx.Node] = list(view.graph.nodes)
    return next((node for node in nodes if node.target == source), nodes[-1])


def _is_linear(view: fx.GraphModule, node: fx.Node, paths: dict[fx.Node, int]) -> bool:
    """Whether a call is linear in what lies between, or will be."""
    if node.op == "output":
        return True
    if node.op == "call_module":
        module = view.get_submodule(str(node.target))
        if isinstance(module, nn.BatchNorm2d):
            return module.running_mean is not None
        if isinstance(module, nn.MaxPool2d):
            return module.dilation in (1, (1, 1)) and not module.return_indices
        return isinstance(module, (*RECTIFIERS, *LINEAR))
    name = function_name(node)
    if name in ("mul", "imul", "truediv", "div"):
        # A product with a constant is linear, one of two values that both depend on it isn't.
        inside = [source in paths for source in node.args]
        return inside == [True, False] or (inside == [False, True] and name in ("mul", "imul"))
    if name == "max_pool2d":
        return len(node.args) < 5 and node.kwargs.get("dilation", 1) in (1, (1, 1))
    return name in LINEAR_FUNCTIONS or name in RECTIFYING


def _straighten(view: fx.GraphModule) -> None:
    """Makes a view linear, wherever it can be."""
    for name, module in list(view.named_modules()):
        if isinstance(module, RECTIFIERS):
            view.set_submodule(name, nn.Identity())
        elif isinstance(module, nn.MaxPool2d):
            settings = (module.kernel_size, module.stride, module.padding, module.ceil_mode)
            view.set_submodule(name, nn.AvgPool2d(*settings))
    for node in list(view.graph.nodes):
        if function_name(node) in RECTIFYING:
            node.replace_all_uses_with(node.all_input_nodes[0])
            view.graph.erase_node(node)
        elif function_name(node) == "max_pool2d":
            _average(node)
    view.recompile()


def _average(node: fx.Node) -> None:
    """Turns a call of max pooling into one of average pooling over the same window."""
    node.op, node.target = "call_function", F.avg_pool2d
    node.args = node.args[:4]
    node.kwargs = {
        name: value
        for name, value in node.kwargs.items()
        if name not in ("dilation", "return_indices")
    }
