"""One graph of a network's pass: who reads whom, what follows a layer, how often a module runs."""

from collections.abc import Callable, Collection, Iterable
from functools import cached_property
from typing import Any

from torch import Tensor, fx, nn

from featviz.network.passes import private_copy
from featviz.network.record import gives_same

ACTIVATIONS = (
    nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.RReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU,
    nn.Mish, nn.Sigmoid, nn.Tanh, nn.Softplus, nn.Hardtanh, nn.Hardswish, nn.Hardsigmoid,
)  # fmt: skip
"""Modules that bend each value by itself."""

FUNCTIONS = frozenset(
    {*(kind.__name__.lower() for kind in ACTIVATIONS), "leaky_relu", "clamp", "clamp_min", "clip"}
)
"""Names of functions and methods that do the same, in place too."""

MAKING = (nn.Conv2d, nn.Linear, nn.BatchNorm2d)
"""Modules whose values are tensors of their own, no other view of what they are given."""

KEEPING = (nn.Identity, nn.Dropout, nn.Dropout2d)
"""Modules that give what they are given."""

CALLS = "_calls"
"""Where an exposed view keeps the modules that stand for single calls of a pass."""


def made_of(nodes: Iterable[fx.Node], known: Collection[fx.Node] = ()) -> set[fx.Node]:
    """Returns calls and all that they are made of, no further back than what is known."""
    reached, frontier = set(known), list(nodes)
    while frontier:
        node = frontier.pop()
        if node not in reached:
            reached.add(node)
            frontier += node.all_input_nodes
    return reached


