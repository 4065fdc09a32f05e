"""What an image is asked to excite: frozen specifications of units, layers, directions, classes.

Each gives one value per image, and higher is better. The same objective drives gradient ascent and
is a target of attribution.

Source of the family: C. Olah, A. Mordvintsev, L. Schubert, "Feature Visualization", Distill 2017,
section "Optimization objectives".
"""

import math
import operator
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import SupportsIndex

import torch
import torch.nn.functional as F
from torch import Tensor

from featviz.network.network import OUTPUT, Network, check_unit
from featviz.network.passes import widened
from featviz.objectives.algebra import Objective

EPSILON = 1e-8
"""Keeps the cosine of a zero vector finite; far below any activation's norm."""


@dataclass(frozen=True)
class Channel(Objective):
    """The mean of one channel over all positions.

    Attributes:
        layer: The layer's name.
        unit: Index of the channel.
        border: Positions to leave out along each side of the map.
    """

    layer: str
    unit: int
    border: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "unit", whole(self.unit, "unit"))
        object.__setattr__(self, "border", whole(self.border, "border"))

    @property
    def layers(self) -> frozenset[str]:
        return frozenset({self.layer})

    @property
    def linear(self) -> bool:
        return True

    def __call__(self, values: Mapping[str, Tensor]) -> Tensor:
        value = values[self.layer][:, self.unit]
        if self.border:
            if value.ndim != 3:
                raise ValueError(f"{self} leaves out a border, but {self.layer} has no map.")
            inside = slice(self.border, -self.border)
            value = value[:, inside, inside]
            if not value.numel():
                size = " x ".join(map(str, values[self.layer].shape[2:]))
                raise ValueError(
                    f"{self} leaves nothing of the map of {self.layer}, "
                    f"which is {size} for this image."
                )
        return value.reshape(len(value), -1).mean(1)

    def check(self, network: Network) -> None:
        check_unit(network, self.layer, self.unit)
        if self.border < 0:
            raise ValueError(f"a channel's border is at least 0, not {self.border}.")

    def __str__(self) -> str:
        return f"{self.layer}:{self.unit}" + (f"~{self.border}" if self.border else "")


