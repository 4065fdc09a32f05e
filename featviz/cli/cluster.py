"""Options of commands whose work several machines share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from featviz.cli import common

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from featviz.network.parts import Part

PATIENCE = 10.0
"""Seconds in which a scheduler answers."""

RETRIES = 2
"""How often Dask tries a task again that failed; those of a worker that died it tries anyway."""


def options(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command the options `--jobs`, `--scheduler` and `--part`."""
    for option in reversed((
        click.option("--jobs", default=1, show_default=True, type=click.IntRange(1),
                     help="Processes on this machine."),
        click.option("--scheduler", metavar="ADDRESS",
                     help="A Dask scheduler whose workers do it: tcp://host:8786."),
        click.option("--part", metavar="K/N", help="Do the K-th of N parts; SLURM's job arrays "
                     "and RANK with WORLD_SIZE say it by themselves."),
    )):  # fmt: skip
        command = option(command)
    return command


@contextmanager
def executor(scheduler: str | None) -> Iterator[Executor | None]:
    """Connects to a scheduler for a while; None without one.

    Raises:
        ModuleNotFoundError: Dask isn't installed.
        OSError: No scheduler answers.
    """
    if scheduler is None:
        yield None
        return
    try:
        from distributed import Client
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"--scheduler takes Dask, of which {error.name} is missing: pip install "
            '"featviz[cluster]".'
        ) from error
    try:
        client = Client(scheduler, timeout=PATIENCE)
    except (OSError, ValueError) as error:
        raise OSError(
            f"no Dask scheduler answers at {scheduler} within {PATIENCE:.0f} s; `dask scheduler` "
            "starts one and prints its address. Nothing was begun."
        ) from error
    with client:
        yield client.get_executor(pure=False, retries=RETRIES)


def part(text: str | None) -> Part | None:
    """Reads which part of the work is asked for, by an option or by a scheduler's variables."""
    from featviz.network.parts import parse_part, part_of_environment

    if text is not None:
        return parse_part(text)
    given = part_of_environment(os.environ)
    if given is None:
        return None
    (number, count), variable = given
    common.say(f"Part {number} of {count}, as {variable} says; --part 1/1 does all.")
    return number, count
