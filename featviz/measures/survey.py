"""Photographs by the million: what they do to every unit of several layers, in one pass of each."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor
from tqdm import tqdm

from featviz import photos as photographs
from featviz.ascent.effective_field import used_field
from featviz.measures.patches import Example, Examples, cut, field_box, no_field, pixels_seen
from featviz.measures.reading import Numbered, Shard, find_photographs
from featviz.measures.surveyor import Surveyor
from featviz.measures.tallies import Tally
from featviz.network.network import Network
from featviz.network.parcels import FOLDER, pack
from featviz.network.parts import Part, check_part
from featviz.network.workers import results
from featviz.photos import Photo, PhotoError
from featviz.store import Store

SHARD = 2048
"""Photographs whose tallies are kept together: what a killed survey loses at most. AlexNet takes
some twenty seconds for them on two cores."""

SIZE = 224
"""Side in pixels of the squares that photographs are fitted to, as ImageNet's networks see them."""


@dataclass(frozen=True, eq=False)
class Survey:
    """What photographs do to units.

    Attributes:
        network: The network.
        tallies: Layer -> its tally; the numbers of its photographs are indices into `names`.
        names: Names of the photographs, or of their files below the folder.
        skipped: Names of those that couldn't be read, or hold no whole field of any layer.
        size: Side in pixels that they were fitted to; None for those as they are.
        folder: Where the files lie; None if photographs weren't files.
        patches: What was cut out of photographs that weren't files.
    """

    network: Network
    tallies: dict[str, Tally]
    names: Sequence[str]
    skipped: tuple[str, ...]
    size: int | None
    folder: Path | None
    patches: "Cuttings"

    def examples(self, layer: str, units: Sequence[int] | None = None) -> Examples:
        """Cuts out the patches that excite units most, at most one of each photograph.

        Of files, those that hold such a patch are read once more.

        Args:
            layer: One of the layers surveyed.
            units: Which units; without it all.

        Returns:
            The patches, as `find_examples` gives them.
        """
        tally = self.tallies[layer]
        numbers = list(range(len(tally.values)) if units is None else map(int, units))
        patches = self.patches
        if self.folder is not None:
            patches = Cuttings(self.network)
            for number in np.unique(tally.photos[numbers]):
                if number >= 0:
                    image = photographs.load(self.folder / self.names[number], self.size).image
                    patches.cut(layer, tally, [(int(number), image)])
        field = self.network.receptive_field(layer)
        found = {
            unit: tuple(
                Example(
                    self.names[photo],
                    float(value),
                    (row, column),
                    field_box(field, row, column),
                    patches[layer, photo, row, column],
                )
                for value, photo, (row, column) in zip(
                    tally.values[unit].tolist(),
                    tally.photos[unit].tolist(),
                    tally.places[unit].tolist(),
                    strict=True,
                )
                if photo >= 0
            )
            for unit in numbers
        }
        return Examples(layer, found, int(tally.seen[0]), self.skipped)


