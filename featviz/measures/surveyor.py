"""Passes of photographs through a network, tallied for every unit of several layers at once."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from featviz.ascent.device import find_device
from featviz.measures.activity import places_inside
from featviz.measures.reading import Numbered, Shard, decoded, in_batches
from featviz.measures.tallies import Tally, add_passes, no_photographs
from featviz.network.network import AFTER_RELU, Network, is_activated, private_view
from featviz.network.passes import own_mode, run_to
from featviz.store import Store, UnsavedEntry


@dataclass(frozen=True)
class Surveyor:
    """Tallies photographs; a copy of it does so in every worker.

    Attributes:
        network: The network.
        layers: Whose units are tallied.
        size: Side in pixels of the square that photographs are fitted to; None leaves them as they
            are.
        count: Strongest places for each unit.
        correlations: Whether products are summed up.
        device: Where to compute.
        store: Where the tallies of shards are kept.
    """

    network: Network
    layers: tuple[str, ...]
    size: int | None
    count: int
    correlations: bool
    device: str
    store: Store

    def __call__(self, shard: Shard) -> None:
        """Keeps a shard's tallies, or raises what keeps it from that."""
        with warnings.catch_warnings():
            warnings.simplefilter("error", UnsavedEntry)
            self.stored(shard)

    def stored(self, shard: Shard) -> tuple[dict[str, Tally], list[int]]:
        """A shard's tallies from the store, and which of its photographs were skipped."""
        spec = {
            "network": self.network.fingerprint,
            "layers": self.layers,
            "size": self.size,
            "count": self.count,
            "correlations": self.correlations,
            "device": find_device(self.device).type,
            "photos": shard.fingerprint,
        }
        arrays = self.store.arrays(spec, lambda: self._arrays(shard), __name__)
        tallies = {
            layer: Tally(**{one.name: arrays[f"{layer}/{one.name}"] for one in fields(Tally)})
            for layer in self.layers
        }
        return tallies, arrays["skipped"].tolist()

    def _arrays(self, shard: Shard) -> dict[str, NDArray[Any]]:
        there: list[int] = []
        tallies = self.nothing()
        # Threads that decode silence warnings, and may leave each other's filters behind.
        with warnings.catch_warnings():
            for images in in_batches(decoded(shard.files, self.size)):
                tallies, used = self.tally(tallies, images)
                there += used
        skipped = sorted(set(range(len(shard.files))) - set(there))
        arrays: dict[str, NDArray[Any]] = {"skipped": np.array(skipped, np.int64)}
        for layer, tally in tallies.items():
            arrays |= {f"{layer}/{one.name}": getattr(tally, one.name) for one in fields(Tally)}
        return arrays

    def nothing(self) -> dict[str, Tally]:
        """The tallies of no photograph."""
        return {
            layer: no_photographs(
                self.network.units(layer), self.count, correlations=self.correlations
            )
            for layer in self.layers
        }

    @cached_property
    def _names(self) -> dict[str, list[str]]:
        """The values of each layer: before the activation, and after it if the network has one."""
        return {
            layer: [layer, layer + AFTER_RELU] if is_activated(self.network, layer) else [layer]
            for layer in self.layers
        }

    @cached_property
    def _view(self) -> tuple[Any, Any]:
        refs = [self.network.resolve(name) for names in self._names.values() for name in names]
        return private_view(self.network, refs).to(find_device(self.device)), refs

    @own_mode()
    @torch.no_grad()
    def tally(
        self, tallies: Mapping[str, Tally], images: Sequence[Numbered]
    ) -> tuple[dict[str, Tally], list[int]]:
        """Adds photographs of one shape to tallies, and says which of them had a place."""
        stack = torch.stack([image for _, image in images]).to(find_device(self.device))
        height, width = stack.shape[-2:]
        inside = {layer: self._inside(layer, height, width) for layer in self.layers}
        if not any(rows and columns for rows, columns in inside.values()):
            return dict(tallies), []
        view, refs = self._view
        inputs = self.network.normalize(stack)
        # A batch of one takes other kernels than larger ones, with other roundings.
        values = run_to(view, inputs if len(stack) > 1 else inputs.expand(2, -1, -1, -1), refs)
        result, numbers = dict(tallies), [number for number, _ in images]
        for layer, (rows, columns) in inside.items():
            if not rows or not columns:
                continue
            both = [
                values[name][: len(stack), :, rows.start : rows.stop, columns.start : columns.stop]
                for name in self._names[layer]
            ]
            after = both[1] if len(both) > 1 else both[0].relu()
            corner = rows.start, columns.start
            result[layer] = add_passes(result[layer], numbers, both[0], after, corner)
        return result, numbers

    def _inside(self, layer: str, height: int, width: int) -> tuple[range, range]:
        """The rows and columns of a layer's map whose whole field lies inside an image."""
        field = self.network.receptive_field(layer)
        if min(height, width) < field.canvas():
            return range(0), range(0)
        shape = self.network.shape(layer, (height, width))
        return places_inside(field, shape[1], height), places_inside(field, shape[2], width)
