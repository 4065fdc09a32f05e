"""The chapter on attribution: what lit up, where, and how far to trust the answer."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from featviz import faithfulness
from featviz.attribution import Attribution, attribute, one_scale
from featviz.figures import (
    Figure,
    InspectorLayer,
    Series,
    attribution_grid,
    bars,
    curves,
    grid,
    inspector,
    table,
)
from featviz.groups import channel_attribution
from featviz.objectives import Channel
from featviz.site.values import Values
from featviz.studies import evidence
from featviz.studies.bench import SEED, alexnet, channel, maximize
from featviz.studies.evidence import DEPTHS, MEASURED, MEASURES, SHOWN, Table

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

PER_PLACE = 3
"""Units that the inspector shows per place."""

PICTURE, PICTURE_STEPS = 80, 48
"""Side in pixels and steps of the inspector's pictures: small, because there are hundreds of them."""

GROUPED, GROUPS = "conv4", 6
"""The layer that is factorized, and into how many groups."""

CLASSES_SHOWN = ("chelsea", "coffee", "camera", "grace_hopper")
"""Photographs of the class figure: those whose first class names something that is in the picture."""

PAIR = ("chelsea", "coffee")
"""The two photographs that stand side by side."""

COMPARED = (
    "gradcam",
    "gradcam++",
    "smoothgradcam++",
    "xgradcam",
    "layercam",
    "scorecam",
    "gradient",
)
"""Methods that are shown next to each other."""

COMPARED_DEPTHS = ("fire3", "fire9")
"""Where they are shown: shallow and deep."""

EXPLAINED = 6
"""Supporting units shown for a unit of conv5."""


def activation_maps() -> Figure:
    """How strongly each layer answers, place by place, on one scale."""
    maps = evidence.strengths()
    net = alexnet()
    return attribution_grid(
        [evidence.photo(name).image for name in SHOWN],
        _rows(maps, SHOWN, net.layers),
        SHOWN,
        net.layers,
        id="activation-maps",
        alt="Four photographs in rows; maps of how strongly conv1 to conv5 answer in columns, from fine outlines to a few broad spots",
        caption="<strong>How strongly each layer answers</strong>: the length of the vector of all its units, after the ReLU. "
        "All maps have one scale: 1 is what that layer says of a place on average over these photographs. "
        "Read a row from left to right: outlines everywhere at conv1, then fewer and broader places. "
        "Switch to <em>map</em> to see each layer's own resolution.",
        scale_name="times the layer's mean",
        column_notes=[_resolution(maps[SHOWN[0], layer]) for layer in net.layers],
    )


def what_a_place_means() -> Figure:
    """The semantic dictionary, to walk about in."""
    net = alexnet()
    layers = []
    for layer in net.layers:
        units, values = evidence.dictionary(layer, PER_PLACE)
        used, renumbered = torch.unique(units, return_inverse=True)
        found = maximize(
            [channel(layer, unit) for unit in used.tolist()], size=PICTURE, steps=PICTURE_STEPS
        )
        layers.append(
            InspectorLayer(
                layer, renumbered, values, found.images,
                [f"{layer}:{unit}" for unit in used.tolist()], net.receptive_field(layer).size,
            )
        )  # fmt: skip
    return inspector(
        [evidence.photo(name).image for name in SHOWN],
        SHOWN,
        layers,
        id="inspector",
        alt="A photograph with a movable frame; beside it pictures of the three units that answer most strongly there",
        caption="<strong>What each place means to a layer.</strong> Pick a photograph and a layer, then point at a place or move "
        "with the arrow keys. The pictures show what the strongest units there look for, found by gradient ascent; "
        "the bars are their activations. The frame is the unit's receptive field. "
        "Stay at one place and go from conv1 to conv5: an edge, a texture, a piece of an animal. "
        "Places of conv1 are shown in blocks of four.",
    )


def groups() -> Figure:
    """A few groups of units in place of hundreds of units: where they answer."""
    found = evidence.unit_groups(GROUPED, GROUPS)
    scaled = found.maps / found.maps.mean()
    return attribution_grid(
        [evidence.photo(name).image for name in SHOWN],
        [list(maps) for maps in scaled],
        SHOWN,
        [f"group {index + 1}" for index in range(GROUPS)],
        id="groups",
        alt="Four photographs in rows; in columns, where each of six groups of units answers",
        caption=f"<strong>{GROUPS} groups instead of {alexnet().units(GROUPED)} units.</strong> Non-negative matrix "
        f"factorization finds units of {GROUPED} that answer at the same places. Every group is one column: it answers "
        "at similar things in all photographs, though it was told nothing about them. The pictures below show "
        "what each group looks for.",
        scale_name="times the mean of all groups",
    )


