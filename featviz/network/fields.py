"""Receptive fields: from the geometry of a network's modules, or measured where that ends.

A unit's receptive field is an interval of input pixels per axis. It is followed through the graph
of the network: a convolution or pooling widens it, an element-wise operation keeps it, and where
branches meet the union counts. Behind anything else the field is where the unit's gradient is, on a
copy of the network in which every path counts.

Source: A. Araujo, W. Norris, J. Sim, "Computing Receptive Fields of Convolutional Neural Networks",
Distill 2019.
"""

import contextlib
import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn
from torch.overrides import TorchFunctionMode

from featviz.network.graph import ACTIVATIONS, FUNCTIONS, KEEPING, Graph, function_name
from featviz.network.passes import LayerRef, private_copy, run_to

WINDOWED = (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d)
POOLINGS = {"max_pool2d": nn.MaxPool2d, "avg_pool2d": nn.AvgPool2d}
GLOBAL = ("adaptive_avg_pool2d", "adaptive_max_pool2d")

POINTWISE = frozenset(
    {"add", "iadd", "sub", "mul", "imul", "truediv", "cat", "dropout", "contiguous", "clone"}
) | FUNCTIONS  # fmt: skip
"""Names of functions and methods that compute each position from the same position alone."""

LONG = (512, 4096)
"""Sides in pixels of the images on which fields are measured, along the axis that is measured; the
second where the first is too short. A unit that sees all of the second sees the whole image."""

NARROW = (32, 64, 128, 256)
"""Their other side: as small as the network takes."""

SIDE = 256
"""Side in pixels of the image on which fields are followed, and measured from place to place."""

MANY = 32
"""Places along an axis of a map, all of which only a unit sees that sees the whole image."""

PLACES = 3
"""Neighboring positions whose fields are measured: all of one size, and equally far apart."""

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
class _Span:
    """First and last pixel that position 0 sees along one axis, and the stride."""

    first: int
    last: int
    stride: int


_Spans = tuple[_Span, _Span]


def known_fields(graph: Graph) -> dict[str, ReceptiveField | str]:
    """Follows receptive fields through a network's graph.

    Args:
        graph: The graph.

    Returns:
        Source -> its field, or why it has none; without those whose geometry isn't known.
    """
    fields: dict[fx.Node, _Spans | str | None] = {}
    for node in graph.nodes:
        before = [fields[source] for source in node.all_input_nodes]
        fields[node] = _through(graph, node, before)
    return _named(graph, fields)


def followed_fields(graph: Graph) -> dict[str, ReceptiveField | str]:
    """Follows receptive fields further, by a pass of a gray image through the opened network.

    Args:
        graph: The graph.

    Returns:
        Source -> its field, or why it has none; without those that take more to be found out.
    """
    if graph.obstacle:
        return {}
    follower = _Follower(graph)
    image = torch.full((1, 3, SIDE, SIDE), 0.5, dtype=torch.float64)
    with contextlib.suppress(Exception), torch.enable_grad(), _Opened():
        follower.run(image)  # as far as the network takes an image of this size
    return _named(graph, follower.fields)


def _named(
    graph: Graph, fields: dict[fx.Node, _Spans | str | None]
) -> dict[str, ReceptiveField | str]:
    return {
        graph.source_of(node): field if isinstance(field, str) else _square(*field)
        for node, field in fields.items()
        if field is not None
    }


def measured_field(view: nn.Module, ref: LayerRef) -> ReceptiveField | str:
    """Measures a receptive field: where the gradient of a unit is, if every path counts.

    Args:
        view: A private view made for the layer, in double precision.
        ref: The layer.

    Returns:
        The field, or why there is none.
    """
    spans = []
    for axis in (2, 3):
        for side in LONG:
            with torch.enable_grad():
                found = _measured_span(view, ref, axis, side)
            if found != WHOLE:
                break
        if isinstance(found, str):
            return found
        spans.append(found)
    return _square(*spans)


