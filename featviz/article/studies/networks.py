"""Is it AlexNet, or is it depth? Three networks on the same photographs."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from featviz.article.bridge.values import Values
from featviz.article.studies import networks_evidence as evidence
from featviz.article.studies import networks_matches as matching
from featviz.article.studies import shallow_versus_deep_evidence as whole
from featviz.article.studies.bounds import bounds, quoted
from featviz.article.studies.deep_families import NAMED
from featviz.article.studies.links import named_link
from featviz.article.studies.microscope import scope
from featviz.article.studies.networks_evidence import DEPTHS, UNITS, VIEW
from featviz.article.studies.networks_matches import (
    ALIKE,
    MIXED,
    OTHERS,
    TRAINED,
    UNTRAINED,
)
from featviz.article.studies.shallow_versus_deep_turning import TURN
from featviz.figures import Figure, Series, curves, dots, grid, table
from featviz.measures.statistics import LEVEL, Interval, difference, holm, interval, p_value

FEWER = 4
"""How many times fewer photographs matches are chosen on, to see what more of them would change."""

LAYERS = DEPTHS["AlexNet"]


def ladder() -> Figure:
    """The same ladder of three networks, side by side."""
    rows, notes, images, labels = [], [], [], []
    for index in range(len(LAYERS)):
        chosen = [
            (name, layers[index], evidence.drawn_units(name, layers[index]))
            for name, layers in DEPTHS.items()
        ]
        rows.append(f"depth {index + 1}")
        notes.append("<br>".join(_with_field(name, layer) for name, layer, _ in chosen))
        images.append(list(torch.cat([evidence.pictures(*one) for one in chosen]).numpy()))
        labels.append([f"{name}, {layer}:{unit}" for name, layer, many in chosen for unit in many])
    return grid(
        rows,
        [(name, UNITS) for name in DEPTHS],
        images,
        id="three-ladders",
        alt="Five rows of channels' pictures for AlexNet, VGG16 and SqueezeNet: stripes and color on top, weaves and curls in "
        "the middle, eyes, fur and a head at the bottom",
        caption="<strong>Read each network from top to bottom, then each row across.</strong> "
        f"{UNITS} channels per depth, drawn at random; {VIEW.steps} steps on {VIEW.side} px, one recipe and seed. "
        "With each depth, the layers and how many pixels their units see.",
        labels=labels,
        notes=notes,
    )


def by_depth() -> Figure:
    """Activity and tolerance to turning of three networks, over the size of the receptive field."""
    panels = {
        "active, trained": _lines(evidence.active),
        "active, before training": _lines(evidence.active_untrained),
        f"left by a turn of {TURN}°": _lines(evidence.left, DEPTHS),
    }
    return curves(
        panels,
        "receptive field, px",
        "%",
        id="three-curves",
        alt="lines for AlexNet, VGG16 and SqueezeNet over the size of their receptive fields",
        caption=f"Places where a unit is active on {len(evidence.photographs())} photographs, trained and in {evidence.DRAWS} "
        f"networks before training; what a turn leaves of {evidence.TURNED} units' activation by their best patch. "
        "Bands: 95% intervals over photographs, networks, units.",
        width="page",
        log_x=True,
    )


def best_matches() -> Figure:
    """How well each unit's best match in another network follows it on other photographs."""
    series = {
        **{other: [matching.best(layer, other).held for layer in LAYERS] for other in OTHERS},
        "VGG16 before training": [matching.best(one, "VGG16", UNTRAINED).held for one in LAYERS],
    }
    return dots(
        LAYERS,
        series,
        "correlation with the best match",
        id="best-match",
        first_color=1,  # AlexNet has the first in the figure above
        alt="Dots per layer of AlexNet: correlations with matches in VGG16 and SqueezeNet fall with depth, and lie above those "
        "in an untrained network",
        caption="Each unit of AlexNet and the unit of another network that correlates with it most on "
        f"{_halves()[0]} photographs: <strong>their correlation on {_halves()[1]} others</strong>. Bars: median; lines: middle half.",
    )


def mutual_matches() -> Figure:
    """How many units of two layers are each other's best match and alike."""
    columns = [(other, layer) for other in OTHERS for layer in DEPTHS[other]]
    rows = [
        [f"{layer} ({len(matching.best(layer, OTHERS[0]).units)})"]
        + [
            f"{_alike(layer, *column, TRAINED)} ({max(_alike(layer, *column, kind) for kind in (UNTRAINED, MIXED))})"
            for column in columns
        ]
        for layer in LAYERS
    ]
    return table(
        rows,
        ["units of AlexNet", *(f"{other} {layer}" for other, layer in columns)],
        id="mutual",
        alt="Mutual best matches of AlexNet's layers with those of VGG16 and SqueezeNet; most are near the diagonal",
        caption="Units that are <strong>each other's best match</strong> and correlate above "
        f"{ALIKE} on held-out photographs. In brackets by chance: before training, or with photographs held against others, "
        "whichever is more.",
        width="page",
    )


