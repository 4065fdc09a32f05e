"""Shallow layers: the units of conv1 and conv2 in pictures, and what the text quotes of them."""

import numpy as np
import torch

from featviz import figures
from featviz.article.bridge.values import Values
from featviz.article.studies import shallow_evidence, shallow_tuning
from featviz.article.studies.microscope import scope
from featviz.article.studies.shallow_evidence import KINDS
from featviz.article.studies.shallow_tuning import LAYERS
from featviz.article.studies.shared import alexnet, all_views, linked, maximize, unit_link
from featviz.measures import tuning
from featviz.measures.statistics import interval
from featviz.measures.tuning import FAMILIES, ORIENTED, Preferences
from featviz.measures.weights import as_pictures, first_weights, gray_share, input_weights, optimum
from featviz.microscope import findings
from featviz.objectives.units import Channel

BESIDE = 8
"""Units of each layer shown beside the untrained network's."""


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
        caption=f"<strong>The {len(weights)} filters of conv1, measured.</strong> Sort them by any "
        "number, or find a family by its name. Every filter has its own full contrast; gray is a "
        "weight of zero. Orientations are those of the stripes, counterclockwise from horizontal.",
        values=_columns(preferences)
        | {"gray part of the weights": gray_share(net, "conv1").numpy()},
        links=[unit_link("conv1", unit) for unit in range(len(weights))],
        columns=16,
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
        caption="<strong>The best image of a conv1 unit is known exactly.</strong> Left: the "
        f"{SHOWN} filters of each family with the strongest responses to a grating. Right: for each "
        "the image that excites it most of all images there are. Gradient ascent comes within "
        f"{_plainly(shallow_evidence.ascent_error())} of its value, for all {len(weights)} units.",
        notes=[f"conv1: {linked('conv1', units)}" for units in members],
    )


