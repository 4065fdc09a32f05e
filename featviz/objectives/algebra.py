"""Objectives as an algebra: what every one of them can do, and their weighted sums."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from numbers import Real

import torch
from torch import Tensor

from featviz.network.network import Network

IMAGE = "image"
"""The name under which an objective reads the image itself, (N, 3, H, W) in [0, 1]."""


class Objective:
    """What one image is asked to excite; abstract.

    Objectives form an algebra: `a + b`, `a - b`, `0.5 * a`, `a / 2`, `-a` and `sum([a, b])` are
    objectives. They compare by value, and `str()` gives the text form that `featviz.parse` reads.
    """

    @property
    def layers(self) -> frozenset[str]:
        """The layers whose values the objective reads; `"image"` is the image itself."""
        raise NotImplementedError

    @property
    def linear(self) -> bool:
        """Whether the value is a linear function of the layers' values."""
        return False

    def __call__(self, values: Mapping[str, Tensor]) -> Tensor:
        """Scores images.

        Args:
            values: Layer name -> value (N, units, h, w), for each of `layers`. All N images are
                asked for this same objective; only `Diversity` makes them answer to each other.

        Returns:
            (N,) values; higher is better.
        """
        raise NotImplementedError

    def check(self, network: Network) -> None:
        """Raises a ValueError, with what is valid, if the network can't answer the objective."""
        for layer in self.layers - {IMAGE}:
            network.resolve(layer)

    def resolve(self, network: Network) -> "Objective":
        """Returns the objective as the network knows it: checked, classes by their indices.

        Args:
            network: The network.

        Raises:
            ValueError: The network can't answer the objective.
        """
        self.check(network)
        return self

    def __add__(self, other: "Objective") -> "Objective":
        if not isinstance(other, Objective):
            return NotImplemented
        return weighted_sum([(1.0, self), (1.0, other)])

    def __radd__(self, other: int) -> "Objective":
        # `sum` starts from 0.
        return self if isinstance(other, int) and other == 0 else NotImplemented

    def __sub__(self, other: "Objective") -> "Objective":
        if not isinstance(other, Objective):
            return NotImplemented
        return weighted_sum([(1.0, self), (-1.0, other)])

    def __neg__(self) -> "Objective":
        return -1.0 * self

    def __mul__(self, weight: float) -> "Objective":
        if not isinstance(weight, Real):
            return NotImplemented
        return weighted_sum([(weight, self)])

    __rmul__ = __mul__

    def __truediv__(self, weight: float) -> "Objective":
        if not isinstance(weight, Real):
            return NotImplemented
        return weighted_sum([(1 / weight, self)])


@dataclass(frozen=True)
class Sum(Objective):
    """A weighted sum of objectives; what the algebra makes.

    Attributes:
        terms: (weight, objective) pairs. Sums among them are dissolved, terms that are equal are
            merged and the order is fixed, so that equal sums compare equal.
    """

    terms: tuple[tuple[float, Objective], ...]

    def __post_init__(self) -> None:
        weights: dict[Objective, float] = {}
        for outer, part in self.terms:
            for inner, term in weighted_terms(part):
                weights[term] = weights.get(term, 0.0) + float(outer) * inner
        for term, weight in weights.items():
            if not math.isfinite(weight):
                raise ValueError(f"the weight of {term} is a finite number, not {weight}.")
        pairs = sorted(((w, t) for t, w in weights.items()), key=lambda pair: str(pair[1]))
        object.__setattr__(self, "terms", tuple(pairs))

    @property
    def layers(self) -> frozenset[str]:
        return frozenset().union(*(term.layers for _, term in self.terms))

    @property
    def linear(self) -> bool:
        return all(term.linear for _, term in self.terms)

    def __call__(self, values: Mapping[str, Tensor]) -> Tensor:
        return torch.stack([weight * term(values) for weight, term in self.terms]).sum(0)

    def check(self, network: Network) -> None:
        for _, term in self.terms:
            term.check(network)

    def resolve(self, network: Network) -> "Sum":
        return Sum(tuple((weight, term.resolve(network)) for weight, term in self.terms))

    def __str__(self) -> str:
        text = ""
        for weight, term in self.terms:
            sign = "-" if weight < 0 else "+"
            factor = "" if abs(weight) == 1 else f"{abs(weight)!r}*"
            text += f" {sign} {factor}{term}" if text else f"{sign.strip('+')}{factor}{term}"
        return text


def weighted_sum(terms: Iterable[tuple[float, Objective]]) -> Objective:
    """Returns the sum of (weight, objective) pairs; one objective of weight 1 is itself."""
    total = Sum(tuple(terms))
    if len(total.terms) == 1 and total.terms[0][0] == 1:
        return total.terms[0][1]
    return total


def weighted_terms(objective: Objective) -> tuple[tuple[float, Objective], ...]:
    """Returns the (weight, objective) pairs that an objective is the sum of: its own, or itself."""
    return objective.terms if isinstance(objective, Sum) else ((1.0, objective),)
