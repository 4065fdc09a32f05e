"""What the build tells the person who waits: which pages run, how far they are, for how long."""

from __future__ import annotations

import logging
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from mkdocs.plugins import get_plugin_logger

log = get_plugin_logger("featviz")

# Seconds between two signs of life: often enough to see a bar move, rarely enough for a log file.
_TERMINAL_PERIOD = 0.5
_LOG_PERIOD = 30.0
_ERASE = "\r\x1b[2K"


class Line:
    """How far one page is.

    Args:
        label: How the page is called, such as "[3/7] chapters/deep.py".
    """

    def __init__(self, label: str) -> None:
        self.label = label
        self._cell = ""
        self._note = ""
        self._start = time.monotonic()

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

    def __str__(self) -> str:
        return f"{self.label}: {self._cell}{self.seconds:.0f} s  {self._note}".rstrip()


class Progress:
    """Report the pages that run, however many do so side by side.

    On a terminal one row is rewritten in place; anywhere else a line per page is logged now and
    then.

    Args:
        stream: Where the row goes; standard error if None.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self._lines: list[Line] = []
        self._lock = threading.Lock()
        self._over = threading.Event()

    @contextmanager
    def page(self, label: str) -> Iterator[Line]:
        """Report one page until the block ends.

        Args:
            label: How the page is called.

        Yields:
            What the page may say about itself.
        """
        line = Line(label)
        self._say(f"{label}: running")
        with self._lock:
            self._lines.append(line)
            if len(self._lines) == 1:
                self._over = threading.Event()
                threading.Thread(target=self._beat, args=[self._over], daemon=True).start()
        how = "failed"
        try:
            yield line
            how = "done"
        finally:
            with self._lock:
                self._lines.remove(line)
                if not self._lines:
                    self._over.set()
            self._say(f"{label}: {how} after {line.seconds:.0f} s")

    def _say(self, message: str) -> None:
        if self.stream.isatty():
            self.stream.write(_ERASE)
            self.stream.flush()
        log.info("%s", message)

    def _beat(self, over: threading.Event) -> None:
        terminal = self.stream.isatty()
        while not over.wait(_TERMINAL_PERIOD if terminal else _LOG_PERIOD):
            with self._lock:
                lines = [str(line) for line in self._lines]
            if not terminal:
                for line in lines:
                    log.info("%s", line)
            elif lines:
                width = max(shutil.get_terminal_size().columns - 1, 40)
                share = (width - 3 * (len(lines) - 1)) // len(lines)
                self.stream.write(_ERASE + " | ".join(line[:share] for line in lines))
                self.stream.flush()
        if terminal:
            self.stream.write(_ERASE)
            self.stream.flush()


class Warnings(logging.Handler):
    """Counts what a strict build does not let pass."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += 1
