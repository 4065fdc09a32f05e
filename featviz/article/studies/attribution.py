"""The chapter on attribution: which places of a photograph lit up, and what they mean."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from featviz.article.studies import attribution_evidence
from featviz.article.studies.attribution_evidence import DEPTHS, SHOWN
from featviz.article.studies.links import named_link
from featviz.article.studies.microscope import channel_images
from featviz.article.studies.shared import alexnet
from featviz.attribution.attribute import Attribution, one_scale
from featviz.figures import (
    Figure,
    InspectorLayer,
    Picker,
    attribution_grid,
    inspector,
    picker,
)

PER_PLACE = 3
"""Units that the inspector shows per place."""

PICTURE = 64
"""Side in pixels of the inspector's pictures: small, because there are hundreds of them."""

EYE = (0.38, 0.32)
"""Where the cat's left eye is, as shares of its photograph's height and width."""

CLASSES_SHOWN = (*SHOWN, "camera", "grace_hopper")
"""Photographs of the class figure: those of the other figures, and two whose class is small in them."""

PAIR = ("chelsea", "coffee")
"""The two photographs that stand side by side."""

UNIT_LIMIT = 4.0
"""End of the color scale of the units' maps, whose few peaks would darken everything else."""


def photo_picker() -> Picker:
    """The strip that picks one of the photographs for all figures."""
    images = [attribution_evidence.photo(name).image for name in SHOWN]
    return picker("photo", images, SHOWN, title="Follow one photograph:")


def activation_maps() -> Figure:
    """How strongly each layer answers, place by place, on one scale."""
    maps = attribution_evidence.strengths()
    net = alexnet()
    return attribution_grid(
        [attribution_evidence.photo(name).image for name in SHOWN],
        _rows(maps, SHOWN, net.layers),
        SHOWN,
        net.layers,
        id="activation-maps",
        alt="Four photographs in rows; maps of how strongly conv1 to conv5 answer in columns, from fine outlines to broad spots",
        caption="<strong>How active each layer is</strong>: the length of the vector of all its units, after the ReLU. "
        "<strong>Read a row from left to right</strong>: outlines at conv1, at conv4 the inside of the cup and the astronaut's face.",
        scale_name="times the layer's mean",
        column_notes=[_resolution(maps[SHOWN[0], layer]) for layer in net.layers],
        subjects=SHOWN,
    )


def what_a_place_means() -> Figure:
    """The semantic dictionary, to walk about in."""
    net = alexnet()
    layers = []
    for layer in net.layers:
        units, values = attribution_evidence.dictionary(layer, PER_PLACE)
        distinct, indices = torch.unique(units, return_inverse=True)
        layers.append(
            InspectorLayer(
                layer, indices, values, _pictures(layer, distinct.tolist()),
                [f"{layer}:{unit}" for unit in distinct.tolist()], net.receptive_field(layer).size,
            )
        )  # fmt: skip
    return inspector(
        [attribution_evidence.photo(name).image for name in SHOWN],
        SHOWN,
        layers,
        id="inspector",
        alt="A photograph with a movable frame; beside it pictures of the three units that answer most strongly there",
        caption="<strong>What each place means to a layer.</strong> Point at one, or move by arrow keys: pictures of its strongest "
        "units, activations as bars, the receptive field framed. <strong>Stay at the cat's eye and change the layer.</strong>",
        start=EYE,
    )


def _pictures(layer: str, units: Sequence[int]) -> Tensor:
    """The middle of the microscope's pictures, at half their size where fields are larger."""
    images = torch.from_numpy(channel_images(layer, units))
    if alexnet().receptive_field(layer).size > PICTURE:
        images = F.avg_pool2d(images, 2)
    rim = (images.shape[-1] - PICTURE) // 2
    return images[..., rim : rim + PICTURE, rim : rim + PICTURE]


