"""The ladder: one row of tiles per layer, from shallow to deep."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from featviz.figures._figure import Figure, expect_length, tag, text
from featviz.figures._files import pixels
from featviz.figures._tiles import Frame, tile, tile_rows

INPUT_SIDE = 224
"""Side of the network's input in pixels: the frame of the receptive-field glyph."""


@dataclass(frozen=True)
class Rung:
    """One row of the ladder: a layer and some of its units.

    Args:
        layer: Name of the layer.
        field: Receptive field of one unit, in input pixels.
        images: (n,3,H,W) in [0,1], one per unit, in the network's own pixels. True to scale, they
            are cropped to the field where they are larger, and the field is outlined around them
            where they are smaller.
        labels: One label per unit, such as `"conv5:12"`; it is the alt text too.
        links: Address per unit, or empty for none.
    """

    layer: str
    field: int
    images: ArrayLike
    labels: Sequence[str]
    links: Sequence[str] = ()


def ladder(
    rows: Sequence[Rung | tuple[str, int, ArrayLike, Sequence[str]]],
    *,
    id: str,
    alt: str,
    caption: str = "",
    width: str = "page",
    to_scale: bool = False,
) -> Figure:
    """One row of tiles per layer; pointing at a tile or moving to it by key enlarges it.

    Args:
        rows: Rungs from shallow to deep; tuples (layer, field, images, labels) do as well.
        id: Anchor of the figure, without `fig-`.
        alt: What the whole figure shows.
        caption: Says what to look at.
        width: Named width.
        to_scale: Start with the tiles drawn in proportion to the receptive fields.

    Raises:
        ValueError: If a row is empty, or its images, labels and links differ in number.
    """
    rungs = [row if isinstance(row, Rung) else Rung(*row) for row in rows]
    if not rungs:
        raise ValueError("The ladder has no rows: give one per layer.")
    widest = max(rung.field for rung in rungs)
    parts, most = [], 0
    for index, rung in enumerate(rungs):
        cells = _cells(rung, lazy=index > 0)
        most = max(most, len(cells))
        name = tag("span", tag("strong", text(rung.layer)), f"sees {rung.field} px")
        head = tag("div", _field_glyph(rung.field), name, role="rowheader", cls="fv-head")
        side = np.shape(rung.images)[-1]
        margin = max(0.0, 1 - rung.field / side) / 2
        style = (
            f"--fv-field:{rung.field / widest:.4f};--fv-shown:{side / widest:.4f};"
            f"--fv-cropped:{margin:.2%}"
        )
        parts.append(tag("div", head, *cells, role="row", cls="fv-row", style=style))
    frame = Frame("fv-ladder", id, alt, caption, width)
    return tile_rows(frame, most, parts, {"scale": True, "toScale": to_scale})


def _cells(rung: Rung, *, lazy: bool) -> list[str]:
    pictures = pixels(rung.images, f"images of {rung.layer!r}")
    expect_length(f"labels of {rung.layer!r}", rung.labels, len(pictures), "images")
    links = rung.links or [""] * len(pictures)
    expect_length(f"links of {rung.layer!r}", links, len(pictures), "images")
    return [
        tag("div", tile(p, label, link=link, lazy=lazy), role="cell")
        for p, label, link in zip(pictures, rung.labels, links, strict=True)
    ]


def _field_glyph(field: int) -> str:
    """The receptive field to scale inside the network's input."""
    side = min(field, INPUT_SIDE)
    start = (INPUT_SIDE - side) / 2
    outer = tag("rect", x=0, y=0, width=INPUT_SIDE, height=INPUT_SIDE, cls="fv-glyph__input")
    inner = tag("rect", x=start, y=start, width=side, height=side, cls="fv-glyph__field")
    return tag(
        "svg", outer, inner, cls="fv-glyph", viewBox=f"0 0 {INPUT_SIDE} {INPUT_SIDE}",
        width=32, height=32, aria_hidden="true",
    )  # fmt: skip
