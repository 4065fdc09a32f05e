"""What nbconvert, with which mkdocs-jupyter runs pages, does otherwise for the article."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import nbconvert.preprocessors
from jupyter_client.manager import KernelManager
from mkdocs.exceptions import PluginError
from mkdocs.plugins import get_plugin_logger
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbconvert.preprocessors import ExecutePreprocessor
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from featviz.article.bridge import environment
from featviz.article.bridge.outputs import unload

# Where the executed page keeps what it was computed with.
METADATA = "featviz"

_COLOR = re.compile(r"\x1b\[[0-9;]*m")
log = get_plugin_logger("featviz")


class PageRun(ExecutePreprocessor):
    """Runs a page in this environment's own Python and moves its pictures into files.

    Attributes:
        folder: The folder that code runs in.
        files: The folder that the next page's pictures and long data are moved to.
        address: That folder as the page shall name it.
    """

    folder: ClassVar[Path]
    files: ClassVar[Path]
    address: ClassVar[str]

    def preprocess(
        self, nb: NotebookNode, resources: Any = None, km: KernelManager | None = None
    ) -> tuple[NotebookNode, Any]:
        # The last cell is ours: it says what the page was computed with.
        code = f"import {environment.__name__}; {environment.__name__}.Environment()"
        nb.cells.append(new_code_cell(code))  # type: ignore[no-untyped-call]
        resources["metadata"]["path"] = str(self.folder)
        nb, resources = super().preprocess(nb, resources, km)
        said = nb.cells.pop().outputs
        nb.metadata[METADATA] = said[0]["data"][environment.MIME] if said else {}
        unload(nb, self.files, self.address)
        return nb, resources

    def create_kernel_manager(self) -> KernelManager:
        # A kernel named python3 in the user's own settings must not bring in another Python.
        manager = super().create_kernel_manager()
        assert manager.kernel_spec is not None
        manager.kernel_spec.argv = [
            *(sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"),
            # What goes wrong in a page arrives as a message; the kernel's own log is noise.
            "--IPKernelApp.log_level=50",
        ]
        return manager


# nbconvert's exporters take it from there, by this name.
nbconvert.preprocessors.ExecutePreprocessor = PageRun  # type: ignore[misc]


@contextmanager
def told(uri: str) -> Iterator[None]:
    """Let the failure of a page's code be told as a person reads it.

    Args:
        uri: The page, as messages name it.

    Raises:
        PluginError: If a cell raised, or the page's Python died.
    """
    try:
        yield
    except CellExecutionError as error:
        log.error("%s: its code raised\n%s", uri, _COLOR.sub("", error.traceback))
        reason = f"{error.ename}: {_COLOR.sub('', error.evalue)}"
        raise PluginError(f"{uri}: {reason}") from None
    except DeadKernelError:
        reason = "the page's Python died while it ran; out of memory is the usual reason"
        raise PluginError(f"{uri}: {reason}") from None