class Cuttings(dict[tuple[str, int, int, int], Tensor]):
    """Patches of photographs by layer, number of the photograph, row and column.

    Args:
        network: The network whose units use them.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self._network = network

    def cut(self, layer: str, tally: Tally, images: Sequence[Numbered]) -> None:
        """Cuts the patches that a tally names out of photographs."""
        core = used_field(self._network, layer)
        for number, image in images:
            places = np.unique(tally.places[tally.photos == number], axis=0).tolist()
            if not places:
                continue
            pixels = pixels_seen(self._network, Photo("", image, "", "", ""))
            for row, column in places:
                self[layer, number, row, column] = cut(pixels, field_box(core, row, column))

    def forget(self, tallies: Mapping[str, Tally]) -> None:
        """Drops what is no longer among the strongest."""
        photos = {layer: set(tally.photos.ravel().tolist()) for layer, tally in tallies.items()}
        for key in [key for key in self if key[1] not in photos[key[0]]]:
            del self[key]


def survey(
    network: Network,
    photos: Iterable[Photo] | str | Path,
    layers: Sequence[str] | None = None,
    *,
    size: int | None = SIZE,
    count: int = 9,
    correlations: bool = False,
    store: Store | None = None,
    executor: Executor | None = None,
    part: Part | None = None,
    device: str = "auto",
    progress: bool | None = None,
) -> Survey:
    """Finds the places of any number of photographs that excite each unit most, and how busy it is.

    Each photograph goes through the network once, for all layers, while the next ones are decoded.
    Memory depends on layers and count, not on how many photographs there are. Of a folder,
    what is known of every `SHARD` photographs is kept in the store, so that a survey that was
    killed goes on, and one of a folder that has grown at its end reads what is new.

    As with `find_examples`, only places whose whole receptive field lies inside the photograph
    count. Other than there, a photograph gives a unit no more than one patch.

    Args:
        network: The network.
        photos: A folder, with those in it, or photographs, which are not kept in the store. What
            hands out photographs must not wait for other threads that work with networks.
        layers: Which layers; without it all.
        size: Side in pixels of the square that photographs are fitted to; None leaves them as they
            are, and takes longer where they have many shapes.
        count: Places for each unit.
        correlations: Whether to sum up what correlations of units over photographs take: as many
            numbers as a layer has pairs of units.
        store: Where tallies of a folder are kept; the default store without it.
        executor: Whose workers do the shards of a folder, as in `Microscope.build`.
        part: Which part of a folder's shards is done here, (3, 16) for the third of sixteen; the
            result is of that part. The survey without it then reads them all from the store.
        device: "auto", "cuda", "mps" or "cpu".
        progress: Whether to show a progress bar; without it, where a terminal is there.

    Returns:
        The survey. Files that can't be read are named in it.

    Raises:
        ValueError: An unknown layer or device, a layer whose units see the whole image, a folder
            without photographs, or whose photographs can't be read, none that holds a whole field,
            or an executor or a part for photographs that aren't files.
        ChildProcessError: A worker was ended from outside, or can't do the work.
        UnsavedEntry: A worker could not keep its tallies.
    """
    names = tuple(network.layers if layers is None else layers)
    if count < 1:
        raise ValueError(f"count is at least 1, not {count}.")
    surveyor = Surveyor(network, names, size, count, correlations, device, store or Store())
    for layer in names:
        field = network.receptive_field(layer)
        if size is not None and size < field.canvas():
            raise ValueError(
                f"units of {layer} see {field.size} px, so that no photograph of {size} px holds a "
                f"whole field: give a size of at least {field.canvas()}, or other layers."
            )
    quiet = None if progress is None else not progress
    if isinstance(photos, str | Path):
        return _of_folder(surveyor, Path(photos), executor, part, quiet)
    if executor is not None or part is not None:
        raise ValueError("workers and parts read photographs by themselves: give a folder of them.")
    return _of_photos(surveyor, photos, quiet)


def _of_folder(
    surveyor: Surveyor,
    folder: Path,
    executor: Executor | None,
    part: Part | None,
    quiet: bool | None,
) -> Survey:
    files = find_photographs(folder)
    shards = [
        Shard(first, tuple(files[first : first + SHARD])) for first in range(0, len(files), SHARD)
    ]
    if part is not None:
        number, parts = check_part(part)
        shards = shards[number - 1 :: parts]
    tallies, skipped = surveyor.nothing(), list[int]()
    with tqdm(total=sum(len(shard.files) for shard in shards), unit="photo", disable=quiet) as bar:
        if executor is not None:
            where = surveyor.store.folder / FOLDER
            parcel = pack(surveyor, where, __name__, same_script=False)
            for shard, _ in results(executor, parcel, shards, kept=True):
                bar.update(len(shard.files))
        for shard in shards:
            these, without = surveyor.stored(shard)
            tallies = {name: tallies[name] + these[name].shifted(shard.first) for name in tallies}
            skipped += [shard.first + number for number in without]
            bar.update(0 if executor is not None else len(shard.files))
    names = [file.relative_to(folder).as_posix() for file in files]
    missing = tuple(names[number] for number in skipped)
    whole = Survey(
        surveyor.network, tallies, names, missing, surveyor.size, folder,
        Cuttings(surveyor.network),
    )  # fmt: skip
    return _checked(whole, bool(shards))


def _of_photos(surveyor: Surveyor, photos: Iterable[Photo], quiet: bool | None) -> Survey:
    names: list[str] = []

    def numbered() -> Iterator[Numbered]:
        for number, photo in enumerate(tqdm(photos, unit="photo", disable=quiet)):
            names.append(photo.name)
            yield number, photographs.fitted(photo, surveyor.size).image

    tallies, used = surveyor.nothing(), set[int]()
    cuttings = Cuttings(surveyor.network)
    with closing(surveyor.tallied(numbered())) as passes:
        for tallies, images in passes:
            used.update(number for number, _ in images)
            for layer, tally in tallies.items():
                cuttings.cut(layer, tally, images)
            cuttings.forget(tallies)
    skipped = tuple(name for number, name in enumerate(names) if number not in used)
    return _checked(
        Survey(surveyor.network, tallies, names, skipped, surveyor.size, None, cuttings), True
    )


def _checked(whole: Survey, complain: bool) -> Survey:
    """Raises, as `find_examples` does, if there is a layer of which no photograph holds a field."""
    for layer, tally in whole.tallies.items():
        if complain and not tally.seen[0]:
            # With a size every photograph that can be read holds a field.
            if whole.size is not None and whole.skipped:
                raise PhotoError(
                    f"none of the {len(whole.skipped)} photographs in {whole.folder} can be read, "
                    f"{whole.skipped[0]} for one."
                )
            raise no_field(layer, whole.network.receptive_field(layer), len(whole.names))
    return whole
