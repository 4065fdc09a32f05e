"""Photographs from folders of any size, decoded by threads, in batches of one shape."""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from torch import Tensor

from featviz import photos as photographs
from featviz.network.values import PASS
from featviz.photos import PhotoError

AHEAD = 32
"""Photographs that are decoded while others go through the network."""

Numbered = tuple[int, Tensor]
"""A photograph's number and its image (3, H, W)."""


@dataclass(frozen=True)
class Shard:
    """Photographs that are tallied together, and the number of the first.

    Attributes:
        first: That number.
        files: Where they are.
    """

    first: int
    files: tuple[Path, ...]

    @cached_property
    def fingerprint(self) -> str:
        """Stands for the files: their names, sizes and times, for reading all takes too long."""
        digest = hashlib.sha256()
        for file in self.files:
            about = file.stat()
            digest.update(f"{file.name}\n{about.st_size} {about.st_mtime_ns}\n".encode())
        return digest.hexdigest()


def find_photographs(folder: Path) -> list[Path]:
    """Lists the photographs in a folder and in those below it, in the order of their names.

    Args:
        folder: The folder; hidden files and folders are passed over.

    Raises:
        PhotoError: There is no such folder, or no photograph in it.
    """
    files = []
    for place, below, names in os.walk(folder):
        below[:] = sorted(name for name in below if not name.startswith("."))
        files += [Path(place, name) for name in sorted(names) if photographs.is_listed(name)]
    if not files:
        photographs.files(folder)  # says what is wrong with it
    return files


def decoded(files: Sequence[Path], size: int | None) -> Iterator[Numbered]:
    """Reads photographs in several threads, a few ahead; those that can't be read are left out.

    Args:
        files: Where they are.
        size: Side in pixels of the square that they are fitted to; None leaves them as they are.

    Yields:
        Each with its index in `files`, in that order.
    """
    read = photographs.in_threads(lambda file: photographs.load(file, size), files, AHEAD)
    for number, future in enumerate(read):
        try:
            image = future.result().image
        except PhotoError:
            continue
        yield number, image


def in_batches(images: Iterable[Numbered]) -> Iterator[list[Numbered]]:
    """Groups photographs that follow each other and have one shape, as many as go at a time.

    Args:
        images: The photographs.

    Yields:
        Up to `PASS` pixels of them.
    """
    group: list[Numbered] = []
    for number, image in images:
        width = max(1, PASS // (image.shape[-2] * image.shape[-1]))
        if group and (len(group) >= width or group[0][1].shape != image.shape):
            yield group
            group = []
        group.append((number, image))
    if group:
        yield group
