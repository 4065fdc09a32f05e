"""Shallow layers: the answers to gratings as curves and numbers, beside an untrained network."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from featviz import figures
from featviz.article.studies import shallow_evidence
from featviz.article.studies.bounds import bounds, quoted
from featviz.article.studies.pictured import with_pictures
from featviz.article.studies.shallow_evidence import DRAWS, KINDS
from featviz.measures.statistics import Interval, difference, interval, share
from featviz.measures.tuning import BEYOND, FAMILIES, ORIENTED, Preferences

LAYERS = ("conv1", "conv2")
"""What the chapter calls shallow."""

TOLERANT = 0.5
"""Phase tolerance from which a unit counts as one that doesn't mind where the stripes are."""

AGAINST = 0.25
"""Part of the best response: stripes that take away more than that count as inhibiting."""

NAMES = (*FAMILIES, BEYOND)
"""What a unit can be, by gratings; no unit of these layers is excited by none."""


def family_counts() -> figures.Figure:
    """Returns the share of each family in both layers, trained and untrained."""
    series = {}
    for layer in LAYERS:
        for kind in KINDS:
            series[f"{layer}, {kind}"] = bounds([_family(layer, kind, name) for name in NAMES], 100)
    return figures.bars(
        NAMES,
        series,
        "units, %",
        id="families",
        alt="Bars of the share of units in five families and beyond them, for conv1 and conv2, with controls.",
        caption="<strong>Families by number.</strong> Share of each layer's units in each family, in AlexNet and in the same architecture "
        f"untrained, with 95% intervals over units, and over {DRAWS} untrained networks. Trained less untrained, in percentage "
        f"points: {'; '.join(_family_differences())}.",
        width="middle",
    )


def orientation_curves() -> figures.Figure:
    """Returns how answers depend on the direction of the stripes."""
    figure = figures.curves(
        {
            layer: {
                name: shallow_evidence.along_orientation(layer, unit)
                for name, unit in _examples(layer, FAMILIES[:4])
            }
            for layer in LAYERS
        },
        "orientation of the stripes, degrees",
        "response, part of the best",
        id="orientation",
        alt="Curves of the response over orientation: a peak for edges and gratings, flat for spots.",
        caption="<strong>Tuning to orientation.</strong> Response of the most responsive unit of each family to "
        "gratings of its favorite color and frequency, as they turn; the best phase at each angle. "
        f"Curves of conv1 cannot fall below zero; {inhibited():.0%} of conv2's do, by more than "
        f"{AGAINST:.0%} of the best response.",
        width="middle",
    )
    return with_pictures(figure, _drawn(FAMILIES[:4]))


def phase_curves() -> figures.Figure:
    """Returns how answers depend on where the stripes are."""
    figure = figures.curves(
        {
            layer: {
                name: shallow_evidence.along_phase(layer, unit)
                for name, unit in _examples(layer, FAMILIES[:2] + FAMILIES[3:4])
            }
            for layer in LAYERS
        },
        "phase of the grating, degrees from its best",
        "response, part of the best",
        id="phase",
        alt="In conv1 full cosine waves from 1 to -1, in conv2 nearly flat lines.",
        caption="<strong>conv1 minds where the stripes are; conv2 often does not.</strong> The "
        "same units as their best grating slides by one cycle. In conv1 half a cycle turns a response into its negative. "
        f"Of conv2, {tolerant('trained').mean:.0%} of the units keep at least half of their best "
        "response at every phase.",
        width="middle",
    )
    return with_pictures(figure, _drawn(FAMILIES[:2] + FAMILIES[3:4]))


def tolerance() -> figures.Figure:
    """Returns the phase tolerance of all units, trained and untrained."""
    return figures.dots(
        LAYERS,
        {
            kind: [
                np.concatenate(
                    [
                        shallow_evidence.preferences(layer, *name).tolerance
                        for name in shallow_evidence.networks(kind)
                    ]
                )
                for layer in LAYERS
            ]
            for kind in KINDS
        },
        "phase tolerance",
        id="tolerance",
        alt="Dots at -1 for all units of conv1; in conv2 spread from -1 to 1, most trained ones high.",
        caption="<strong>Phase tolerance of every unit:</strong> the worst response over phases by "
        "the best. At −1 sliding the stripes undoes the response, at 1 it makes no difference. "
        "Bars mark the median, lines the middle half. "
        f"conv2, trained: {percent(tolerant('trained'))} of the units above {TOLERANT}; "
        f"untrained: {percent(tolerant('untrained'))}.",
    )


def reach() -> figures.Figure:
    """Returns how near gratings come to the best that the units can be given."""
    parts = {layer: shallow_evidence.grating_share(layer) for layer in LAYERS}
    means = {layer: interval(shares) for layer, shares in parts.items()}
    return figures.dots(
        LAYERS,
        {"best grating, part of the unit's optimum": list(parts.values())},
        "part of the optimum",
        id="reach",
        alt="Dots: the part of the optimum reached by gratings, higher in conv1 than in conv2.",
        caption="<strong>How far gratings go.</strong> Response to a unit's best grating as a "
        "part of that to the best image known for it, both less plain gray: in conv1 the exact "
        "optimum, in conv2 the better of gradient ascent and the strongest natural patch. Bars mark the median, lines the middle half. "
        f"Means: {means['conv1'].mean:.2f} in conv1 "
        f"({means['conv1'].low:.2f} to {means['conv1'].high:.2f}), {means['conv2'].mean:.2f} in "
        f"conv2 ({means['conv2'].low:.2f} to {means['conv2'].high:.2f}).",
    )


