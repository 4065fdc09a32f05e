"""Which natural patches excite a unit: the strongest places over many photographs."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from featviz import photos as photographs
from featviz.ascent.effective_field import used_field
from featviz.network.inputs import gray
from featviz.network.network import Network, check_units
from featviz.network.padding import places_inside
from featviz.network.parcels import FOLDER, pack
from featviz.network.receptive_fields import ReceptiveField
from featviz.network.values import activations
from featviz.network.workers import results
from featviz.photos import Photo
from featviz.store import Store

Bytes = NDArray[np.uint8]

TASKS, TASK = 16, 256
"""Photographs are shared in so many tasks or more, so that workers end together, and of so many
photographs or fewer each, so that engines that do a dead worker's task anew lose little."""

Box = tuple[int, int, int, int]
"""(top, left, bottom, right) in pixels."""


@dataclass(frozen=True, eq=False)
class Example:
    """One patch of a photograph.

    Attributes:
        photo: The photograph's name.
        value: What the unit answers there.
        position: (row, column) in the layer's map.
        box: (top, left, bottom, right) of the unit's receptive field in pixels of the photo.
        patch: (3, size, size) uint8, the part of the field that the layer's units use
            (`ascent.used_field`); gray where the network sees no color.
    """

    photo: str
    value: float
    position: tuple[int, int]
    box: Box
    patch: Tensor

    @property
    def image(self) -> Tensor:
        """The patch as float32 (3, size, size) in [0, 1]."""
        return self.patch.float() / 255


@dataclass(frozen=True, eq=False)
class Examples:
    """The patches that excite units most.

    Attributes:
        layer: The layer.
        found: Unit -> its patches, strongest first.
        photos: How many photographs were searched.
        skipped: Names of photographs that were not, as they hold no unit's whole field.
    """

    layer: str
    found: dict[int, tuple[Example, ...]]
    photos: int
    skipped: tuple[str, ...]


def find_examples(
    network: Network,
    layer: str,
    photos: Iterable[Photo] | str | Path | None = None,
    *,
    units: Sequence[int] | None = None,
    count: int = 9,
    executor: Executor | None = None,
    store: Store | None = None,
    progress: bool | None = None,
) -> Examples:
    """Finds the patches of photographs that excite units most.

    Only places whose whole receptive field lies inside the photograph compete. Elsewhere the
    network's zero padding has a part in the value, and only to the first layer is it the mean
    color: no picture could show what a deep unit sees there. It would not be enough for the part
    that units use to lie inside, because the rest of the field moves them, too.

    Photographs are read one at a time, and only the best patches so far are kept: memory depends on
    units, count and field, not on how many photographs there are. Patches of one unit from one
    photograph don't overlap.

    Args:
        network: The network.
        layer: The layer's name.
        photos: Photographs, as `photos.shards` and `photos.rows` stream them, or a folder of them;
            without it the bundled samples.
        units: Which units; without it all.
        count: Patches per unit; there are fewer if the photographs hold fewer apart.
        executor: Whose workers search a folder or the samples, as in `Microscope.build`. They read
            the photographs by themselves, under the same path; what is found is the same.
        store: In whose folder these workers find the weights; the default store without it.
        progress: Whether to show a progress bar; without it, where a terminal is there.

    Returns:
        The patches.

    Raises:
        ValueError: An unknown layer or unit, a layer whose units see the whole image, a folder
            without photographs, no photograph that holds a unit's whole field, or an executor for
            photographs that aren't files, or a network that can't be handed to its workers.
        OSError: The weights can't be written where workers read them.
        ChildProcessError: A worker was ended from outside, or can't do the work.
    """
    field = network.receptive_field(layer)
    numbers = tuple(range(network.units(layer)) if units is None else units)
    check_units(network, layer, numbers)
    if count < 1:
        raise ValueError(f"count is at least 1, not {count}.")
    core = used_field(network, layer)
    quiet = None if progress is None else not progress
    if executor is None:
        search = _Search(network, (_Wanted(layer, numbers, field, core),), count)
        found = search(tqdm(_stream(photos), desc=layer, unit="photo", disable=quiet))[layer]
    else:
        search = _Search(network, (_Wanted(layer, numbers, field),), count)
        found = _shared(search, core, _readable(photos), executor, store or Store(), quiet)
    if not found.photos:
        raise no_field(layer, field, len(found.skipped))
    return found


def find_places(
    network: Network, layers: Sequence[str], photos: Iterable[Photo], count: int
) -> dict[str, Examples]:
    """Finds what `find_examples` does for all units of several layers, but cuts no patches.

    A photograph goes through the network once for all layers, and their maps of it are in memory
    together.

    Args:
        network: The network.
        layers: The layers' names.
        photos: Photographs.
        count: Places per unit.

    Returns:
        Layer -> its units' places, whose patches are empty.

    Raises:
        ValueError: An unknown layer, or one whose units see the whole image.
    """
    wanted = (
        _Wanted(layer, tuple(range(network.units(layer))), network.receptive_field(layer))
        for layer in dict.fromkeys(layers)
    )
    return _Search(network, tuple(wanted), count)(photos)


