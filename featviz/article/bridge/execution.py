"""Pages run side by side, each in a kernel of its own, by nbconvert as mkdocs-jupyter calls it."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import nbconvert.preprocessors
from jupyter_client.manager import KernelManager
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.plugins import get_plugin_logger
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbconvert.preprocessors import ExecutePreprocessor
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from featviz.article.bridge import environment, outputs

_COLOR = re.compile(r"\x1b\[[0-9;]*m")
# Loop iterations for which a thread that waits keeps its processor. Spinning ones take it from
# whatever else runs: two pages side by side were measured to slow each other down tenfold.
_SPIN_COUNT = "2000"
# glibc asks the system for blocks of more than 32 MB each time anew, and it clears them bit by bit:
# up to a third of a pass of SqueezeNet. These, and a GB of what is freed, a page keeps.
_MALLOC = ":".join(
    f"glibc.malloc.{option}"
    for option in ("hugetlb=1", f"mmap_threshold={2**28}", f"trim_threshold={2**30}")
)
# How many threads a page computes with. Two pages at a time of two threads each took half as long
# again on two cores as of one each. It doesn't depend on how many pages are to run, because some
# numbers round otherwise with other threads.
_THREADS = "OMP_NUM_THREADS"
# Seconds between two lines that say how far a page is.
_PERIOD = 10.0
log = get_plugin_logger("featviz")


@dataclass(frozen=True)
class Run:
    """A page that is to run.

    Args:
        page: The page, whose `render` is mkdocs-jupyter's.
        files: The folder that its pictures and long data are moved to.
        address: That folder as the page shall name it.
    """

    page: Page
    files: Path
    address: str


# mkdocs-jupyter's rendering takes no argument that says what it renders; each run has a thread.
_CURRENT: ContextVar[Run] = ContextVar("run")


class PageRun(ExecutePreprocessor):
    """Runs a page in this environment's own Python and leaves what it shows in its metadata.

    Attributes:
        folder: The folder that code runs in.
        kernels: What runs pages, or has run them.
    """

    folder: ClassVar[Path]
    kernels: ClassVar[list[KernelManager]] = []

    def preprocess(
        self, nb: NotebookNode, resources: Any = None, km: KernelManager | None = None
    ) -> tuple[NotebookNode, Any]:
        run, self._start = _CURRENT.get(), time.monotonic()
        self._name, self._last_note = run.page.file.src_uri, self._start
        # The last cell is ours: it says what the page was computed with.
        code = f"import json, {environment.__name__} as said; print(json.dumps(said.describe()))"
        nb.cells.append(new_code_cell(code))  # type: ignore[no-untyped-call]
        resources["metadata"]["path"] = str(self.folder)
        log.info("%s: running", self._name)
        nb, resources = super().preprocess(nb, resources, km)
        words = nb.cells.pop().outputs
        ran = [cell.outputs for cell in nb.cells if cell.cell_type == "code"]
        nb.metadata["featviz"] = {
            **outputs.keep(ran, run.files, run.address),
            "environment": json.loads(words[0].text) if words else {},
        }
        log.info("%s: done after %.0f s", self._name, time.monotonic() - self._start)
        return nb, resources

    def preprocess_cell(self, cell: NotebookNode, resources: Any, index: int) -> Any:
        now = time.monotonic()
        if now - self._last_note > _PERIOD:
            self._last_note, after = now, now - self._start
            log.info("%s: cell %d of %d, %.0f s", self._name, index + 1, len(self.nb.cells), after)
        return super().preprocess_cell(cell, resources, index)  # type: ignore[no-untyped-call]

    def create_kernel_manager(self) -> KernelManager:
        # A kernel named python3 in the user's own settings must not bring in another Python.
        manager = super().create_kernel_manager()
        assert manager.kernel_spec is not None
        manager.kernel_spec.argv = [
            *(sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"),
            # What goes wrong in a page arrives as a message; the kernel's own log is noise.
            "--IPKernelApp.log_level=50",
        ]
        self.kernels.append(manager)
        return manager


# nbconvert's exporters take it from there, by this name.
nbconvert.preprocessors.ExecutePreprocessor = PageRun  # type: ignore[misc]


def run_pages(runs: Sequence[Run], jobs: int, config: MkDocsConfig, files: Files) -> None:
    """Let mkdocs-jupyter render pages, several at a time; what it has kept it only reads.

    Args:
        runs: The pages.
        jobs: How many at a time.
        config: MkDocs' configuration.
        files: The site's files.

    Raises:
        PluginError: If a page failed; the others are ended.
    """
    os.environ.setdefault("GOMP_SPINCOUNT", _SPIN_COUNT)
    os.environ.setdefault("GLIBC_TUNABLES", _MALLOC)
    os.environ.setdefault(_THREADS, str(max(1, _cores() // jobs)))
    with ThreadPoolExecutor(jobs) as pool:
        waiting = [pool.submit(_run, one, config, files) for one in runs]
        try:
            for future in as_completed(waiting):
                future.result()
        except BaseException:  # Ctrl-C too: leave no page running
            _end(waiting)
            raise


def _cores() -> int:
    """Count the cores that this process may use, where the system tells."""
    own = getattr(os, "sched_getaffinity", None)
    return len(own(0)) if own else os.cpu_count() or 1


def _run(run: Run, config: MkDocsConfig, files: Files) -> None:
    """Run a page, and let its failure be told as a person reads it."""
    _CURRENT.set(run)
    uri = run.page.file.src_uri
    try:
        run.page.render(config, files)
    except CellExecutionError as error:
        log.error("%s: its code raised\n%s", uri, _COLOR.sub("", error.traceback))
        reason = f"{error.ename}: {_COLOR.sub('', error.evalue)}"
        raise PluginError(f"{uri}: {reason}") from None
    except DeadKernelError:
        reason = "the page's Python died while it ran; out of memory is the usual reason"
        raise PluginError(f"{uri}: {reason}") from None
    except ValueError as error:
        raise PluginError(f"{uri}: {error}") from error


def _end(runs: Sequence[Future[None]]) -> None:
    """End pages that wait or run."""
    for run in runs:
        run.cancel()
    while not all(run.done() for run in runs):  # a kernel that is just starting is ended next time
        for manager in PageRun.kernels:
            process = getattr(manager.provisioner, "process", None)
            if process is not None:
                process.kill()
        time.sleep(0.1)
