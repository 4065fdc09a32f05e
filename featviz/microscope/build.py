"""Every unit of every layer in every view, kept unit by unit, so that a killed build goes on."""

import math
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from featviz import photos
from featviz.ascent import climb
from featviz.ascent.device import find_device
from featviz.ascent.plan import BATCH, MOST_ON_CARD
from featviz.ascent.precision import suiting_precision
from featviz.ascent.recipes import Recipe
from featviz.ascent.score import is_linear_in_image
from featviz.microscope.views import (
    CHANNEL,
    DIVERSE,
    FIRST,
    NEURON,
    OPPOSITE,
    VIEWS,
    Pictures,
    View,
    differing,
    in_field,
    side,
)
from featviz.network.network import AFTER_RELU, Network, check_units, is_activated, reads_image
from featviz.network.parcels import FOLDER, pack
from featviz.network.parts import Part, check_part, share_of
from featviz.network.workers import processes, results
from featviz.objectives.algebra import Objective
from featviz.objectives.units import Channel, Neuron, whole
from featviz.photos import Photo
from featviz.store import Store, UnsavedEntry

SEARCHED = tuple(
    name for name in photos.samples() if name not in ("motorcycle_left", "brick", "grass", "gravel")
)
"""Sample photographs that are searched: those with a stated license and more than one texture."""

_Entries = dict[int, dict[str, NDArray[Any]]]

Report = Callable[[str, int], None]
"""Told the layer, and how many pixel-steps of its `Microscope.work` have just been done; 0 when it
begins."""


@dataclass(frozen=True)
class _Task:
    """Images that fit into one batch."""

    layer: str
    view: View
    units: tuple[int, ...]
    work: int