class Graph:
    """The calls of a network's pass, traced once. Modules without children are one call each.

    Args:
        view: A private copy of the network, which torch.fx traces.
        images: Normalized images (N, 3, H, W) on which the calls are tried: code that asks what
            kind of value it is given takes another way while it is traced.

    Attributes:
        module: The view, as the traced calls; None where torch.fx can't follow its code.
        nodes: The calls, in order; none if torch.fx can't follow the network's code.
        obstacle: Why it can't; empty if it can.
    """

    def __init__(self, view: nn.Module, images: Tensor | None = None) -> None:
        tracer = _Tracer()
        self.obstacle = ""
        self.module: fx.GraphModule | None = None
        try:
            traced = fx.GraphModule(view, tracer.trace(view))
            if images is not None and not gives_same(view, traced, images):
                raise ValueError("what it has traced gives other values")
            self.module = traced
        except Exception as error:  # the module's own code ran on symbols, and may raise anything
            self.obstacle = f"torch.fx can't follow {type(view).__name__}: {error}".split("\n")[0]
        self.nodes = tuple(self.module.graph.nodes) if self.module is not None else ()
        self._calls: dict[str, list[fx.Node | None]] = tracer.outputs if self.nodes else {}
        self._by_source = {self.source_of(node): node for node in self.nodes}
        # Modules whose weights are read by other code than their own.
        self._opened = {
            str(node.target).rpartition(".")[0] for node in self.nodes if node.op == "get_attr"
        }

    def source(self, name: str, module: str, call: int = 0, *, activated: bool = False) -> str:
        """Finds where a layer's value can be read.

        Args:
            name: The layer's name, for messages.
            module: Dotted name of its module.
            call: Which of the module's calls, from 1; 0 for the only one.
            activated: Whether the value behind the layer's activation is meant.

        Returns:
            Dotted name of a module of `exposed` views; often the module itself.

        Raises:
            ValueError: The module runs more than once, or not as often; or it has no activation.
        """
        if self.obstacle and (activated or call):
            raise ValueError(f"what {name} stands for isn't known, because {self.obstacle}")
        calls = self._calls.get(module, [])
        if (len(calls) > 1 and not call) or call > len(calls):
            names = ", ".join(f"{module}#{number + 1}" for number in range(len(calls)))
            raise ValueError(
                f"{module} runs {len(calls)} times in a pass, so {name} names no value of it; "
                f"{names or 'no name'} would."
            )
        node = calls[call - 1] if calls else None
        if activated:
            node = None if node is None else self._activation(node)
            if node is None:
                raise ValueError(
                    f"{name} has no value, because no activation follows {module or 'the output'} "
                    f"alone, but for normalization; leave the suffix out."
                )
        return module if node is None else self.source_of(node)

    def runs(self, module: str) -> int:
        """Returns how often a module runs in a pass; 0 also where torch.fx can't follow it."""
        return len(self._calls.get(module, []))

    def only_reader(self, module: str) -> str:
        """Returns the dotted name of the module that alone reads another's value.

        Args:
            module: Dotted name of the other.

        Returns:
            The name; "" if other code reads the value too, or the module's weights, or one of the
            two doesn't run just once.
        """
        calls = self._calls.get(module, [])
        if len(calls) != 1 or calls[0] is None or len(calls[0].users) != 1:
            return ""
        if module in self._opened:
            return ""
        (reader,) = calls[0].users
        once = reader.op == "call_module" and self.runs(str(reader.target)) == 1
        return str(reader.target) if once else ""

    def rectifies(self, source: str) -> bool:
        """Whether a source's value is that of a ReLU."""
        node = self._by_source.get(source)
        return node is not None and self._is_relu(node)

    def source_of(self, node: fx.Node) -> str:
        """Returns the dotted name, in `exposed` views, of the module that gives a call's value."""
        if node.op == "output":
            return ""
        once = node.op == "call_module" and self.runs(str(node.target)) == 1
        return str(node.target) if once else f"{CALLS}.value_of_{node.name}"

    def exposed(self, sources: Collection[str], rewriting: Collection[str] = ()) -> nn.Module:
        """Returns a private view in which the values of single calls are those of modules.

        Args:
            sources: What `source` has returned; ReLUs among them become modules, not in place.
            rewriting: Dotted names of modules that stay, because others read what they change.
        """
        assert self.module is not None  # else `source` returns modules of the network only
        view: fx.GraphModule = private_copy(self.module, rewriting)  # type: ignore[assignment]
        setattr(view, CALLS, nn.Module())
        for node in list(view.graph.nodes):
            source = self.source_of(node)
            if source.startswith(f"{CALLS}.") and source in sources:
                relu = self._is_relu(node) and not self._rewrites(node, rewriting)
                view.add_submodule(source, nn.ReLU() if relu else nn.Identity())
                with view.graph.inserting_after(node):
                    new = view.graph.call_module(
                        source, (node.all_input_nodes[0] if relu else node,)
                    )
                node.replace_all_uses_with(new, lambda user, new=new: user is not new)
                if relu:
                    view.graph.erase_node(node)
        view.recompile()
        return view

    @cached_property
    def sole_rectifiers(self) -> list[str]:
        """The dotted names of ReLUs that alone read what a convolution has just made.

        Nobody else sees the value before a ReLU of these, so that it may be overwritten.
        """
        return [
            str(node.target)
            for node in self.nodes
            if type(self.callee(node)) is nn.ReLU
            and self.runs(str(node.target)) == 1
            and type(self.callee(node.all_input_nodes[0])) is nn.Conv2d
            and len(node.all_input_nodes[0].users) == 1
        ]

    def reads_alone(self, module: str) -> bool:
        """Whether a module alone reads, at each call, what another one has just made for it."""
        return not self.obstacle and all(
            node is not None and self._is_alone(node, module)
            for node in self._calls.get(module, [])
        )

    def is_read_later(self, module: str) -> bool:
        """Whether other calls read, after a module, what it was given."""
        places = {node: place for place, node in enumerate(self.nodes)}
        return any(
            places[user] > places[node]
            for node in self._calls.get(module, [])
            if node is not None and node.target == module
            for user in node.all_input_nodes[0].users
        )

    def _is_alone(self, node: fx.Node, module: str) -> bool:
        if node.target != module or len(node.all_input_nodes) != 1:
            return False  # the last call within a module that has children, say
        (given,) = node.all_input_nodes
        return type(self.callee(given)) in MAKING and len(given.users) == 1

    def before(self, sources: Collection[str]) -> set[str]:
        """Returns the dotted names of the modules whose values reach one of these, or are it."""
        nodes = made_of(self._by_source[one] for one in sources if one in self._by_source)
        return {module for module, calls in self._calls.items() if nodes & set(calls)}

    def is_gate(self, source: str, sources: Collection[str]) -> bool:
        """Whether all that sources are given of the image goes through one of them.

        Args:
            source: What may be the only way.
            sources: The sources that are read; with none torch.fx could follow, nothing is known.
        """
        gate = self._by_source.get(source)
        if gate is None or not all(one in self._by_source for one in sources):
            return False
        reached = made_of((self._by_source[one] for one in sources), {gate})
        return all(node.op != "placeholder" for node in reached - {gate})

    def reads_image(self, module: str) -> bool:
        """Whether a module without children runs, and is given the image itself."""
        calls = self._calls.get(module, [])
        return bool(calls) and all(
            node is not None and node.all_input_nodes[0].op == "placeholder" for node in calls
        )

    def callee(self, node: fx.Node) -> nn.Module | None:
        """Returns the module that a node calls; None if it calls none."""
        if node.op != "call_module" or self.module is None:
            return None
        return self.module.get_submodule(str(node.target))

    def _activation(self, node: fx.Node) -> fx.Node | None:
        """The call that gives a value after its activation; None if other code reads the value."""
        while not self.bends(node):
            if len(node.users) != 1:
                return None
            (node,) = node.users
            if not (self.bends(node) or self._normalizes(node)):
                return None
        return node

    def bends(self, node: fx.Node) -> bool:
        """Whether a call is an activation."""
        return isinstance(self.callee(node), ACTIVATIONS) or function_name(node) in FUNCTIONS

    def _normalizes(self, node: fx.Node) -> bool:
        module = self.callee(node)
        if module is None:
            return function_name(node).endswith("_norm") or function_name(node) == "dropout"
        return "Norm" in type(module).__name__ or isinstance(module, KEEPING)

    def _rewrites(self, node: fx.Node, rewriting: Collection[str]) -> bool:
        """Whether a call may change, in place, what other calls read."""
        name = node.target if isinstance(node.target, str) else node.target.__name__
        in_place = name in rewriting or name.endswith("_") or bool(node.kwargs.get("inplace"))
        return in_place and not self._is_alone(node, name)

    def _is_relu(self, node: fx.Node) -> bool:
        return type(self.callee(node)) is nn.ReLU or function_name(node) == "relu"


def function_name(node: fx.Node) -> str:
    """Returns the name of the function or method that a node calls, without the in-place `_`."""
    if node.op not in ("call_function", "call_method"):
        return ""
    name: str = node.target if isinstance(node.target, str) else node.target.__name__
    return name.rstrip("_")


class _Tracer(fx.Tracer):
    """Traces into every module that has children, but for torch's own, and notes all calls."""

    def __init__(self) -> None:
        super().__init__()
        self.outputs: dict[str, list[fx.Node | None]] = {}

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        alone = next(m.children(), None) is None
        return alone or super().is_leaf_module(m, module_qualified_name)

    def call_module(
        self,
        m: nn.Module,
        forward: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        value = super().call_module(m, forward, args, kwargs)
        node = value.node if isinstance(value, fx.Proxy) else None
        self.outputs.setdefault(self.path_of_module(m), []).append(node)
        return value