def unit_cam() -> Figure:
    """Each photograph's leading unit of conv5, explained by torch-cam."""
    maps = attribution_evidence.unit_evidence()
    units = [attribution_evidence.leading_unit(name) for name in SHOWN]
    layers = alexnet().layers
    return attribution_grid(
        [attribution_evidence.photo(name).image for name in SHOWN],
        # Other units in every row: their evidence has no common measure.
        [[one_scale([maps[name, layer]])[0].map for layer in layers] for name in SHOWN],
        [f"{name}, conv5:{unit}" for name, unit in zip(SHOWN, units, strict=True)],
        layers,
        id="unit-cam",
        alt="Four photographs in rows; in columns, Grad-CAM maps of one unit of conv5 in AlexNet's five layers, from contours to parts of things",
        caption="<strong>Why is this unit of conv5 active?</strong> Grad-CAM by torch-cam for the unit that each photograph excites "
        f"most ({', '.join(named_link('conv5', unit) for unit in units)}; its picture in the corner), in multiples of each map's mean: <strong>compare places</strong>, contours at conv1, the "
        "pagoda and the cup at conv4.",
        scale_name="times the map's mean",
        limit=UNIT_LIMIT,
        subjects=SHOWN,
        column_notes=[_resolution(maps[SHOWN[0], layer]) for layer in layers],
        insets=channel_images("conv5", units),
    )


def class_evidence() -> Figure:
    """What speaks for the first class, at five depths of the classifier."""
    maps = attribution_evidence.class_maps(CLASSES_SHOWN)
    return attribution_grid(
        [attribution_evidence.photo(name).image for name in CLASSES_SHOWN],
        _rows(maps, CLASSES_SHOWN, tuple(DEPTHS)),
        [
            f"{attribution_evidence.class_name(n)}, {attribution_evidence.top_class(n)[1]:.0%}"
            for n in CLASSES_SHOWN
        ],
        tuple(DEPTHS),
        id="class-evidence",
        alt="Six photographs in rows with the classifier's first class; Grad-CAM maps at five depths in columns, diffuse at first and on the object at the end",
        caption="<strong>Look at fire9 for cup, roof, tripod and tie</strong>: Grad-CAM for the class that SqueezeNet ranks first, at five "
        "depths. The cat is brightest before; of the astronaut, taken for a barbell, the suit's ring is left.",
        scale_name="times the layer's mean",
        column_notes=[_resolution(maps[CLASSES_SHOWN[0], depth]) for depth in DEPTHS],
        subjects=CLASSES_SHOWN,
    )


def two_at_once() -> Figure:
    """Two photographs side by side, two classes: does the evidence lie on the right one?"""
    maps = {
        (name, depth): evidence
        for name in PAIR
        for (depth, _), evidence in attribution_evidence.montage_maps(
            PAIR, name, ("gradcam",), tuple(DEPTHS)
        ).items()
    }
    return attribution_grid(
        [attribution_evidence.montage(*PAIR)] * 2,
        _rows(maps, PAIR, tuple(DEPTHS)),
        [f"evidence for {attribution_evidence.class_name(name)}" for name in PAIR],
        tuple(DEPTHS),
        id="two-at-once",
        alt="A cat and a cup side by side, twice; maps of evidence for the cat and for espresso, alike at conv1, each on its own half at fire9",
        caption="<strong>A test with a known answer.</strong> The rows ask for the cat and for the coffee. At conv1 most of the "
        "evidence for the cat lies on the coffee; <strong>at fire9</strong> each lies on its own half.",
        scale_name="times the layer's mean",
    )


def _rows(
    maps: dict[tuple[str, str], Attribution], names: Sequence[str], layers: Sequence[str]
) -> list[list[Tensor]]:
    """Maps on one scale, photographs in rows and layers in columns."""
    levels = one_scale([maps[name, layer] for name in names for layer in layers])
    flat = [one.map for one in levels]
    return [flat[start : start + len(layers)] for start in range(0, len(flat), len(layers))]


def _resolution(attribution: Attribution) -> str:
    height, width = attribution.map.shape
    return f"{height} × {width}"
