"""Receptive fields, from the geometry of a network's modules.

A unit's receptive field is an interval of input pixels per axis. It is followed through the graph
of the network: a convolution or pooling widens it, an element-wise operation keeps it, and where
branches meet the union counts.

Source: A. Araujo, W. Norris, J. Sim, "Computing Receptive Fields of Convolutional Neural Networks",
Distill 2019.
"""

import inspect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import fx, nn

from featviz.network.graph import ACTIVATIONS, FUNCTIONS, KEEPING, Graph, function_name

WINDOWED = (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d)
"""Modules that look through a window."""

POOLINGS = {"max_pool2d": nn.MaxPool2d, "avg_pool2d": nn.AvgPool2d}
"""Functions that do the same."""

GLOBAL = ("adaptive_avg_pool2d", "adaptive_max_pool2d")
"""Functions that look at everything, if they give one value."""

POINTWISE = frozenset(
    {"add", "iadd", "sub", "mul", "imul", "truediv", "cat", "dropout", "contiguous", "clone"}
) | FUNCTIONS  # fmt: skip
"""Names of functions and methods that compute each position from the same position alone."""

WHOLE = "its units see the whole image"
UNEVEN = "its fields differ from place to place in size or distance"
"""Why a layer has no field."""


@dataclass(frozen=True)
class ReceptiveField:
    """The input pixels that a unit of a layer can see, the same along both axes.

    Where a layer sees more along one axis than along the other, through a window of 1 x 7 say, this
    is the smallest square that holds all it sees.

    Attributes:
        size: Width of the field in pixels.
        stride: Distance between the fields of neighboring positions, in pixels.
        start: Center of the field of position 0, in pixels from the center of pixel 0. A center
            between two pixels ends in .5.
    """

    size: int
    stride: int
    start: float

    def span(self, position: int) -> tuple[int, int]:
        """Returns the first pixel of a position's field and the one after its last.

        Args:
            position: Index of the position along one axis of the layer's map.

        Returns:
            (first, end) in pixels; below 0 or beyond the image where the field reaches over its
            border.
        """
        first = self.start + position * self.stride - (self.size - 1) / 2
        return round(first), round(first) + self.size

    def canvas(self) -> int:
        """Returns the side in pixels of the smallest image whose central unit sees no padding."""
        position = max(0, math.ceil(((self.size - 1) / 2 - self.start) / self.stride))
        return self.span(position)[1]


@dataclass(frozen=True)
class Span:
    """First and last pixel that position 0 sees along one axis, and the stride."""

    first: int
    last: int
    stride: int


Spans = tuple[Span, Span]


def known_fields(graph: Graph) -> dict[str, ReceptiveField | str]:
    """Follows receptive fields through a network's graph.

    Args:
        graph: The graph.

    Returns:
        Source -> its field, or why it has none; without those whose geometry isn't known.
    """
    fields: dict[fx.Node, Spans | str | None] = {}
    for node in graph.nodes:
        before = [fields[source] for source in node.all_input_nodes]
        fields[node] = through(graph, node, before)
    return by_source(graph, fields)


def by_source(
    graph: Graph, fields: dict[fx.Node, Spans | str | None]
) -> dict[str, ReceptiveField | str]:
    """Returns the fields that are known by the sources of their calls, as squares."""
    return {
        graph.source_of(node): field if isinstance(field, str) else square(*field)
        for node, field in fields.items()
        if field is not None
    }


def through(graph: Graph, node: fx.Node, before: list[Spans | str | None]) -> Spans | str | None:
    """Returns the field behind one call, given the fields of what it reads; None if unknown."""
    name, module = function_name(node), graph.callee(node)
    if node.op == "placeholder":
        return Span(0, 0, 1), Span(0, 0, 1)
    if WHOLE in before and name not in ("size", "getattr", "dim"):
        return WHOLE
    if None in before or not before:
        return None
    spans = [field for field in before if isinstance(field, tuple)]
    if name in POOLINGS:
        module = _pooling(POOLINGS[name], node)
    if module is not None and _is_plain(module, WINDOWED):
        return _behind_window(module, spans[0])
    if _is_global(node, module):
        return WHOLE
    if node.op == "output" or name in POINTWISE or (module is not None and _is_pointwise(module)):
        return union(spans)
    return None


