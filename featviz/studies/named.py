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
        "eyes": (18, 62, 78, 95, 111, 126),
        "fur": (22, 40, 100, 120, 121, 154),
        "round things": (31, 50, 53, 104, 106, 124),
    },
    "conv5": {
        "muzzles": (63, 66, 90, 143, 180, 254),
        "eyes": (27, 92, 126, 151, 163, 216),
        "fruit": (7, 13, 40, 114, 117, 121),
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
        "muzzles, eyes and fruit in conv5",
        caption="<strong>Names, given by looking.</strong> We went through every picture of a layer and put together "
        "what looks alike; six of each are shown. Nothing was measured, other eyes would draw other "
        "borders, and most units fit no name. <strong>Compare the eyes</strong> of conv4 and conv5: rings among hair in the "
        "one, in the other with a brow, a nose or a second eye.",
        width="middle",
        notes=notes,
        labels=labels,
    )
