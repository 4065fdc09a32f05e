"""The inspector: which units answer at each place of a photo, in pictures rather than numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from featviz.figures._figure import Figure, expect_length, required_alt, tag, text
from featviz.figures._files import pixels
from featviz.figures._images import img, sprite

BAR_LEVELS = 255
"""Bar lengths in the payload are whole numbers up to this, as shares of the layer's largest."""


@dataclass(frozen=True)
class InspectorLayer:
    """The strongest units of one layer at every place of every photo.

    Args:
        layer: Name of the layer.
        units: (P,h,w,k) indices into `images`, strongest first; P photos.
        values: (P,h,w,k) their activations.
        images: (U,3,H,W) in [0,1], the picture of each unit of the layer.
        labels: (U,) names of the units; `<layer>:<index>` without them.
        field: Receptive field in photo pixels, or 0 to draw the cell alone.
    """

    layer: str
    units: ArrayLike
    values: ArrayLike
    images: ArrayLike
    labels: Sequence[str] = ()
    field: int = 0


def inspector(
    photos: ArrayLike | Sequence[ArrayLike],
    photo_labels: Sequence[str],
    layers: Sequence[InspectorLayer],
    *,
    id: str,
    alt: str,
    caption: str = "",
    width: str = "page",
    start: tuple[float, float] = (0.5, 0.5),
) -> Figure:
    """Shows the units that answer where one points in a photo, layer by layer.

    Without scripts the photos stand beside the units that answer most strongly in the middle.

    Args:
        photos: (P,3,H,W) in [0,1], or a sequence of (3,H,W).
        photo_labels: What each photo shows.
        layers: From shallow to deep.
        id: Anchor of the figure, without `fig-`.
        alt: What the figure shows.
        caption: Says what to look at.
        width: Named width.
        start: The place at which it opens, (down, across) as shares of the first photo's sides.

    Raises:
        ValueError: If the layers do not match the photos, or the start isn't on them.
    """
    pictures = [pixels(photo, "photos")[0] for photo in photos]  # type: ignore[union-attr]
    expect_length("photo_labels", photo_labels, len(pictures), "photos")
    if not all(0 <= share < 1 for share in start):
        raise ValueError(f"start is two shares from 0 to less than 1, not {start}.")
    if not layers:
        raise ValueError("layers is empty: give at least one InspectorLayer.")
    payload: list[dict[str, Any]] = []
    sheets: list[str] = []
    answers: list[str] = []
    for layer in layers:
        data, sheet = _layer(layer, len(pictures))
        payload.append(data)
        sheets.append(sheet)
        answers += _middle(data, photo_labels)
    stage = "".join(
        img(p, label, cls="fv-inspector__photo")
        for p, label in zip(pictures, photo_labels, strict=True)
    )
    body = tag(
        "div",
        tag("div", cls="fv-tools"),
        tag("div", stage, cls="fv-inspector__stage"),
        tag("div", tag("ul", *answers, cls="fv-plain"), cls="fv-inspector__side"),
        tag("div", *sheets, cls="fv-inspector__sprites fv-plain"),
        cls="fv-inspector",
        role="group",
        aria_label=required_alt(alt, id),
    )
    data_out = {"photos": list(photo_labels), "layers": payload, "start": start}
    return Figure("fv-inspector", id, body, caption, width, data_out)


def _middle(data: dict[str, Any], photo_labels: Sequence[str]) -> list[str]:
    """In words, the units that answer in the middle of each photo."""
    answers = []
    (rows, columns), k = data["grid"], data["k"]
    for photo, label in enumerate(photo_labels):
        start = ((photo * rows + rows // 2) * columns + columns // 2) * k
        names = [data["labels"][unit] for unit in data["units"][start : start + k]]
        answers.append(tag("li", text(f"{data['layer']}, middle of {label}: {', '.join(names)}")))
    return answers


def _layer(layer: InspectorLayer, photos: int) -> tuple[dict[str, Any], str]:
    """The payload of a layer, its units renumbered to those that occur, and their sprite."""
    units, values = np.asarray(layer.units), np.asarray(layer.values, np.float64)
    if units.ndim != 4 or units.shape != values.shape or len(units) != photos:
        raise ValueError(
            f"Layer {layer.layer!r} has units {units.shape} and values {values.shape}: expected "
            f"({photos}, h, w, k) for both."
        )
    bank = np.asarray(layer.images)
    if units.min() < 0 or units.max() >= len(bank):
        raise ValueError(
            f"Layer {layer.layer!r} names unit {int(units.max())}, but has {len(bank)} images."
        )
    labels = layer.labels or [f"{layer.layer}:{i}" for i in range(len(bank))]
    expect_length(f"labels of {layer.layer!r}", labels, len(bank), "images")
    members, positions = np.unique(units, return_inverse=True)
    sheet = sprite(pixels(bank[members], f"images of {layer.layer!r}"))
    names = [labels[u] for u in members]
    top = float(values.max()) or 1.0
    bars: NDArray[np.int64] = np.clip(values / top * BAR_LEVELS, 0, BAR_LEVELS).astype(np.int64)
    _, rows, columns, k = units.shape
    data = {
        "layer": layer.layer, "field": layer.field, "grid": [rows, columns], "k": k,
        "labels": names, "sprite": sheet.shape(), "top": float(f"{top:.4g}"),
        "units": positions.ravel().tolist(), "bars": bars.ravel().tolist(),
    }  # fmt: skip
    alt = f"The {len(names)} units of {layer.layer} that answer somewhere."
    return data, sheet.img(alt)
