"""Receptive fields where geometry ends: measured on a network in which every path counts.

Weights are random and positive, activations are left out, and averages stand for maxima: what a
unit sees is then where its gradient is.
"""

import contextlib
import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn
from torch.overrides import TorchFunctionMode

from featviz.network.graph import FUNCTIONS, Graph
from featviz.network.passes import private_copy, run_to
from featviz.network.receptive_fields import (
    UNEVEN,
    WHOLE,
    WINDOWED,
    ReceptiveField,
    Span,
    Spans,
    by_source,
    pair,
    square,
    through,
    union,
)
from featviz.network.returned import LayerRef

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


def followed_fields(graph: Graph, channels: int) -> dict[str, ReceptiveField | str]:
    """Follows receptive fields further, by a pass of a gray image through the opened network.

    Args:
        graph: The graph.
        channels: How many channels the network's images have.

    Returns:
        Source -> its field, or why it has none; without those that take more to be found out.
    """
    if graph.obstacle:
        return {}
    follower = _Follower(graph)
    image = torch.full((1, channels, SIDE, SIDE), 0.5, dtype=torch.float64)
    with contextlib.suppress(Exception), torch.enable_grad(), _OpenPaths():
        follower.run(image)  # as far as the network takes an image of this size
    return by_source(graph, follower.fields)


def measured_field(view: nn.Module, ref: LayerRef, channels: int) -> ReceptiveField | str:
    """Measures a receptive field: where the gradient of a unit is, if every path counts.

    Args:
        view: A private view made for the layer, in double precision.
        ref: The layer.
        channels: How many channels the network's images have.

    Returns:
        The field, or why there is none.
    """
    spans = []
    for axis in (2, 3):
        for side in LONG:
            with torch.enable_grad():
                span = _measured_span(view, ref, channels, axis, side)
            if span != WHOLE:
                break
        if isinstance(span, str):
            return span
        spans.append(span)
    return square(*spans)


class _Follower(fx.Interpreter):
    """Follows fields through the opened network as it runs.

    What geometry doesn't tell is measured from the nearest calls whose fields are known.
    """

    def __init__(self, graph: Graph) -> None:
        assert graph.module is not None
        super().__init__(private_copy(graph.module).to("cpu", torch.float64))
        self._own = graph
        self.fields: dict[fx.Node, Spans | str | None] = {}
        self._anchors: list[tuple[Tensor, Spans]] = []

    def run_node(self, n: fx.Node) -> Any:
        module = self._own.callee(n)
        if isinstance(module, (*WINDOWED, nn.BatchNorm2d)):  # these read maps, channels first
            for source in n.all_input_nodes:
                if self.fields[source] is None:
                    value = self.env[source]
                    self.env[source] = self._note(source, self._measure(value), value)
        value = super().run_node(n)
        field = through(self._own, n, [self.fields[source] for source in n.all_input_nodes])
        if field is None and isinstance(module, nn.Conv2d):
            field = self._measure(value)
        return self._note(n, field, value)

    def _note(self, node: fx.Node, field: Spans | str | None, value: Any) -> Any:
        """Keeps a field, and cuts the pass where one is known: gradients go no further."""
        self.fields[node] = field
        if isinstance(field, tuple) and isinstance(value, Tensor):
            value = value.detach().requires_grad_()
            self._anchors.append((value, field))
        return value

    def _measure(self, value: Tensor) -> Spans | str | None:
        """A value's field, from those of the known values that it is made of."""
        views = [_relative(value, [anchor for anchor, _ in self._anchors], axis) for axis in (2, 3)]
        fields = []
        for rows, columns, (_, field) in zip(*views, self._anchors, strict=True):
            if isinstance(rows, str) or isinstance(columns, str):
                large = min(value.shape[2:]) >= MANY and WHOLE in (rows, columns)
                return WHOLE if large else None
            if rows is not None and columns is not None:
                fields.append((_behind(field[0], rows), _behind(field[1], columns)))
        return union(fields) if fields else None


def _behind(field: Span, own: Span) -> Span:
    """What is seen through a field by something that itself sees more than one of its places."""
    first, last = (field.first + own.first * field.stride, field.last + own.last * field.stride)
    return Span(first, last, own.stride * field.stride)


def _measured_span(
    view: nn.Module, ref: LayerRef, channels: int, axis: int, side: int
) -> Span | str:
    """What neighbors in the middle of a long image see along its long axis."""
    for narrow in NARROW:
        shape = [1, channels, narrow, narrow]
        shape[axis] = side
        images = torch.full(shape, 0.5, dtype=torch.float64, requires_grad=True)
        try:
            with _OpenPaths():
                value = run_to(view, images, [ref])[ref.name]
            return _relative(value, [images], axis)[0] or WHOLE
        except (RuntimeError, ValueError, AssertionError) as error:
            why = str(error)
    return f"it can't be measured, because of images of {NARROW[-1]} x {side} px it says: {why}"


def _relative(value: Tensor, inputs: list[Tensor], axis: int) -> list[Span | str | None]:
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


def _span(gradients: Sequence[Tensor | None], axis: int, place: int) -> Span | str | None:
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
    return Span(ends[0][0] - place * stride, ends[0][1] - place * stride, stride)


class _OpenPaths(TorchFunctionMode):
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
        if name in ("conv2d", "linear", "conv_transpose2d") and len(args) > 1:
            options = {key: value for key, value in kwargs.items() if key != "bias"}
            return func(args[0], self._positive(args[1]), None, *args[3:], **options)
        if name == "batch_norm" and not kwargs.get("training", args[5:6] == (True,)):
            return args[0]
        if name == "max_pool2d":
            return _average(func(*args, **kwargs), *args, **kwargs)
        if name in ("layer_norm", "group_norm", "instance_norm"):
            # As its mean and its scale do, but without what cancels.
            dims = range(-len(args[1]), 0) if name == "layer_norm" else (-2, -1)
            return args[0] + args[0].mean(tuple(dims), keepdim=True)
        return func(*args, **kwargs)

    def _positive(self, weight: Tensor) -> Tensor:
        """Weights for an average in which no two paths cancel."""
        factors = torch.rand(weight.shape, generator=self._random, dtype=torch.float64) + 0.5
        return (factors / weight[0].numel()).to(weight)


def _average(
    maxima: Tensor,
    value: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    **_: Any,
) -> Tensor:
    """The average over a max pooling's windows, of the shape of its result."""
    ones = value.new_ones(value.shape[1], 1, *pair(kernel_size)) / math.prod(pair(kernel_size))
    mean = F.conv2d(value, ones, None, stride or kernel_size, padding, dilation, value.shape[1])
    rows, columns = (a - b for a, b in zip(maxima.shape[-2:], mean.shape[-2:], strict=True))
    return F.pad(mean, (0, columns, 0, rows))
