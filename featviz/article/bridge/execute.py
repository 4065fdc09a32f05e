"""Pages run side by side, ahead of the build that asks for them one by one.

mkdocs-jupyter converts pages through nbconvert, and nbconvert takes its preprocessors from
Jupyter's configuration. `jupyter/jupyter_nbconvert_config.json` names `ExecutedPage`, which hands
over the finished run of the page that is being converted.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import psutil
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode

from featviz.article.bridge.kernel import PageClient, PageError, Run
from featviz.article.bridge.progress import Progress

_CONFIG = Path(__file__).parent / "jupyter"
_CONFIG_VARIABLE = "JUPYTER_CONFIG_PATH"

# More pages than this at once wait for each other's results rather than compute.
_MOST_AT_ONCE = 4
# Bytes that a page with PyTorch, a network and its figures needs.
_PAGE_MEMORY = 1.5e9


def pages_at_once() -> int:
    """Say how many pages this machine can run side by side."""
    mine = getattr(os, "sched_getaffinity", None)  # not on every system
    cores = len(mine(0)) if mine else os.cpu_count() or 1
    room = int(psutil.virtual_memory().available / _PAGE_MEMORY)
    return max(1, min(cores, room, _MOST_AT_ONCE))


class Runs:
    """The pages that are being run, each in a kernel of its own.

    Args:
        at_once: How many run side by side.
    """

    def __init__(self, at_once: int) -> None:
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="featviz-page")
        self._progress = Progress()
        self._results: dict[str, Future[NotebookNode]] = {}
        self._clients: set[PageClient] = set()
        self._ended = False

    def start(self, run: Run) -> Future[NotebookNode]:
        """Let a page run as soon as there is room; only once, however often it is asked for."""
        if run.uri not in self._results:
            self._results[run.uri] = self._pool.submit(self._execute, run)
        return self._results[run.uri]

    def result(self, run: Run) -> NotebookNode:
        """Wait for a page.

        Args:
            run: The page; it is started if it has not been.

        Returns:
            The executed page.

        Raises:
            PageError: If this page, or meanwhile another one, cannot be run. All others are
                ended then.
        """
        mine = self.start(run)
        try:
            while not mine.done():
                waiting = [one for one in self._results.values() if not one.done()]
                for one in wait(waiting, return_when=FIRST_COMPLETED).done:
                    one.result()
            return mine.result()
        except BaseException:  # a reader's Ctrl-C too
            self.end()
            raise

    def end(self) -> None:
        """End what still runs, and wait until it is gone."""
        self._ended = True
        self._pool.shutdown(wait=False, cancel_futures=True)
        for client in tuple(self._clients):
            client.stop()
        self._pool.shutdown(wait=True)

    def _execute(self, run: Run) -> NotebookNode:
        with self._progress.page(run.label) as line:
            client = PageClient(run, line)
            self._clients.add(client)
            try:
                if self._ended:
                    raise PageError(run.uri, "the build ended before the page could run")
                return client.run_page()
            finally:
                self._clients.discard(client)


class ExecutedPage(Preprocessor):
    """Stands in for nbconvert's execution."""

    take: ClassVar[Callable[[], NotebookNode] | None] = None

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Replace the page by its finished run."""
        take = type(self).take
        return (nb if take is None else take()), resources


@contextmanager
def conversion(take: Callable[[], NotebookNode] | None) -> Iterator[None]:
    """Let the next conversion of mkdocs-jupyter use a page's run.

    Args:
        take: Gives the executed page; called only if mkdocs-jupyter has no earlier run of it.
            None leaves the page unexecuted.
    """
    before = os.environ.get(_CONFIG_VARIABLE)
    os.environ[_CONFIG_VARIABLE] = str(_CONFIG)
    ExecutedPage.take = take
    try:
        yield
    finally:
        ExecutedPage.take = None
        if before is None:
            del os.environ[_CONFIG_VARIABLE]
        else:
            os.environ[_CONFIG_VARIABLE] = before
