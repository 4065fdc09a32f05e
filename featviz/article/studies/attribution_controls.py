"""The chapter on attribution: how far its maps can be trusted, in numbers beside controls."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from featviz.article.bridge.values import Values
from featviz.article.studies import attribution_evidence
from featviz.article.studies.attribution import PAIR
from featviz.article.studies.attribution_evidence import (
    DEPTHS,
    MEASURED,
    MEASURES,
    SHOWN,
    Table,
    alexnet,
)
from featviz.article.studies.bounds import Bounds, bounds, over_both, percent, quoted, span
from featviz.attribution import checks
from featviz.attribution.attribute import Attribution, one_scale
from featviz.figures import Figure, attribution_grid, bars, interval_panels, intervals
from featviz.measures import statistics
from featviz.network.values import activations

TITLES = {
    "activation": "activation strength",
    "gradcam": "Grad-CAM",
    "gradcam++": "Grad-CAM++",
    "smoothgradcam++": "Smooth Grad-CAM++",
    "xgradcam": "XGrad-CAM",
    "layercam": "LayerCAM",
    "scorecam": "Score-CAM",
    "gradient": "gradient × value",
}
"""How readers know the methods."""

COMPARED = tuple(name for name in TITLES if name != "activation")
"""Methods that are shown next to each other."""

COMPARED_DEPTHS = ("conv1", "fire9")
"""Where they are shown: shallow and deep."""

ERROR = 0.05
"""How often chance alone may make a test find something."""

METHOD_LIMIT = 4.0
"""End of their color scale: some of the maps have peaks that would darken everything else."""


def why_these_layers() -> Figure:
    """Localization, class-specificity and fineness, measured per layer."""
    found, m = attribution_evidence.pointing(), MEASURES.index("gradcam")
    pairs = attribution_evidence.pairs()
    panels = {
        "evidence on the right photograph": ("share", 0.5),
        "agreement of two classes' maps": ("agreement", 0.0),
        "area that holds half the evidence": ("spread", 0.5),
    }
    return interval_panels(
        tuple(DEPTHS),
        {name: (_estimates(found[key][m], pairs), at) for name, (key, at) in panels.items()},
        id="why-these-layers",
        alt="per layer, with intervals: the evidence on the right photograph rises from one half to most of it, the agreement "
        "between two classes falls to about zero, the area shrinks",
        caption="<strong>What a layer can and cannot tell</strong>, by Grad-CAM. Pairs of "
        f"{len(MEASURED)} photographs, each beside {attribution_evidence.NEIGHBORS} others in turn; 95% intervals over "
        "photographs. Lines: a coin, maps that have nothing in common, evidence spread evenly. "
        "<strong>Compare conv1 with fire9</strong>: the evidence moves, the agreement goes.",
        width="middle",
    )


def methods_compared() -> Figure:
    """Seven methods for one class at a shallow and a deep layer."""
    maps = attribution_evidence.montage_maps(PAIR, PAIR[0], COMPARED, COMPARED_DEPTHS)
    pictures = {key: _for_it(one) for key, one in maps.items()}
    return attribution_grid(
        [attribution_evidence.montage(*PAIR)] * 2,
        [[pictures[depth, method] for method in COMPARED] for depth in COMPARED_DEPTHS],
        [f"{attribution_evidence.class_name(PAIR[0])} at {depth}" for depth in COMPARED_DEPTHS],
        [TITLES[method] for method in COMPARED],
        id="methods",
        alt="Maps of seven methods for the cat beside the cup: scattered at conv1, gathered on the cat's face at fire9",
        caption="<strong>Seven methods, one question.</strong> Evidence for the cat at a shallow layer and at the deepest, each map "
        "in multiples of its own mean, as methods have no unit in common. <strong>At fire9 nearly all mark the cat.</strong>",
        scale_name="times the map's mean",
        limit=METHOD_LIMIT,
        width="screen",
    )


def faithfulness() -> Figure:
    """Insertion less deletion, beside an edge detector's, with random maps, nothing left out."""
    gain, _, edges = _gains()
    names = [TITLES[name] for name in MEASURES] + ["random map"]
    return intervals(
        tuple(DEPTHS),
        {name: _estimates(rows) for name, rows in zip(names, gain - edges, strict=True)},
        "insertion less deletion, less the edge detector's",
        id="faithfulness",
        alt="Intervals per layer and method, around zero, where the edge detector stands; some of LayerCAM's lie to its right, those of random maps to its left",
        caption="<strong>Does hiding what a map marks hurt the class?</strong> Areas below the curve of the class's probability, as shares of "
        f"the whole photograph's, means over {len(MEASURED)} photographs with 95% intervals. The line is the edge detector. "
        "<strong>See how few intervals lie to its right.</strong>",
    )


def randomization() -> Figure:
    """What of a map outlives the learned weights."""
    shares = attribution_evidence.randomization()
    names = (*MEASURES, "activation")
    tables = {
        "last layer shuffled": shares["classifier"],
        "every layer shuffled": shares["all"],
    }
    return bars(
        [TITLES[name] for name in names],
        {name: bounds([over_both(row) for row in table]) for name, table in tables.items()},
        "rank agreement with the real map",
        id="randomization",
        alt="Bars per method: agreement of the map at fire9 with that of a network with shuffled weights",
        caption="<strong>Would the map change if the network knew nothing?</strong> Agreement of the map at fire9 with that of "
        f"shuffled weights; dots are photographs, means over {attribution_evidence.DRAWS} shufflings; 95% intervals over both. A map that only explains the class "
        "falls to zero.",
        each={name: list(table.mean(2)) for name, table in tables.items()},
    )


