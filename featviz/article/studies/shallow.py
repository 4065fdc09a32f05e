"""Shallow layers: the units of conv1 and conv2 in pictures, and what the text quotes of them."""

import numpy as np
import torch
from numpy.typing import NDArray

from featviz import figures
from featviz.article.bridge.values import Values
from featviz.article.studies import shallow_evidence, shallow_tuning
from featviz.article.studies.bounds import percent, quoted
from featviz.article.studies.links import linked, unit_link
from featviz.article.studies.microscope import scope
from featviz.article.studies.shallow_tuning import LAYERS
from featviz.article.studies.shared import alexnet, maximize
from featviz.measures import tuning
from featviz.measures.statistics import interval
from featviz.measures.tuning import FAMILIES, ORIENTED, Preferences
from featviz.measures.weights import as_pictures, first_weights, gray_share, input_weights, optimum
from featviz.microscope import findings
from featviz.objectives.units import Channel

SIDE = 64
"""Side in pixels of conv2's pictures: its units see 51 px, and a sheet of 192 stays light."""

SHOWN = 5
"""Units per family, or per row, that a figure has room for."""


def filters() -> figures.Figure:
    """Returns conv1's filters as a sheet with what they prefer."""
    net = alexnet()
    weights = first_weights(net, "conv1")
    preferences = shallow_evidence.preferences("conv1")
    return figures.sheet(
        as_pictures(weights).numpy(),
        _labels("conv1"),
        id="filters",
        alt="The 64 filters of conv1 as color patches: stripes, blobs and soft edges.",
        caption=f"<strong>The {len(weights)} filters of conv1, measured</strong>: sort them by any number, or find a family by its "
        "name. Gray is a weight of zero; orientations are the stripes', counterclockwise from horizontal.",
        values=_columns(preferences)
        | {"gray part of the weights": gray_share(net, "conv1").numpy()},
        links=[unit_link("conv1", unit) for unit in range(len(weights))],
        columns=11,
        width="page",
    )


def optima() -> figures.Figure:
    """Returns filters of each family beside the images that excite them most."""
    net = alexnet()
    weights = first_weights(net, "conv1")
    images, _ = optimum(net, "conv1")
    members = [shallow_evidence.members("conv1", family, SHOWN) for family in FAMILIES]
    pictures = as_pictures(weights)
    return figures.pairs(
        np.stack([pictures[units].numpy() for units in members]),
        np.stack([images[units].numpy() for units in members]),
        FAMILIES,
        headings=("weights", "exact optimum"),
        id="optima",
        alt="Rows of filters of one family each, beside images of pure black, white and color.",
        caption=f"<strong>The best image of a conv1 unit is known exactly.</strong> First the {SHOWN} filters of each family that "
        "respond most to gratings, then the image that excites each most. Gradient ascent comes within "
        f"{_plainly(shallow_evidence.ascent_error())} of its value.",
        notes=[f"conv1: {linked('conv1', units)}" for units in members],
    )


def conv2_sheet() -> figures.Figure:
    """Returns all units of conv2 with what they prefer."""
    units = range(alexnet().units("conv2"))
    return figures.sheet(
        _conv2_pictures(),
        _labels("conv2"),
        id="conv2",
        alt="192 textures: stripes, checks, dots, curves and fields of color.",
        caption=f"<strong>The {len(units)} channels of conv2</strong>, by gradient ascent on the channel's mean, on {SIDE} px. Sort "
        "by phase tolerance, frequency or color, and look whether the families, which come from gratings alone, agree with the "
        "pictures.",
        values=_columns(shallow_evidence.preferences("conv2"))
        | {"active on photos, share of places": shallow_evidence.activity("conv2").share.numpy()},
        links=[unit_link("conv2", unit) for unit in units],
        columns=16,
        width="page",
    )


def feeds() -> figures.Figure:
    """Returns which filters of conv1 feed some units of conv2, and with what sign."""
    net = alexnet()
    weights = input_weights(net, "conv2")
    bank = first_weights(net, "conv1")
    filters = as_pictures(bank).numpy()
    units = [unit for family in FAMILIES for unit in shallow_evidence.members("conv2", family, 1)]
    pictures = _conv2_pictures()
    rows, scores = [], []
    for unit in units:
        order = weights[unit].argsort(descending=True).tolist()
        inputs = order[:4] + order[-3:][::-1]
        rows.append([pictures[unit], *(filters[one] for one in inputs)])
        scores.append([np.nan, *weights[unit, inputs].tolist()])
    names = shallow_evidence.families("conv2")
    return figures.grid(
        [f"conv2:{unit}" for unit in units],
        ["the unit", *(f"for, {i}" for i in range(1, 5)), *(f"against, {i}" for i in range(1, 4))],
        rows,
        id="feeds",
        alt="Rows: a conv2 texture, four conv1 filters that excite it, three that inhibit it.",
        caption="<strong>What feeds a unit of conv2</strong>: the filters of conv1 with the largest sums of weights over the "
        "kernel, for it and against it, for one unit of each family. <strong>Compare directions</strong> along a row; orange sums are negative.",
        scores=np.array(scores),
        score_name="sum of weights",
        score_most=float(np.nanmax(np.abs(scores))),
        notes=[
            f'{names[unit]}; <a href="{unit_link("conv2", unit)}">all its views</a>'
            for unit in units
        ],
    )


