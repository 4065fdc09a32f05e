"""What is asked of a source of networks, and what stands in its way."""

import importlib
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType


@dataclass(frozen=True)
class Request:
    """A network that is asked for.

    Attributes:
        name: Its name, without its source's.
        weights: A file of weights, the folder where it lies, or the name of published weights;
            without it the source's default.
        download: Whether what isn't on this computer may be downloaded.
    """

    name: str
    weights: str | Path | None = None
    download: bool = False

    @property
    def file(self) -> Path | None:
        """The file that the caller names, if it is one."""
        path = self._path
        return path if path and path.is_file() else None

    @property
    def folder(self) -> Path | None:
        """The folder that the caller names, if it is one."""
        path = self._path
        return path if path and path.is_dir() else None

    @property
    def _path(self) -> Path | None:
        return Path(self.weights).expanduser() if self.weights else None


def extra(module: str, extra: str) -> ModuleType:
    """Imports a library that comes with one of featviz's extras.

    Args:
        module: Its name.
        extra: The extra's.

    Raises:
        ModuleNotFoundError: It isn't installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"networks of {module} need the extra [{extra}]: pip install 'featviz[{extra}]'.",
            name=error.name,
        ) from error