@dataclass(frozen=True)
class _Wanted:
    """The units of a layer whose places are wanted, what they see, and what of it is cut out."""

    layer: str
    units: tuple[int, ...]
    field: ReceptiveField
    core: ReceptiveField | None = None


@dataclass(frozen=True)
class _Search:
    """Finds the best places of some photographs, one after the other."""

    network: Network
    wanted: tuple[_Wanted, ...]
    count: int

    def __call__(self, photos: Iterable[Photo]) -> dict[str, Examples]:
        best: dict[str, dict[int, list[Example]]] = {
            one.layer: {unit: [] for unit in one.units} for one in self.wanted
        }
        skipped = defaultdict[str, list[str]](list)
        searched = Counter[str]()
        for photo in photos:
            fit: list[_Wanted] = []
            for one in self.wanted:
                if holds_field(one.field, photo):
                    fit.append(one)
                else:
                    skipped[one.layer].append(photo.name)
            if not fit:
                continue
            insides = all_values_inside(self.network, [one.layer for one in fit], photo)
            pixels = pixels_seen(self.network, photo) if any(one.core for one in fit) else None
            for one in fit:
                searched[one.layer] += 1
                self._compare(photo.name, pixels, one, *insides[one.layer], best[one.layer])
        return {
            layer: Examples(
                layer,
                {unit: tuple(examples) for unit, examples in found.items()},
                searched[layer],
                tuple(skipped[layer]),
            )
            for layer, found in best.items()
        }

    def _compare(
        self,
        photo: str,
        pixels: Bytes | None,
        wanted: _Wanted,
        corner: tuple[int, int],
        values: Tensor,
        best: dict[int, list[Example]],
    ) -> None:
        """Puts the places of a photograph that are stronger among the best."""
        peaks = _peaks(values[list(wanted.units)], wanted.units, wanted.field, self.count, best)
        for unit, row, column, amount in peaks:
            rivals = best[unit]
            if len(rivals) == self.count and amount <= rivals[-1].value:
                continue
            position = corner[0] + row, corner[1] + column
            patch = torch.empty(0, dtype=torch.uint8)
            if pixels is not None and wanted.core is not None:
                patch = cut(pixels, field_box(wanted.core, *position))
            box = field_box(wanted.field, *position)
            rivals.append(Example(photo, amount, position, box, patch))
            rivals.sort(key=lambda one: -one.value)
            del rivals[self.count :]


@dataclass(frozen=True)
class _Reading:
    """The same of numbered photographs that a worker reads.

    What it sends names each photograph by its number, and has no patches, which are a hundred times
    as large as the rest; the few that are wanted in the end are cut then.
    """

    search: _Search

    def __call__(self, task: Sequence[tuple[int, str | Path]]) -> Examples:
        (found,) = self.search(
            replace(photographs.load(name), name=str(number)) for number, name in task
        ).values()
        return found