def _behind_window(module: nn.Module, spans: Spans) -> Spans:
    """The field behind a convolution or pooling."""
    kernels, strides, dilations = (
        pair(getattr(module, key, 1)) for key in ("kernel_size", "stride", "dilation")
    )
    reaches = [d * (k - 1) for k, d in zip(kernels, dilations, strict=True)]
    # torch splits "same" padding in two halves; an odd pixel goes behind.
    words = {"same": [reach // 2 for reach in reaches], "valid": [0, 0]}
    padding: Any = module.padding
    paddings = words[padding] if isinstance(padding, str) else pair(padding)
    rows, columns = (
        Span(
            span.first - pad * span.stride,
            span.last + (reach - pad) * span.stride,
            span.stride * stride,
        )
        for span, reach, pad, stride in zip(spans, reaches, paddings, strides, strict=True)
    )
    return rows, columns


def _pooling(kind: type[nn.Module], node: fx.Node) -> nn.Module | None:
    """The module that a pooling function stands for; None if its window is computed."""
    settings = (*node.args[1:], *node.kwargs.values())
    if any(isinstance(value, fx.Node) for value in settings):
        return None
    names = inspect.signature(kind).parameters
    return kind(*node.args[1:4], **{k: v for k, v in node.kwargs.items() if k in names})


def _is_global(node: fx.Node, module: nn.Module | None) -> bool:
    """Whether a call pools each channel to one value."""
    if function_name(node) in GLOBAL:
        size = node.args[1] if len(node.args) > 1 else node.kwargs.get("output_size")
    else:
        adaptive = isinstance(module, nn.AdaptiveAvgPool2d | nn.AdaptiveMaxPool2d)
        size = module.output_size if adaptive else None  # type: ignore[union-attr,assignment]
    return size in (1, (1, 1), [1, 1])


def _is_pointwise(module: nn.Module) -> bool:
    if isinstance(module, nn.BatchNorm2d):
        # Without running statistics it looks at the whole batch.
        return _is_plain(module, (nn.BatchNorm2d,)) and module.running_mean is not None
    return _is_plain(module, (*ACTIVATIONS, *KEEPING))


def _is_plain(module: nn.Module, kinds: Sequence[type[nn.Module]]) -> bool:
    """Whether a module has the pass of one of torch's kinds, not one of its own."""
    own = getattr(type(module), "_conv_forward", nn.Conv2d._conv_forward)
    return (
        any(type(module).forward is kind.forward for kind in kinds)
        and "forward" not in vars(module)
        and own is nn.Conv2d._conv_forward
    )


def union(fields: list[Spans]) -> Spans | None:
    """Returns the field of a value made position by position from several; None if unknown."""
    sides = []
    for spans in zip(*fields, strict=True):
        if len({span.stride for span in spans}) > 1:
            return None
        first, last = min(s.first for s in spans), max(s.last for s in spans)
        sides.append(Span(first, last, spans[0].stride))
    return sides[0], sides[1]


def square(rows: Span, columns: Span) -> ReceptiveField | str:
    """Returns the smallest square around what is seen along the two axes, or why there is none."""
    if rows.stride != columns.stride:
        return UNEVEN
    first, last = min(rows.first, columns.first), max(rows.last, columns.last)
    return ReceptiveField(last - first + 1, rows.stride, (first + last) / 2)


def pair(value: Any) -> tuple[int, int]:
    """Returns a setting for rows and columns that torch lets be one number for both."""
    return (value, value) if isinstance(value, int) else (value[0], value[1])