def group_pictures() -> Figure:
    """What each of the groups looks for."""
    found = evidence.unit_groups(GROUPED, GROUPS)
    pictures = maximize(found.objectives)
    return grid(
        [GROUPED],
        [f"group {index + 1}" for index in range(GROUPS)],
        [list(pictures.images)],
        id="group-pictures",
        alt="Six images found by gradient ascent, one for each group of units",
        caption="<strong>What the groups look for</strong>: gradient ascent along each group's direction in the space of "
        f"{GROUPED}'s units. A direction is visualized just as a unit is.",
    )


def unit_evidence() -> Figure:
    """One unit of conv5 explained in every layer before it, signed."""
    maps = evidence.unit_evidence()
    net = alexnet()
    return attribution_grid(
        [evidence.photo(name).image for name in SHOWN],
        _rows(maps, SHOWN, net.layers),
        [f"{name}, conv5:{evidence.leading_unit(name)}" for name in SHOWN],
        net.layers,
        id="unit-evidence",
        alt="Four photographs in rows; in columns, signed maps of what speaks for and against one unit of conv5 in each layer",
        caption="<strong>Why does this unit of conv5 answer?</strong> For each photograph the unit that it excites most, "
        "explained in every layer by gradient × value. Red speaks for the unit, blue against it. "
        "At conv1 for and against lie a pixel apart, along every edge; they separate on the way up.",
        scale_name="times the layer's mean",
        column_notes=[_resolution(maps[SHOWN[0], layer]) for layer in net.layers],
    )


def supporters(name: str = "chelsea", layer: str = "conv3") -> Figure:
    """The units that speak most for a unit of conv5, in pictures."""
    unit = evidence.leading_unit(name)
    objective = channel("conv5", unit)
    support = channel_attribution(
        alexnet(), evidence.photo(name).image, Channel("conv5:relu", unit), f"{layer}:relu"
    )
    ranked = support.argsort(descending=True)
    chosen = [*ranked[:EXPLAINED].tolist(), *ranked[-2:].tolist()]
    found = maximize([objective, *(channel(layer, one) for one in chosen)])
    total = support.abs().sum()
    return grid(
        [name],
        [f"conv5:{unit}", *(f"{layer}:{one}" for one in chosen)],
        [list(found.images)],
        id="supporters",
        alt=f"A picture of unit {unit} of conv5, then of six units of {layer} that support it and two that oppose it",
        caption=f"<strong>Assembled from what?</strong> The unit of conv5 that {name} excites most, the {EXPLAINED} units of "
        f"{layer} that speak most for it on this photograph, and the two that speak most against it. These "
        f"{EXPLAINED} make up {(support[chosen[:EXPLAINED]].sum() / total).item():.0%} of all that {layer} says, for and against.",
    )


def class_evidence() -> Figure:
    """What speaks for the first class, at five depths of the classifier."""
    maps = evidence.class_maps(CLASSES_SHOWN)
    return attribution_grid(
        [evidence.photo(name).image for name in CLASSES_SHOWN],
        _rows(maps, CLASSES_SHOWN, tuple(DEPTHS)),
        [f"{evidence.class_name(n)}, {evidence.top_class(n)[1]:.0%}" for n in CLASSES_SHOWN],
        tuple(DEPTHS),
        id="class-evidence",
        alt="Four photographs in rows with the classifier's first class; Grad-CAM maps at five depths in columns, diffuse at first and on the object at the end",
        caption="<strong>Evidence for a class</strong>: Grad-CAM for the class that SqueezeNet ranks first, at five depths. "
        "The last column lies on the cat's face, the cup, the tripod, the tie. The first follows contours, "
        "whatever the class.",
        scale_name="times the layer's mean",
        column_notes=[_resolution(maps[CLASSES_SHOWN[0], depth]) for depth in DEPTHS],
    )


def two_at_once() -> Figure:
    """Two photographs side by side, two classes: does the evidence lie on the right one?"""
    maps = {
        (name, depth): found
        for name in PAIR
        for (depth, _), found in evidence.montage_maps(
            PAIR, name, ("gradcam",), tuple(DEPTHS)
        ).items()
    }
    return attribution_grid(
        [evidence.montage(*PAIR)] * 2,
        _rows(maps, PAIR, tuple(DEPTHS)),
        [f"evidence for {evidence.class_name(name)}" for name in PAIR],
        tuple(DEPTHS),
        id="two-at-once",
        alt="A cat and a cup side by side, twice; maps of evidence for the cat and for espresso, alike at conv1, each on its own half at fire9",
        caption="<strong>A test with a known answer.</strong> One image holds a cat and a cup of coffee; the two rows ask for the "
        "evidence for either. At conv1 the rows are nearly the same map. At fire9 each lies on its own half.",
        scale_name="times the layer's mean",
    )


