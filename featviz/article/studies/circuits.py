"""What a deep unit is made of, and what is left of it without."""

from collections.abc import Callable
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from featviz.article.bridge.values import Values
from featviz.article.studies import circuits_evidence as evidence
from featviz.article.studies import circuits_motifs as motifs_of
from featviz.article.studies.bounds import bounds
from featviz.article.studies.circuits_evidence import KEEPS, PROVED
from featviz.article.studies.circuits_motifs import QUARTER, Count
from featviz.article.studies.links import unit_link
from featviz.article.studies.microscope import channel_images, scope
from featviz.article.studies.shared import alexnet
from featviz.circuits.faithfulness import CONDITIONS, STRONGEST
from featviz.circuits.graph import KEEP
from featviz.figures import (
    CircuitLayer,
    Figure,
    circuit_columns,
    grid,
    intervals,
    number,
    table,
)
from featviz.measures.statistics import Interval
from featviz.microscope.views import CHANNEL

FACE, EYE = 143, 159
"""The units of conv5 that are followed down: faces in rings of fur, and eyes."""

DEEP = ("conv3", "conv4", "conv5")
"""Layers whose circuits are taken away."""

FOLLOWED = 2
"""Units per layer that are shown of a circuit and taken away one at a time."""

WORST = 6
"""Units of a layer that are shown where circuits fail."""

KINDS: dict[str, tuple[str, Callable[[str], Count]]] = {
    "quarter": (
        "another unit is the same at a quarter turn",
        partial(motifs_of.turned_twins, turn=QUARTER),
    ),
    "mirror": (
        "more alike to its mirror image than to itself upside down",
        motifs_of.own_mirror_images,
    ),
    "union": ("reads a unit and its mirror image", motifs_of.unions),
    "crossing": ("excited along its orientation, inhibited across", motifs_of.crossings),
}
"""Motifs: what they are called, and how they are counted in a layer."""

READ = ("union", "crossing")
"""Motifs that are counted among the units that read a layer."""


def walk() -> Figure:
    """Every unit's circuit."""
    net = alexnet()
    layers = []
    for depth, layer in enumerate(net.layers):
        pictures, sees = scope().pictures(layer, CHANNEL).images[:, 0], net.receptive_field(layer)
        if not depth:
            layers.append(CircuitLayer(layer, pictures, sees.size))
            continue
        all_units = evidence.circuits(layer)
        earlier = all_units.layers[1:]
        weights = evidence.kernels(layer).numpy()
        layers.append(
            CircuitLayer(
                layer,
                pictures,
                sees.size,
                columns=dict(zip(earlier, all_units.units, strict=True)),
                shares={
                    one: strengths / all_units.values[:, None]
                    for one, strengths in zip(earlier, all_units.strengths, strict=True)
                },
                weights=weights.sum((2, 3)),
                kernels=weights,
                expanded={one: evidence.through(layer, one) for one in earlier[1:]},
            )
        )
    return circuit_columns(
        layers,
        start=f"conv5:{FACE}",
        id="walk",
        alt=f"conv5:{FACE} at the left, then {KEEP} units of each earlier layer down to conv1, joined by lines",
        caption=f"The {KEEP} units of each layer that add most to the unit at the left, or take most away; lines are sums of weights. "
        "<strong>Point at a unit for its kernels, press it to take it apart.</strong> Arrows and Enter walk, Backspace goes back.",
        link="../microscope.html",
    )


def steps() -> Figure:
    """The strongest units of two circuits, and what is left when each is taken away."""
    rows, scores, labels = [], [], []
    earlier = evidence.circuits("conv5").layers[1:]
    for unit in (FACE, EYE):
        units = _followed(unit)
        left = _left(unit)
        rows.append([channel_images(layer, (one,))[0] for layer, one in units])
        scores.append([100 * left[one] for one in units])
        labels.append([f"{layer}:{one}" for layer, one in units])
    return grid(
        [f"conv5:{FACE}", f"conv5:{EYE}"],
        [(layer, FOLLOWED) for layer in earlier],
        rows,
        id="steps",
        alt="Two rows of eight units, the strongest of two circuits from conv4 to conv1, each with what is left without it",
        caption=f"The {FOLLOWED} strongest units of each layer. <strong>Below each: percent of the response left when this "
        "unit alone gives its mean</strong>, on photographs that the circuits were not sought on.",
        labels=labels,
        named=True,
        scores=scores,
        score_name="percent of the response left without it",
        score_most=100,
        score_digits=0,
        notes=["faces in fur", "eyes"],
        links=[unit_link("conv5", FACE), unit_link("conv5", EYE)],
    )


def proof() -> Figure:
    """What is left of units without their circuits and by them alone, against random units."""
    rows = {
        f"{layer}, {keep} per layer": row
        for layer in DEEP
        for keep, row in zip(KEEPS, _responses(layer), strict=True)
    }
    series = zip(CONDITIONS, *rows.values(), strict=True)
    return intervals(
        list(rows),
        {name: bounds(ones, 100) for name, *ones in series},
        "percent of the response left",
        id="proof",
        alt="Six rows of responses left: least where the circuit is removed, near all where random units are",
        caption="<strong>Compare each circuit with random units as active.</strong> <em>Removed</em>: these units give their mean; "
        f"<em>kept</em>: all others do. Means over {PROVED} units a layer, each on its {STRONGEST} strongest of {_photographs()[1]} "
        "photographs, with 95% intervals.",
        at=100,
    )


