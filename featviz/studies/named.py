"""Chapter 5: deep units under the names that one would give them."""

import numpy as np

from featviz.figures import Figure, grid
from featviz.studies.bench import linked
from featviz.studies.microscope import scope
from featviz.views import CHANNEL

NAMED = {
    "conv3": {
        "rings": (7, 26, 109, 121, 143, 189),
        "nets": (44, 49, 67, 90, 104, 182),
        "scales": (34, 69, 79, 118, 133, 163),
    },
    "conv4": {
        "eyes": (18, 20, 62, 78, 95, 111),
        "fur": (40, 89, 100, 120, 121, 154),
        "round things": (31, 50, 53, 104, 106, 124),
    },
    "conv5": {
        "faces": (102, 115, 175, 200, 247, 254),
        "eyes": (34, 104, 126, 151, 159, 190),
        "fruit and kernels": (40, 89, 101, 117, 121, 230),
    },
}
"""Names given by looking at all pictures of a layer, and units whose pictures they fit best."""


def families() -> Figure:
    """Units of three layers under names that are given by eye."""
    rows, pictures, notes, labels = [], [], [], []
    for layer, names in NAMED.items():
        for name, units in names.items():
            shown = scope().pictures(layer, CHANNEL, units).images[:, 0]
            rows.append(f"{name}, {layer}")
            pictures.append(list(shown / np.float32(255)))
            notes.append(f"units {linked(layer, units)}")
            labels.append([f"{layer}:{unit}, {name}" for unit in units])
    return grid(
        rows,
        [""] * len(labels[0]),
        pictures,
        id="named",
        alt="Nine rows of six channels: rings, nets and scales in conv3; eyes, fur and round things in conv4; "
        "faces, eyes, fruit and kernels in conv5",
        caption="<strong>Names, given by looking.</strong> We went through every picture of a layer and put together "
        "what looks alike; shown are the six that fit each name best. Nothing was measured, other eyes would draw other "
        "borders, and most units fit no name. <strong>Go from layer to layer</strong>: conv3 repeats one rule over the "
        "whole picture; conv4 sets many small pieces into fur; in conv5 one face fills the picture.",
        width="middle",
        notes=notes,
        labels=labels,
    )