def conv2_sheet() -> figures.Figure:
    """Returns all units of conv2 with what they prefer."""
    units = range(alexnet().units("conv2"))
    result = maximize([Channel("conv2", unit) for unit in units], size=SIDE)
    return figures.sheet(
        result.images.numpy(),
        _labels("conv2"),
        id="conv2",
        alt="192 textures: stripes, checks, dots, curves and fields of color.",
        caption=f"<strong>The {len(units)} channels of conv2,</strong> by gradient "
        f"ascent on the channel's mean, on {SIDE} px. Sort by phase tolerance, frequency or color. Families come "
        "from gratings alone: look whether they agree with the picture.",
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
    pictures = maximize(
        [Channel("conv2", unit) for unit in range(len(weights))], size=SIDE
    ).images.numpy()
    rows, scores = [], []
    for unit in units:
        order = weights[unit].argsort(descending=True).tolist()
        inputs = order[:4] + order[-3:][::-1]
        rows.append([pictures[unit], *(filters[one] for one in inputs)])
        scores.append([np.nan, *weights[unit, inputs].tolist()])
    names = shallow_evidence.families("conv2")
    along, against, chance = shallow_evidence.inherited()
    return figures.grid(
        [f"conv2:{unit}" for unit in units],
        ["the unit", *(f"for, {i}" for i in range(1, 5)), *(f"against, {i}" for i in range(1, 4))],
        rows,
        id="feeds",
        alt="Rows: a conv2 texture, four conv1 filters that excite it, three that inhibit it.",
        caption="<strong>What feeds a unit of conv2.</strong> The filters of conv1 with the largest "
        "sums of weights over the kernel, for it and against it. In edges, bars and gratings "
        f"the strongest oriented input is off by {along.mean:.0f}° on average "
        f"(95% interval {along.low:.0f} to {along.high:.0f}, {along.count} units), the strongest against it by {against.mean:.0f}° "
        f"({against.low:.0f} to {against.high:.0f}), one drawn by chance by {chance.mean:.0f}° ({chance.low:.0f} to {chance.high:.0f}).",
        scores=np.array(scores),
        score_name="sum of weights",
        notes=[f"{names[unit]}; {all_views('conv2', unit)}" for unit in units],
    )


def untrained_pictures() -> figures.Figure:
    """Returns filters and channels of the untrained network beside those of the trained one."""
    rows, pictures = [], []
    for layer in LAYERS:
        for kind in KINDS:
            rows.append(f"{layer}, {kind}")
            pictures.append(_pictures(layer, kind))
    return figures.grid(
        rows,
        [f"unit {unit}" for unit in range(BESIDE)],
        pictures,
        id="untrained",
        alt="Trained filters and textures are clean and varied, untrained ones are noise.",
        caption="<strong>What the same pictures look like without training.</strong> Filters of "
        "conv1, and channels of conv2 by the same ascent: the first units of each layer, unpicked. "
        "<strong>Compare within a layer</strong>: the filters of conv1 tell at a glance which network has "
        "learned, the textures of conv2 by their variety only.",
    )


def numbers() -> Values:
    """Returns the numbers that the chapter's text quotes."""
    first, second = (interval(shallow_evidence.grating_share(layer)) for layer in LAYERS)
    names = {layer: shallow_evidence.families(layer) for layer in LAYERS}
    shares = {
        layer: float((shallow_evidence.preferences(layer).selectivity >= ORIENTED).float().mean())
        for layer in LAYERS
    }
    return Values(
        filters=len(names["conv1"]),
        first_numbers=first_weights(alexnet(), "conv1")[0].numel(),
        units=len(names["conv2"]),
        shown=f"{int(np.prod(shallow_evidence.tuned('conv1').gratings.shape)):,}",
        **{
            f"{layer}_{family.replace(' ', '_')}": names[layer].count(family)
            for layer in LAYERS
            for family in FAMILIES
        },
        oriented_conv1=f"{shares['conv1']:.0%}",
        draws=shallow_evidence.DRAWS,
        oriented_untrained=shallow_tuning.percent(shallow_tuning.oriented("untrained")),
        gratings_untrained=_untrained("conv1", "grating") or "none",
        wired=shallow_evidence.inherited()[0].count,
        tolerant=f"{shallow_tuning.tolerant('trained').mean:.0%}",
        tolerant_gained=shallow_tuning.tolerant_difference(),
        tolerant_untrained=f"{shallow_tuning.tolerant('untrained').mean:.0%}",
        reach_conv1=f"{first.mean:.2f}",
        reach_conv2=f"{second.mean:.2f}",
        colored_edges=linked("conv1", shallow_evidence.members("conv1", "color edge", SHOWN)),
        complex_units=linked("conv2", _highest(shallow_evidence.preferences("conv2").tolerance)),
        held_down=linked("conv2", _highest(-shallow_evidence.preferences("conv2").crossed)),
        moved=_changes(),
        inhibited=f"{shallow_tuning.inhibited():.0%}",
        inherited=f"{shallow_evidence.inherited()[0].mean:.0f}",
        against=f"{shallow_evidence.inherited()[1].mean:.0f}",
        chance=f"{shallow_evidence.inherited()[2].mean:.0f}",
        colored_border=str(tuning.COLORED),
        oriented_border=str(tuning.ORIENTED),
        narrow_border=str(tuning.NARROW),
        explained_border=f"{tuning.EXPLAINED:.0%}",
        beyond_untrained=f"{_untrained('conv2', tuning.BEYOND) / shallow_evidence.DRAWS:.0f}",
        beyond=shallow_evidence.families("conv2").count(tuning.BEYOND),
        named_first=f"{shallow_evidence.named('conv1'):.0%}",
        named_deeper=_enumeration(
            [f"{shallow_evidence.named(layer):.0%}" for layer in alexnet().layers[1:]]
        ),
    )


def _plainly(share: float) -> str:
    """A very small share in words."""
    for limit, words in ((1e-6, "a millionth"), (1e-3, "a thousandth")):
        if share < limit:
            return words
    return f"{share:.1%}"


def _enumeration(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}"


def _highest(values: torch.Tensor) -> list[int]:
    units: list[int] = values.argsort(descending=True)[:SHOWN].tolist()
    return units


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


def _pictures(layer: str, kind: str) -> np.ndarray:
    net = shallow_evidence.network(kind)
    if layer == "conv1":
        weights = first_weights(net, layer)[:BESIDE]
        filters: np.ndarray = as_pictures(weights).numpy()
        return filters
    units = [
        Channel(layer, unit) for unit in range(BESIDE if kind == "untrained" else net.units(layer))
    ]
    images: np.ndarray = maximize(units, net=net, size=SIDE).images[:BESIDE].numpy()
    return images
