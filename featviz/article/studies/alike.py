"""The chapter on the assumption that what looks alike is alike."""

import numpy as np
import torch
from torch import Tensor

from featviz.article.bridge.values import Values
from featviz.article.studies import alike_evidence as evidence
from featviz.article.studies.alike_measures import PERMUTED
from featviz.article.studies.bounds import bounds, quoted, span
from featviz.article.studies.deep_families import NAMED
from featviz.article.studies.links import linked
from featviz.article.studies.microscope import channel_images
from featviz.article.studies.shared import SEED, alexnet
from featviz.figures import Figure, Series, curves, grid, intervals
from featviz.measures.likeness import each_pair
from featviz.measures.statistics import holm, share

DOTS = 150
"""Pairs drawn as dots in each panel."""

EXTREME = 0.002
"""Part of all pairs that counts as most alike, of which the rule's exceptions are chosen."""

KINDS = ("alike in both", "look alike only", "behave alike only")
"""Pairs that are shown of each layer."""


def relation() -> Figure:
    """How alike pairs of units behave, by how alike their pictures look."""
    layers = alexnet().layers
    found = {layer: evidence.trained(layer) for layer in layers}
    lines = {
        layer: {"mean of pairs": Series(one.centers, *bounds(one.groups))}
        for layer, one in found.items()
    }
    return curves(
        lines,
        "likeness of looks",
        "correlation",
        id="relation",
        alt="One panel per layer: the more alike two pictures look, the higher is the mean correlation of the units, with dots "
        "of single pairs scattered widely around",
        caption=f"<strong>Alike in looks, alike in behavior?</strong> The dots are {DOTS} random pairs of units a layer: cosine of their pictures' "
        "descriptions, correlation of their activations. Lines join means, ending in the most alike hundredth; bands are 95% intervals "
        "over units and photographs.",
        width="page",
        points={layer: _points(one) for layer, one in found.items()},
    )


def _points(one: evidence.Evidence) -> tuple[Tensor, Tensor]:
    """Some pairs' looks and behavior."""
    seen, alike = each_pair(one.looks), each_pair(one.behavior[0])
    some = torch.randperm(len(seen), generator=torch.Generator().manual_seed(SEED))[:DOTS]
    return seen[some], alike[some]


def agreement() -> Figure:
    """How far looks and behavior agree, by layer, with what they are held against."""
    layers = alexnet().layers
    found = [evidence.trained(layer) for layer in layers]
    blank = [evidence.untrained(layer) for layer in layers]
    ends = [np.quantile(one.permuted, [0.025, 0.975]) for one in found]
    series = {
        f"{network}, by {name}": bounds([one.agreement[look] for one in ones])
        for network, ones in (("AlexNet", found), ("untrained", blank))
        for look, name in enumerate(evidence.LOOKS)
    }
    series["AlexNet, pictures dealt to other units"] = (
        [float(one.permuted.mean()) for one in found],
        *np.transpose(ends).tolist(),
    )
    return intervals(
        layers,
        series,
        "rank correlation of looks with behavior",
        id="agreement",
        alt="Rank correlations per layer, by two kinds of looks, with pictures dealt anew and in an untrained network",
        caption="<strong>By SqueezeNet's eye, looks tell more of behavior than dealt pictures do, trained or not.</strong> Over all pairs of a layer, with 95% intervals over units and photographs; of dealt pictures 95% of "
        f"{PERMUTED:,} draws. The untrained network is one draw, {evidence.UNTRAINED} units a layer, smaller pictures.",
    )


