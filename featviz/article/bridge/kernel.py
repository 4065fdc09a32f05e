"""One page in a kernel: this environment's own Python, a fixed folder, nothing left behind."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jupytext
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from featviz.article.bridge import environment
from featviz.article.bridge.outputs import unload
from featviz.article.bridge.progress import Line

# Where the executed page keeps what it was computed with.
METADATA = "featviz"

_COLOR = re.compile(r"\x1b\[[0-9;]*m")
# Loop iterations for which a thread that waits keeps its processor. Spinning ones take it from
# whatever else runs: two pages side by side were measured to slow each other down tenfold.
_SPIN_COUNT = "2000"


@dataclass(frozen=True)
class Run:
    """One page that is to be run.

    Args:
        uri: The page, as messages name it.
        label: The page and its place in the row, for progress.
        path: Its source.
        folder: The folder that its code runs in.
        files: The folder that its pictures and long data are moved to.
        address: That folder as the page shall name it.
        allow_errors: Whether a cell that raises is shown instead of ending the run.
        write_bytecode: Whether its imports may write `__pycache__`; a watched folder must not
            change because a page imports it.
    """

    uri: str
    label: str
    path: Path
    folder: Path
    files: Path
    address: str
    allow_errors: bool = False
    write_bytecode: bool = True


class PageError(Exception):
    """A page could not be run to its end.

    Args:
        uri: The page.
        reason: Why, in one line.
        traceback: The whole story, or "".
    """

    def __init__(self, uri: str, reason: str, traceback: str = "") -> None:
        super().__init__(f"{uri}: {reason}")
        self.uri = uri
        self.traceback = traceback


class PageClient(NotebookClient):
    """Runs one page.

    Args:
        run: The page.
        line: Hears how far it is.
    """

    def __init__(self, run: Run, line: Line) -> None:
        page = jupytext.read(run.path)
        self._code = [i for i, cell in enumerate(page.cells) if cell.cell_type == "code"]
        # The last cell is ours: it says what the page was computed with.
        page.cells.append(
            new_code_cell(  # type: ignore[no-untyped-call]
                f"import {environment.__name__}; {environment.__name__}.Environment()"
            )
        )
        super().__init__(
            page,
            resources={"metadata": {"path": str(run.folder)}},
            allow_errors=run.allow_errors,
            kernel_name="python3",
            record_timing=False,
            timeout=None,
            on_cell_execute=self._tell,
        )
        self._run = run
        self._line = line
        self._stopped = False

    def run_page(self) -> NotebookNode:
        """Run the page to its end.

        Returns:
            The executed page.

        Raises:
            PageError: If a cell raises, or the kernel dies.
        """
        try:
            page: NotebookNode = asyncio.run(self.async_execute())
        except CellExecutionError as error:
            reason = f"{error.ename}: {_plain(error.evalue)}"
            raise PageError(self._run.uri, reason, _plain(error.traceback)) from None
        except DeadKernelError:
            reason = "the page's Python died while it ran; out of memory is the usual reason"
            raise PageError(self._run.uri, reason) from None
        except RuntimeError as error:
            raise PageError(self._run.uri, f"the page's Python did not start: {error}") from None
        said = page.cells.pop().outputs
        page.metadata[METADATA] = said[0]["data"][environment.MIME] if said else {}
        unload(page, self._run.files, self._run.address)
        return page

    def stop(self) -> None:
        """Kill the kernel; safe to call from another thread."""
        self._stopped = True
        process = getattr(getattr(self.km, "provisioner", None), "process", None)
        if process is not None:
            process.kill()

    def _tell(self, cell: NotebookNode, cell_index: int) -> None:
        if self._stopped:  # before there was a process to kill
            raise DeadKernelError("stopped")
        if cell_index in self._code:
            self._line.cell(self._code.index(cell_index) + 1, len(self._code))

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
        manager.kernel_spec.env = {
            "GOMP_SPINCOUNT": os.environ.get("GOMP_SPINCOUNT", _SPIN_COUNT),
            **({} if self._run.write_bytecode else {"PYTHONDONTWRITEBYTECODE": "1"}),
        }
        return manager

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> Any:
        # Standard error is for the person at the terminal; it has no place in an article.
        if msg["msg_type"] == "stream" and msg["content"].get("name") == "stderr":
            self._line.note(msg["content"]["text"])
            return None
        return super().process_message(msg, cell, cell_index)


def _plain(text: str) -> str:
    """Take the terminal colors out of a traceback."""
    return _COLOR.sub("", text)
