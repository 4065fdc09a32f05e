"""Whether a circuit is what a unit is made of: what is left of the unit without it, or by it alone.

Source: the two tests, on the circuit removed and on all else removed, follow K. Wang et al.,
"Interpretability in the Wild", ICLR 2023, section 4; means in place of values, its section 2.2.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from featviz.circuits.graph import KEEP, Circuit, Circuits, find_circuits
from featviz.circuits.linear import behind
from featviz.circuits.places import Views, cut_views, find_peaks, single
from featviz.measures.statistics import Interval, crossed
from featviz.network.ablation import Photographs, ablate, mean_values
from featviz.network.network import Network, private_view
from featviz.network.passes import own_mode, run_to
from featviz.network.returned import LayerRef

CONDITIONS = ("circuit removed", "random removed", "circuit kept", "random kept")
"""What is taken away: the circuit or random units in its place; all else of the circuit's layers,
or all but the random units."""

STRONGEST = 8
"""Photographs per unit on which its response is compared, those where it is strongest."""

OTHERS = 8
"""Further ones for the correlation, spread evenly over the rest, from strong to weak."""

NEAR = 8
"""Units of most similar mean activation among which one is drawn in place of a circuit's."""

Array = NDArray[np.floating]

Table = list[list[Interval]]


@dataclass(frozen=True, eq=False)
class Faithfulness:
    """What units of one layer give with their circuits removed, and with nothing else left.

    Each unit is read before its activation, at its strongest place of each photograph.

    Attributes:
        layer: The layer.
        units: (units,) their indices.
        keeps: How many units per earlier layer make the circuit, one after the other.
        photographs: (units, n) which photographs each was read on: `STRONGEST`, then `OTHERS`.
        original: (units, n) what it gives there.
        values: (units, keeps, conditions, n) what it gives under each of `CONDITIONS`.
    """

    layer: str
    units: NDArray[np.integer]
    keeps: tuple[int, ...]
    photographs: NDArray[np.integer]
    original: Array
    values: Array

    def responses(self) -> Array:
        """Returns how much of each unit's response is left, (units, keeps, conditions).

        It is the mean over the photographs where the unit is strongest, negative values as 0,
        divided by the same without ablation; NaN for units that are active on none of them.
        """
        return _responses(self.original, self.values, np.ones(self.original.shape, bool))

    def correlations(self) -> Array:
        """Returns the correlation with the original values, (units, keeps, conditions).

        It is over all photographs of a unit, strong and weak; 0 where nothing varies.
        """
        return _correlations(self.original, self.values, np.ones(self.original.shape, bool))

    def intervals(self) -> tuple[Table, Table]:
        """Returns the mean of responses and of correlations over units, with 95 % intervals.

        They allow for other units and other photographs (`measures.statistics.crossed`); for one
        unit alone for other photographs.

        Returns:
            Responses and correlations: for each of `keeps` an interval per condition.
        """
        return self._intervals(lambda both: both)

    def differences(self) -> tuple[Table, Table]:
        """Returns how much more the circuit does than random units, with 95 % intervals.

        Returns:
            Responses and correlations: for each of `keeps` what is left with the circuit removed,
            less with random units removed; and by the circuit alone, less by random units alone.
        """
        return self._intervals(lambda both: both[..., 0::2] - both[..., 1::2])

    def _intervals(self, change: Callable[[Array], Array]) -> tuple[Table, Table]:
        names, places = np.unique(self.photographs, return_inverse=True)
        places = places.reshape(self.photographs.shape)
        alone = len(self.units) == 1

        def statistic(*stay: NDArray[np.integer]) -> Array:
            rows = np.zeros(1, np.int64) if alone else stay[0]
            sides = self.original[rows], self.values[rows], np.isin(places[rows], stay[-1])
            both = np.stack([np.nanmean(of(*sides), 0) for of in (_responses, _correlations)])
            return change(both).ravel()

        counts = [len(names)] if alone else [len(self.units), len(names)]
        ends = crossed(statistic, counts)
        width = len(ends) // (2 * len(self.keeps))
        rows = [ends[first : first + width] for first in range(0, len(ends), width)]
        return rows[: len(self.keeps)], rows[len(self.keeps) :]