class Microscope:
    """A network's units, and the store in which what is known of them is kept.

    Args:
        network: The network.
        seed: Where all randomness comes from.
        store: Where the pictures are kept; the default store without it.
        views: How to ask; the first is the channel's, which sheets show.
        photographs: What is searched for patches that excite units; without it `SEARCHED`.
        device: "auto", "cuda", "mps" or "cpu". Of several graphics cards each wants a build, or a
            worker, of its own.

    Raises:
        ValueError: The first view isn't the channel's, or the machine has no such device.
    """

    def __init__(
        self,
        network: Network,
        *,
        seed: int = 0,
        store: Store | None = None,
        views: Sequence[View] = VIEWS,
        photographs: Sequence[Photo] | None = None,
        device: str | torch.device = "auto",
    ) -> None:
        self.network, self.seed, self.store = network, whole(seed, "seed"), store or Store()
        self._views, self._device = tuple(views), device
        if photographs is not None:
            self.photographs = tuple(photographs)
        find_device(device)
        if [view.name for view in views[:1]] != [CHANNEL.name]:
            raise ValueError(f"the first view is the channel's, on which others lean, not {views}.")

    @property
    def channel(self) -> View:
        """The view that sheets show."""
        return self._views[0]

    @cached_property
    def photographs(self) -> tuple[Photo, ...]:
        """The photographs that are searched for patches that excite units."""
        return tuple(photos.load(name) for name in SEARCHED)

    @cached_property
    def base(self) -> dict[str, object]:
        """What every picture depends on."""
        device = find_device(self._device)
        precision = str(suiting_precision(self.network, "auto", device)).removeprefix("torch.")
        return {
            "network": self.network.fingerprint,
            "seed": self.seed,
            "device": device.type,
            "precision": precision,
        }

    def views(self, layer: str) -> tuple[View, ...]:
        """Returns the views that a layer has; units that see the whole image have no neuron's.

        Raises:
            UnknownLayerError: The network has no such layer.
        """
        has_field = side(self.network, layer, NEURON) is not None
        return tuple(view for view in self._views if has_field or view.side is not None)

    def work(self, layer: str, units: Sequence[int] | None = None, part: Part | None = None) -> int:
        """Returns how many pixel-steps the pictures of a layer's units, or a part of them, take."""
        return sum(task.work for task in self._tasks([layer], units, part))

    def build(
        self,
        layers: Sequence[str] | None = None,
        units: Sequence[int] | None = None,
        *,
        jobs: int = 1,
        executor: Executor | None = None,
        part: Part | None = None,
        report: Report | None = None,
    ) -> None:
        """Makes the pictures that the store lacks, and keeps each batch when it is done.

        It may be killed at any moment; the next build goes on, and ends with the same bytes.
        Several builds may run at once.

        Args:
            layers: Which layers; without it all.
            units: Which units of each; without it all.
            jobs: Processes of this machine that share the work, and torch's threads. Values, not
                pictures, of networks with 1 x 1 convolutions may round by the threads of each.
            executor: Whose workers share it in their place: anything with the interface of
                `concurrent.futures.Executor`, such as `Client.get_executor()` of Dask, of loky, of
                executorlib or of mpi4py. They need featviz, and the store's folder under the same
                path. Each task computes by one thread: a worker process for each core is fastest.
                Dask's keep up to 1 GB of freed memory, whatever its settings say.
            part: Which part of the work is done here, (3, 16) for the third of sixteen: builds that
                share nothing but the store's folder do the others.
            report: Told what has been done.

        Raises:
            ValueError: An unknown layer or unit, no job, no such part, or a network that other
                processes can't be given.
            ChildProcessError: A worker couldn't start, was ended from outside, or can't do the
                work.
            UnsavedEntry: A picture could not be kept: a full disk, a folder that can't be written.
        """
        if jobs < 1:
            raise ValueError(f"jobs is at least 1, not {jobs}.")
        tasks = list(self._tasks(layers, units, part))
        if not tasks and part is None:
            raise ValueError("there is nothing to build: name at least one layer and one unit.")
        tell = report or (lambda layer, work: None)
        if jobs == 1 and executor is None:
            for task in tasks:
                tell(task.layer, 0)
                self._keep(task)
                tell(task.layer, task.work)
        elif tasks:
            tell(tasks[0].layer, 0)
            self._share(tasks, jobs, executor, tell)

    def _share(
        self, tasks: Sequence[_Task], jobs: int, executor: Executor | None, tell: Report
    ) -> None:
        groups = [  # what leans on others' pictures waits for them
            [task for task in tasks if (task.view.name == DIVERSE.name) is leaning]
            for leaning in (False, True)
        ]
        maker = copy(self)
        vars(maker).pop("photographs", None)  # no picture depends on them; they would be sent along
        own = executor is None
        with ExitStack() as stack:
            if executor is None:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
                threads = max(1, torch.get_num_threads() // jobs)
                executor = stack.enter_context(processes(jobs))
            else:
                folder, threads = self.store.folder / FOLDER, 1
            parcel = pack(maker._keep, folder, climb.__name__, same_script=own, threads=threads)
            for group in groups:
                for task, _ in results(executor, parcel, group, kept=True):
                    tell(task.layer, task.work)

    def pictures(self, layer: str, view: View, units: Sequence[int] | None = None) -> Pictures:
        """Returns one view of a layer's units, from the store where it has them.

        Args:
            layer: The layer's name.
            view: One of `views(layer)`.
            units: Which units; without it all.
        """
        units = range(self.network.units(layer)) if units is None else list(map(int, units))
        if not units:
            raise ValueError(f"pictures of no unit of {layer} were asked for; name at least one.")
        entries = []
        for part in _chunks(units, self._width(layer, view)):
            goals = self._objectives(layer, view, part)
            specs = self._specs(layer, view, goals)
            missing = {
                unit: goals[unit]
                for unit, spec in specs.items()
                if not self.store.has(spec, climb.__name__)
            }
            fresh = self._climb(layer, view, missing) if missing else {}
            for unit in part:

                def make(
                    unit: int = unit,
                    fresh: _Entries = fresh,
                    goals: Mapping[int, Objective] = goals,
                ) -> Mapping[str, ArrayLike]:
                    # An entry that is there may turn out to be damaged.
                    return fresh.get(unit) or self._climb(layer, view, {unit: goals[unit]})[unit]

                entries.append(self.store.arrays(specs[unit], make, climb.__name__))
        return Pictures(
            np.stack([entry["images"] for entry in entries]),
            np.stack([entry["values"] for entry in entries]),
        )

    def _tasks(
        self,
        layers: Sequence[str] | None,
        units: Sequence[int] | None,
        part: Part | None = None,
    ) -> Iterator[_Task]:
        for layer, numbers in self.numbers(layers, units, part):
            for view in self.views(layer):
                each = self._work(layer, view)
                for few in _chunks(numbers, self._width(layer, view)):
                    yield _Task(layer, view, tuple(few), each * len(few))

    def numbers(
        self,
        layers: Sequence[str] | None = None,
        units: Sequence[int] | None = None,
        part: Part | None = None,
    ) -> Iterator[tuple[str, Sequence[int]]]:
        """Lists layers and their units, or those of a part.

        A part has all views of a unit, as some lean on others.

        Args:
            layers: Which layers; without it all.
            units: Which units of each; without it all.
            part: Which part of them, as in `build`; without it all.

        Yields:
            A layer and units of it, in order.

        Raises:
            ValueError: An unknown layer or unit, or no such part.
        """
        asked = None if units is None else sorted(set(map(int, units)))
        numbers: dict[str, Sequence[int]] = {}
        for layer in self.network.layers if layers is None else layers:
            numbers[layer] = range(self.network.units(layer)) if asked is None else asked
            # Of a range that goes too far its end is named, and not the first that is missing.
            check_units(self.network, layer, [*numbers[layer][:1], *numbers[layer][-1:]])
        if part is None:
            yield from numbers.items()
            return
        work = {layer: sum(self._work(layer, v) for v in self.views(layer)) for layer in numbers}
        mine = share_of(
            check_part(part), [work[layer] for layer in numbers for _ in numbers[layer]]
        )
        first = 0
        for layer, entire in numbers.items():
            some = entire[max(0, mine.start - first) : max(0, mine.stop - first)]
            first += len(entire)
            if some:
                yield layer, some

    def _work(self, layer: str, view: View) -> int:
        """Pixel-steps that one unit takes."""
        return (side(self.network, layer, view) or 0) ** 2 * view.copies * view.steps

    def _width(self, layer: str, view: View) -> int:
        """Units whose images fill one batch."""
        width = side(self.network, layer, view) or 1
        count = max(1, BATCH // (width**2 * view.copies))
        # Not asked of the card itself: workers that are forked could no longer use it.
        return count * MOST_ON_CARD if find_device(self._device).type == "cuda" else count

    def _keep(self, task: _Task) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UnsavedEntry)
            self.pictures(task.layer, task.view, task.units)

    def specs(
        self,
        layer: str,
        view: View,
        units: Sequence[int],
        values: Mapping[int, float] | None = None,
    ) -> dict[int, dict[str, object]]:
        """Returns what the store's entries of units are named by.

        Args:
            layer: The layer's name.
            view: One of `views(layer)`.
            units: Which units.
            values: What their channels' pictures are worth, on which pictures that differ lean;
                without it they are read, or made.
        """
        goals = self._objectives(layer, view, units, values)
        return self._specs(layer, view, goals)

    def _specs(
        self, layer: str, view: View, goals: Mapping[int, Objective]
    ) -> dict[int, dict[str, object]]:
        if view.side is not None:
            view = replace(view, side=side(self.network, layer, view))
        spec: dict[str, object] = {**self.base, "layer": layer, "view": view}
        recipe = self._recipe(layer, view)
        if recipe is not None:
            spec["recipe"] = recipe
        return {unit: {**spec, "objective": str(goal)} for unit, goal in goals.items()}

    def _recipe(self, layer: str, view: View) -> Recipe | None:
        """How a view climbs, if not as `maximize` does by default."""
        everywhere = view.name in (CHANNEL.name, DIVERSE.name)
        return FIRST if everywhere and self._bends_image(layer) else None

    def _bends_image(self, layer: str) -> bool:
        """Whether a layer reads the image itself, and an activation follows."""
        return reads_image(self.network, layer) and is_activated(self.network, layer)

    def _objectives(
        self,
        layer: str,
        view: View,
        units: Sequence[int],
        values: Mapping[int, float] | None = None,
    ) -> Mapping[int, Objective]:
        """What each unit's images are asked to excite."""
        first = self._bends_image(layer)
        has_field = side(self.network, layer, NEURON) is not None
        # The mean of a first layer is linear in the image: its optimum is a pattern of the stride.
        channels = {unit: Channel(layer + AFTER_RELU if first else layer, unit) for unit in units}
        if view.name == NEURON.name:
            return {unit: Neuron(layer, unit) for unit in units}
        if view.name == OPPOSITE.name:
            # Behind its ReLU a first layer has no opposite.
            return {
                unit: -1 * (Neuron(layer, unit) if first and has_field else Channel(layer, unit))
                for unit in units
            }
        if view.name == DIVERSE.name:
            if values is None:
                rows = self.pictures(layer, self.channel, units).values[:, 0]
                values = dict(zip(units, rows, strict=True))
            return {unit: differing(channel, values[unit]) for unit, channel in channels.items()}
        return channels

    def _climb(self, layer: str, view: View, objectives: Mapping[int, Objective]) -> _Entries:
        """The arrays of each unit's entry."""
        units, goals = list(objectives), list(objectives.values())
        field = side(self.network, layer, NEURON)
        first = field is not None and is_linear_in_image(self.network, goals[0])
        result = climb.maximize(
            self.network,
            [objective for objective in goals for _ in range(view.copies)],
            size=field if first else side(self.network, layer, view),
            steps=None if first else view.steps,
            recipe=self._recipe(layer, view),
            seed=self.seed,
            device=self._device,
            progress=False,
        )
        if result.interrupted:
            raise KeyboardInterrupt  # half a picture must not be kept under a whole one's name
        images = result.images
        if first or view.side is None:
            images = in_field(self.network, layer, images)
        shape = (len(units), view.copies)
        levels = (images * 255).round().to(torch.uint8).numpy().reshape(*shape, *images.shape[1:])
        values = result.values.numpy().reshape(shape)
        return {
            unit: {"images": levels[row], "values": values[row]} for row, unit in enumerate(units)
        }


def _chunks(units: Sequence[int], width: int) -> Iterator[Sequence[int]]:
    for part in range(math.ceil(len(units) / width)):
        yield units[part * width : (part + 1) * width]
