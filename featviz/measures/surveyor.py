"""Passes of photographs through a network, tallied for every unit of several layers at once."""

import math
import warnings
from collections.abc import Generator, Iterable
from contextlib import closing
from dataclasses import dataclass, fields
from functools import cached_property, partial
from itertools import cycle
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from featviz.ascent.device import find_device
from featviz.ascent.plan import MEMORY
from featviz.measures.reading import Numbered, Shard, decoded, in_batches
from featviz.measures.tallies import Tally, no_photographs, tally_pass
from featviz.network.memory import give_back_freed
from featviz.network.network import AFTER_RELU, Network, is_activated, private_view
from featviz.network.padding import places_inside
from featviz.network.passes import own_formats, private_copy
from featviz.network.returned import LayerRef
from featviz.network.values import PASS, run_alike
from featviz.photos import MAX_SIDE, in_threads
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
        with (
            warnings.catch_warnings(),
            closing(self.tallied(decoded(shard.files, self.size))) as passes,
        ):
            for sums, images in passes:
                tallies = sums
                there += [number for number, _ in images]
        give_back_freed()  # the next shard's threads take their own
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

    def _refs(self, layers: Iterable[str] | None = None) -> list[LayerRef]:
        names = (name for layer in layers or self.layers for name in self._names[layer])
        return [self.network.resolve(name) for name in names]

    def tallied(
        self, images: Iterable[Numbered]
    ) -> Generator[tuple[dict[str, Tally], list[Numbered]]]:
        """Tallies photographs by several passes at once, each by a thread of its own.

        A pass by many threads leaves cores idle between its layers, and waits where one of them
        decodes.

        Args:
            images: The photographs, their numbers rising.

        Yields:
            The tallies after a pass, and its photographs if they held a whole field; in order.
            Until it is closed, other threads wait for the network.
        """
        tallies, before, lanes = self.nothing(), torch.get_num_threads(), self._lanes()
        # A card's number is a thread's own: lanes are told it.
        device = torch.empty(0, device=find_device(self.device)).device
        # Hooks are a view's own. While one pass is awaited another waits for its lane.
        view = private_view(self.network, self._refs(), in_place=True).to(device)
        views = [view, *(private_copy(view) for _ in range(lanes))]
        try:
            with own_formats():
                tasks = (
                    _Pass(one, device, group, self.inside(*group[0][1].shape[-2:]), tallies)
                    for one, group in zip(cycle(views), in_batches(images))
                )
                begin = partial(torch.set_num_threads, before // lanes)
                for done in in_threads(self._tally, tasks, lanes + 1, lanes, begin):
                    group, fresh = done.result()
                    tallies = tallies | {layer: tallies[layer] + fresh[layer] for layer in fresh}
                    yield tallies, group if fresh else []
        finally:
            torch.set_num_threads(before)  # what a lane sets holds for threads that start later

    def _lanes(self) -> int:
        """How many passes run at once: as memory and threads allow."""
        if find_device(self.device).type != "cpu" or not self.layers:
            return 1
        side = self.size or max(map(self._canvas, self.layers))
        try:
            values = sum(math.prod(self.network.shape(layer, side)) for layer in self.layers)
        except ValueError:  # images of another size alone
            return 1
        kept = 2 * torch.float32.itemsize * values / side**2  # before the activation and after it
        pixels = max(PASS, self.size**2) if self.size else MAX_SIDE**2
        return max(1, min(torch.get_num_threads(), int(MEMORY / (kept * pixels))))

    def _canvas(self, layer: str) -> int:
        return self.network.receptive_field(layer).canvas()

    @torch.no_grad()
    def _tally(self, task: "_Pass") -> tuple[list[Numbered], dict[str, Tally]]:
        """A pass's photographs, and the tallies of the layers that had a place in them."""
        images = task.images
        inside = {layer: both for layer, both in task.inside.items() if all(both)}
        if not inside:
            return images, {}
        stack = torch.stack([image for _, image in images]).to(task.device)
        values = run_alike(task.view, self.network.normalize(stack), self._refs(inside))
        numbers, fresh = [number for number, _ in images], {}
        for layer, (rows, columns) in inside.items():
            both = [
                values[name][:, :, rows.start : rows.stop, columns.start : columns.stop]
                for name in self._names[layer]
            ]
            after = both[1] if len(both) > 1 else both[0].relu()
            corner = rows.start, columns.start
            fresh[layer] = tally_pass(task.known[layer], numbers, both[0], after, corner)
        return images, fresh

    def inside(self, height: int, width: int) -> dict[str, tuple[range, range]]:
        """The rows and columns of each layer's map whose whole field lies inside an image."""
        return {layer: self._places(layer, height, width) for layer in self.layers}

    def _places(self, layer: str, height: int, width: int) -> tuple[range, range]:
        if min(height, width) < self._canvas(layer):
            return range(0), range(0)
        field = self.network.receptive_field(layer)
        shape = self.network.shape(layer, (height, width))
        return places_inside(field, shape[1], height), places_inside(field, shape[2], width)


@dataclass(frozen=True)
class _Pass:
    """Photographs of one shape, and what their pass takes.

    Attributes:
        view: A view that no other pass uses meanwhile.
        device: Where it is.
        images: The photographs.
        inside: Layer -> the rows and columns of its map that count.
        known: What photographs before them have given, or some of these.
    """

    view: nn.Module
    device: torch.device
    images: list[Numbered]
    inside: dict[str, tuple[range, range]]
    known: dict[str, Tally]
