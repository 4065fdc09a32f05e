"""Maps over photographs: which parts of each photo lit up, layer by layer."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from featviz.figures._color import Scale, color_bar, overlay, shared_scale
from featviz.figures._figure import Figure, expect_length, required_alt, slug, tag, text
from featviz.figures._files import Pixels, pixels
from featviz.figures._images import data_uri, img

Maps = Sequence[Sequence[ArrayLike]]


def attribution_grid(
    photos: ArrayLike | Sequence[ArrayLike],
    maps: Maps,
    row_labels: Sequence[str],
    column_labels: Sequence[str],
    *,
    id: str,
    alt: str,
    caption: str = "",
    width: str = "page",
    scale_name: str = "activation",
    limit: float | None = None,
    column_notes: Sequence[str] = (),
    subjects: Sequence[str] = (),
    insets: ArrayLike | Sequence[ArrayLike] = (),
) -> Figure:
    """Photos in rows, layers in columns, every map on one color scale.

    Buttons switch all cells between the overlay, the photo and the raw map in the layer's own
    resolution. The scale starts at zero, or is symmetric around it if a map is signed.

    Args:
        photos: (R,3,H,W) in [0,1], or a sequence of (3,H,W) of any sizes.
        maps: R rows of C maps (h,w); resolutions may differ.
        row_labels: What each photo shows.
        column_labels: Layer of each column.
        id: Anchor of the figure, without `fig-`.
        alt: What the whole figure shows.
        caption: Says what to look at.
        width: Named width.
        scale_name: What the colors measure, with its unit.
        limit: Largest magnitude of the scale; by default nearly the largest of all maps.
        column_notes: One short text per column, such as `"13 x 13"`.
        subjects: What each row is about: the page's picker marks the rows of its subject.
        insets: (R,3,H,W) in [0,1], a picture in a corner of each photo: of the unit asked, say.

    Raises:
        ValueError: If maps and labels do not match the photos, or the limit is not above zero.
    """
    pictures = [pixels(photo, "photos")[0] for photo in photos]  # type: ignore[union-attr]
    expect_length("row_labels", row_labels, len(pictures), "photos")
    expect_length("maps", maps, len(pictures), "photos")
    if column_notes:
        expect_length("column_notes", column_notes, len(column_labels), "columns")
    if subjects:
        expect_length("subjects", subjects, len(pictures), "photos")
    corners = [pixels(inset, "insets")[0] for inset in insets]  # type: ignore[union-attr]
    if corners:
        expect_length("insets", corners, len(pictures), "photos")
    table = [[_map(m) for m in row] for row in maps]
    for label, row in zip(row_labels, table, strict=True):
        expect_length(f"Row {label!r} of maps", row, len(column_labels), "columns")
    scale = shared_scale([m for row in table for m in row], limit)
    parts = [_head_row(column_labels, column_notes)]
    notes = column_notes or [""] * len(column_labels)
    for index, (label, picture, row) in enumerate(zip(row_labels, pictures, table, strict=True)):
        cells = [
            _cell(picture, values, scale, f"{name} on {label}", f"{name} {note}".rstrip())
            for name, note, values in zip(column_labels, notes, row, strict=True)
        ]
        corner = img(corners[index], f"Picture for {label}", cls="fv-inset") if corners else ""
        head = tag("div", img(picture, label), corner, tag("span", text(label)), role="rowheader")
        about = slug(subjects[index]) if subjects else None
        parts.append(tag("div", head, *cells, role="row", cls="fv-row", data_pick=about))
    stage = tag(
        "div", *parts, role="table", aria_label=required_alt(alt, id), cls="fv-overlays",
        style=f"--fv-columns:{len(column_labels) + 1}",
    )  # fmt: skip
    bar = tag("div", tag("div", cls="fv-modes"), color_bar(scale, scale_name), cls="fv-tools")
    return Figure("fv-overlays", id, bar + tag("div", stage, cls="fv-scroll"), caption, width)


def _head_row(labels: Sequence[str], notes: Sequence[str]) -> str:
    names = ["photo", *labels]
    small = [tag("small", text(note)) for note in ("", *notes)] if notes else [""] * len(names)
    heads = [
        tag("div", text(name), note, role="columnheader", cls="fv-column")
        for name, note in zip(names, small, strict=True)
    ]
    return tag("div", *heads, role="row", cls="fv-row fv-row--head")


def _map(values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, np.float64)
    if array.ndim != 2 or not np.isfinite(array).all():
        raise ValueError(
            f"A map has shape {array.shape}: maps are finite and two-dimensional, (h, w)."
        )
    return array


def _cell(photo: Pixels, values: NDArray[np.float64], scale: Scale, label: str, column: str) -> str:
    height, width = photo.shape[:2]
    raw = tag(
        "img", src=data_uri(scale.colors(values), lossless=True), alt=f"Map of {label}",
        width=width, height=height, loading="lazy", hidden=True, cls="fv-pixels", data_mode="map",
    )  # fmt: skip
    blend = img(overlay(photo, values, scale), f"Overlay of {label}")
    blend = blend.replace("<img ", '<img data-mode="overlay" ', 1)
    return tag("div", blend, raw, role="cell", data_column=column)