def without_circuit(network: Network, circuit: Circuit, images: Photographs) -> Network:
    """Returns the network with a circuit's units, but for its root, set to their means.

    Args:
        network: The network; it stays as it is.
        circuit: The circuit.
        images: Photographs whose means they are; those of the values after the activation.
    """
    units = {behind(network, name).name: some for name, some in circuit.units.items()}
    return ablate(network, units, images=images)


def circuit_alone(network: Network, circuit: Circuit, images: Photographs) -> Network:
    """Returns the network with all else in a circuit's earlier layers set to its mean.

    Args:
        network: The network; it stays as it is.
        circuit: The circuit.
        images: As for `without_circuit`.
    """
    rest = {
        behind(network, name).name: [
            unit for unit in range(network.units(name)) if unit not in some
        ]
        for name, some in circuit.units.items()
    }
    return ablate(network, rest, images=images)


def drawn_units(network: Network, layer: str, count: int, seed: int = 0) -> list[int]:
    """Returns units of a layer drawn at random, in order.

    Args:
        network: The network.
        layer: The layer's name.
        count: How many, at most all.
        seed: Where randomness comes from.
    """
    order = torch.randperm(network.units(layer), generator=torch.Generator().manual_seed(seed))
    return sorted(order[:count].tolist())


def prove_circuits(
    network: Network,
    layer: str,
    units: Sequence[int],
    images: Photographs,
    *,
    keeps: Sequence[int] = (KEEP,),
    seed: int = 0,
) -> Faithfulness:
    """Finds units' circuits on every other photograph and tests them on the rest.

    Args:
        network: The network; it stays as it is.
        layer: The units' layer.
        units: The units.
        images: Photographs, as for `find_circuit`.
        keeps: Units per earlier layer.
        seed: Where the random units come from.

    Returns:
        What is left of the units.

    Raises:
        ValueError: There are fewer than two photographs, or as `find_circuit`.
    """
    each = single(images)
    if len(each) < 2:
        raise ValueError(
            f"some photographs choose and others test: give 2 or more, not {len(each)}."
        )
    circuits = find_circuits(network, layer, each[::2], units=units, keep=max(keeps))
    return measure_faithfulness(network, circuits, each[1::2], keeps=keeps, seed=seed)


@own_mode()
def measure_faithfulness(
    network: Network,
    circuits: Circuits,
    images: Photographs,
    *,
    keeps: Sequence[int] | None = None,
    seed: int = 0,
) -> Faithfulness:
    """Measures what is left of units without their circuits, and by their circuits alone.

    What is removed gives its mean over the photographs, everywhere. In place of each unit of a
    circuit a random one of its layer, outside of the circuit and about as active in the mean, is
    removed or kept for comparison.

    Args:
        network: The network; it stays as it is.
        circuits: The units' circuits, found on other photographs.
        images: Photographs (3, H, W) in [0, 1], or a batch (N, 3, H, W).
        keeps: How many units per layer of the circuits, the strongest; without it all.
        seed: Where the random units come from.

    Returns:
        What is left of each.

    Raises:
        ValueError: A circuit has fewer units per layer, or there are no photographs.
    """
    most = min(units.shape[1] for units in circuits.units)
    numbers = (most,) if keeps is None else tuple(keeps)
    if not 1 <= min(numbers) <= max(numbers) <= most:
        raise ValueError(f"the circuits have 1 to {most} units per layer, not {list(numbers)}.")
    layer, roots = circuits.layers[0], circuits.roots.tolist()
    refs = [behind(network, name) for name in circuits.layers[1:]]
    averages = mean_values(network, [ref.name for ref in refs], images)
    means = [averages[ref.name] for ref in refs]
    each, peaks = single(images), find_peaks(network, layer, images)
    generator = torch.Generator().manual_seed(seed)
    photographs, originals, values = [], [], []
    for row, root in enumerate(roots):
        chosen = _spread(peaks.values[:, root])
        views = cut_views(network, layer, each, peaks, [root], chosen[None])
        masks = _masks([units[row] for units in circuits.units], means, numbers, generator)
        scores = _scores(network, layer, refs, means, views, masks)
        photographs.append(chosen.numpy())
        originals.append(peaks.values[chosen, root].numpy())
        values.append(scores.view(len(numbers), len(CONDITIONS), -1).numpy())
    return Faithfulness(
        layer,
        circuits.roots,
        numbers,
        np.stack(photographs),
        np.stack(originals),
        np.stack(values),
    )


