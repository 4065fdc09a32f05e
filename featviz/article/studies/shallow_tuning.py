"""Shallow layers: the answers to gratings as curves and numbers, beside an untrained network."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from featviz import figures
from featviz.article.studies import shallow_evidence
from featviz.article.studies.bounds import bounds, quoted
from featviz.article.studies.links import unit_link
from featviz.article.studies.microscope import scope
from featviz.article.studies.shallow_evidence import DRAWS, KINDS
from featviz.figures._figure import tag, text
from featviz.figures._files import pixels
from featviz.figures._images import img
from featviz.measures.statistics import Interval, difference, interval, share
from featviz.measures.tuning import BEYOND, FAMILIES, ORIENTED, Preferences
from featviz.microscope.views import NEURON

LAYERS = ("conv1", "conv2")
"""What the chapter calls shallow."""

TOLERANT = 0.5
"""Phase tolerance from which a unit counts as one that doesn't mind where the stripes are."""

AGAINST = 0.25
"""Part of the best response: stripes that take away more than that count as inhibiting."""

SLID = ("edge or bar", "grating", "color edge")
"""Families of which a unit is shown gratings that slide."""

NAMES = (*FAMILIES, BEYOND)
"""What a unit can be, by gratings; no unit of these layers is excited by none."""


def family_counts() -> figures.Figure:
    """Returns the share of each family in both layers, trained and untrained."""
    series = {}
    for layer in LAYERS:
        for kind in KINDS:
            series[f"{layer}, {kind}"] = bounds(
                [_mean_of(_names(layer, kind, name)) for name in NAMES], 100
            )
    return figures.bars(
        NAMES,
        series,
        "units, %",
        id="families",
        alt="Bars of the share of units in five families and beyond them, for conv1 and conv2, with controls.",
        caption="<strong>Families by number.</strong> Share of each layer's units, in AlexNet and in the same architecture "
        f"untrained, with 95% intervals over units, and over {DRAWS} untrained networks. <strong>Compare within a layer</strong>: "
        "edges, bars and gratings grow with training.",
        width="middle",
    )


def phase_curves() -> figures.Figure:
    """Returns how answers depend on where the stripes are."""
    drawn = {
        family: [(layer, shallow_evidence.members(layer, family, 1)[0]) for layer in LAYERS]
        for family in SLID
    }
    figure = figures.curves(
        {
            layer: {
                family: shallow_evidence.along_phase(*units[place])
                for family, units in drawn.items()
            }
            for place, layer in enumerate(LAYERS)
        },
        "phase of the grating, degrees from its best",
        "response, part of the best",
        id="phase",
        alt="In conv1 full cosine waves from 1 to -1, in conv2 nearly flat lines.",
        caption="<strong>conv1 minds where the stripes are; conv2 often does not.</strong> The most responsive unit of three "
        "families, as its best grating slides by one cycle. <strong>Look at 180°</strong>: there a response of conv1 is its negative.",
        width="middle",
    )
    return _with_pictures(figure, drawn)


def oriented(kind: str) -> Interval:
    """Returns the share of conv1's units that have an orientation."""
    return _share("conv1", kind, lambda one: one.selectivity >= ORIENTED)


def tolerant(kind: str) -> Interval:
    """Returns the share of conv2's units that keep half of their response at every phase."""
    return _share("conv2", kind, lambda one: one.tolerance >= TOLERANT)


def inhibited(kind: str) -> Interval:
    """Returns the share of conv2's units that stripes of another direction hold down."""
    return _share("conv2", kind, lambda one: one.crossed < -AGAINST)


def family_gain(layer: str, family: str) -> str:
    """Writes how many more of a layer's units are of a family for training, in percentage points."""
    return quoted(difference(*(100.0 * _names(layer, kind, family) for kind in KINDS)), 0)


def _share(layer: str, kind: str, rule: Callable[[Preferences], torch.Tensor]) -> Interval:
    return _mean_of(
        shallow_evidence.sample(
            kind, lambda *name: rule(shallow_evidence.preferences(layer, *name))
        )
    )


def _names(layer: str, kind: str, family: str) -> NDArray[np.bool_] | NDArray[np.float64]:
    return shallow_evidence.sample(
        kind, lambda *name: np.array(shallow_evidence.families(layer, *name)) == family
    )


def _mean_of(values: NDArray[np.bool_] | NDArray[np.float64]) -> Interval:
    """The share of what is so or not, else the mean."""
    return share(values) if values.dtype == bool else interval(values)


def _with_pictures(
    figure: figures.Figure, units: Mapping[str, Sequence[tuple[str, int]]]
) -> figures.Figure:
    """Puts pictures of the units that its series draw beside their names in a plot's legend."""
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
