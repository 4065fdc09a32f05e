"""Every unit of every layer, asked in every way; kept unit by unit, so that a killed build goes on.

What it costs, in seconds on two cores with bfloat16: a step of 32 images of 128 px takes 0.035 in
conv2, 0.06 in conv3, 0.07 in conv4 and 0.085 in conv5, in proportion to the pixels. The views below
are 4,300 such steps for the 1,152 units of AlexNet, or five minutes; with the default of 128 steps
and 128 px they would be 40. What helps the reader least gives way: the opposite and the four
different ones are smallest, and nothing climbs on once its picture has settled.
"""

import math
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cached_property
from multiprocessing import connection, get_context, parent_process
from os import _exit
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from featviz import ascent, quality
from featviz.machine import find_device, find_precision
from featviz.network import Network
from featviz.objectives import Channel, Diversity, Neuron, Objective
from featviz.planning import BATCH
from featviz.scoring import is_linear_in_image
from featviz.store import Store, UnsavedEntry

_Entries = dict[int, dict[str, NDArray[Any]]]

Report = Callable[[str, int], None]
"""Told the layer, and how many pixel-steps of its `Microscope.work` have just been done; 0 when it
begins."""


@dataclass(frozen=True)
class View:
    """One way to ask a unit.

    Attributes:
        name: What is asked.
        side: Side of the image in pixels; None for the unit's receptive field.
        steps: Steps of ascent; first layers are solved exactly where they can be.
        copies: Images per unit.
    """

    name: str
    side: int | None
    steps: int
    copies: int = 1


CHANNEL = View("channel", 128, 48)
"""The unit everywhere at once: the picture on the sheet. 128 steps draw the same things with more
contrast, for a value a third higher."""

NEURON = View("neuron", None, 32)
"""One place of the unit, on all that it sees and no more."""

OPPOSITE = View("opposite", 96, 32)
"""What the unit is silenced by most."""

DIVERSE = View("diverse", 64, 24, copies=4)
"""Several answers that must differ."""

VIEWS = (CHANNEL, NEURON, OPPOSITE, DIVERSE)
"""In the order in which they are made; the last leans on the first."""

APART = 1 / 3
"""What a mean cosine of 1 between the diverse images costs, as a part of the value of the unit's
own channel picture."""

