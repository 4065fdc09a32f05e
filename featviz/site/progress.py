"""What the build tells the person who waits: which page runs, how far it is, and for how long."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from types import TracebackType
from typing import Self, TextIO

from mkdocs.plugins import get_plugin_logger

log = get_plugin_logger("featviz")

# Seconds between two signs of life: often enough to see a bar move, rarely enough for a log file.
_TERMINAL_PERIOD = 0.5
_LOG_PERIOD = 30.0


class Progress:
    """Report a running page until the block ends.

    On a terminal one line is rewritten in place; anywhere else a line is logged now and then.

    Args:
        label: How the page is called, such as "[3/7] chapters/deep.py".
        stream: Where the line goes; standard error if None.
    """

    def __init__(self, label: str, stream: TextIO | None = None) -> None:
        self.label = label
        self.stream = stream or sys.stderr
        self._cell = ""
        self._note = ""
        self._over = threading.Event()
        self._start = time.monotonic()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    @property
    def seconds(self) -> float:
        """Seconds since the page began to run."""
        return time.monotonic() - self._start

    def cell(self, index: int, count: int) -> None:
        """Say which code cell runs now, counted from one."""
        self._cell, self._note = f"cell {index} of {count}, ", ""

    def note(self, text: str) -> None:
        """Take what the page writes to standard error; the state of a progress bar is shown."""
        if "\r" in text:
            self._note = text.rpartition("\r")[2].strip()

    def __enter__(self) -> Self:
        log.info("%s: running", self.label)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()
        how = "done" if kind is None else "failed"
        log.info("%s: %s after %.0f s", self.label, how, self.seconds)

    def _beat(self) -> None:
        terminal = self.stream.isatty()
        while not self._over.wait(_TERMINAL_PERIOD if terminal else _LOG_PERIOD):
            line = f"{self.label}: {self._cell}{self.seconds:.0f} s"
            line = f"{line}  {self._note}" if self._note else line
            if terminal:
                width = max(shutil.get_terminal_size().columns - 1, 40)
                self.stream.write(f"\r\x1b[2K{line[:width]}")
                self.stream.flush()
            else:
                log.info("%s", line)
        if terminal:
            self.stream.write("\r\x1b[2K")
            self.stream.flush()
