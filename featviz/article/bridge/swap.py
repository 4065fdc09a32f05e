"""The site changes all at once or not at all: built beside its place, then moved into it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from featviz.article.bridge.cache import drop_old


class Swap:
    """A folder that is being prepared to take another's place.

    Args:
        target: The folder to be replaced in the end.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        self.building = target.with_name(f".{target.name}-building-{os.getpid()}")
        self._previous = target.with_name(f".{target.name}-previous")

    def prepare(self) -> None:
        """Clear away what killed builds left, and bring back a site that one had set aside."""
        self.discard()
        drop_old(self.target.parent.glob(f".{self.target.name}-building-*"))

    def commit(self) -> None:
        """Put the prepared folder in the target's place."""
        shutil.rmtree(self._previous, ignore_errors=True)
        if self.target.exists():
            self.target.rename(self._previous)
        self.building.rename(self.target)
        shutil.rmtree(self._previous, ignore_errors=True)

    def discard(self) -> None:
        """Drop the prepared folder; the target stays as it was."""
        shutil.rmtree(self.building, ignore_errors=True)
        if self._previous.exists() and not self.target.exists():
            self._previous.rename(self.target)