def _through(graph: Graph, node: fx.Node, before: list[_Spans | str | None]) -> _Spans | str | None:
    """The field behind one call, given the fields of what it reads."""
    name, module = function_name(node), graph.called(node)
    if node.op == "placeholder":
        return _Span(0, 0, 1), _Span(0, 0, 1)
    if WHOLE in before and name not in ("size", "getattr", "dim"):
        return WHOLE
    if None in before or not before:
        return None
    spans = [field for field in before if isinstance(field, tuple)]
    if name in POOLINGS:
        module = _pooling(POOLINGS[name], node)
    if module is not None and _is_plain(module, WINDOWED):
        return _windowed(module, spans[0])
    if _is_global(node, module):
        return WHOLE
    if node.op == "output" or name in POINTWISE or (module is not None and _is_pointwise(module)):
        return _union(spans)
    return None


def _windowed(module: nn.Module, spans: _Spans) -> _Spans:
    """The field behind a convolution or pooling."""
    kernels, strides, dilations = (
        _pair(getattr(module, key, 1)) for key in ("kernel_size", "stride", "dilation")
    )
    reaches = [d * (k - 1) for k, d in zip(kernels, dilations, strict=True)]
    # torch splits "same" padding in two halves; an odd pixel goes behind.
    named = {"same": [reach // 2 for reach in reaches], "valid": [0, 0]}
    padding: Any = module.padding
    paddings = named[padding] if isinstance(padding, str) else _pair(padding)
    rows, columns = (
        _Span(
            span.first - pad * span.stride,
            span.last + (reach - pad) * span.stride,
            span.stride * stride,
        )
        for span, reach, pad, stride in zip(spans, reaches, paddings, strides, strict=True)
    )
    return rows, columns


def _pooling(kind: type[nn.Module], node: fx.Node) -> nn.Module | None:
    """The module that a pooling function stands for; None if its window is computed."""
    given = (*node.args[1:], *node.kwargs.values())
    if any(isinstance(value, fx.Node) for value in given):
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


def _union(fields: list[_Spans]) -> _Spans | None:
    """The field of a value made position by position from several."""
    merged = []
    for spans in zip(*fields, strict=True):
        if len({span.stride for span in spans}) > 1:
            return None
        first, last = min(s.first for s in spans), max(s.last for s in spans)
        merged.append(_Span(first, last, spans[0].stride))
    return merged[0], merged[1]


def _square(rows: _Span, columns: _Span) -> ReceptiveField | str:
    """The smallest square around what is seen along the two axes."""
    if rows.stride != columns.stride:
        return UNEVEN
    first, last = min(rows.first, columns.first), max(rows.last, columns.last)
    return ReceptiveField(last - first + 1, rows.stride, (first + last) / 2)


def _pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])


class _Follower(fx.Interpreter):
    """Follows fields through the opened network as it runs.

    What geometry doesn't tell is measured from the nearest calls whose fields are known.
    """

    def __init__(self, graph: Graph) -> None:
        assert graph.module is not None
        super().__init__(private_copy(graph.module).to("cpu", torch.float64))
        self._own = graph
        self.fields: dict[fx.Node, _Spans | str | None] = {}
        self._known: list[tuple[Tensor, _Spans]] = []

    def run_node(self, n: fx.Node) -> Any:
        module = self._own.called(n)
        if isinstance(module, (*WINDOWED, nn.BatchNorm2d)):  # these read maps, channels first
            for source in n.all_input_nodes:
                if self.fields[source] is None:
                    value = self.env[source]
                    self.env[source] = self._note(source, self._measured(value), value)
        value = super().run_node(n)
        field = _through(self._own, n, [self.fields[source] for source in n.all_input_nodes])
        if field is None and isinstance(module, nn.Conv2d):
            field = self._measured(value)
        return self._note(n, field, value)

    def _note(self, node: fx.Node, field: _Spans | str | None, value: Any) -> Any:
        """Keeps a field, and cuts the pass where one is known: gradients go no further."""
        self.fields[node] = field
        if isinstance(field, tuple) and isinstance(value, Tensor):
            value = value.detach().requires_grad_()
            self._known.append((value, field))
        return value

    def _measured(self, value: Tensor) -> _Spans | str | None:
        """A value's field, from those of the known values that it is made of."""
        seen = [_relative(value, [known for known, _ in self._known], axis) for axis in (2, 3)]
        found = []
        for rows, columns, (_, field) in zip(*seen, self._known, strict=True):
            if isinstance(rows, str) or isinstance(columns, str):
                large = min(value.shape[2:]) >= MANY and WHOLE in (rows, columns)
                return WHOLE if large else None
            if rows is not None and columns is not None:
                found.append((_behind(field[0], rows), _behind(field[1], columns)))
        return _union(found) if found else None


