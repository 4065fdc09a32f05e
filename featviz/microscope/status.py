"""Which of a microscope's pictures are there, missing, or damaged."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors
from numpy.typing import NDArray

from featviz.ascent import climb
from featviz.microscope.build import Microscope
from featviz.microscope.views import CHANNEL, DIVERSE
from featviz.store import DAMAGE, key
from featviz.upkeep import entries


@dataclass(frozen=True)
class Status:
    """How far one view of a layer's units is.

    Attributes:
        layer: The layer.
        view: The view's name.
        there: Units whose pictures are there.
        missing: Units whose pictures are not.
        damaged: Units whose files are cut off or unreadable; a build makes them again.
    """

    layer: str
    view: str
    there: int
    missing: int
    damaged: int


def find_status(
    scope: Microscope, layers: Sequence[str] | None = None, units: Sequence[int] | None = None
) -> list[Status]:
    """Looks which pictures are in the store, and makes none.

    Of each file the header and the length are checked, not the sum over its pixels: `featviz store
    verify` reads all.

    Args:
        scope: The network and the store.
        layers: Which layers; without it all.
        units: Which units of each; without it all.

    Returns:
        A row for each view of each layer.

    Raises:
        ValueError: An unknown layer or unit.
    """
    files = {entry.key: entry.path for entry in entries(scope.store)}
    rows = []
    for layer, numbers in scope.numbers(layers, units):
        values: dict[int, float] = {}
        for view in scope.views(layer):
            known = {unit: values[unit] for unit in numbers if unit in values}
            asked = list(known) if view.name == DIVERSE.name else list(numbers)
            there = damaged = 0
            for unit, spec in scope.specs(layer, view, asked, known).items():
                path = files.get(key(spec, climb.__name__))
                if path is None:
                    continue
                try:
                    answer = _values(path)
                except DAMAGE:
                    damaged += 1
                    continue
                there += 1
                if view.name == CHANNEL.name:
                    values[unit] = answer[0]
            rows.append(Status(layer, view.name, there, len(numbers) - there - damaged, damaged))
    return rows


def _values(path: Path) -> NDArray[np.float32]:
    """Reads what a unit's pictures are worth; raises one of `DAMAGE` for a file that is cut off."""
    with safetensors.safe_open(path, "numpy") as file:
        values: NDArray[np.float32] = file.get_tensor("values")
    return values
