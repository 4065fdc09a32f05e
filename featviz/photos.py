"""Photographs: samples that ship inside the dependencies, and the user's own, as RGB in [0, 1]."""

import difflib
import importlib.util
import io
import math
import os
import tarfile
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain, islice
from numbers import Integral
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor
from torch.nn.functional import interpolate

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff")
"""How the names of files end that `files` and `shards` take for photographs."""

MIN_SIDE = 64
"""Shortest side of a photograph, in pixels: AlexNet's three poolings need 63."""

MAX_SIDE = 2048
"""Longest side that `load` returns, in pixels; larger photographs are reduced. Several times
what a figure shows or a network was trained on, and bounds what one photograph costs a network."""

MAX_PIXELS = 100_000_000
"""Most pixels that `load` decodes: 400 MB at the four bytes that Pillow spends on each."""


READERS, AHEAD = min(4, os.cpu_count() or 1), 8
"""Threads that decode photographs, no more than there are cores, which passes wait for; and most of
a stream that wait decoded: the largest take 50 MB each."""

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")


class PhotoError(ValueError):
    """A photograph cannot be found or read."""


@dataclass(frozen=True, eq=False)
class Photo:
    """A photograph and whom to thank for it.

    Attributes:
        name: The sample's name, or the file name without its suffix.
        image: Float32 (3, height, width), RGB in [0, 1].
        credit: Who made it; empty for the user's own photographs.
        license: The terms it may be shown under; empty for the user's own photographs.
        source: The installed package, the name of the file or archive, or the row it was read from.
    """

    name: str
    image: Tensor
    credit: str
    license: str
    source: str

    @property
    def attribution(self) -> str:
        """Credit, license and source in one line, to be shown beside the photograph."""
        return ", ".join(part for part in (self.credit, self.license, self.source) if part)


@dataclass(frozen=True)
class _Sample:
    package: str  # as imported
    path: str  # inside the package
    credit: str
    license: str


# Distribution names of the packages below.
_PACKAGES = {"skimage": "scikit-image", "sklearn": "scikit-learn", "matplotlib": "matplotlib"}

# Credits and licenses as stated by the packages themselves: the docstrings of `skimage.data`,
# scikit-learn's datasets/images/README.txt, and the comment inside matplotlib's file.
_SAMPLES: Mapping[str, _Sample] = MappingProxyType(
    {
        "astronaut": _Sample(
            "skimage", "data/astronaut.png", "NASA (Eileen Collins)", "public domain"
        ),
        "brick": _Sample("skimage", "data/brick.png", "CC0Textures (Bricks25)", "CC0"),
        "camera": _Sample("skimage", "data/camera.png", "Lav Varshney", "CC0"),
        "chelsea": _Sample("skimage", "data/chelsea.png", "Stéfan van der Walt", "CC0"),
        "china": _Sample(
            "sklearn", "datasets/images/china.jpg", "danielbuechele on Flickr", "CC BY 2.0"
        ),
        "coffee": _Sample(
            "skimage", "data/coffee.png", "Rachel Michetti, Pikolo Espresso Bar", "CC0"
        ),
        # The README names danielbuechele here too, but links to vultilion's photograph.
        "flower": _Sample(
            "sklearn", "datasets/images/flower.jpg", "vultilion on Flickr", "CC BY 2.0"
        ),
        "grace_hopper": _Sample(
            "matplotlib",
            "mpl-data/sample_data/grace_hopper.jpg",
            "U.S. Navy, by Wikimedia Commons (Grace_Hopper.jpg)",
            "public domain",
        ),
        "grass": _Sample("skimage", "data/grass.png", "linolafett on DeviantArt", "CC0"),
        "gravel": _Sample("skimage", "data/gravel.png", "CC0Textures (Gravel04)", "CC0"),
        "hubble_deep_field": _Sample(
            "skimage", "data/hubble_deep_field.jpg", "NASA, Hubble Space Telescope", "public domain"
        ),
        "motorcycle_left": _Sample(
            "skimage",
            "data/motorcycle_left.png",
            "Middlebury 2014 stereo benchmark (Scharstein et al., GCPR 2014)",
            "published for research, no license stated",
        ),
        "rocket": _Sample("skimage", "data/rocket.jpg", "SpaceX (DSCOVR launch)", "public domain"),
    }
)