def _shared(
    search: _Search,
    core: ReceptiveField,
    names: Sequence[str | Path],
    executor: Executor,
    store: Store,
    quiet: bool | None,
) -> Examples:
    """Searches photographs by an executor's workers, and cuts the patches that are left."""
    size = max(1, min(TASK, len(names) // TASKS))
    numbered = list(enumerate(names))
    tasks = [tuple(numbered[first : first + size]) for first in range(0, len(names), size)]
    parcel = pack(_Reading(search), store.folder / FOLDER, __name__, same_script=False)
    (of,) = search.wanted
    best: dict[int, list[Example]] = {unit: [] for unit in of.units}
    skipped: list[int] = []
    with tqdm(total=len(names), desc=of.layer, unit="photo", disable=quiet) as bar:
        for task, part in results(executor, parcel, tasks, kept=False):
            for unit, examples in part.found.items():
                # Of equal ones the earlier comes first, whichever worker is done first.
                rivals = [*best[unit], *examples]
                rivals.sort(key=lambda one: (-one.value, int(one.photo)))
                best[unit] = rivals[: search.count]
            skipped += map(int, part.skipped)
            bar.update(len(task))
    wanted = defaultdict[int, list[tuple[int, int]]](list)
    for unit, examples in best.items():
        for at, one in enumerate(examples):
            wanted[int(one.photo)].append((unit, at))
    for number, places in wanted.items():
        photo = photographs.load(names[number])
        pixels = pixels_seen(search.network, photo)
        for unit, at in places:
            one = best[unit][at]
            patch = cut(pixels, field_box(core, *one.position))
            best[unit][at] = replace(one, photo=photo.name, patch=patch)
    return Examples(
        of.layer,
        {unit: tuple(examples) for unit, examples in best.items()},
        len(names) - len(skipped),
        tuple(Path(names[number]).stem for number in sorted(skipped)),
    )


def _readable(photos: Iterable[Photo] | str | Path | None) -> Sequence[str | Path]:
    """What of photographs a worker can load by itself."""
    if photos is None:
        return photographs.samples()
    if isinstance(photos, str | Path):
        return photographs.files(photos)
    raise ValueError("workers read photographs by themselves: give a folder of them.")


def holds_field(field: ReceptiveField, photo: Photo) -> bool:
    """Returns whether a photograph holds the whole receptive field of any unit."""
    return min(photo.image.shape[1:]) >= field.canvas()


def no_field(layer: str, field: ReceptiveField, photos: int) -> ValueError:
    """Returns the error that says that none of a number of photographs holds a whole field."""
    if not photos:
        return ValueError("there are no photographs.")
    return ValueError(
        f"none of the {photos} photographs has the {field.canvas()} px on both sides that it takes "
        f"to hold a whole receptive field of {layer}: units see {field.size} px."
    )


def values_inside(
    network: Network, layer: str, photo: Photo, units: Sequence[int]
) -> tuple[tuple[int, int], Tensor]:
    """Returns units' values at the places whose whole field lies inside a photograph.

    Args:
        network: The network.
        layer: The layer's name.
        photo: A photograph that holds a whole field.
        units: Which units.

    Returns:
        (row, column) of the first of these places in the layer's map, and the values
        (units, rows, columns).
    """
    corner, values = all_values_inside(network, [layer], photo)[layer]
    return corner, values[list(units)]


def all_values_inside(
    network: Network, layers: Sequence[str], photo: Photo
) -> dict[str, tuple[tuple[int, int], Tensor]]:
    """Returns what `values_inside` does of all units of several layers, from one pass."""
    insides = {}
    for layer, maps in activations(network, photo.image, list(layers)).items():
        field, values = network.receptive_field(layer), maps[0].cpu()
        rows, columns = (
            places_inside(field, count, size)
            for count, size in zip(values.shape[1:], photo.image.shape[1:], strict=True)
        )
        inside = values[:, rows.start : rows.stop, columns.start : columns.stop]
        insides[layer] = (rows.start, columns.start), inside
    return insides


def _stream(photos: Iterable[Photo] | str | Path | None) -> Iterable[Photo]:
    if photos is None or isinstance(photos, str | Path):
        return map(photographs.load, _readable(photos))
    return photos


def _peaks(
    value: Tensor,
    units: Sequence[int],
    field: ReceptiveField,
    count: int,
    best: dict[int, list[Example]],
) -> Iterator[tuple[int, int, int, float]]:
    """The strongest places of each unit whose fields don't overlap, if they beat what is there.

    Args:
        value: (units, h, w).
        units: The units' indices.
        field: Their receptive field.
        count: Places per unit at most.
        best: What was found before, strongest first.

    Yields:
        (unit, row, column, value).
    """
    apart = math.ceil(field.size / field.stride)
    rest = value.clone()
    height, width = rest.shape[1:]
    lowest = torch.tensor([
        best[unit][-1].value if len(best[unit]) == count else -math.inf for unit in units
    ])  # fmt: skip
    for _ in range(count):
        peaks, places = rest.flatten(1).max(1)
        better = (peaks > lowest).nonzero()[:, 0].tolist()
        if not better:
            return
        for index in better:
            row, column = divmod(int(places[index]), width)
            yield units[index], row, column, peaks[index].item()
            rows = slice(max(0, row - apart + 1), min(height, row + apart))
            columns = slice(max(0, column - apart + 1), min(width, column + apart))
            rest[index, rows, columns] = -math.inf
        weaker = torch.ones(len(units), dtype=torch.bool)
        weaker[better] = False
        rest[weaker] = -math.inf


def field_box(field: ReceptiveField, row: int, column: int) -> Box:
    """Returns where the field of a place lies in the image."""
    (top, bottom), (left, right) = field.span(row), field.span(column)
    return top, left, bottom, right


def pixels_seen(network: Network, photo: Photo) -> Bytes:
    """Returns a photograph (3, H, W) as a network sees it, maybe in gray, to cut patches from."""
    image = photo.image
    if len(network.mean) == 1:
        image = gray(image[None])[0].expand(3, -1, -1)
    # NumPy, because torch would start its threads for each of thousands of small copies.
    levels: Bytes = (image.cpu() * 255).round().to(torch.uint8).numpy()
    return levels


def cut(pixels: Bytes, box: Box) -> Tensor:
    """Cuts a box out of pixels (3, H, W) that hold it."""
    top, left, bottom, right = box
    return torch.from_numpy(pixels[:, top:bottom, left:right].copy())