def _conv2_pictures() -> NDArray[np.float32]:
    units = [Channel("conv2", unit) for unit in range(alexnet().units("conv2"))]
    return maximize(units, size=SIDE).images.numpy()


def numbers() -> Values:
    """Returns the numbers that the chapter's text quotes."""
    reached = [quoted(interval(shallow_evidence.grating_share(layer)), 2) for layer in LAYERS]
    names = {layer: shallow_evidence.families(layer) for layer in LAYERS}
    along, against, chance = shallow_evidence.inherited()
    return Values(
        filters=len(names["conv1"]),
        units=len(names["conv2"]),
        shown=f"{int(np.prod(shallow_evidence.tuned('conv1').gratings.shape)):,}",
        **{
            f"conv1_{family.replace(' ', '_')}": names["conv1"].count(family) for family in FAMILIES
        },
        oriented_conv1=percent(shallow_tuning.oriented("trained"), 100),
        oriented_untrained=percent(shallow_tuning.oriented("untrained"), 100),
        draws=shallow_evidence.DRAWS,
        color_edges_gained=shallow_tuning.family_gain("conv1", "color edge"),
        beyond=names["conv2"].count(tuning.BEYOND),
        beyond_untrained=f"{_untrained('conv2', tuning.BEYOND) / shallow_evidence.DRAWS:.0f}",
        tolerant=f"{shallow_tuning.tolerant('trained').mean:.0%}",
        tolerant_naive=f"{shallow_tuning.tolerant('untrained').mean:.0%}",
        tolerant_trained=percent(shallow_tuning.tolerant("trained"), 100),
        tolerant_untrained=percent(shallow_tuning.tolerant("untrained"), 100),
        inhibited=percent(shallow_tuning.inhibited("trained"), 100),
        inhibited_untrained=percent(shallow_tuning.inhibited("untrained"), 100),
        reach_conv1=reached[0],
        reach_conv2=reached[1],
        wired=along.count,
        inherited=quoted(along, 0),
        against=quoted(against, 0),
        chance=f"{chance.mean:.0f}",
        moved=_changes(),
        oriented_border=str(tuning.ORIENTED),
        narrow_border=str(tuning.NARROW),
        explained_border=f"{tuning.EXPLAINED:.0%}",
    )


def _plainly(share: float) -> str:
    """A very small share in words."""
    for limit, words in ((1e-6, "a millionth"), (1e-3, "a thousandth")):
        if share < limit:
            return words
    return f"{share:.1%}"


def _changes() -> int:
    """How many filters of conv1 change their family if all borders move up or down by a tenth."""
    preferences = shallow_evidence.preferences("conv1")
    best = findings.find_best_values(scope(), "conv1")
    names = [
        tuning.families(
            preferences,
            best,
            explained=tuning.EXPLAINED * by,
            colored=tuning.COLORED * by,
            oriented=tuning.ORIENTED * by,
            narrow=tuning.NARROW * by,
        )
        for by in (0.9, 1.1)
    ]
    return sum(
        len(set(three)) > 1
        for three in zip(shallow_evidence.families("conv1"), *names, strict=True)
    )


def _labels(layer: str) -> list[str]:
    return [
        f"{layer}:{unit} {family}" for unit, family in enumerate(shallow_evidence.families(layer))
    ]


def _columns(preferences: Preferences) -> dict[str, np.ndarray]:
    """What a sheet shows of each unit and sorts by."""
    mask = preferences.selectivity >= ORIENTED
    return {
        "orientation, degrees": torch.where(mask, preferences.orientation, torch.nan).numpy(),
        "orientation selectivity": preferences.selectivity.numpy(),
        "frequency, cycles per pixel": preferences.frequency.numpy(),
        "color": preferences.color.numpy(),
        "phase tolerance": preferences.tolerance.numpy(),
    }


def _untrained(layer: str, family: str) -> int:
    """How many units of a family all untrained networks together have."""
    networks = shallow_evidence.networks("untrained")
    return sum(shallow_evidence.families(layer, *name).count(family) for name in networks)