def samples() -> tuple[str, ...]:
    """Lists the names of the sample photographs, in alphabetical order."""
    return tuple(_SAMPLES)


def load(name_or_path: str | Path, size: int | None = None) -> Photo:
    """Reads a sample photograph by its name, or one of the user's own from its file.

    Any image that Pillow reads becomes RGB: EXIF orientation is applied, gray and CMYK are
    converted, 16 bits are scaled to the full range, transparency is laid on white, an animation
    gives its first frame. A longer side above `MAX_SIDE` is reduced to it. Color profiles are not
    applied, as they were not when the networks were trained.

    Args:
        name_or_path: A name of `samples()`, or the path of an image file.
        size: Side in pixels of the square to `fit` the photograph to; None keeps its shape.

    Returns:
        The photograph, with its credit.

    Raises:
        PhotoError: If there is no such sample or file, or it cannot be read as a photograph.
    """
    if isinstance(name_or_path, str) and name_or_path in _SAMPLES:
        sample = _SAMPLES[name_or_path]
        photo = Photo(
            name=name_or_path,
            image=_read(_locate(sample)),
            credit=sample.credit,
            license=sample.license,
            source=_PACKAGES[sample.package],
        )
    else:
        path = Path(name_or_path)
        if path.name == str(name_or_path) and not path.suffix and not path.exists():
            raise _unknown(path.name)
        photo = Photo(path.stem, _read(path), credit="", license="", source=path.name)
    return fitted(photo, size)


def folder(path: str | Path, size: int | None = None) -> Iterator[Photo]:
    """Reads the photographs of a folder one by one, in the order of their file names.

    Args:
        path: The folder.
        size: As in `load`.

    Returns:
        An iterator over `files` that reads each when it gets there, and raises at the first damaged
        one.

    Raises:
        PhotoError: At once, if there is no such folder or no photograph in it.
    """
    return (load(file, size) for file in files(path))


def files(path: str | Path) -> list[Path]:
    """Lists the photographs of a folder in the order of their file names.

    Files with other suffixes than `SUFFIXES`, hidden files and subfolders are passed over.

    Args:
        path: The folder.

    Raises:
        PhotoError: There is no such folder, or no photograph in it.
    """
    root = Path(path)
    if not root.is_dir():
        what = "is a file" if root.exists() else "does not exist"
        raise PhotoError(f"The photo folder {root} {what}; give an existing folder.")
    found = sorted(file for file in root.iterdir() if is_listed(file.name) and file.is_file())
    if not found:
        raise PhotoError(
            f"The folder {root} holds no photographs; files ending in {', '.join(SUFFIXES)} count."
        )
    return found


def shards(paths: str | Path | Sequence[str | Path], size: int | None = None) -> Iterator[Photo]:
    """Reads the photographs of tar archives one after the other, as WebDataset packs them.

    What else lies in the archives is passed over. Threads decode a few photographs ahead; those
    that can't be read are left out with a warning.

    Args:
        paths: An archive, compressed or not, or several.
        size: As in `load`.

    Returns:
        An iterator; names are those of the files without what follows their first dot.

    Raises:
        PhotoError: At once, if there is no such file; later, if one is no archive.
    """
    archives = [Path(path) for path in ([paths] if isinstance(paths, str | Path) else paths)]
    for archive in archives:
        if not archive.is_file():
            raise PhotoError(f"There is no archive {archive}.")
    return _decoded(chain.from_iterable(map(_members, archives)), size)


def rows(
    dataset: Iterable[Mapping[str, object]], column: str = "image", size: int | None = None
) -> Iterator[Photo]:
    """Reads the photographs of a dataset of Hugging Face's, streamed or not.

    They are decoded as those of `shards`.

    Args:
        dataset: Rows; in their column they have an image of Pillow's, or its file's bytes.
        column: That column's name.
        size: As in `load`.

    Returns:
        An iterator; photographs are named by their file, or else by the number of their row.

    Raises:
        PhotoError: Later, if a row has no such column or no image there.
    """
    return _decoded((_cell(row, column, number) for number, row in enumerate(dataset)), size)


def is_listed(name: str) -> bool:
    """Returns whether a file counts as a photograph by its name: by its end, if not hidden."""
    return name.lower().endswith(SUFFIXES) and not name.startswith(".")


