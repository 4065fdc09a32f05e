"""Passes of photographs through a network, tallied for every unit of several layers at once."""

import math
import warnings
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, fields
from functools import cached_property, partial
from itertools import chain, cycle
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from featviz.ascent.device import find_device
from featviz.ascent.plan import MEMORY
from featviz.measures.activity import places_inside
from featviz.measures.reading import Numbered, Shard, decoded, in_batches
from featviz.measures.tallies import Tally, no_photographs, tally_pass
from featviz.network.network import AFTER_RELU, Network, is_activated, private_view
from featviz.network.passes import own_mode, run_to
from featviz.network.returned import LayerRef
from featviz.photos import in_threads
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

    @property
    def _refs(self) -> list[LayerRef]:
        return [self.network.resolve(name) for names in self._names.values() for name in names]

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
        tallies, groups = self.nothing(), in_batches(images)
        for group in groups:  # the first says how much memory a pass takes
            lanes = self._lanes(group)
            break
        else:
            return
        threads = torch.get_num_threads() // lanes
        # The number formats of `own_mode` are the process's, and hold for the lanes as well.
        with own_mode():
            device = find_device(self.device)
            # Hooks are a view's own. While one pass is awaited another waits for its lane.
            views = [private_view(self.network, self._refs).to(device) for _ in range(lanes + 1)]
            tasks = (
                _Pass(view, some, self._inside(some), tallies)
                for view, some in zip(cycle(views), chain([group], groups))
            )
            begin = partial(torch.set_num_threads, threads)
            for done in in_threads(self._tally, tasks, lanes + 1, lanes, begin):
                some, fresh = done.result()
                tallies = tallies | {layer: tallies[layer] + fresh[layer] for layer in fresh}
                yield tallies, some if fresh else []

    def _lanes(self, group: Sequence[Numbered]) -> int:
        """How many passes of such photographs run at once: as memory and threads allow."""
        if find_device(self.device).type != "cpu":
            return 1
        height, width = group[0][1].shape[-2:]
        shapes = [self.network.shape(layer, (height, width)) for layer in self.layers]
        kept = sum(2 * torch.float32.itemsize * math.prod(shape) for shape in shapes)
        return max(1, min(torch.get_num_threads(), MEMORY // (len(group) * kept)))

    @torch.no_grad()
    def _tally(self, task: "_Pass") -> tuple[list[Numbered], dict[str, Tally]]:
        """A pass's photographs, and the tallies of the layers that had a place in them."""
        images = task.images
        inside = {layer: both for layer, both in task.inside.items() if all(both)}
        if not inside:
            return images, {}
        stack = torch.stack([image for _, image in images]).to(find_device(self.device))
        inputs = self.network.normalize(stack)
        # A batch of one takes other kernels than larger ones, with other roundings.
        pair = inputs if len(stack) > 1 else inputs.expand(2, -1, -1, -1)
        values = run_to(task.view, pair, self._refs)
        numbers, fresh = [number for number, _ in images], {}
        for layer, (rows, columns) in inside.items():
            both = [
                values[name][: len(stack), :, rows.start : rows.stop, columns.start : columns.stop]
                for name in self._names[layer]
            ]
            after = both[1] if len(both) > 1 else both[0].relu()
            corner = rows.start, columns.start
            fresh[layer] = tally_pass(task.known[layer], numbers, both[0], after, corner)
        return images, fresh

    def _inside(self, images: Sequence[Numbered]) -> dict[str, tuple[range, range]]:
        """The rows and columns of each layer's map whose whole field lies inside an image."""
        height, width = images[0][1].shape[-2:]
        return {layer: self._places(layer, height, width) for layer in self.layers}

    def _places(self, layer: str, height: int, width: int) -> tuple[range, range]:
        field = self.network.receptive_field(layer)
        if min(height, width) < field.canvas():
            return range(0), range(0)
        shape = self.network.shape(layer, (height, width))
        return places_inside(field, shape[1], height), places_inside(field, shape[2], width)


@dataclass(frozen=True)
class _Pass:
    """Photographs of one shape, and what their pass takes.

    Attributes:
        view: A view that no other pass uses meanwhile.
        images: The photographs.
        inside: Layer -> the rows and columns of its map that count.
        known: What photographs before them have given, or some of these.
    """

    view: nn.Module
    images: list[Numbered]
    inside: dict[str, tuple[range, range]]
    known: dict[str, Tally]