def numbers() -> Values:
    """What the text quotes."""
    point = attribution_evidence.pointing()
    shuffled = attribution_evidence.randomization()
    agreement, erased = (
        dict(zip((*MEASURES, "activation"), map(over_both, shuffled[which]), strict=True))
        for which in ("classifier", "all")
    )
    m, finer = MEASURES.index("gradcam"), MEASURES.index("layercam")
    pairs = attribution_evidence.pairs()
    first, last = (statistics.interval(point["share"][m, d], pairs) for d in (0, -1))
    layercam, gained = (
        statistics.interval(100 * share, pairs)
        for share in (point["share"][finer, 0], point["share"][finer, 0] - point["share"][m, 0])
    )
    areas = [statistics.interval(100 * point["spread"][m, d], pairs) for d in (0, -1)]
    between = [point["share"][m, d].mean() for d in range(1, len(DEPTHS) - 1)]
    apart = [statistics.interval(point["agreement"][m, d], pairs) for d in (0, -1)]
    gain, center, edges = _gains()
    best = np.unravel_index(gain[:-1].mean(2).argmax(), gain.shape[:2])
    deep = [
        statistics.interval(100 * share, pairs) for share in point["share"][: len(MEASURES), -1]
    ]
    spans = attribution_evidence.strengths()
    return Values(
        photos=len(MEASURED),
        share_first=f"{first.mean:.0%}",
        share_last=f"{last.mean:.0%}",
        share_first_interval=span(first, 100),
        share_last_interval=span(last, 100),
        stride_conv1=alexnet().receptive_field("conv1").stride,
        stride_conv4=alexnet().receptive_field("conv4").stride,
        stride_first=attribution_evidence.classifier().receptive_field("features.0").stride,
        stride_last=attribution_evidence.classifier().receptive_field("features.12.squeeze").stride,
        agree_first=quoted(apart[0], 2),
        agree_last=quoted(apart[1], 2),
        area_first=percent(areas[0]),
        area_last=percent(areas[1]),
        share_between=f"{100 * min(between):.0f} to {100 * max(between):.0f}%",
        erased_cam=quoted(erased["gradcam"], 2),
        erased_layercam=quoted(erased["layercam"], 2),
        half_first=f"{_half(spans, 'conv1'):.0%}",
        half_last=f"{_half(spans, 'conv5'):.0%}",
        active_first=f"{_active('conv1'):.0%}",
        active_last=f"{_active('conv5'):.0%}",
        best_map=f"{TITLES[MEASURES[best[0]]]} at {list(DEPTHS)[best[1]]}",
        best_gain=f"{gain[best].mean():.2f}",
        center_gain=f"{center.mean():.2f}",
        edges_gain=f"{edges.mean():.2f}",
        best_less_edges=quoted(statistics.interval(gain[best] - edges), 2),
        above_edges=_above(gain[:-1] - edges),
        above_center=_above(gain[:-1] - center),
        random_gain=quoted(statistics.interval(gain[-1, -1]), 2),
        beaten=_above(gain[:-1] - gain[-1]),
        cells=len(MEASURES) * len(DEPTHS),
        steps=checks.STEPS,
        blur=f"{checks.BLUR:.0f}",
        shuffled_cam=quoted(agreement["gradcam"], 2),
        shuffled_layercam=quoted(agreement["layercam"], 2),
        shuffled_activation=f"{agreement['activation'].mean:.2f}",
        deep_least=percent(min(deep, key=lambda one: one.mean)),
        layercam_first=percent(layercam),
        layercam_more=quoted(gained, 1),
        credits="; ".join(
            f"{name}: {attribution_evidence.photo(name).attribution}"
            for name in sorted({*MEASURED, *SHOWN})
        ),
    )


def _gains() -> tuple[Table, Table, Table]:
    """Insertion less deletion (methods + random, depths, photos), that of the blob and of edges."""
    curves = attribution_evidence.curves()
    gain = curves["insertion"] - curves["deletion"]
    center, edges = (curves[name][1] - curves[name][0] for name in ("center", "edges"))
    return gain, center, edges


def _above(differences: Table) -> str:
    """How many maps, of (methods, depths, photos), are better by t tests at `ERROR`, corrected."""
    rows = differences.reshape(-1, differences.shape[-1])
    chances = statistics.holm([statistics.p_value(row) for row in rows])
    count = int(((rows.mean(1) > 0) & (chances < ERROR)).sum())
    return str(count or "none")


def _for_it(attribution: Attribution) -> Tensor:
    """A map's positive part on a scale of its own."""
    return one_scale([replace(attribution, map=attribution.map.clamp(min=0))])[0].map


def _active(layer: str) -> float:
    """Share of a layer's values that its ReLU lets through, over the shown photographs."""
    images = torch.stack([attribution_evidence.photo(name).image for name in SHOWN])
    return (activations(alexnet(), images, layer) > 0).float().mean().item()


def _half(maps: dict[tuple[str, str], Attribution], layer: str) -> float:
    """Share of the places that hold half of a layer's activation, over the shown photographs."""
    return float(np.mean([checks.spread(maps[name, layer].map) for name in SHOWN]))


def _estimates(table: Table, clusters: Sequence[tuple[str, str]] | None = None) -> Bounds:
    """Means, lower and upper bounds of the rows of a table (rows, photos or pairs, ...)."""
    return bounds([statistics.interval(row, clusters) for row in table])
