"""Pictures of the units that a plot draws, in its legend: a curve says little of an unknown unit."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from featviz.article.studies.links import unit_link
from featviz.article.studies.microscope import scope
from featviz.figures import Figure
from featviz.figures._figure import tag, text
from featviz.figures._files import pixels
from featviz.figures._images import img
from featviz.microscope.views import NEURON


def with_pictures(figure: Figure, units: Mapping[str, Sequence[tuple[str, int]]]) -> Figure:
    """Puts pictures of units beside the names of a plot's series.

    Args:
        figure: A plot with a legend.
        units: Name of a series -> the units that it draws: layer and index.

    Returns:
        The plot; each picture is a neuron's, and leads to the unit in the microscope.
    """
    body = figure.body
    for name, drawn in units.items():
        end = f"{text(name)}</li>"
        body = body.replace(end, "".join(map(_picture, drawn)) + end, 1)
    return replace(figure, body=body)


def _picture(unit: tuple[str, int]) -> str:
    layer, index = unit
    image = scope().pictures(layer, NEURON, (index,)).images[0, 0] / np.float32(255)
    name = f"{layer}:{index}"
    picture = img(pixels(image, f"image of {name}")[0], name)
    return tag("a", picture, href=unit_link(layer, index), title=name)