def exceptions() -> Figure:
    """Pairs that obey the rule, and pairs that break it."""
    layers = alexnet().layers
    rows, notes, labels, scores = [], [], [], []
    for layer in layers:
        chosen = [choose(evidence.trained(layer), kind) for kind in KINDS]
        units = [unit for pair, _ in chosen for unit in pair]
        rows.append(list(channel_images(layer, units)))
        labels.append([f"{layer}:{unit}" for unit in units])
        notes.append("; ".join(linked(layer, pair, " and ") for pair, _ in chosen))
        scores += [[np.nan, value] for _, value in chosen]
    return grid(
        layers,
        [(kind, 2) for kind in KINDS],
        rows,
        id="exceptions",
        alt="Per layer three pairs of pictures: two that look and behave alike, two that only look alike, and two that only "
        "behave alike",
        caption="<strong>Pairs that obey the rule and pairs that break it.</strong> Under each, its correlation on half of the photographs. "
        "Chosen on the other half: the pair whose lower rank of the two is highest; of the "
        f"{EXTREME:.1%} of pairs most alike in one, the least alike in the other. SqueezeNet said what looks alike: do you agree? Orange: below zero.",
        width="page",
        notes=notes,
        labels=labels,
        scores=np.reshape(scores, (len(layers), -1)),
        score_name="correlation of the pair on photographs that did not choose it",
        score_most=1,
        score_digits=2,
    )


def choose(one: evidence.Evidence, kind: str) -> tuple[tuple[int, int], float]:
    """Chooses the pair of a kind on one half of the photographs.

    Args:
        one: The layer's evidence.
        kind: One of `KINDS`.

    Returns:
        The two units, and their correlation on the other half.
    """
    seen, (chosen, other) = each_pair(one.looks), map(each_pair, one.behavior[1:])
    least = max(2, round(EXTREME * len(seen)))
    if kind == "alike in both":
        best = torch.minimum(_place(seen), _place(chosen)).argmax()
    else:
        first, second = (seen, chosen) if kind == "look alike only" else (chosen, seen)
        top = first.topk(least).indices
        best = top[second[top].argmin()]
    row, column = torch.triu_indices(len(one.looks), len(one.looks), offset=1)[:, best].tolist()
    return (row, column), other[best].item()


def _place(values: Tensor) -> Tensor:
    """Each value's place in the order of all."""
    return values.argsort().argsort()


def families() -> Figure:
    """Whether units under one name behave alike."""
    tests = evidence.families()
    rows = [one.name for one in tests]
    size = len(NAMED["conv3"]["rings"][1])
    return intervals(
        rows,
        {
            "the family": bounds([one.mean for one in tests]),
            f"{size} random units of the layer": bounds([one.chance for one in tests]),
        },
        "mean correlation of its pairs",
        id="families",
        alt="Nine families with their mean correlation and interval beside those of random sets of the same size",
        caption='<strong>Are the <a href="deep.html#fig-named">named families</a> alike in behavior?</strong> Mean correlation of '
        "a family's pairs with 95% intervals over photographs, beside the middle 95% of random sets of units of the same layer.",
    )


def numbers() -> Values:
    """What the text quotes."""
    layers = alexnet().layers
    found = {layer: evidence.trained(layer) for layer in layers}
    quotes: dict[str, str | int] = {}
    for layer, one in found.items():
        quotes |= {
            f"rho_{layer}": quoted(one.agreement[0], 2),
            f"plain_{layer}": quoted(one.agreement[1], 2),
            f"standing_{layer}": quoted(one.standing[0], 0),
            f"half_{layer}": f"{one.halves:.2f}",
            f"near_{layer}": quoted(one.near, 0),
            f"top_{layer}": quoted(one.groups[-1], 2),
            f"untrained_{layer}": quoted(evidence.untrained(layer).agreement[0], 2),
            f"untrained_plain_{layer}": quoted(evidence.untrained(layer).agreement[1], 2),
        }
    again = share(np.concatenate([evidence.returns(layer) for layer in layers]))
    tests = evidence.families()
    rows = [one.name for one in tests]
    corrected = holm([one.p for one in tests])
    apart = [name for name, p in zip(rows, corrected, strict=True) if p < 0.05]
    return Values(
        **quotes,
        pairs=f"{sum(len(each_pair(one.looks)) for one in found.values()):,}",
        photographs=len(evidence.photographs()),
        again=f"{again.mean:.0%}",
        again_interval=span(again, 100),
        again_count=again.count,
        families=len(rows),
        apart=", ".join(apart) or "none",
        apart_count=len(apart),
        not_apart=", ".join(name for name in rows if name not in apart) or "none",
    )
