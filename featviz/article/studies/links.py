"""Links into the microscope, where every unit has all of its views."""

from collections.abc import Sequence

from numpy.typing import ArrayLike

from featviz.article.studies.shared import alexnet
from featviz.figures import Rung, address


def unit_link(layer: str, unit: int, root: str = "../") -> str:
    """Returns the address of a unit in the microscope, which stands at the site's root.

    Args:
        layer: The layer's name.
        unit: Index of the unit.
        root: Way from the page to the root; chapters lie one folder below it.
    """
    return f"{root}microscope.html#{address(layer, unit)}"


def linked(layer: str, units: Sequence[int], between: str = ", ") -> str:
    """Returns the numbers of units as links to the microscope."""
    return between.join(f'<a href="{unit_link(layer, unit)}">{unit}</a>' for unit in units)


def named_link(layer: str, unit: int) -> str:
    """Returns a unit's layer and number as a link to the microscope."""
    return f'<a href="{unit_link(layer, unit)}">{layer}:{unit}</a>'


def rung(layer: str, units: Sequence[int], images: ArrayLike, root: str = "../") -> Rung:
    """Returns a row of a ladder: pictures (units, 3, H, W) of a layer's units, in [0, 1].

    Args:
        layer: The layer's name.
        units: Whose they are.
        images: The pictures.
        root: As of `unit_link`.
    """
    labels = [f"{layer}:{unit}" for unit in units]
    links = [unit_link(layer, unit, root) for unit in units]
    return Rung(layer, alexnet().receptive_field(layer).size, images, labels, links)
