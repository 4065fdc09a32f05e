"""Every unit of every layer in every view, kept unit by unit, so that a killed build goes on."""

import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from featviz import photos
from featviz.ascent import climb
from featviz.ascent.device import find_device
from featviz.ascent.plan import BATCH
from featviz.ascent.precision import suiting_precision
from featviz.ascent.recipes import Recipe
from featviz.ascent.score import is_linear_in_image
from featviz.microscope.processes import share
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
from featviz.network.network import AFTER_RELU, Network, check_unit, is_activated, reads_image
from featviz.objectives.algebra import Objective
from featviz.objectives.units import Channel, Neuron
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

    Raises:
        ValueError: The first view isn't the channel's.
    """

    def __init__(
        self,
        network: Network,
        *,
        seed: int = 0,
        store: Store | None = None,
        views: Sequence[View] = VIEWS,
        photographs: Sequence[Photo] | None = None,
    ) -> None:
        self.network, self.seed, self.store = network, int(seed), store or Store()
        self._views = tuple(views)
        self._photographs = None if photographs is None else tuple(photographs)
        if [view.name for view in views[:1]] != [CHANNEL.name]:
            raise ValueError(f"the first view is the channel's, on which others lean, not {views}.")

    @property
    def channel(self) -> View:
        """The view that sheets show."""
        return self._views[0]

    @property
    def photographs(self) -> tuple[Photo, ...]:
        """The photographs that are searched for patches that excite units."""
        if self._photographs is None:
            return tuple(photos.load(name) for name in SEARCHED)
        return self._photographs

    @cached_property
    def base(self) -> dict[str, object]:
        """What every picture depends on."""
        device = find_device("auto")
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

    def work(self, layer: str, units: Sequence[int] | None = None) -> int:
        """Returns how many pixel-steps the pictures of a layer's units take."""
        return sum(task.work for task in self._tasks(layer, units))

    def build(
        self,
        layers: Sequence[str] | None = None,
        units: Sequence[int] | None = None,
        *,
        jobs: int = 1,
        report: Report | None = None,
    ) -> None:
        """Makes the pictures that the store lacks, and keeps each batch when it is done.

        It may be killed at any moment; the next build goes on, and ends with the same bytes.
        Several builds may run at once.

        Args:
            layers: Which layers; without it all.
            units: Which units of each; without it all.
            jobs: Processes that share the work.
            report: Told what has been done.

        Raises:
            ValueError: An unknown layer or unit, no job, or a network that other processes can't be
                given.
            ChildProcessError: A process of several couldn't start, or was ended from outside.
            UnsavedEntry: A picture could not be kept: a full disk, a folder that can't be written.
        """
        if jobs < 1:
            raise ValueError(f"jobs is at least 1, not {jobs}.")
        names = self.network.layers if layers is None else layers
        tasks = [task for layer in names for task in self._tasks(layer, units)]
        if not tasks:
            raise ValueError("there is nothing to build: name at least one layer and one unit.")
        tell = report or (lambda layer, work: None)
        if jobs == 1:
            for task in tasks:
                tell(task.layer, 0)
                self._keep(task)
                tell(task.layer, task.work)
            return
        tell(tasks[0].layer, 0)
        share(
            self._keep,
            [  # what leans on others' pictures waits for them
                [task for task in tasks if (task.view.name == DIVERSE.name) is leaning]
                for leaning in (False, True)
            ],
            jobs,
            lambda task: tell(task.layer, task.work),
        )

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
            specs = {unit: self._spec(layer, view, one) for unit, one in goals.items()}
            missing = {
                unit: goals[unit]
                for unit, spec in specs.items()
                if not self.store.path(spec, climb.__name__).exists()
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

    def _tasks(self, layer: str, units: Sequence[int] | None) -> Iterator[_Task]:
        count = self.network.units(layer)
        units = range(count) if units is None else sorted(set(map(int, units)))
        for unit in [*units[:1], *units[-1:]]:
            check_unit(self.network, layer, unit)
        for view in self.views(layer):
            width = side(self.network, layer, view) or 0
            each = width**2 * view.copies * view.steps
            for part in _chunks(units, self._width(layer, view)):
                yield _Task(layer, view, tuple(part), each * len(part))

    def _width(self, layer: str, view: View) -> int:
        """Units whose images fill one batch."""
        width = side(self.network, layer, view) or 1
        return max(1, BATCH // (width**2 * view.copies))

    def _keep(self, task: _Task) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UnsavedEntry)
            self.pictures(task.layer, task.view, task.units)

    def _spec(self, layer: str, view: View, objective: Objective) -> dict[str, object]:
        if view.side is not None:
            view = replace(view, side=side(self.network, layer, view))
        spec = {**self.base, "layer": layer, "view": view, "objective": str(objective)}
        recipe = self._recipe(layer, view)
        return spec if recipe is None else {**spec, "recipe": recipe}

    def _recipe(self, layer: str, view: View) -> Recipe | None:
        """How a view climbs, if not as `maximize` does by default."""
        everywhere = view.name in (CHANNEL.name, DIVERSE.name)
        return FIRST if everywhere and self._bends_image(layer) else None

    def _bends_image(self, layer: str) -> bool:
        """Whether a layer reads the image itself, and an activation follows."""
        return reads_image(self.network, layer) and is_activated(self.network, layer)

    def _objectives(self, layer: str, view: View, units: Sequence[int]) -> Mapping[int, Objective]:
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
            values = self.pictures(layer, self.channel, units).values[:, 0]
            return {
                unit: differing(channel, value)
                for (unit, channel), value in zip(channels.items(), values, strict=True)
            }
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
