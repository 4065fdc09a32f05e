"""The article's photographs: scenes and cut-outs, packed beside this file, or the reader's own.

`tools/pack_photographs.py` packs them; `credits.json` says whose they are. The two sets are two
populations. A scene is a photograph as it was taken, its shorter side at most 320 pixels. A cut-out
is an object on ImageNet's mean color, two thirds of 224 pixels large: what a layer looks for, and
no sample of what there is to see.
"""

import difflib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from torch.nn.functional import interpolate

from featviz import photos
from featviz.microscope.build import SEARCHED
from featviz.photos import Photo, PhotoError

FOLDER = Path(__file__).parent
"""Where the packed photographs and their credits are."""

VARIABLE = "PHOTOS"
"""Environment variable that names a folder whose photographs take the place of the packed scenes.
`featviz.article.bridge.cache` makes pages anew when it or the folder changes."""

LEAST = 8
"""Fewest photographs of such a folder: with less, an interval over photographs says nothing."""

SIDE = 320
"""Shorter side in pixels that the folder's photographs are reduced to, as the packed scenes are."""

Kind = Literal["scenes", "cutouts"]
"""The sets."""


@dataclass(frozen=True)
class Credit:
    """Whose a packed photograph is, and where it comes from.

    Args:
        name: What `load` calls it.
        set: Its set.
        author: Who made it.
        license: The terms it may be shown under.
        package: The Debian package it was packed from.
        file: Its path there; after a `#` that within a Qt resource file.
        sha256: Hash of the packed file.
        origin: Address of the page that the package names as its source; empty without one.
    """

    name: str
    set: Kind
    author: str
    license: str
    package: str
    file: str
    sha256: str
    origin: str = ""

    @property
    def path(self) -> Path:
        """The packed file."""
        return FOLDER / self.set / f"{self.name}.webp"


@cache
def credits() -> Mapping[str, Credit]:
    """Returns the credits of all packed photographs by their names, scenes before cut-outs."""
    listed = json.loads((FOLDER / "credits.json").read_text("utf-8"))["photographs"]
    return {entry["name"]: Credit(**entry) for entry in listed}


def names(kind: Kind = "scenes") -> list[str]:
    """Lists the photographs of a set, in alphabetical order.

    Args:
        kind: "scenes" or "cutouts"; the reader's own folder takes the place of the packed scenes.

    Returns:
        Names that `load` takes.

    Raises:
        ValueError: If there is no such set.
        PhotoError: If the reader's own folder won't do.
    """
    if kind not in get_args(Kind):
        raise ValueError(f"kind must be one of {', '.join(get_args(Kind))}, not {kind!r}.")
    if kind == "scenes" and (own := os.environ.get(VARIABLE)):
        return sorted(_own(own))
    return sorted(credit.name for credit in credits().values() if credit.set == kind)


def load(name: str, size: int | None = None) -> Photo:
    """Reads a scene or a cut-out by its name.

    Args:
        name: One of `names("scenes")` or `names("cutouts")`.
        size: As in `featviz.photos.load`.

    Returns:
        The photograph with its credit, license and source.

    Raises:
        PhotoError: If there is none of that name, or the reader's own folder won't do.
    """
    known = [*names("scenes"), *names("cutouts")]
    if name not in known:
        near = difflib.get_close_matches(name, known, cutoff=0.4)
        offer = f" The nearest are {', '.join(near)}." if near else ""
        raise PhotoError(
            f"There is no photograph {name!r}.{offer} List them with "
            "featviz.article.photographs.names('scenes') and names('cutouts')."
        )
    own = os.environ.get(VARIABLE)
    photo = _own(own)[name] if own and name in _own(own) else _packed(credits()[name])
    return photos.fitted(photo, size)


def scenes(size: int | None = None) -> tuple[Photo, ...]:
    """Reads all scenes: the samples that the microscope searches, and those of `names`.

    Args:
        size: As in `featviz.photos.load`.

    Returns:
        The photographs in the order of their names; the same objects at every call.

    Raises:
        PhotoError: If the reader's own folder won't do.
    """
    return _scenes(os.environ.get(VARIABLE, ""), size)


@cache
def _scenes(own: str, size: int | None) -> tuple[Photo, ...]:
    every = [photos.load(name, size) for name in SEARCHED]
    every += [load(name, size) for name in names("scenes")]
    return tuple(sorted(every, key=lambda photo: photo.name))


def _packed(credit: Credit) -> Photo:
    photo = photos.load(credit.path)
    return replace(
        photo, credit=credit.author, license=credit.license, source=f"Debian's {credit.package}"
    )


@cache
def _own(folder: str) -> Mapping[str, Photo]:
    """Reads the photographs of the reader's own folder by name, reduced as the packed ones are."""
    pictures: dict[str, Photo] = {}
    taken = {*photos.samples(), *names("cutouts")}
    try:
        for photo in photos.folder(folder):
            if photo.name in taken:
                raise PhotoError(
                    f"Two photographs are called {photo.name!r}; rename {photo.source}."
                )
            taken.add(photo.name)
            pictures[photo.name] = _reduced(photo)
    except PhotoError as error:
        raise PhotoError(f"{VARIABLE}={folder} won't do: {error}") from None
    if len(pictures) < LEAST:
        raise PhotoError(
            f"{VARIABLE}={folder} won't do: it holds {len(pictures)} photographs; give at least "
            f"{LEAST}."
        )
    return pictures


def _reduced(photo: Photo) -> Photo:
    height, width = photo.image.shape[1:]
    short = min(height, width)
    if short <= SIDE:
        return photo
    target = [round(SIDE * side / short) for side in (height, width)]
    image = interpolate(
        photo.image[None], target, mode="bilinear", align_corners=False, antialias=True
    )
    return replace(photo, image=image[0].clamp(0.0, 1.0))
