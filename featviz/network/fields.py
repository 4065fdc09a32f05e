"""Receptive fields: from the geometry of a network's modules, or measured where that ends.

A unit's receptive field is an interval of input pixels per axis. It is followed through the graph
of the network: a convolution or pooling widens it, an element-wise operation keeps it, and where
branches meet the union counts. Behind anything else the field is where the unit's gradient is, on a
copy of the network in which every path counts.

Source: A. Araujo, W. Norris, J. Sim, "Computing Receptive Fields of Convolutional Neural Networks",
Distill 2019.
"""

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn
from torch.overrides import TorchFunctionMode

from featviz.network.graph import ACTIVATIONS, FUNCTIONS, KEEPING, Graph, function_name
from featviz.network.passes import LayerRef, run_to

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


def _measured_span(view: nn.Module, ref: LayerRef, axis: int, side: int) -> _Span | str:
    """What neighbors in the middle of a long image see along its long axis."""
    images, value = _long_pass(view, ref, axis, side)
    if value.ndim != 4:
        return WHOLE
    count = value.shape[axis]
    if count < PLACES:
        return WHOLE
    places = range(count // 2 - 1, count // 2 - 1 + PLACES)
    middle = value.shape[5 - axis] // 2
    lines = value.select(5 - axis, middle)  # (PLACES, units, count)
    total = torch.stack([lines[k, :, place].sum() for k, place in enumerate(places)]).sum()
    (gradient,) = torch.autograd.grad(total, images)
    ends = []
    for hit in gradient.abs().amax((1, 5 - axis)) > 0:
        pixels = hit.nonzero().flatten()
        ends.append((int(pixels[0]), int(pixels[-1])) if len(pixels) else (0, 0))
    if any(first == 0 or last == side - 1 for first, last in ends):
        return WHOLE
    strides = {ends[k + 1][end] - ends[k][end] for k in range(PLACES - 1) for end in (0, 1)}
    stride = min(strides)
    if len(strides) > 1 or stride < 1:
        return UNEVEN
    return _Span(ends[0][0] - places[0] * stride, ends[0][1] - places[0] * stride, stride)


def _long_pass(view: nn.Module, ref: LayerRef, axis: int, side: int) -> tuple[Tensor, Tensor]:
    """A pass of long gray images through the opened view: the images and the layer's value."""
    for narrow in NARROW:
        shape = [PLACES, 3, narrow, narrow]
        shape[axis] = side
        images = torch.full(shape, 0.5, dtype=torch.float64, requires_grad=True)
        try:
            with torch.enable_grad(), _Opened():
                return images, run_to(view, images, [ref])[ref.name]
        except (RuntimeError, ValueError, AssertionError) as error:
            failed = error
    raise ValueError(
        f"the receptive field of {ref.name} can't be measured, because the network takes no image "
        f"of {NARROW[-1]} x {side} px: {failed}"
    ) from failed


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