def control() -> figures.Figure:
    """Returns the measures of both layers beside those of an untrained network."""
    rows = []
    for name, measure in _MEASURES.items():
        row = [name]
        for layer in LAYERS:
            both = [_sample(layer, kind, measure) for kind in KINDS]
            row += [*map(_mean, both), _text(difference(*both))]
        rows.append(row)
    return figures.table(
        rows,
        [
            "mean over units",
            *(f"{layer}, {what}" for layer in LAYERS for what in (*KINDS, "difference")),
        ],
        id="control",
        alt="Means of tuning measures with intervals, for conv1 and conv2, trained and untrained.",
        caption="<strong>The control.</strong> The same measures on the same architecture as PyTorch "
        "initializes it. Means with 95% intervals over units, and "
        f"over {DRAWS} untrained networks. Where the interval of the difference excludes 0, training made one; "
        "where it holds 0, we can't say.",
        width="page",
    )


def percent(one: Interval) -> str:
    """Writes a share with its interval."""
    return f"{one.mean:.0%} ({one.low:.0%} to {one.high:.0%})"


def tolerant(kind: str) -> Interval:
    """Returns the share of conv2's units that don't mind where the stripes are."""
    return _mean_of(_sample("conv2", kind, _is_tolerant))


def oriented(kind: str) -> Interval:
    """Returns the share of conv1's units that have an orientation."""
    return _mean_of(_sample("conv1", kind, _is_oriented))


def inhibited() -> float:
    """Returns the share of conv2's units that stripes of another direction hold down."""
    return float((shallow_evidence.preferences("conv2").crossed < -AGAINST).float().mean())


_MEASURES: dict[str, Callable[[Preferences], torch.Tensor]] = {
    "orientation selectivity (0 to 1)": lambda p: p.selectivity,
    "oriented, share of units": lambda p: _is_oriented(p),
    "inhibited by other orientations, share of units": lambda p: p.crossed < -AGAINST,
    "color, distance from even (0 to 0.5)": lambda p: (p.color - 0.5).abs(),
    "breadth under 1 octave, share of units": lambda p: p.breadth < 1,
    "phase tolerance (−1 to 1)": lambda p: p.tolerance,
}


def _is_oriented(preferences: Preferences) -> torch.Tensor:
    return preferences.selectivity >= ORIENTED


def _is_tolerant(preferences: Preferences) -> torch.Tensor:
    return preferences.tolerance >= TOLERANT


def _sample(
    layer: str, kind: str, measure: Callable[[Preferences], torch.Tensor]
) -> NDArray[np.bool_] | NDArray[np.float64]:
    return shallow_evidence.sample(
        kind, lambda *name: measure(shallow_evidence.preferences(layer, *name))
    )


def _names(layer: str, kind: str, family: str) -> NDArray[np.bool_] | NDArray[np.float64]:
    return shallow_evidence.sample(
        kind, lambda *name: np.array(shallow_evidence.families(layer, *name)) == family
    )


def _family(layer: str, kind: str, family: str) -> Interval:
    return _mean_of(_names(layer, kind, family))


def _mean_of(values: NDArray[np.bool_] | NDArray[np.float64]) -> Interval:
    """The share of what is so or not, else the mean."""
    return share(values) if values.dtype == bool else interval(values)


def _mean(values: NDArray[np.bool_] | NDArray[np.float64]) -> str:
    return _text(_mean_of(values))


def _family_differences() -> list[str]:
    """Per layer, how many more percent of the trained units than of the untrained are of each."""
    lines = []
    for layer in LAYERS:
        gains = [
            difference(*(100.0 * _names(layer, kind, family) for kind in KINDS)) for family in NAMES
        ]
        parts = [
            f"{family} {round(d.mean)} ({round(d.low)} to {round(d.high)})"
            for family, d in zip(NAMES, gains, strict=True)
        ]
        lines.append(f"{layer} {', '.join(parts)}".replace("-", "\N{MINUS SIGN}"))
    return lines


def tolerant_difference() -> str:
    """Writes how many more of conv2's units are tolerant for training, in percentage points."""
    one = difference(*(100.0 * _sample("conv2", kind, _is_tolerant) for kind in KINDS))
    return f"{one.mean:.0f} ({one.low:.0f} to {one.high:.0f})"


def _text(one: Interval) -> str:
    return quoted(one, 2).replace(" ", "\N{NO-BREAK SPACE}")


def _examples(layer: str, names: tuple[str, ...]) -> list[tuple[str, int]]:
    return [(family, shallow_evidence.members(layer, family, 1)[0]) for family in names]


def _drawn(names: tuple[str, ...]) -> dict[str, list[tuple[str, int]]]:
    """The units of each family whose curves are drawn: one of each layer."""
    return {
        name: [(layer, dict(_examples(layer, names))[name]) for layer in LAYERS] for name in names
    }