GRAY_BELOW = 0.02
"""Contrast below which a picture counts as gray: five of 256 levels. Starts have about 0.003."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """One view of several units.

    Attributes:
        images: (N, copies, 3, H, W) uint8.
        values: (N, copies) the objectives on the images before they were rounded.
    """

    images: NDArray[np.uint8]
    values: NDArray[np.float32]

    @property
    def contrast(self) -> NDArray[np.float32]:
        """(N, copies) from 0 for flat color to 0.5 for black and white; see `quality.contrast`."""
        flat = torch.from_numpy(self.images).flatten(0, 1)
        found: NDArray[np.float32] = quality.contrast(flat.float() / 255).numpy()
        return found.reshape(self.values.shape)


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
        views: How to ask; the first is the one that sheets show.
    """

    def __init__(
        self,
        network: Network,
        *,
        seed: int = 0,
        store: Store | None = None,
        views: Sequence[View] = VIEWS,
    ) -> None:
        self.network, self.seed, self.store = network, seed, store or Store()
        self._views = tuple(views)

    @property
    def channel(self) -> View:
        """The view that sheets show."""
        return self._views[0]

    @cached_property
    def base(self) -> dict[str, object]:
        """What every picture depends on."""
        device = find_device("auto")
        precision = str(find_precision("auto", device)).removeprefix("torch.")
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
        seen = side(self.network, layer, NEURON) is not None
        return tuple(view for view in self._views if seen or view.side is not None)

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
            ValueError: An unknown layer or unit, or no job.
            UnsavedEntry: A picture could not be kept: a full disk, a folder that can't be written.
        """
        if jobs < 1:
            raise ValueError(f"jobs is at least 1, not {jobs}.")
        names = self.network.layers if layers is None else layers
        tasks = [task for layer in names for task in self._tasks(layer, units)]
        tell = report or (lambda layer, work: None)
        if jobs == 1:
            for task in tasks:
                tell(task.layer, 0)
                self._keep(task)
                tell(task.layer, task.work)
            return
        # Sums over images that must differ round by the number of threads: the same in every job.
        threads = torch.get_num_threads()
        with ProcessPoolExecutor(jobs, get_context("spawn"), _enter, (self, threads)) as pool:
            waiting = {pool.submit(_do, task): task for task in tasks}
            tell(names[0], 0)
            try:
                for done in as_completed(waiting):
                    done.result()
                    tell(waiting[done].layer, waiting[done].work)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def pictures(self, layer: str, view: View, units: Sequence[int] | None = None) -> Pictures:
        """Returns one view of a layer's units, from the store where it has them.

        Args:
            layer: The layer's name.
            view: One of `views(layer)`.
            units: Which units; without it all.
        """
        wanted = range(self.network.units(layer)) if units is None else units
        entries = []
        for part in _chunks(wanted, self._width(layer, view)):
            specs = {unit: self._spec(layer, view, unit) for unit in part}
            missing = [
                u
                for u, spec in specs.items()
                if not self.store.path(spec, ascent.__name__).exists()
            ]
            made = self._climb(layer, view, missing) if missing else {}
            for unit, spec in specs.items():

                def make(unit: int = unit, made: _Entries = made) -> Mapping[str, ArrayLike]:
                    # An entry that is there may turn out to be damaged.
                    return made.get(unit) or self._climb(layer, view, [unit])[unit]

                entries.append(self.store.arrays(spec, make, ascent.__name__))
        return Pictures(
            np.stack([entry["images"] for entry in entries]),
            np.stack([entry["values"] for entry in entries]),
        )

    def _tasks(self, layer: str, units: Sequence[int] | None) -> Iterator[_Task]:
        count = self.network.units(layer)
        wanted = range(count) if units is None else sorted(set(units))
        for unit in wanted:
            self.network.check_unit(layer, unit)
        for view in self.views(layer):
            width = side(self.network, layer, view) or 0
            each = width**2 * view.copies * view.steps
            for part in _chunks(wanted, self._width(layer, view)):
                yield _Task(layer, view, tuple(part), each * len(part))

    def _width(self, layer: str, view: View) -> int:
        """Units whose images fill one batch."""
        width = side(self.network, layer, view) or 1
        return max(1, BATCH // (width**2 * view.copies))

    def _keep(self, task: _Task) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UnsavedEntry)
            self.pictures(task.layer, task.view, task.units)

    def _spec(self, layer: str, view: View, unit: int) -> dict[str, object]:
        wanted = self._objective(layer, view, unit)
        return {**self.base, "layer": layer, "view": view, "objective": str(wanted)}

    def _objective(self, layer: str, view: View, unit: int) -> Objective:
        first = self.network.reads_image(layer)
        # The mean of a first layer is linear in the image: its optimum is a pattern of the stride.
        channel = Channel(f"{layer}:relu" if first else layer, unit)
        if view.name == NEURON.name:
            return Neuron(layer, unit)
        if view.name == OPPOSITE.name:
            return -1 * (Neuron(layer, unit) if first else channel)
        if view.name == DIVERSE.name:
            value = abs(float(self.pictures(layer, self.channel, [unit]).values[0, 0]))
            return channel + float(f"{APART * value:.2g}") * Diversity(channel.layer)
        return channel

    def _climb(self, layer: str, view: View, units: Sequence[int]) -> _Entries:
        """The arrays of each unit's entry."""
        objectives = [self._objective(layer, view, unit) for unit in units]
        first = is_linear_in_image(self.network, objectives[0])
        found = ascent.maximize(
            self.network,
            [objective for objective in objectives for _ in range(view.copies)],
            size=side(self.network, layer, NEURON if first else view),
            steps=None if first else view.steps,
            seed=self.seed,
            progress=False,
        )
        if found.interrupted:
            raise KeyboardInterrupt  # half a picture must not be kept under a whole one's name
        images = found.images
        if first or view.side is None:
            images = in_field(self.network, layer, images)
        shape = (len(units), view.copies)
        levels = (images * 255).round().to(torch.uint8).numpy().reshape(*shape, *images.shape[1:])
        values = found.values.numpy().reshape(shape)
        return {
            unit: {"images": levels[row], "values": values[row]} for row, unit in enumerate(units)
        }


def side(network: Network, layer: str, view: View) -> int | None:
    """Returns the side in pixels of a view's canvas; None if the layer has no receptive field."""
    network.resolve(layer)
    if view.side is not None:
        return view.side
    try:
        return network.receptive_field(layer).canvas()
    except ValueError:
        return None


def in_field(network: Network, layer: str, images: Tensor) -> Tensor:
    """Cuts square images (..., H, W) down to the receptive field of the central neuron."""
    center = network.shape(layer, images.shape[-1])[-1] // 2
    first, end = network.receptive_field(layer).span(center)
    return images[..., first:end, first:end]


def _chunks(units: Sequence[int], width: int) -> Iterator[Sequence[int]]:
    for part in range(math.ceil(len(units) / width)):
        yield units[part * width : (part + 1) * width]


_entered: list[Microscope] = []
"""The microscope of a worker process."""


def _enter(microscope: Microscope, threads: int) -> None:
    torch.set_num_threads(threads)
    _entered.append(microscope)
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    """Ends a worker whose parent was killed and could not tell it to stop."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        _exit(1)


def _do(task: _Task) -> None:
    _entered[0]._keep(task)
