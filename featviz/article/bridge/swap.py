"""The site changes all at once or not at all: built beside its place, then moved into it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


class Swap:
    """A folder that is being prepared to take another's place.

    Args:
        target: The folder to be replaced in the end.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        self.building = target.parent / f".{target.name}-building-{os.getpid()}"

    def prepare(self) -> None:
        """Clear away what killed builds left, and bring back a site that one had set aside."""
        stem = f".{self.target.name}-"
        for left in self.target.parent.glob(f"{stem}previous-*"):
            if _abandoned(left):
                if self.target.exists():
                    shutil.rmtree(left, ignore_errors=True)
                else:
                    left.rename(self.target)
        for left in self.target.parent.glob(f"{stem}building-*"):
            if _abandoned(left):
                shutil.rmtree(left, ignore_errors=True)
        self.building.parent.mkdir(parents=True, exist_ok=True)

    def commit(self) -> None:
        """Put the prepared folder in the target's place."""
        previous = self.target.parent / f".{self.target.name}-previous-{os.getpid()}"
        if self.target.exists():
            self.target.rename(previous)
        try:
            self.building.rename(self.target)
        except OSError:
            if previous.exists():
                previous.rename(self.target)
            raise
        shutil.rmtree(previous, ignore_errors=True)

    def discard(self) -> None:
        """Drop the prepared folder; the target stays as it was."""
        shutil.rmtree(self.building, ignore_errors=True)


def _abandoned(folder: Path) -> bool:
    """Say whether no running process owns a folder whose name ends in a process id."""
    pid = folder.name.rpartition("-")[2]
    if not pid.isdigit() or int(pid) == os.getpid():
        return True
    if os.name != "posix":  # there, signal 0 is not a question but an interrupt
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
