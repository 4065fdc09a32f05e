"""Receptive fields, computed from the geometry of the modules themselves.

A unit's receptive field is an interval of input pixels per axis. It is followed through the traced
graph of the module: a convolution or pooling widens it, an element-wise operation keeps it, and
where branches meet the union counts.

Source: A. Araujo, W. Norris, J. Sim, "Computing Receptive Fields of Convolutional Neural Networks",
Distill 2019.
"""

import math
from dataclasses import dataclass

from torch import fx, nn

from featviz.network.tracing import trace

Windowed = nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d

POINTWISE_MODULES = (
    nn.ReLU,
    nn.ReLU6,
    nn.LeakyReLU,
    nn.ELU,
    nn.GELU,
    nn.SiLU,
    nn.Sigmoid,
    nn.Tanh,
    nn.Hardswish,
    nn.Hardsigmoid,
    nn.Identity,
    nn.Dropout,
    nn.Dropout2d,
    nn.BatchNorm2d,
)
"""Modules that compute each position from the same position alone."""

POINTWISE_FUNCTIONS = frozenset(
    {"add", "iadd", "sub", "mul", "imul", "cat", "relu", "relu_", "sigmoid", "silu", "gelu",
     "dropout", "contiguous", "clone", "hardtanh", "truediv", "getattr"}
)  # fmt: skip
"""Names of functions and methods that do the same."""


@dataclass(frozen=True)
class ReceptiveField:
    """The input pixels that a unit of a layer can see, the same along both axes.

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
class _Field:
    """First and last pixel seen by position 0, and the stride."""

    first: float
    last: float
    stride: int


def receptive_fields(module: nn.Module) -> dict[str, ReceptiveField | None]:
    """Computes the receptive field of every module that the network calls.

    Args:
        module: The network. It is traced symbolically, not run, and stays as it is.

    Returns:
        Dotted module name -> its field; None where a unit sees the whole image (after a linear
        layer or a global pooling, say) or where featviz does not know the module's geometry.

    Raises:
        ValueError: The module can't be traced, or its windows differ between the two axes.
    """
    try:
        graph = trace(module)
    except Exception as error:
        raise ValueError(
            f"receptive fields need a module that torch.fx can trace, "
            f"and {type(module).__name__} is none: {error}"
        ) from error
    fields: dict[fx.Node, _Field | None] = {}
    named: dict[str, ReceptiveField | None] = {}
    for node in graph.nodes:
        before = [fields[source] for source in node.all_input_nodes]
        if node.op == "placeholder":
            fields[node] = _Field(0, 0, 1)
        elif node.op == "call_module":
            target = str(node.target)
            fields[node] = _through(module.get_submodule(target), before[0], target)
            named[target] = _public(fields[node])
        elif node.op in ("call_function", "call_method"):
            name = node.target if isinstance(node.target, str) else node.target.__name__
            fields[node] = _union(before) if name in POINTWISE_FUNCTIONS else None
        else:
            fields[node] = None
    return named


def _through(module: nn.Module, field: _Field | None, name: str) -> _Field | None:
    """The field behind one module, given the field before it."""
    if field is None or isinstance(module, POINTWISE_MODULES):
        return field
    if not isinstance(module, Windowed):
        return None
    kernel, stride, dilation = (
        _one(getattr(module, key, 1), key, name) for key in ("kernel_size", "stride", "dilation")
    )
    reach = dilation * (kernel - 1)
    # torch splits "same" padding in two halves; an odd pixel goes behind.
    named = {"same": reach // 2, "valid": 0}
    padding = (
        named[module.padding]
        if isinstance(module.padding, str)
        else _one(module.padding, "padding", name)
    )
    return _Field(
        first=field.first - padding * field.stride,
        last=field.last + (reach - padding) * field.stride,
        stride=field.stride * stride,
    )


def _one(value: object, key: str, name: str) -> int:
    """The one number of a setting that torch lets differ per axis."""
    values = set(value) if isinstance(value, tuple) else {value}
    number = values.pop()
    if values or not isinstance(number, int):
        raise ValueError(
            f"receptive fields need the same {key} along both axes, and {name} has {value}"
        )
    return number


def _union(fields: list[_Field | None]) -> _Field | None:
    """The field of a value made position by position from several."""
    known = [field for field in fields if field is not None]
    if not known or len(known) < len(fields) or len({field.stride for field in known}) > 1:
        return None
    return _Field(min(f.first for f in known), max(f.last for f in known), known[0].stride)


def _public(field: _Field | None) -> ReceptiveField | None:
    if field is None:
        return None
    size = int(field.last - field.first) + 1
    return ReceptiveField(size, field.stride, (field.first + field.last) / 2)