@dataclass(frozen=True)
class Neuron(Objective):
    """One channel at one position.

    Attributes:
        layer: The layer's name.
        unit: Index of the channel.
        position: (row, column) in the layer's map; None is the center, index size // 2.
    """

    layer: str
    unit: int
    position: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "unit", whole(self.unit, "unit"))
        if self.position is not None:
            try:
                pair = tuple(self.position)
            except TypeError:
                pair = ()
            if len(pair) != 2:
                raise ValueError(f"a position is (row, column), not {self.position!r}.")
            place = tuple(whole(one, "position") for one in pair)
            object.__setattr__(self, "position", place)

    @property
    def layers(self) -> frozenset[str]:
        return frozenset({self.layer})

    @property
    def linear(self) -> bool:
        return True

    def __call__(self, values: Mapping[str, Tensor]) -> Tensor:
        value = values[self.layer][:, self.unit]
        if value.ndim != 3:
            raise ValueError(f"{self} asks for a position, but {self.layer} has no map.")
        height, width = value.shape[1:]
        row, column = self.position or (height // 2, width // 2)
        if not (row < height and column < width):
            raise ValueError(
                f"{self} asks for a position outside of the map of {self.layer}, "
                f"which is {height} x {width} for this image."
            )
        return value[:, row, column]

    def check(self, network: Network) -> None:
        check_unit(network, self.layer, self.unit)
        if self.position is not None and min(self.position) < 0:
            raise ValueError(f"{self}: positions count from 0.")

    def __str__(self) -> str:
        place = "center" if self.position is None else f"{self.position[0]},{self.position[1]}"
        return f"{self.layer}:{self.unit}@{place}"


@dataclass(frozen=True)
class DeepDream(Objective):
    """The mean square of a whole layer: DeepDream.

    Source: A. Mordvintsev, C. Olah, M. Tyka, "Inceptionism", Google Research blog 2015.

    Attributes:
        layer: The layer's name.
    """

    layer: str

    @property
    def layers(self) -> frozenset[str]:
        return frozenset({self.layer})

    def __call__(self, values: Mapping[str, Tensor]) -> Tensor:
        return values[self.layer].square().flatten(1).mean(1)

    def __str__(self) -> str:
        return f"{self.layer}:*"


@dataclass(frozen=True)
class Direction(Objective):
    """A direction in the space of a layer's channels, averaged over positions.

    Attributes:
        layer: The layer's name.
        vector: One number per unit of the layer.
        cosine: Whether to score the angle (cosine) instead of the projection (dot product).
    """

    layer: str
    vector: tuple[float, ...] = field(repr=False)
    cosine: bool = False

    def __post_init__(self) -> None:
        # An array's numbers print differently from Python's, and the text form must be one.
        object.__setattr__(self, "vector", tuple(float(number) for number in self.vector))
        if not all(map(math.isfinite, self.vector)):
            raise ValueError(f"a direction in {self.layer} has finite numbers only.")

    @property
    def layers(self) -> frozenset[str]:
        return frozenset({self.layer})

    @property
    def linear(self) -> bool:
        return not self.cosine

    def __call__(self, values: Mapping[str, Tensor]) -> Tensor:
        value = _positions(values[self.layer])
        direction = value.new_tensor(self.vector)
        if self.cosine:
            return F.cosine_similarity(value, direction[:, None], dim=1, eps=EPSILON).mean(1)
        return torch.einsum("nup,u->n", value, direction) / value.shape[2]

    def check(self, network: Network) -> None:
        units = network.units(self.layer)
        if len(self.vector) != units:
            raise ValueError(
                f"a direction in {self.layer} has {units} numbers, one per unit, "
                f"not {len(self.vector)}."
            )

    def __str__(self) -> str:
        kind = "cos" if self.cosine else "dot"
        return f"{self.layer}:{kind}[{','.join(map(repr, self.vector))}]"


@dataclass(frozen=True)
class Logit(Objective):
    """The score of a class before the softmax, for networks with a classifier.

    Where a network scores every place, as for segmentation, it is the mean over all places.

    Attributes:
        index: Index of the class, or its name in the network's own `classes`.
    """

    index: int | str

    def __post_init__(self) -> None:
        if not isinstance(self.index, str):
            object.__setattr__(self, "index", whole(self.index, "class's index"))

    @property
    def layers(self) -> frozenset[str]:
        return frozenset({OUTPUT})

    def __call__(self, values: Mapping[str, Tensor]) -> Tensor:
        if isinstance(self.index, str):
            raise TypeError(
                f"class {self.index!r} has no index without a network; "
                f"Logit({self.index!r}).resolve(network) gives it one."
            )
        scores = values[OUTPUT][:, self.index]
        return scores if scores.ndim == 1 else scores.flatten(1).mean(1)

    def check(self, network: Network) -> None:
        network.class_index(self.index)

    def resolve(self, network: Network) -> "Logit":
        return replace(self, index=network.class_index(self.index))

    def __str__(self) -> str:
        return f"logit:[{self.index}]" if isinstance(self.index, str) else f"logit:{self.index}"


@dataclass(frozen=True)
class Diversity(Objective):
    """How little the images that share an objective resemble each other in a layer.

    The negative mean cosine between an image's Gram matrix of the layer and those of the other
    images; 0 for an image that is alone. Images of one call to `maximize` whose objectives are
    equal form a group.

    Source: Olah et al., "Feature Visualization", Distill 2017, section "Diversity".

    Attributes:
        layer: The layer's name.
    """

    layer: str

    @property
    def layers(self) -> frozenset[str]:
        return frozenset({self.layer})

    def __call__(self, values: Mapping[str, Tensor]) -> Tensor:
        inner = _gram_products(_positions(values[self.layer]))
        norms = (inner.diagonal() + EPSILON).sqrt()
        cosines = inner / (norms[:, None] * norms)
        others = max(1, len(inner) - 1)
        return -(cosines - cosines.diag().diag()).sum(1) / others

    def __str__(self) -> str:
        return f"diversity:{self.layer}"


def whole(value: SupportsIndex, what: str) -> int:
    """Returns a whole number as Python's own: others print otherwise, and can't be part of a key.

    Args:
        value: The number, NumPy's or torch's too.
        what: What to call it.

    Raises:
        TypeError: It is no whole number.
    """
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"a {what} is a whole number, not {value!r}.") from None


def _gram_products(value: Tensor) -> Tensor:
    """Inner products (N, N) of the Gram matrices of (N, units, positions), by the shorter way.

    The inner product of two Gram matrices is the sum of the squared products of all positions of
    one with all of the other: deep maps have hundreds of units and a few positions.
    """
    count, units, positions = value.shape
    exact = widened(value)
    if positions >= units:
        grams = (exact @ exact.mT).flatten(1)
        return (grams @ grams.T).to(value.dtype)
    rows = exact.mT.reshape(count * positions, units)
    squares = (rows @ rows.T).square()
    return squares.view(count, positions, count, positions).sum((1, 3)).to(value.dtype)


def _positions(value: Tensor) -> Tensor:
    """A layer's value as (N, units, positions); a linear layer's has one position."""
    return value.reshape(*value.shape[:2], -1)
