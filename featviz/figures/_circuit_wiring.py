"""Which units stand in the columns of a circuit's figure, and which lines join them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class CircuitLayer:
    """A layer's units, and what each of them is made of.

    Args:
        layer: Its name.
        images: (U,3,H,W) uint8, a picture of each unit.
        sees: Receptive field in pixels.
        columns: Earlier layer -> (U,k) its units in the circuit of each unit, strongest first.
        shares: Earlier layer -> (U,k) what these add to the unit's value, as parts of it, signed.
        weights: (U,B) how strongly each unit of the layer before counts; none for a first layer.
        kernels: (U,B,h,w) the same place by place.
        expanded: Layers before the one before -> (U,k,h,w) weights of the units of `columns`
            through all that lies between.
    """

    layer: str
    images: NDArray[np.uint8]
    sees: int
    columns: Mapping[str, ArrayLike] = field(default_factory=dict)
    shares: Mapping[str, ArrayLike] = field(default_factory=dict)
    weights: ArrayLike | None = None
    kernels: ArrayLike | None = None
    expanded: Mapping[str, ArrayLike] = field(default_factory=dict)

    @cached_property
    def sums(self) -> NDArray[np.float64]:
        """The lines' weights (U,B)."""
        return np.asarray(self.weights, np.float64)

    @cached_property
    def circuits(self) -> dict[str, NDArray[np.int64]]:
        """The columns as arrays (U,k)."""
        return {name: np.asarray(units, np.int64) for name, units in self.columns.items()}


class Wiring:
    """The units that are drawn for any root, and the lines between them.

    Args:
        layers: From shallow to deep.
    """

    def __init__(self, layers: Sequence[CircuitLayer]) -> None:
        self.layers = layers
        self.rows = max(
            [units.shape[1] for layer in layers for units in layer.circuits.values()], default=1
        )
        self.readers = [
            np.argsort(-np.abs(after.sums), axis=0, kind="stable")[: self.rows].T
            for after in layers[1:]
        ]

    def units(self, depth: int, unit: int) -> dict[int, list[int]]:
        """The units of each column: those that read the root most, the root, its circuit."""
        columns = {depth: [unit]}
        if depth + 1 < len(self.layers):
            columns[depth + 1] = self.readers[depth][unit].tolist()
        for index, layer in enumerate(self.layers[:depth]):
            columns[index] = self.layers[depth].circuits[layer.layer][unit].tolist()
        return columns

    def joined(self, depth: int, unit: int) -> Iterator[tuple[int, int, int, float, float]]:
        """Every line: column, unit there, unit before, weight, and its share of the largest."""
        columns = self.units(depth, unit)
        for index in sorted(set(columns) & {one + 1 for one in columns}):
            rows, before = columns[index], columns[index - 1]
            table = self.layers[index].sums[np.ix_(rows, before)]
            top = np.abs(table).max() or 1.0
            for (row, column), weight in np.ndenumerate(table):
                yield index, rows[row], before[column], float(weight), float(abs(weight) / top)

    def place(self, columns: Mapping[int, list[int]], index: int, unit: int) -> tuple[float, float]:
        """Where a unit stands: columns from the left, deep ones first, and rows from the top."""
        drawn = columns[index]
        return len(self.layers) - 1 - index, (self.rows - len(drawn) + 1) / 2 + drawn.index(unit)

    @cached_property
    def pairs(self) -> list[NDArray[np.int64]]:
        """(P,2) pairs of units of each layer and the one before that some line joins, in order."""
        found: list[list[NDArray[np.int64]]] = [[] for _ in self.layers]
        for index, readers in enumerate(self.readers):
            units = np.arange(len(readers))[:, None]
            found[index + 1].append(np.stack([readers, units + 0 * readers], -1).reshape(-1, 2))
        for depth, layer in enumerate(self.layers):
            names = [one.layer for one in self.layers[:depth]]
            chain = [layer.circuits[name] for name in names]
            chain.append(np.arange(len(layer.images))[:, None])
            for index in range(1, depth + 1):
                upper, lower = np.broadcast_arrays(
                    chain[index][:, :, None], chain[index - 1][:, None, :]
                )
                found[index].append(np.stack([upper, lower], -1).reshape(-1, 2))
        return [
            np.unique(np.concatenate(lists), axis=0) if lists else np.zeros((0, 2), np.int64)
            for lists in found
        ]


def check(layer: CircuitLayer, before: CircuitLayer | None) -> None:
    """Raises a ValueError that names what does not fit a layer's units."""
    count = len(layer.images)
    if before is None:
        return
    shape = (count, len(before.images))
    for name, table in (("weights", layer.weights), ("kernels", layer.kernels)):
        given = np.asarray(table).shape[:2]
        if given != shape:
            raise ValueError(
                f"{name} of {layer.layer} have shape {given}: expected {shape}, its units and "
                f"those of {before.layer}."
            )
    for name, units in layer.circuits.items():
        shares = np.asarray(layer.shares.get(name)).shape
        if units.ndim != 2 or len(units) != count or shares != units.shape:
            raise ValueError(
                f"columns[{name!r}] of {layer.layer} has shape {units.shape} and its shares "
                f"{shares}: expected ({count}, k) for both."
            )


def find(layers: Sequence[CircuitLayer], start: str) -> tuple[int, int]:
    """The place of a unit's layer, and its number."""
    name, _, digits = start.rpartition(":")
    for index, layer in enumerate(layers):
        if layer.layer == name and digits.isdigit() and int(digits) < len(layer.images):
            return index, int(digits)
    offers = ", ".join(f"{one.layer}:0 to {one.layer}:{len(one.images) - 1}" for one in layers)
    raise ValueError(f"start is {start!r}, which is no unit here: give one of {offers}.")