def fit(image: Tensor, size: int) -> Tensor:
    """Resizes the shorter side to a length, smoothly, and crops the center square.

    Args:
        image: (..., 3, height, width) in [0, 1].
        size: Side of the square, in pixels.

    Returns:
        (..., 3, size, size) in [0, 1], float32.

    Raises:
        ValueError: If the size is not a positive integer or the image has another shape.
    """
    if isinstance(size, bool) or not isinstance(size, Integral) or size < 1:
        raise ValueError(f"size must be a positive number of pixels, not {size!r}.")
    size = int(size)
    if image.ndim < 3 or image.shape[-3] != 3 or 0 in image.shape:
        raise ValueError(f"image must be (..., 3, height, width), not {tuple(image.shape)}.")
    height, width = image.shape[-2:]
    short = min(height, width)
    # As torchvision: the longer side is cut to whole pixels, the offset of the crop is rounded.
    target = [int(size * height / short), int(size * width / short)]
    batch = image.reshape(-1, 3, height, width).float()
    picture = interpolate(batch, target, mode="bilinear", align_corners=False, antialias=True)
    top, left = (round((side - size) / 2) for side in target)
    square = picture[..., top : top + size, left : left + size].clamp(0.0, 1.0)
    return square.reshape(*image.shape[:-2], size, size).contiguous()


def fitted(photo: Photo, size: int | None) -> Photo:
    """Returns a photograph whose pixels are those of `fit`, or itself without a size."""
    return photo if size is None else replace(photo, image=fit(photo.image, size))


@dataclass(frozen=True)
class _Encoded:
    """A photograph to be decoded: its name, where it is from, and its bytes or Pillow's image."""

    name: str
    source: str
    data: bytes | Image.Image

    def photo(self, size: int | None) -> Photo:
        # A copy, because decoding at a smaller scale would change the caller's image.
        file = io.BytesIO(self.data) if isinstance(self.data, bytes) else self.data.copy
        image = _decode(file, f"{self.name!r} of {self.source}")
        return fitted(Photo(self.name, image, "", "", self.source), size)


def _members(archive: Path) -> Iterator[_Encoded]:
    """The photographs of a tar archive, read in one go."""
    try:
        with tarfile.open(archive, "r|*") as packed:
            for member in packed:
                file = packed.extractfile(member) if member.isfile() else None
                name = Path(member.name).name
                if file is not None and is_listed(name):
                    yield _Encoded(name.partition(".")[0], archive.name, file.read())
    except (tarfile.TarError, EOFError) as error:
        raise PhotoError(f"The file {archive} is no whole tar archive ({error}).") from error


def _cell(row: Mapping[str, object], column: str, number: int) -> _Encoded:
    """The image of a row."""
    if column not in row:
        raise PhotoError(
            f"Row {number} has no column {column!r}; it has {', '.join(map(repr, row))}."
        )
    cell = row[column]
    named = cell.get("path") if isinstance(cell, Mapping) else getattr(cell, "filename", None)
    data = cell.get("bytes") if isinstance(cell, Mapping) else cell
    if not isinstance(data, bytes | Image.Image):
        what = "no bytes" if isinstance(cell, Mapping) else f"{type(cell).__name__}"
        raise PhotoError(f"Column {column!r} of row {number} holds {what}, and no image.")
    return _Encoded(Path(named).stem if named else str(number), f"row {number}", data)


def _decoded(encoded: Iterator[_Encoded], size: int | None) -> Iterator[Photo]:
    """Decodes photographs in several threads, a few ahead; damaged ones are left out."""
    for future in in_threads(lambda one: one.photo(size), encoded, AHEAD):
        try:
            photo = future.result()
        except PhotoError as error:
            warnings.warn(f"{error} It is left out.", stacklevel=2)
        else:
            yield photo


def in_threads(
    do: Callable[[_Task], _Result],
    tasks: Iterable[_Task],
    ahead: int,
    threads: int = READERS,
    begin: Callable[[], object] | None = None,
) -> Iterator[Future[_Result]]:
    """Does tasks in several threads while what came before is in use.

    Args:
        do: Does a task.
        tasks: The tasks, taken in the caller's thread. An error of theirs is raised when all that
            came before it has been given.
        ahead: Most tasks that are asked for and not yet given.
        threads: How many threads.
        begin: What each does first.

    Yields:
        What becomes of each, in their order.
    """
    pool = ThreadPoolExecutor(threads, initializer=begin)
    waiting = (pool.submit(do, task) for task in tasks)
    begun: deque[Future[_Result]] = deque()
    failure: Exception | None = None
    try:
        while True:
            try:
                begun.extend(islice(waiting, ahead - len(begun)))
            except Exception as error:
                failure = error
            if not begun:
                break
            yield begun.popleft()
        if failure is not None:
            raise failure
    finally:
        pool.shutdown(cancel_futures=True)