def motifs() -> Figure:
    """Motifs of circuits and how many of them chance makes."""
    layers = alexnet().layers
    rows = []
    for name, counts in _counts().items():
        for layer, one in counts.items():
            where = f"{layers[layers.index(layer) + 1]}, of {layer}" if name in READ else layer
            rows.append([KINDS[name][0], where, one.seen, one.cases, _chance(one)])
    return table(
        rows,
        ["motif", "in", "seen", "of", "by chance"],
        id="motifs",
        alt="Motifs, the layers they are counted in, cases, how many are seen and how many by chance",
        caption="Motifs of <em>Zoom In</em> in all kernels. By chance, with the middle 95%: pairings, orientations or pixels dealt "
        "anew. <strong>Compare what is seen with it.</strong>",
        width="middle",
    )


def failures() -> Figure:
    """Units of conv5 whose circuits explain most, and no more than random units."""
    gains = _gains("conv5")
    units = evidence.proof("conv5").units
    order = np.argsort(-gains, kind="stable").tolist()
    chosen = [order[:WORST], order[::-1][:WORST]]
    return grid(
        ["explained best", "explained least"],
        [""] * WORST,
        [list(channel_images("conv5", units[rows].tolist())) for rows in chosen],
        id="failures",
        alt="Twelve units of conv5: six whose circuits explain most, six whose circuits explain least",
        caption=f"Of {PROVED} random units of conv5 those at both ends. Below each: by how many percentage points more of the response is "
        f"lost with the circuit ({KEEPS[0]} per layer) than with random units. <strong>To our eyes the pictures don't tell which.</strong> Orange: below zero.",
        labels=[[f"conv5:{units[row]}" for row in rows] for rows in chosen],
        named=True,
        scores=[[100 * gains[row] for row in rows] for rows in chosen],
        score_name="percentage points more lost than with random units",
        score_most=100,
        score_digits=0,
    )


def numbers() -> Values:
    """What the text quotes."""
    return Values(
        keep=KEEP,
        most=KEEPS[1],
        proved=PROVED,
        sought=_photographs()[0],
        tested=_photographs()[1],
        best=evidence.BEST,
        **_of_steps("face", FACE),
        **_of_steps("eye", EYE),
        **_of_proof(),
        **_of_motifs(),
    )


def _of_steps(name: str, unit: int) -> dict[str, str]:
    """What the text says of the units that are shown of a circuit."""
    told, left = {}, _left(unit)
    circuit = evidence.circuits("conv5")[unit]
    root = circuit.columns[0].strengths[0]
    for depth, column in enumerate(circuit.columns[1:]):
        for place in range(FOLLOWED):
            key, index = f"{name}_{column.layer}_{place + 1}", int(column.units[place])
            told[key] = f"{column.layer}:{index}"
            told[f"{key}_adds"] = _percent(column.strengths[place] / root)
            told[f"{key}_left"] = _percent(left[column.layer, index])
            if not depth:
                told[f"{key}_weight"] = _signed(float(circuit.weights[0][0, place]))
    return told


def _of_proof() -> dict[str, str]:
    """What the text says of circuits that are taken away."""
    told = {}
    for layer in DEEP:
        more = evidence.proof(layer).differences()[0]
        for keep, row, apart in zip(KEEPS, _responses(layer), more, strict=True):
            for name, one in zip(CONDITIONS, row, strict=True):
                told[f"{name.replace(' ', '_')}_{layer}_{keep}"] = _percent(one.mean)
            for name, one in zip(("removed", "kept"), apart, strict=True):
                told[f"more_{name}_{layer}_{keep}"] = _points(one)
        told[f"failing_{layer}"] = str(int((_gains(layer) <= 0).sum()))
    return told


def _of_motifs() -> dict[str, str]:
    """What the text says of motifs."""
    told = {}
    for name, counts in _counts().items():
        for layer, one in counts.items():
            told[f"{name}_{layer}"] = f"{one.seen:,} of {one.cases:,}"
            told[f"{name}_{layer}_chance"] = _chance(one)
    return told


@cache
def _counts() -> dict[str, dict[str, Count]]:
    """Each motif's counts by layer."""
    layers = alexnet().layers
    return {
        name: {layer: count(layer) for layer in (layers[:-1] if name in READ else layers)}
        for name, (_, count) in KINDS.items()
    }


@cache
def _left(unit: int) -> dict[tuple[str, int], float]:
    """What is left of a unit of conv5 without each of the units that are shown of its circuit."""
    return evidence.without("conv5", unit, _followed(unit))


def _followed(unit: int) -> list[tuple[str, int]]:
    columns = evidence.circuits("conv5")[unit].columns[1:]
    return [(one.layer, index) for one in columns for index in one.units[:FOLLOWED].tolist()]


@cache
def _responses(layer: str) -> list[list[Interval]]:
    """What is left of a layer's responses, for each of `KEEPS` and each of `CONDITIONS`."""
    return evidence.proof(layer).intervals()[0]


def _gains(layer: str) -> NDArray[np.float64]:
    """By how much more of each unit's response is lost with its circuit than with random units."""
    responses = evidence.proof(layer).responses()[:, 0]
    gains: NDArray[np.float64] = np.nan_to_num(responses[:, 1] - responses[:, 0])
    return gains


def _photographs() -> tuple[int, int]:
    return len(evidence.photographs(0)), len(evidence.photographs(1))


def _chance(one: Count) -> str:
    between = f" ({one.low:.0f} to {one.high:.0f})" if one.low < one.high else ""
    return f"{one.chance:.0f}{between}"


def _percent(value: float) -> str:
    return f"{100 * value:.0f}%".replace("-", "\N{MINUS SIGN}")


def _signed(value: float) -> str:
    return ("+" if value > 0 else "") + number(value)


def _points(one: Interval) -> str:
    low, high = sorted((-100 * one.low, -100 * one.high))
    return f"{-100 * one.mean:.0f} ({low:.0f} to {high:.0f})".replace("-", "\N{MINUS SIGN}")