def why_these_layers() -> Figure:
    """Localization, class-specificity and fineness, measured per layer."""
    found = evidence.pointing()
    m = MEASURES.index("gradcam")
    series = {
        "evidence on the right photograph": _series(found["share"][m]),
        "the same, random map": _series(found["share"][-1]),
        "agreement of two classes' maps": _series(found["agreement"][m]),
        "area that holds half of it": _series(found["spread"][m]),
    }
    return bars(
        tuple(DEPTHS),
        series,
        "share, or rank correlation",
        id="why-these-layers",
        alt="Bars per layer: the evidence on the right photograph rises from one half to most of it, the agreement between two classes falls from near one to below zero, the area shrinks a little",
        caption=f"<strong>What a layer can and cannot tell.</strong> {len(MEASURED)} photographs, each beside "
        f"{evidence.NEIGHBORS} others in turn; means with 95 % bootstrap intervals over photographs. "
        "Blue: which share of the evidence for a class (Grad-CAM) lies on its own photograph; one half is chance, as the random map shows. "
        "Green: how far the maps of the two classes agree; 1 means that the map doesn't care about the class.",
        width="page",
    )


def methods_compared() -> Figure:
    """Seven methods for one class at a shallow and a deep layer."""
    maps = evidence.montage_maps(PAIR, PAIR[0], COMPARED, COMPARED_DEPTHS)
    scaled = {key: one_scale([found])[0].map for key, found in maps.items()}
    return attribution_grid(
        [evidence.montage(*PAIR)] * 2,
        [[scaled[depth, method] for method in COMPARED] for depth in COMPARED_DEPTHS],
        [f"{evidence.class_name(PAIR[0])} at {depth}" for depth in COMPARED_DEPTHS],
        [TITLES[method] for method in COMPARED],
        id="methods",
        alt="Maps of seven methods for the cat beside the cup: different at fire3, nearly the same at fire9",
        caption="<strong>Seven methods, one question.</strong> Evidence for the cat by all methods, at a shallow layer and at the "
        "deepest. The choice of layer changes the map more than the choice of method does. Each map is scaled to its own mean, "
        "as methods have no unit in common.",
        scale_name="times the map's mean",
        width="screen",
    )


def methods_measured() -> Figure:
    """Where the evidence lies, for every measured method and layer."""
    share = evidence.pointing()["share"]
    lines = {
        TITLES.get(name, name): _line(share[index])
        for index, name in enumerate((*MEASURES, "random map"))
    }
    return curves(
        lines,
        "depth (conv1, fire3, fire5, fire7, fire9)",
        "share on the right photograph",
        id="methods-measured",
        alt="Lines per method from conv1 to fire9: all start near one half and most rise to fire9; the random map stays at one half",
        caption="<strong>The same test for every method.</strong> Bands are 95 % bootstrap intervals over "
        f"{len(MEASURED)} photographs. The random map shows what no knowledge looks like.",
    )


def faithfulness_table() -> Figure:
    """Deletion and insertion, with controls, nothing left out."""
    found = evidence.curves()
    rows: list[list[str]] = []
    for d, depth in enumerate(DEPTHS):
        for m, name in enumerate((*MEASURES, "random map")):
            pair = (found["deletion"][m, d], found["insertion"][m, d])
            rows.append([f"{TITLES.get(name, name)}, {depth}", *_told(*pair)])
    for control, title in (("center", "blob in the middle"), ("edges", "edge detector")):
        rows.append([title, *_told(*found[control])])
    return table(
        rows,
        [
            "map",
            "deletion (lower is better)",
            "insertion (higher is better)",
            "insertion − deletion",
        ],
        id="faithfulness",
        alt="Table of deletion and insertion areas per method and layer, and of the controls",
        caption="<strong>Does hiding what the map marks hurt the class?</strong> Area under the curve of the class's probability, "
        f"as a share of that on the whole photograph, in {faithfulness.STEPS} steps; what is hidden is blurred by "
        f"{faithfulness.BLUR:.0f} px. Means over {len(MEASURED)} photographs with 95 % bootstrap intervals. Compare every row with its random map, "
        "and with the blob in the middle, which knows nothing of the photograph.",
        width="page",
    )


def randomization() -> Figure:
    """What of a map outlives the learned weights."""
    found = evidence.randomization()
    names = (*MEASURES, "activation")
    series = {
        "last layer shuffled": _series(found["classifier"]),
        "every layer shuffled": _series(found["all"]),
    }
    return bars(
        [TITLES[name] for name in names],
        series,
        "rank agreement with the real map",
        id="randomization",
        alt="Bars per method: agreement of the map at fire9 with that of a network with shuffled weights",
        caption="<strong>Would the map change if the network knew nothing?</strong> Agreement of the map at fire9 with the map of the "
        "same network after its weights were shuffled. A map that explains the class should fall to zero. Activation strength "
        "can't notice that the last layer has changed: it never asks for the class.",
    )


