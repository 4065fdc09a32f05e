"""How a page's code is run: in this environment's own Python, from a fixed folder, with progress.

mkdocs-jupyter runs pages through nbconvert, and nbconvert takes its preprocessors from Jupyter's
configuration. `jupyter/jupyter_nbconvert_config.json` names the class below; `page_run` points
Jupyter at that file for as long as one page runs.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from jupyter_client.manager import KernelManager
from nbconvert.preprocessors import ExecutePreprocessor
from nbformat import NotebookNode

from featviz.site.progress import Progress

_CONFIG = Path(__file__).parent / "jupyter"
_COLOR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass
class Run:
    """One page on its way through the kernel.

    Args:
        label: How messages call the page.
        folder: The folder that its code runs in.
        write_bytecode: Whether its imports may write `__pycache__`; a watched folder must not
            change because a page imports it.
    """

    label: str
    folder: Path
    write_bytecode: bool = True
    executed: bool = False
    seconds: float = 0.0


class PageExecutor(ExecutePreprocessor):
    """Run a page's cells with this Python, and tell how far it is."""

    run: ClassVar[Run | None] = None
    progress: Progress | None = None

    def preprocess(
        self, nb: NotebookNode, resources: Any = None, km: KernelManager | None = None
    ) -> tuple[NotebookNode, Any]:
        run = type(self).run
        if run is None or not any(cell.cell_type == "code" for cell in nb.cells):
            return nb, resources
        run.executed = True
        resources["metadata"]["path"] = str(run.folder)
        self._order = {
            index: number
            for number, index in enumerate(
                (i for i, cell in enumerate(nb.cells) if cell.cell_type == "code"),
                start=1,
            )
        }
        with Progress(run.label) as self.progress:
            result: tuple[NotebookNode, Any] = super().preprocess(nb, resources, km)
        run.seconds = self.progress.seconds
        return result

    def create_kernel_manager(self) -> KernelManager:
        # A kernel named python3 in the user's own settings must not bring in another Python.
        manager = super().create_kernel_manager()
        assert manager.kernel_spec is not None
        manager.kernel_spec.argv = [
            *(sys.executable, "-m", "ipykernel_launcher"),
            *("-f", "{connection_file}"),
            # What goes wrong in a page arrives as a message; the kernel's own log is noise.
            "--IPKernelApp.log_level=50",
        ]
        manager.kernel_spec.env = {}
        return manager

    def preprocess_cell(self, cell: NotebookNode, resources: Any, index: int) -> Any:
        if self.progress and index in self._order:
            self.progress.cell(self._order[index], len(self._order))
        return super().preprocess_cell(cell, resources, index)  # type: ignore[no-untyped-call]

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> Any:
        # Standard error is for the person at the terminal; it has no place in an article.
        if msg["msg_type"] == "stream" and msg["content"].get("name") == "stderr":
            if self.progress:
                self.progress.note(msg["content"]["text"])
            return None
        return super().process_message(msg, cell, cell_index)


@contextmanager
def page_run(run: Run) -> Iterator[None]:
    """Let the next conversion of mkdocs-jupyter run its page as `run` says.

    Args:
        run: The page; its `executed` and `seconds` are filled in.
    """
    settings = {"JUPYTER_CONFIG_PATH": str(_CONFIG)}
    # Threads that wait must soon sleep: spinning ones take the processor from whatever else runs
    # beside the build, and two builds at once were measured to slow each other down tenfold.
    settings["GOMP_SPINCOUNT"] = os.environ.get("GOMP_SPINCOUNT", "2000")
    if not run.write_bytecode:
        settings["PYTHONDONTWRITEBYTECODE"] = "1"
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    PageExecutor.run = run
    try:
        yield
    finally:
        PageExecutor.run = None
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def plain(text: str) -> str:
    """Take the terminal colors out of a traceback."""
    return _COLOR.sub("", text)
