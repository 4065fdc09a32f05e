"""Deep layers: deep units under the names that one would give them."""

from featviz.article.studies.links import linked
from featviz.article.studies.microscope import channel_images
from featviz.figures import Figure, grid

NAMED = {
    "conv3": {
        "rings": (36, (109, 143, 253, 327, 336, 379)),
        "nets": (23, (67, 90, 230, 258, 265, 334)),
        "scales": (22, (34, 163, 198, 244, 289, 324)),
    },
    "conv4": {
        "eyes": (29, (62, 78, 192, 199, 200, 209)),
        "fur": (33, (22, 45, 121, 134, 170, 181)),
        "balls and eggs": (18, (31, 34, 77, 106, 124, 206)),
    },
    "conv5": {
        "animal faces": (47, (17, 30, 109, 161, 212, 254)),
        "fruit and kernels": (13, (13, 15, 89, 117, 118, 121)),
        "things people made": (12, (14, 18, 112, 188, 232, 244)),
    },
}
"""Names given by looking at all pictures of a layer, how many pictures fit, and which fit best."""


def families() -> Figure:
    """Units of three layers under names that are given by eye."""
    rows, pictures, notes, labels = [], [], [], []
    for layer, names in NAMED.items():
        for name, (fitting, units) in names.items():
            rows.append(f"{name}, {layer}")
            pictures.append(list(channel_images(layer, units)))
            notes.append(f"{fitting} fit; shown {linked(layer, units)}")
            labels.append([f"{layer}:{unit}, {name}" for unit in units])
    return grid(
        rows,
        [""] * len(labels[0]),
        pictures,
        id="named",
        alt="Nine rows of six channels: rings, nets and scales in conv3; eyes, fur and balls in conv4; animal faces, fruit and "
        "things people made in conv5",
        caption="<strong>Go from layer to layer</strong>: conv3 repeats one small motif; conv5's faces and things are few and "
        "large, its fruit many and small. Each row has the six that fit its name best; most units fit no name.",
        width="middle",
        notes=notes,
        labels=labels,
    )
