"""What the commands share: options, loading, telling."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from featviz.network.network import Network

FORMATS = (".png", ".webp")
"""Kinds of pictures that can be written."""

network = click.option(
    "--network", "name", default="alexnet", show_default=True, help="A bundled network."
)
seed = click.option("--seed", default=0, show_default=True, help="Where randomness comes from.")
as_json = click.option(
    "--json", "as_json", is_flag=True, help="Machine-readable, on standard output."
)


def load(name: str) -> Network:
    """Loads a network by its name."""
    from featviz.zoo.networks import load

    return load(name)


def check_output(output: Path) -> None:
    """Says that a picture can't be written before an ascent has been waited for."""
    if output.suffix.lower() not in FORMATS:
        raise click.UsageError(f"{output} ends in none of {', '.join(FORMATS)}.")
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