def twins() -> Figure:
    """Pairs of AlexNet and VGG16 that respond alike, as pictures."""
    pairs = matching.steadiest()
    return grid(
        ["AlexNet", "VGG16"],
        [f"{twin.layer} and {twin.other_layer}" for twin in pairs],
        [
            [evidence.pictures("AlexNet", twin.layer, [twin.unit])[0] for twin in pairs],
            [evidence.pictures("VGG16", twin.other_layer, [twin.other_unit])[0] for twin in pairs],
        ],
        id="twins",
        alt="Eight channels of AlexNet above the channels of VGG16 that respond most like them",
        caption=f"The {matching.TWINS} mutual matches of each layer from {LAYERS[1]} on that were steadiest where they were chosen; none was left out. "
        "<strong>Below each, the correlation on held-out photographs</strong>, orange below zero. In the microscope: "
        + ", ".join(named_link(twin.layer, twin.unit) for twin in pairs)
        + ".",
        labels=[
            [f"AlexNet, {twin.layer}:{twin.unit}" for twin in pairs],
            [f"VGG16, {twin.other_layer}:{twin.other_unit}" for twin in pairs],
        ],
        scores=[[np.nan] * len(pairs), [twin.held for twin in pairs]],
        score_name="correlation on held-out photographs",
        score_most=1,
        score_digits=2,
    )


def numbers() -> Values:
    """What the text quotes."""
    ends = {name: (layers[0], layers[-1]) for name, layers in DEPTHS.items()}
    first, last = (
        [evidence.active(name, layers[end]).mean().item() for name, layers in ends.items()]
        for end in (0, 1)
    )
    before = [
        evidence.active_untrained(name, layer).mean().item()
        for name in DEPTHS
        for layer in evidence.network(name).layers
    ]
    turns = {
        f"turn_{name.lower()}": quoted(
            difference(*(evidence.left(name, layers[end]) for end in (1, 0))), 0
        )
        for name, layers in ends.items()
    }
    vgg = {
        f"vgg_{layer}": f"{evidence.active('VGG16', layer).mean().item():.0f}"
        for layer in ("conv4_3", "conv5_1")
    }
    squeeze = {
        f"squeeze_{layer}": f"{evidence.active('SqueezeNet', layer).mean().item():.0f}"
        for layer in ("fire7", "fire8")
    }
    few = matching.best("conv5", "VGG16", TRAINED, FEWER)
    shallow, deep = (
        [twin.held > ALIKE for twin in matching.steadiest() if twin.layer in layers]
        for layers in (("conv2", "conv3"), ("conv4", "conv5"))
    )
    patch = (whole.left(layer, whole.BEFORE_TURNS[1]) for layer in (LAYERS[-1], LAYERS[0]))
    return Values(
        photographs=len(evidence.photographs()),
        chosen=_halves()[0],
        held=_halves()[1],
        threshold=str(ALIKE),
        active_first=_range(first),
        active_last=_range(last),
        active_before=_range(before),
        fewer=len(range(0, _halves()[0], FEWER)),
        median_few=quoted(matching.median(few), 2),
        turned=evidence.TURNED,
        turned_there=whole.TURNED,
        turn_there=quoted(difference(*patch), 0),
        photographs_there=len(scope().photographs),
        twins_shallow=len(shallow),
        twins_shallow_held=sum(shallow),
        twins_deep=len(deep),
        twins_deep_held=sum(deep),
        **turns,
        **vgg,
        **squeeze,
        **matched(),
        **_of_families(),
    )


def matched() -> dict[str, str]:
    """What the text quotes of best matches in VGG16: medians of their correlations."""
    texts = {}
    for layer in LAYERS:
        for name, kind in ((f"{layer}_vgg16", TRAINED), (f"{layer}_vgg16_untrained", UNTRAINED)):
            middle = matching.median(matching.best(layer, "VGG16", kind))
            texts[f"median_{name}"] = quoted(middle, 2)
    return texts


def _of_families() -> dict[str, str]:
    """Which families' units have better matches than other units of their layer, and which worse.

    As many are tested, the tests are corrected for their number.
    """
    sides = []
    for layer, _, units in _families():
        held = matching.best(layer, "VGG16").held
        others = [unit for unit in range(len(held)) if unit not in units]
        sides.append((held[units], held[others]))
    chances = holm([p_value(*side) for side in sides])
    better: list[str] = []
    worse: list[str] = []
    for (_, name, _), side, chance in zip(_families(), sides, chances, strict=True):
        gain = difference(*side)
        if chance < 1 - LEVEL:
            (better if gain.mean > 0 else worse).append(f"{name} ({_signed(gain)})")
    return {
        "families": str(len(_families())),
        "better": ", ".join(better) or "none",
        "worse": ", ".join(worse) or "none",
    }


def _families() -> list[tuple[str, str, list[int]]]:
    return [
        (layer, name, list(units))
        for layer, names in NAMED.items()
        for name, (_, units) in names.items()
    ]


def _lines(
    measure: Callable[[str, str], Tensor], layers: Mapping[str, tuple[str, ...]] | None = None
) -> dict[str, Series]:
    lines = {}
    for name in DEPTHS:
        net = evidence.network(name)
        which = net.layers if layers is None else layers[name]
        lines[name] = Series(
            [net.receptive_field(layer).size for layer in which],
            *bounds([interval(measure(name, layer)) for layer in which]),
        )
    return lines


def _alike(layer: str, other: str, other_layer: str, kind: str) -> int:
    """How many mutual matches are alike."""
    return int((matching.mutual(layer, other, other_layer, kind).held > ALIKE).sum())


def _halves() -> tuple[int, int]:
    """How many photographs matches are chosen on, and tested on."""
    count = len(evidence.photographs())
    return (count + 1) // 2, count // 2


def _with_field(name: str, layer: str) -> str:
    return f"{layer} ({evidence.network(name).receptive_field(layer).size} px)"


def _range(values: list[float]) -> str:
    return f"{min(values):.0f} to {max(values):.0f}"


def _signed(value: Interval) -> str:
    digits = 0 if abs(value.mean) >= 1 else 2
    text = f"{value.mean:+.{digits}f}, {value.low:.{digits}f} to {value.high:.{digits}f}"
    return text.replace("-", "\N{MINUS SIGN}")
