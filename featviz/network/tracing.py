"""How a network's modules are wired: the graph of its pass, traced symbolically."""

from collections import Counter

from torch import fx, nn


def trace(module: nn.Module) -> fx.Graph:
    """Traces the pass of a module, which stays as it is and does not run.

    Args:
        module: The module.

    Returns:
        Its graph, in which every module without children is one node.

    Raises:
        Exception: Whatever the module's code raises when torch.fx can't trace it.
    """
    return _Leaves().trace(module)


def sole_readers(module: nn.Module) -> dict[str, str]:
    """Finds modules whose value goes to one other module and nowhere else.

    Args:
        module: The network.

    Returns:
        Dotted name of a module -> name of the module that reads it. Both run once in a pass. Empty
        if torch.fx can't trace the network.
    """
    try:
        graph = trace(module)
    except Exception:  # the module's own code ran on symbols, and may raise anything
        return {}
    calls = Counter(node.target for node in graph.nodes if node.op == "call_module")
    once = {node for node in graph.nodes if calls[node.target] == 1}
    return {
        str(node.target): str(reader.target)
        for node in once
        for reader in node.users
        if len(node.users) == 1 and reader in once
    }


class _Leaves(fx.Tracer):
    """Traces into every module that has children, torch's own containers included."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return next(m.children(), None) is None
