"""Circuits taken away, or left alone: what their units then give."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from featviz.circuits.faithfulness import CONDITIONS, STRONGEST, Faithfulness
from featviz.circuits.graph import KEEP, Circuit, Circuits, find_circuits
from featviz.circuits.linear import behind
from featviz.circuits.places import Views, cut_views, find_peaks, strongest_photographs
from featviz.network.ablation import Photographs, ablate, mean_values, single
from featviz.network.network import Network, check_unit, private_view
from featviz.network.passes import own_mode, run_to
from featviz.network.returned import LayerRef

OTHERS = 8
"""Photographs besides the strongest, spread evenly over the rest, from strong to weak, unless the
caller says otherwise."""

NEAR = 8
"""Units of most similar mean activation among which one is drawn in place of a circuit's."""


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
        ValueError: There are fewer than two photographs, or as `find_circuit` and
            `measure_faithfulness`.
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
    others: int = OTHERS,
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
        others: Photographs per unit besides the strongest, from strong to weak: correlations need
            them, responses don't.
        seed: Where the random units come from.

    Returns:
        What is left of each.

    Raises:
        ValueError: A circuit has fewer units per layer, or more than half of a layer's, fewer than
            0 others, or there are no photographs.
    """
    most = min(units.shape[1] for units in circuits.units)
    numbers = (most,) if keeps is None else tuple(keeps)
    if not 1 <= min(numbers) <= max(numbers) <= most:
        raise ValueError(f"the circuits have 1 to {most} units per layer, not {list(numbers)}.")
    if others < 0:
        raise ValueError(f"others is at least 0 photographs, not {others}.")
    for name, units in zip(circuits.layers[1:], circuits.units, strict=True):
        kept, count = units.shape[1], network.units(name)
        if 2 * kept > count:
            raise ValueError(
                f"the circuits hold {kept} of the {count} units of {name}, which leaves too few "
                "others to compare with: keep at most half of a layer."
            )
    layer, roots = circuits.layers[0], circuits.roots.tolist()
    refs = [behind(network, name) for name in circuits.layers[1:]]
    averages = mean_values(network, [ref.name for ref in refs], images)
    means = [averages[ref.name].cpu() for ref in refs]
    each, peaks = single(images), find_peaks(network, layer, images)
    generator = torch.Generator().manual_seed(seed)
    photographs, originals, values = [], [], []
    for row, root in enumerate(roots):
        chosen = _spread(peaks.values[:, root], others)
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


@own_mode()
def left_without(
    network: Network,
    layer: str,
    unit: int,
    others: Sequence[tuple[str, int]],
    images: Photographs,
) -> dict[tuple[str, int], float]:
    """Returns what is left of a unit's response when single units of earlier layers are removed.

    Args:
        network: The network; it stays as it is.
        layer: The unit's layer.
        unit: Its index.
        others: (layer, index) of the units that give their means, one at a time.
        images: Photographs, as for `measure_faithfulness`.

    Returns:
        (layer, index) -> the mean response, negative values as 0, as a part of that of the whole
        network, on the `STRONGEST` photographs; NaN for a unit that is active on none of them.

    Raises:
        UnknownUnitError: A layer has no such unit.
        ValueError: There are no photographs, or nothing to remove.
    """
    if not others:
        raise ValueError("there is no unit to remove: name at least one of an earlier layer.")
    for name, index in ((layer, unit), *others):
        check_unit(network, name, index)
    peaks = find_peaks(network, layer, images)
    chosen = strongest_photographs(peaks, [unit], STRONGEST)
    views = cut_views(network, layer, single(images), peaks, [unit], chosen)
    refs = {name: behind(network, name) for name, _ in others}
    averages = mean_values(network, [ref.name for ref in refs.values()], images)
    means = {name: averages[ref.name].cpu() for name, ref in refs.items()}
    masks = {
        name: torch.zeros(1 + len(others), len(mean), dtype=torch.bool)
        for name, mean in means.items()
    }
    for row, (name, index) in enumerate(others, 1):
        masks[name][row, index] = True
    scores = _scores(
        network, layer, list(refs.values()), list(means.values()), views, list(masks.values())
    )
    responses = scores.clamp(min=0).mean(1)
    whole = responses[0].where(responses[0] > 0, torch.nan)
    return dict(zip(others, (responses[1:] / whole).tolist(), strict=True))


def _spread(values: Tensor, others: int) -> Tensor:
    """Which photographs a unit is read on: the strongest, and some of the rest, evenly."""
    order = values.argsort(descending=True, stable=True)
    rest = order[STRONGEST:]
    even = torch.linspace(0, len(rest) - 1, min(others, len(rest))).round().long()
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
