"""The graph of a circuit: which units of each earlier layer a unit is made of, and how."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from featviz.circuits.contributions import BEST, contributions
from featviz.circuits.expanded import expanded_weights
from featviz.circuits.linear import behind, linear_way
from featviz.circuits.places import cut_views, find_peaks, strongest_photographs
from featviz.network.ablation import Photographs, single
from featviz.network.network import Network, check_units
from featviz.network.passes import own_mode

KEEP = 4
"""Units per layer, unless the caller says otherwise."""

Array = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Column:
    """The units of one layer that are part of a circuit.

    Attributes:
        layer: The layer's name.
        units: (n,) their indices, strongest first.
        strengths: (n,) what each adds to the root's value, in the mean over the photographs where
            the root is strongest: its activations times the gradient, signed. Of the root itself
            its mean value there.
    """

    layer: str
    units: NDArray[np.integer]
    strengths: Array


@dataclass(frozen=True, eq=False)
class Circuit:
    """What a unit is made of, layer by layer.

    Attributes:
        columns: The root's column, which holds it alone, and one for each earlier layer, from the
            root down.
        edges: Between each column and the next: (units, next column's units, kh, kw) the expanded
            weights by which the first read the second.
        paths: Between each column and the next: over how many paths the weights are summed; more
            than 1 where residual sums or branches lie between.
    """

    columns: tuple[Column, ...]
    edges: tuple[Array, ...]
    paths: tuple[int, ...]

    @property
    def layer(self) -> str:
        """The root's layer."""
        return self.columns[0].layer

    @property
    def unit(self) -> int:
        """The root's index."""
        return int(self.columns[0].units[0])

    @property
    def units(self) -> dict[str, list[int]]:
        """The units of each earlier layer, without the root."""
        return {column.layer: column.units.tolist() for column in self.columns[1:]}

    @property
    def weights(self) -> tuple[Array, ...]:
        """The edges summed over places: (units, next column's units) each, signed."""
        return tuple(edge.sum((2, 3)) for edge in self.edges)

    def record(self) -> dict[str, object]:
        """Returns the circuit as lists, numbers and texts, for JSON."""
        columns = [
            {
                "layer": column.layer,
                "units": column.units.tolist(),
                "strengths": column.strengths.tolist(),
            }
            for column in self.columns
        ]
        edges = [
            {"weights": weights.tolist(), "kernels": edge.tolist(), "paths": paths}
            for weights, edge, paths in zip(self.weights, self.edges, self.paths, strict=True)
        ]
        return {"unit": f"{self.layer}:{self.unit}", "columns": columns, "edges": edges}


@dataclass(frozen=True, eq=False)
class Circuits:
    """The circuits of several units of one layer, as arrays.

    Attributes:
        layers: The roots' layer and the earlier ones, from the roots down.
        roots: (roots,) the roots' indices.
        values: (roots,) their mean values on the photographs where they are strongest.
        units: For each earlier layer (roots, keep) the units' indices, strongest first.
        strengths: For each earlier layer (roots, keep), as in `Column`.
        edges: Between each layer and the next (roots, keep, next layer's keep, kh, kw), as in
            `Circuit`; the first keep is 1, the root.
        paths: As in `Circuit`.
    """

    layers: tuple[str, ...]
    roots: NDArray[np.integer]
    values: Array
    units: tuple[NDArray[np.integer], ...]
    strengths: tuple[Array, ...]
    edges: tuple[Array, ...]
    paths: tuple[int, ...]

    def __getitem__(self, unit: int) -> Circuit:
        """Returns the circuit of one unit, by its index in the layer."""
        if unit not in self.roots:
            raise KeyError(f"{self.layers[0]}:{unit} isn't among the roots of these circuits.")
        row = self.roots.tolist().index(unit)
        first = Column(self.layers[0], self.roots[row : row + 1], self.values[row : row + 1])
        rest = [
            Column(layer, units[row], strengths[row])
            for layer, units, strengths in zip(
                self.layers[1:], self.units, self.strengths, strict=True
            )
        ]
        return Circuit((first, *rest), tuple(edge[row] for edge in self.edges), self.paths)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Returns everything as named arrays, for `Store.arrays`; `from_arrays` takes them back."""
        named: dict[str, NDArray[np.generic]] = {
            # As bytes, because a store takes numbers alone.
            "layers": np.frombuffer("\n".join(self.layers).encode(), np.uint8),
            "roots": self.roots,
            "values": self.values,
            "paths": np.array(self.paths, dtype=np.int64),
        }
        for name in ("units", "strengths", "edges"):
            named |= {f"{name}_{at}": one for at, one in enumerate(getattr(self, name))}
        return named

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> "Circuits":
        """Makes circuits again of what `arrays` has returned.

        Args:
            arrays: The named arrays.
        """
        layers = tuple(arrays["layers"].tobytes().decode().split("\n"))
        parts = {
            name: tuple(arrays[f"{name}_{at}"] for at in range(len(layers) - 1))
            for name in ("units", "strengths", "edges")
        }
        paths = tuple(arrays["paths"].tolist())
        return cls(layers, arrays["roots"], arrays["values"], paths=paths, **parts)  # type: ignore[arg-type]


def find_circuit(
    network: Network,
    root: str | tuple[str, int],
    images: Photographs,
    *,
    keep: int = KEEP,
    layers: Sequence[str] | None = None,
    best: int = BEST,
) -> Circuit:
    """Finds the units of earlier layers that a unit is made of.

    On the photographs where the unit is strongest, its value is attributed to all units of all
    earlier layers, by `attributions`; of each layer those stay that add or take away most in the
    mean. Photographs on which it is not above 0 don't count, unless it is so on none. Between
    neighboring layers the expanded weights are the edges.

    Args:
        network: The network; it stays as it is.
        root: The unit, as "conv5:12" or ("conv5", 12).
        images: Photographs (3, H, W) in [0, 1], or a batch (N, 3, H, W).
        keep: Units per layer.
        layers: The earlier layers, from the root down; without it all of `network.layers` through
            which everything passes that the unit knows of the image.
        best: Photographs on which the unit is taken apart, those where it is strongest.

    Returns:
        The circuit; the same for the same photographs.

    Raises:
        UnknownLayerError: The network has no such layer.
        UnknownUnitError: The layer has no such unit.
        ValueError: Something between two of the layers can't be made linear, no layer comes before
            the unit, or there are no photographs.
    """
    layer, unit = _root(root)
    return find_circuits(network, layer, images, units=[unit], keep=keep, layers=layers, best=best)[
        unit
    ]


def find_circuits(
    network: Network,
    layer: str,
    images: Photographs,
    *,
    units: Sequence[int] | None = None,
    keep: int = KEEP,
    layers: Sequence[str] | None = None,
    best: int = BEST,
) -> Circuits:
    """Finds the circuits of units of one layer, all at a time.

    Args:
        network: The network; it stays as it is.
        layer: Their layer.
        images: As for `find_circuit`, like all that follow.
        units: Which units; without it all.
        keep: As there.
        layers: As there.
        best: As there.

    Returns:
        The circuits, by unit.

    Raises:
        ValueError: As there.
    """
    _check_keep(keep)
    found = find_strengths(network, layer, images, units=units, layers=layers, best=best)
    return circuits_of(network, found, keep=keep)


@dataclass(frozen=True, eq=False)
class Strengths:
    """What every unit of earlier layers adds to units of one layer.

    Attributes:
        layers: The roots' layer and the earlier ones, from the roots down.
        roots: (roots,) the roots' indices.
        values: (roots,) their mean values on the photographs where they are strongest.
        added: For each earlier layer (roots, units) what its units add, as in `Column`.
    """

    layers: tuple[str, ...]
    roots: NDArray[np.integer]
    values: Array
    added: tuple[Array, ...]


@own_mode()
def find_strengths(
    network: Network,
    layer: str,
    images: Photographs,
    *,
    units: Sequence[int] | None = None,
    layers: Sequence[str] | None = None,
    best: int = BEST,
) -> Strengths:
    """Finds what every unit of earlier layers adds to units of one layer.

    Args:
        network: The network; it stays as it is.
        layer: Their layer.
        images: As for `find_circuit`, like all that follow.
        units: Which units; without it all.
        layers: As there.
        best: As there.

    Returns:
        What they add.

    Raises:
        ValueError: As there.
    """
    roots = list(range(network.units(layer)) if units is None else units)
    check_units(network, layer, roots)
    layers = (layers,) if isinstance(layers, str) else layers
    earlier = tuple(columns_before(network, layer) if layers is None else layers)
    values, means = _means(network, layer, images, roots, earlier, best)
    added = tuple(one.numpy() for one in means)
    return Strengths((layer, *earlier), np.array(roots), values.numpy(), added)


@own_mode()
def circuits_of(
    network: Network, found: Strengths, *, units: Sequence[int] | None = None, keep: int = KEEP
) -> Circuits:
    """Draws the circuits of units from what earlier units add to them.

    Args:
        network: The network; it stays as it is.
        found: What they add.
        units: Which of its roots; without it all.
        keep: Units per layer.

    Returns:
        The circuits, by unit.

    Raises:
        ValueError: Something between two of the layers can't be made linear, a unit isn't a root,
            or fewer than one unit per layer.
    """
    _check_keep(keep)
    layer, *earlier = found.layers
    places = {unit: row for row, unit in enumerate(found.roots.tolist())}
    for unit in units or ():
        if unit not in places:
            raise ValueError(f"{layer}:{unit} isn't among the roots of these strengths.")
    rows = slice(None) if units is None else [places[unit] for unit in units]
    means = [torch.from_numpy(one[rows]) for one in found.added]
    parts = [strongest(one, keep) for one in means]
    roots = torch.from_numpy(found.roots[rows])
    columns = [(layer, roots[:, None]), *zip(earlier, parts, strict=True)]
    pairs = list(pairwise(columns))
    return Circuits(
        found.layers,
        found.roots[rows],
        found.values[rows],
        tuple(one.numpy() for one in parts),
        tuple(one.gather(1, part).numpy() for one, part in zip(means, parts, strict=True)),
        tuple(_edges(network, *later, *first) for later, first in pairs),
        tuple(linear_way(network, later, first).paths for (later, _), (first, _) in pairs),
    )


def _check_keep(keep: int) -> None:
    if keep < 1:
        raise ValueError(f"keep is at least 1 unit per layer, not {keep}.")


def _means(
    network: Network,
    layer: str,
    images: Photographs,
    roots: Sequence[int],
    earlier: Sequence[str],
    best: int,
) -> tuple[Tensor, list[Tensor]]:
    """The roots' values (roots,), and what each earlier layer's units add to it (roots, units)."""
    peaks = find_peaks(network, layer, images)
    chosen = strongest_photographs(peaks, roots, best)
    values = peaks.values[chosen, torch.tensor(roots)[:, None]]
    there = (values > 0) | ~(values > 0).any(1, keepdim=True)
    weights = there / there.sum(1, keepdim=True)
    views = cut_views(network, layer, single(images), peaks, roots, chosen)
    sums: list[list[Tensor]] = [[] for _ in earlier]
    for _, maps in contributions(network, layer, views, earlier):
        for some, one in zip(sums, maps, strict=True):
            some.append((one.flatten(2).sum(2) if one.ndim > 2 else one).cpu())
    tables = [torch.cat(some).view(*values.shape, -1) for some in sums]
    return (values * weights).sum(1), [(one * weights[..., None]).sum(1) for one in tables]


def columns_before(network: Network, layer: str) -> tuple[str, ...]:
    """Returns the layers through which everything passes that a layer is given, deepest first.

    Args:
        network: The network.
        layer: The layer's name.

    Raises:
        ValueError: There are none.
    """
    root = network.resolve(layer).source
    names = tuple(
        name
        for name in reversed(network.layers)
        if network.resolve(name).source != root
        and network.graph.is_gate(behind(network, name).source, [root])
    )
    if not names:
        raise ValueError(
            f"no layer of {network.name} comes before {layer}, with all that it is given passing "
            f"through it, so it has no circuit; name earlier layers of {', '.join(network.layers)}."
        )
    return names


def strongest(strengths: Tensor, keep: int) -> Tensor:
    """Returns the indices (roots, keep) of the largest of (roots, units), whatever their sign.

    Of equal ones the first are taken.
    """
    order = strengths.abs().sort(dim=1, descending=True, stable=True).indices
    return order[:, :keep]


def _edges(network: Network, later: str, units: Tensor, earlier: str, parts: Tensor) -> Array:
    """The expanded weights between two columns of all circuits: (roots, keep, keep, kh, kw)."""
    numbers, rows = torch.unique(units, return_inverse=True)
    weights = expanded_weights(network, later, numbers.tolist(), earlier).cpu()
    edges: Array = weights[rows[:, :, None], parts[:, None, :]].numpy()
    return edges


def _root(root: str | tuple[str, int]) -> tuple[str, int]:
    """A unit's layer and index."""
    if not isinstance(root, str):
        return root
    layer, _, unit = root.rpartition(":")
    if not layer or not unit.isdecimal():
        raise ValueError(f"a unit is a layer's name and an index, as in conv5:12, not {root!r}.")
    return layer, int(unit)
