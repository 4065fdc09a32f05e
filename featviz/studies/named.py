"""Chapter 5: deep units by the names that one would give them, and units that may mean two things."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from featviz import findings
from featviz.figures import Figure, grid, pairs
from featviz.microscope import CHANNEL, DIVERSE
from featviz.site.values import Values
from featviz.store import Store, fingerprint
from featviz.studies.bench import linked
from featviz.studies.judged import described
from featviz.studies.microscope import scope

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

SPREAD = "conv5"
"""The layer whose units' several answers are compared."""

MOST = 4
"""Units shown whose answers differ most."""


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
        notes=notes,
        labels=labels,
    )


def two_things() -> Figure:
    """The units whose several answers differ most, beside the photographs."""
    alike, units = _likeness()
    chosen = [units[row] for row in alike.argsort()[:MOST]]
    answers = scope().pictures(SPREAD, DIVERSE, chosen).images
    patches = findings.patches(scope(), SPREAD)
    assert patches is not None  # conv5 sees less than the sample photographs show
    return pairs(
        list(answers / np.float32(255)),
        list(patches.images[chosen] / np.float32(255)),
        [f"{SPREAD}:{unit}" for unit in chosen],
        headings=("four answers that had to differ", "its strongest patches"),
        id="two-things",
        alt="Four units of conv5, each with four synthetic images that differ, and four patches of photographs",
        caption=f"<strong>The {MOST} units of {SPREAD} whose answers differ most</strong>, of {len(units)}, by the cosine "
        "between what SqueezeNet sees in them. Do the four images fall into two kinds, and do the patches do "
        "so too? Then the unit may answer to two things. A layout that differs is not yet a second meaning.",
        notes=[
            f"mean cosine {alike[units.index(unit)]:.2f}; unit {linked(SPREAD, [unit])}"
            for unit in chosen
        ],
    )


def numbers() -> Values:
    """What the text quotes."""
    alike, units = _likeness()
    return Values(
        likeness_median=f"{np.median(alike):.2f}",
        likeness_least=f"{alike.min():.2f}",
        likeness_most=f"{alike.max():.2f}",
        spread_units=len(units),
    )


def _likeness() -> tuple[np.ndarray, list[int]]:
    """(units,) mean cosine between what a judge sees in each unit's several answers."""
    images = scope().pictures(SPREAD, DIVERSE).images
    spec = {"pictures": fingerprint(images), "layer": SPREAD}
    found = Store().arrays(
        spec, lambda: {"cosine": _mean_cosines(torch.from_numpy(images)).numpy()}, __name__
    )
    return found["cosine"], list(range(len(images)))


def _mean_cosines(images: Tensor) -> Tensor:
    """Mean cosine between the descriptions of images (units, copies, 3, H, W) of the same unit."""
    units, copies = images.shape[:2]
    seen = described(images.flatten(0, 1).float() / 255)
    # What all pictures have in common would make everything look alike.
    above = F.normalize(seen - seen.mean(0), dim=1).view(units, copies, -1)
    cosines = above @ above.transpose(1, 2)
    return (cosines.sum((1, 2)) - copies) / (copies * (copies - 1))