def _spread(values: Tensor) -> Tensor:
    """Which photographs a unit is read on: the strongest, and some of the rest, evenly."""
    order = values.argsort(descending=True, stable=True)
    rest = order[STRONGEST:]
    even = torch.linspace(0, len(rest) - 1, min(OTHERS, len(rest))).round().long()
    return torch.cat([order[:STRONGEST], rest[even]])


def _masks(
    circuit: Sequence[NDArray[np.integer]],
    means: Sequence[Tensor],
    keeps: Sequence[int],
    generator: torch.Generator,
) -> list[Tensor]:
    """Which units are removed, for each earlier layer (keeps x conditions, units)."""
    masks = []
    for units, mean in zip(circuit, means, strict=True):
        rows = []
        others = _alike(units, mean, generator)
        for keep in keeps:
            removed = torch.zeros(2, len(mean), dtype=torch.bool)
            removed[0, units[:keep]] = True
            removed[1, others[:keep]] = True
            rows += [removed, ~removed]
        masks.append(torch.cat(rows))
    return masks


def _alike(units: NDArray[np.integer], mean: Tensor, generator: torch.Generator) -> list[int]:
    """For each unit a random one that is about as active, none twice and none of the units."""
    free = torch.ones(len(mean), dtype=torch.bool)
    free[units] = False
    drawn = []
    for unit in units.tolist():
        candidates = free.nonzero()[:, 0]
        near = (mean[candidates] - mean[unit]).abs().argsort(stable=True)[:NEAR]
        pick = int(candidates[near[torch.randint(len(near), (), generator=generator)]])
        free[pick] = False
        drawn.append(pick)
    return drawn


def _scores(
    network: Network,
    layer: str,
    refs: Sequence[LayerRef],
    means: Sequence[Tensor],
    views: Views,
    masks: Sequence[Tensor],
) -> Tensor:
    """What a unit gives in each of its views, (masks, views), with units set to their means."""
    root = network.resolve(layer)
    view = private_view(network, [root, *refs]).to(views.images.device)
    current: list[Tensor] = []

    def setter(index: int, ref: LayerRef) -> Any:
        def hook(_module: object, _arguments: object, result: Any) -> Any:
            value = ref.read(result)
            shape = (-1, value.shape[1], *(1,) * (value.ndim - 2))
            mask, mean = current[index].view(shape), means[index].to(value.device).view(shape)
            return ref.put(result, torch.where(mask, mean, value))

        return hook

    scores = []
    with ExitStack() as hooks, torch.no_grad():
        for index, ref in enumerate(refs):
            handle = view.get_submodule(ref.source).register_forward_hook(setter(index, ref))
            hooks.callback(handle.remove)
        for rows in zip(*masks, strict=True):
            current = [row[None].to(views.images.device) for row in rows]
            parts = [
                part.read(run_to(view, network.normalize(part.images), [root])[root.name])
                for part in views.parts()
            ]
            scores.append(torch.cat(parts))
    return torch.stack(scores).cpu()


def _responses(original: Array, values: Array, within: NDArray[np.bool_]) -> Array:
    strong = within[:, :STRONGEST]
    whole = (original[:, :STRONGEST].clip(0) * strong).sum(1)
    left = (values[..., :STRONGEST].clip(0) * strong[:, None, None]).sum(-1)
    share: Array = left / np.where(whole > 0, whole, np.nan)[:, None, None]
    return share


def _correlations(original: Array, values: Array, within: NDArray[np.bool_]) -> Array:
    weights = within[:, None, None] / within.sum(1).clip(1)[:, None, None, None]
    sides = [original[:, None, None].astype(np.float64), values.astype(np.float64)]
    one, other = (side - (side * weights).sum(-1, keepdims=True) for side in sides)
    spreads = (weights * one**2).sum(-1) * (weights * other**2).sum(-1)
    together = (weights * one * other).sum(-1)
    ratio: Array = np.where(spreads > 0, together / np.sqrt(np.where(spreads > 0, spreads, 1)), 0)
    return ratio
