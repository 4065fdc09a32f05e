"""What lies in a store: how much, what of it no code asks for any more, and what is damaged."""

import importlib.util
import json
import os
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from featviz.store import DAMAGE, SHARD, SUFFIX, Store, fingerprint_of_processor, key_of, read
from featviz.writing import PARTIAL

LEFT_OVER = (PARTIAL, ".lock")
"""What names of files end in that a killed process leaves behind."""

DAY = 86_400
"""Seconds of a day; a file that is left over is no longer in use after it."""

UNREADABLE = "unreadable"
"""Stands for the code of entries that don't say it."""


@dataclass(frozen=True)
class Entry:
    """A file in a store.

    Attributes:
        path: Where it is.
        bytes: Its size.
        age: Seconds since it was written.
    """

    path: Path
    bytes: int
    age: float

    @property
    def key(self) -> str:
        """The key that it is the entry of."""
        return self.path.name.removesuffix(SUFFIX)


@dataclass(frozen=True)
class Usage:
    """What the entries of one module take.

    Attributes:
        code: The module that computed them.
        entries: How many.
        bytes: Their size.
        outdated: How many of them no code asks for any more.
    """

    code: str
    entries: int
    bytes: int
    outdated: int


def entries(store: Store) -> Iterator[Entry]:
    """Lists the entries of a store."""
    return (one for one in _files(store) if one.path.suffix == SUFFIX)


def usage(store: Store) -> list[Usage]:
    """Counts entries and bytes for each module that computed some, the largest first."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for entry in entries(store):
        about = describe(entry.path)
        count = counts[about.get("code", UNREADABLE)]
        for at, number in enumerate((1, entry.bytes, is_outdated(entry.key, about))):
            count[at] += number
    found = [Usage(code, *count) for code, count in counts.items()]
    return sorted(found, key=lambda one: -one.bytes)


def prunable(store: Store, days: float = 0) -> Iterator[Entry]:
    """Lists what may be deleted: outdated entries, and what killed processes have left behind.

    What another kind of processor has made stays, and what a package has made that isn't installed
    here: it can't be known whether they ask for it.

    Args:
        store: The store.
        days: Only entries that are older.
    """
    for one in _files(store):
        if one.path.suffix in LEFT_OVER:
            if one.age > DAY:
                yield one
        elif one.age >= days * DAY and is_outdated(one.key, describe(one.path)):
            yield one


def damaged(store: Store) -> Iterator[tuple[Entry, str]]:
    """Reads every entry, and gives those that are damaged, with what is wrong."""
    for entry in entries(store):
        try:
            read(entry.path)
        except FileNotFoundError:
            continue  # another process has deleted it
        except DAMAGE as error:
            yield entry, str(error)


def describe(path: Path) -> dict[str, Any]:
    """Reads what an entry says of itself; nothing if it can't be read."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = file.read(min(length, path.stat().st_size))
        about: dict[str, Any] = json.loads(json.loads(header)["__metadata__"]["featviz"])
    except DAMAGE:
        return {}
    return about


def is_outdated(key: str, about: dict[str, Any]) -> bool:
    """Whether no code that is installed here asks for an entry any more.

    Args:
        key: Its key.
        about: What it says of itself.
    """
    code = about.get("code", "")
    own = about.get("processor", fingerprint_of_processor()) == fingerprint_of_processor()
    if not code or not own or importlib.util.find_spec(code.split(".")[0]) is None:
        return False
    try:
        return key_of(about["spec"], code) != key
    except ValueError:
        return True  # its module is gone


def _files(store: Store) -> Iterator[Entry]:
    """Entries and left-over files."""
    now = time.time()
    for folder in _shards(store.folder):
        for file in _scan(folder):
            if file.name.endswith((SUFFIX, *LEFT_OVER)) and file.is_file():
                try:
                    about = file.stat()
                except FileNotFoundError:
                    continue  # another process has deleted it
                yield Entry(Path(file.path), about.st_size, now - about.st_mtime)


def _shards(folder: Path) -> list[Path]:
    return sorted(Path(one.path) for one in _scan(folder) if len(one.name) == SHARD)


def _scan(folder: Path) -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(folder) as files:
            return list(files)
    except (FileNotFoundError, NotADirectoryError):
        return []