def _unknown(name: str) -> PhotoError:
    near = difflib.get_close_matches(name, _SAMPLES, cutoff=0.4)
    offer = f" The nearest are {', '.join(near)}." if near else ""
    return PhotoError(
        f"There is no sample photograph {name!r}, and no such file.{offer} "
        "List them with featviz.photos.samples()."
    )


def _locate(sample: _Sample) -> Path:
    spec = importlib.util.find_spec(sample.package)  # finds, does not import: these are heavy
    if spec is None or spec.origin is None:
        raise PhotoError(
            f"The sample photograph {Path(sample.path).stem} ships inside "
            f"{_PACKAGES[sample.package]}, which is not installed."
        )
    return Path(spec.origin).parent / sample.path


def _read(path: Path) -> Tensor:
    """Decodes a file to (3, height, width) in [0, 1], or says in one sentence why not."""
    if not path.is_file():
        what = "is a folder: use featviz.photos.folder" if path.is_dir() else "does not exist"
        raise PhotoError(f"The photo {path} {what}.")
    with warnings.catch_warnings():
        # Pillow warns of large images and of odd metadata; both are dealt with here. Filters are
        # the process's: what other threads warn of has to pass.
        warnings.filterwarnings("ignore", module=r"PIL\b")
        return _decode(path, path)


def _decode(file: Path | io.BytesIO | Callable[[], Image.Image], name: object) -> Tensor:
    """Decodes a file, which messages call by its name, to (3, height, width) in [0, 1]."""
    try:
        with file() if callable(file) else Image.open(file) as image:
            return _pixels(image, name)
    except PhotoError:
        raise
    except UnidentifiedImageError:
        raise PhotoError(f"The photo {name} is not an image that Pillow can read.") from None
    except Image.DecompressionBombError:
        raise _too_large(name) from None
    except Exception as error:  # decoders raise whatever the damaged bytes lead them to
        raise PhotoError(f"The photo {name} is damaged or unreadable ({error}).") from error


def _pixels(picture: Image.Image, name: object) -> Tensor:
    """Turns an image upright, into RGB and to a size that is wanted."""
    image = _flatten(_upright(picture, name), name)
    image.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.BICUBIC)
    if min(image.size) < MIN_SIDE:
        width, height = image.size
        raise PhotoError(
            f"The photo {name} is too small: {width} x {height} pixels once the longer side is at "
            f"most {MAX_SIDE}; the shorter must have at least {MIN_SIDE}."
        )
    pixels = torch.from_numpy(np.asarray(image, dtype=np.float32) / 255.0)
    return pixels.permute(2, 0, 1).contiguous()


def _too_large(name: object) -> PhotoError:
    return PhotoError(
        f"The photo {name} is too large to decode safely; save it with at most "
        f"{MAX_PIXELS // 1_000_000} million pixels."
    )


def _upright(image: Image.Image, name: object) -> Image.Image:
    """Decodes, upright; a JPEG at the smallest of its built-in scales that still gives MAX_SIDE."""
    scale = min(1.0, MAX_SIDE / max(image.size))
    image.draft(None, (math.ceil(image.width * scale), math.ceil(image.height * scale)))
    if image.width * image.height > MAX_PIXELS:
        raise _too_large(name)
    return ImageOps.exif_transpose(image)


def _flatten(image: Image.Image, name: object) -> Image.Image:
    """Converts any mode to RGB, transparency laid on white."""
    if image.mode in ("I", "F"):
        raise PhotoError(
            f"The photo {name} has 32-bit pixels, whose white is not defined; save it with 8 or 16 "
            "bits per channel."
        )
    if image.mode.startswith("I;16"):  # keep the high byte, as Pillow does with 16-bit colors
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if not image.has_transparency_data:
        return image.convert("RGB")
    white = Image.new("RGBA", image.size, "white")
    white.alpha_composite(image.convert("RGBA"))
    return white.convert("RGB")