def numbers() -> Values:
    """What the text quotes."""
    point, curve, shuffled = evidence.pointing(), evidence.curves(), evidence.randomization()
    m = MEASURES.index("gradcam")
    first, last = (faithfulness.interval(point["share"][m, d]) for d in (0, -1))
    apart = [point["agreement"][m, d].mean() for d in (0, -1)]
    area = [point["spread"][m, d].mean() for d in (0, -1)]
    gain = curve["insertion"] - curve["deletion"]
    best = np.unravel_index(gain[:-1].mean(2).argmax(), gain.shape[:2])
    beaten = sum(
        faithfulness.interval(gain[k, d] - gain[-1, d]).low > 0
        for k in range(len(MEASURES)) for d in range(len(DEPTHS))
    )  # fmt: skip
    center = curve["center"][1] - curve["center"][0]
    deep = point["share"][: len(MEASURES), -1].mean((1, 2))
    spans = evidence.strengths()
    return Values(
        photos=len(MEASURED),
        shown=len(SHOWN),
        share_first=f"{first.mean:.0%}",
        share_last=f"{last.mean:.0%}",
        share_last_interval=f"{last.low:.0%} to {last.high:.0%}",
        agree_first=f"{apart[0]:.2f}",
        agree_last=f"{apart[1]:.2f}".replace("-", "−"),
        area_first=f"{area[0]:.0%}",
        area_last=f"{area[1]:.0%}",
        half_first=f"{_half(spans, 'conv1'):.0%}",
        half_last=f"{_half(spans, 'conv5'):.0%}",
        best_map=f"{TITLES[MEASURES[best[0]]]} at {list(DEPTHS)[best[1]]}",
        best_gain=f"{gain[best].mean():.2f}",
        center_gain=f"{center.mean():.2f}",
        random_gain=f"{gain[-1, -1].mean():.2f}",
        beaten=beaten,
        cells=len(MEASURES) * len(DEPTHS),
        shuffled_cam=f"{shuffled['classifier'][m].mean():.2f}".replace("-", "−"),
        shuffled_activation=f"{shuffled['classifier'][-1].mean():.2f}",
        deep_low=f"{deep.min():.0%}",
        deep_high=f"{deep.max():.0%}",
        groups=GROUPS,
        grouped=GROUPED,
        explained=f"{evidence.unit_groups(GROUPED, GROUPS).explained:.0%}",
        credits="; ".join(
            f"{name}: {evidence.photo(name).attribution}" for name in sorted({*MEASURED, *SHOWN})
        ),
    )


def cat_found() -> Values:
    """Where the center of the evidence for the cat lies on the two photographs side by side."""
    name = PAIR[0]
    found = attribute(
        evidence.classifier(), evidence.montage(*PAIR), evidence.top_class(name)[0], DEPTHS["fire9"],
        seed=SEED,
    )  # fmt: skip
    noise = faithfulness.random_map(found.map.shape, SEED)
    control = Attribution(noise, "fire9", "random", None, None)
    return Values(
        cat_center=f"{found.center()[1]:.0%}",
        random_center=f"{control.center()[1]:.0%}",
        cat=evidence.class_name(name),
        drink=evidence.class_name(PAIR[1]),
    )


def _rows(
    maps: dict[tuple[str, str], Attribution], names: Sequence[str], layers: Sequence[str]
) -> list[list[Tensor]]:
    """Maps on one scale, photographs in rows and layers in columns."""
    scaled = one_scale([maps[name, layer] for name in names for layer in layers])
    flat = [found.map for found in scaled]
    return [flat[start : start + len(layers)] for start in range(0, len(flat), len(layers))]


def _resolution(found: Attribution) -> str:
    height, width = found.map.shape
    return f"{height} × {width}"


def _half(maps: dict[tuple[str, str], Attribution], layer: str) -> float:
    """Share of the places that hold half of a layer's activation, over the shown photographs."""
    return float(np.mean([faithfulness.spread(maps[name, layer].map) for name in SHOWN]))


def _series(per_photo: Table) -> tuple[list[float], list[float], list[float]]:
    """Mean, lower and upper bound for each row of (rows, photos, ...)."""
    found = [faithfulness.interval(row) for row in per_photo]
    return [f.mean for f in found], [f.low for f in found], [f.high for f in found]


def _line(per_photo: Table) -> Series:
    mean, low, high = _series(per_photo)
    return Series(range(1, len(mean) + 1), mean, low, high)


def _told(deleted: Table, inserted: Table) -> list[str]:
    return [_interval(values) for values in (deleted, inserted, inserted - deleted)]


def _interval(values: Table) -> str:
    found = faithfulness.interval(values)
    return f"{found.mean:.2f} ({found.low:.2f} to {found.high:.2f})".replace("-", "−")