def _behind(field: _Span, own: _Span) -> _Span:
    """What is seen through a field by something that itself sees more than one of its places."""
    first, last = (field.first + own.first * field.stride, field.last + own.last * field.stride)
    return _Span(first, last, own.stride * field.stride)


def _measured_span(view: nn.Module, ref: LayerRef, axis: int, side: int) -> _Span | str:
    """What neighbors in the middle of a long image see along its long axis."""
    for narrow in NARROW:
        shape = [1, 3, narrow, narrow]
        shape[axis] = side
        images = torch.full(shape, 0.5, dtype=torch.float64, requires_grad=True)
        try:
            with _Opened():
                value = run_to(view, images, [ref])[ref.name]
            return _relative(value, [images], axis)[0] or WHOLE
        except (RuntimeError, ValueError, AssertionError) as error:
            failed = error
    raise ValueError(
        f"the receptive field of {ref.name} can't be measured, because the network takes no image "
        f"of {NARROW[-1]} x {side} px: {failed}"
    ) from failed


def _relative(value: Tensor, inputs: list[Tensor], axis: int) -> list[_Span | str | None]:
    """What neighbors in the middle of a map see of each input along an axis; None if nothing."""
    if value.ndim != 4 or value.shape[axis] < PLACES:
        return [WHOLE] * len(inputs)
    line = value.select(5 - axis, value.shape[5 - axis] // 2)  # (1, units, places)
    place = value.shape[axis] // 2 - 1
    slopes = [
        torch.autograd.grad(one.sum(), inputs, retain_graph=True, allow_unused=True)
        for one in line[..., place : place + PLACES].unbind(2)
    ]
    return [_span(of_one, axis, place) for of_one in zip(*slopes, strict=True)]


def _span(gradients: Sequence[Tensor | None], axis: int, place: int) -> _Span | str | None:
    """Where the gradients of neighbors, the first at a place, are: as seen from place 0."""
    ends = []
    for gradient in gradients:
        hits = None if gradient is None else gradient.abs().amax((0, 1, 5 - axis)).nonzero()
        if gradient is None or hits is None or not len(hits):
            return None
        ends.append((int(hits[0]), int(hits[-1])))
        if ends[-1][0] == 0 or ends[-1][1] == gradient.shape[axis] - 1:
            return WHOLE
    strides = {after[k] - one[k] for one, after in pairwise(ends) for k in (0, 1)}
    stride = min(strides)
    if len(strides) > 1 or stride < 1:
        return UNEVEN
    return _Span(ends[0][0] - place * stride, ends[0][1] - place * stride, stride)


class _Opened(TorchFunctionMode):
    """Lets every path count: random positive weights, no activations, averages for maxima."""

    def __init__(self) -> None:
        super().__init__()
        self._random = torch.Generator().manual_seed(0)

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "").rstrip("_")
        if name in FUNCTIONS:
            return args[0] if args else kwargs["input"]
        if name in ("conv2d", "linear", "conv_transpose2d") and len(args) > 2:
            return func(args[0], self._positive(args[1]), None, *args[3:], **kwargs)
        if name == "max_pool2d":
            return _averaged(func(*args, **kwargs), *args, **kwargs)
        if name in ("layer_norm", "group_norm", "instance_norm"):
            # As its mean and its scale do, but without what cancels.
            dims = range(-len(args[1]), 0) if name == "layer_norm" else (-2, -1)
            return args[0] + args[0].mean(tuple(dims), keepdim=True)
        return func(*args, **kwargs)

    def _positive(self, weight: Tensor) -> Tensor:
        """Weights for an average in which no two paths cancel."""
        drawn = torch.rand(weight.shape, generator=self._random, dtype=torch.float64) + 0.5
        return (drawn / weight[0].numel()).to(weight)


def _averaged(
    pooled: Tensor,
    value: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    **_: Any,
) -> Tensor:
    """The average over a max pooling's windows, of the shape of its result."""
    ones = value.new_ones(value.shape[1], 1, *_pair(kernel_size)) / math.prod(_pair(kernel_size))
    mean = F.conv2d(value, ones, None, stride or kernel_size, padding, dilation, value.shape[1])
    rows, columns = (a - b for a, b in zip(pooled.shape[-2:], mean.shape[-2:], strict=True))
    return F.pad(mean, (0, columns, 0, rows))
