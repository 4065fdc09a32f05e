"""What the commands share: options, loading, telling."""

from __future__ import annotations

import functools
import importlib
import inspect
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from featviz.network.network import Network

photos = click.option(
    "--photos",
    "folder",
    type=click.Path(path_type=Path),
    help="A folder of photos, in place of the samples.",
)
seed = click.option("--seed", default=0, show_default=True, help="Where randomness comes from.")
device = click.option(
    "--device", default="auto", show_default=True, help="auto, cuda, mps or cpu; cuda:1."
)
as_json = click.option(
    "--json", "as_json", is_flag=True, help="Machine-readable, on standard output."
)


@dataclass(frozen=True)
class Request:
    """The network that a command line asks for.

    Attributes:
        name: Its name as in `featviz.load`, or FILE.py:FUNCTION.
        weights: A file of weights, the folder where it lies, or the name of published weights.
        download: Whether what isn't on this computer may be downloaded.
    """

    name: str
    weights: str | None = None
    download: bool = False


def network(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command the option `--network`, and those about its weights."""
    option = click.option(
        "--network",
        "name",
        default="alexnet",
        show_default=True,
        help="A name as in featviz.load, a folder of Hugging Face's, or FILE.py:FUNCTION.",
    )
    return option(weights(command))


def weights(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command that has the name of a network the options about its weights.

    The command gets the three as one, `request`.
    """

    @click.option("--weights", metavar="FILE", help="Weights: a file, or the folder it is in.")
    @click.option("--download", is_flag=True, help="Download weights that are not there yet.")
    @functools.wraps(command)
    def with_request(name: str, weights: str | None, download: bool, **options: Any) -> None:
        command(request=Request(name, weights, download), **options)

    return with_request


def load(request: Request) -> Network:
    """Loads the network that is asked for."""
    file, _, function = request.name.rpartition(":")
    if request.name.endswith(".py"):
        raise click.UsageError(
            f"Say which function of {request.name} makes the network: {request.name}:make_model."
        )
    if file.endswith(".py"):
        if request.weights or request.download:
            raise click.UsageError(f"{function} of {file} brings its own weights.")
        return _network_from(Path(file).expanduser(), function)
    from featviz.zoo.networks import load

    return load(request.name, weights=request.weights, download=request.download)


def _network_from(file: Path, function: str) -> Network:
    """Calls a function in a file, which gives a module or a Network."""
    from torch import nn

    from featviz.network.network import Network

    if not file.is_file():
        raise click.UsageError(f"There is no file {file}.")
    make = getattr(_import(file), function, None)
    if not callable(make):
        raise click.UsageError(f"{file} has no function {function!r}.")
    try:
        inspect.signature(make).bind()
    except (TypeError, ValueError) as error:
        raise click.UsageError(f"{function} of {file} is called with nothing: {error}.") from None
    network = make()
    if isinstance(network, nn.Module):
        network = Network(network, name=function)
    if not isinstance(network, Network):
        raise click.UsageError(
            f"{function} of {file} returns a torch.nn.Module or a featviz.Network, not "
            f"{type(network).__name__}."
        )
    return network


def _import(file: Path) -> Any:
    """Imports a file as Python would beside it, so that other processes can import it too."""
    folder, name = str(file.resolve().parent), file.stem
    if not name.isidentifier():
        raise click.UsageError(f"Python can't import a file of that name: rename {file}.")
    sys.path.insert(0, folder)
    try:
        module = importlib.import_module(name)
    except (ImportError, SyntaxError) as error:
        raise click.UsageError(f"{file} can't be imported: {error}.") from error
    if Path(module.__file__ or "").resolve() != file.resolve():
        raise click.UsageError(f"Another module is called {name!r} already: rename {file}.")
    return module


def check_output(
    output: Path | None, formats: Sequence[str] = (), *, as_json: bool = False
) -> None:
    """Says that a picture can't be written before an ascent has been waited for."""
    from featviz.figures._files import FORMATS

    if output is None:
        if as_json:
            return
        raise click.UsageError("Nothing to write: give -o FILE, --json, or both.")
    formats = formats or FORMATS
    if output.suffix.lower() not in formats:
        raise click.UsageError(f"{output} ends in none of {', '.join(formats)}.")
    folder = output.absolute().parent
    if not folder.is_dir():
        raise click.UsageError(f"There is no folder {folder} to write to.")
    if output.is_dir():
        raise click.UsageError(f"{output} is a folder; name a file in it.")
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"{folder} can't be written to.")


def say(text: str) -> None:
    """Tells the person at the terminal something that is no result."""
    click.echo(text, err=True)
