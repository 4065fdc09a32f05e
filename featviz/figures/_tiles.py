"""Figures made of tiles: the grid, methods side by side, pairs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from featviz.figures._figure import (
    Figure,
    expect_length,
    inline,
    number,
    required_alt,
    slug,
    tag,
    text,
)
from featviz.figures._images import Pixels, img, pixels


@dataclass(frozen=True)
class Frame:
    """What surrounds the tiles: the class of their layout, and the figure's id, alt and caption."""

    cls: str
    id: str
    alt: str
    caption: str
    width: str


@dataclass(frozen=True)
class _Scores:
    """One number under each tile, with a bar relative to the largest of its column."""

    values: NDArray[np.float64]
    name: str

    @classmethod
    def of(cls, values: ArrayLike | None, name: str) -> "_Scores | None":
        return None if values is None else cls(np.asarray(values, np.float64), name)

    def under(self, row: int, column: int) -> str:
        value = float(self.values[row, column])
        if np.isnan(value):
            return ""
        top = float(np.nanmax(np.abs(self.values[:, column])))
        style = f"--fv-share:{max(0.0, value / top) if top else 0.0:.3f}"
        spoken = tag("span", text(f"{self.name} "), cls="fv-spoken") if self.name else ""
        return tag("span", spoken, text(number(value)), cls="fv-score", style=style)


def grid(
    rows: Sequence[str],
    columns: Sequence[str],
    images: ArrayLike | Sequence[Sequence[ArrayLike | None]],
    *,
    id: str,
    alt: str,
    caption: str = "",
    width: str = "page",
    labels: Sequence[Sequence[str]] | None = None,
    scores: ArrayLike | None = None,
    score_name: str = "",
    notes: Sequence[str] = (),
) -> Figure:
    """Small multiples with row and column headings; every tile can be enlarged.

    Args:
        rows: One heading per row.
        columns: One heading per column.
        images: (R,C,3,H,W) in [0,1], or nested rows of (3,H,W), where ``None`` leaves a gap.
        id: Anchor of the figure, without ``fig-``.
        alt: What the whole figure shows.
        caption: Says what to look at.
        width: Named width.
        labels: (R,C) alt texts; ``"<row>, <column>"`` without them.
        scores: (R,C) numbers shown under the tiles, their bars relative to the column's largest.
        score_name: What the score is, for those who hear it.
        notes: One sentence per row, under its heading, with the markup of a caption.

    Raises:
        ValueError: If the headings do not match the images.
    """
    frame = Frame("fv-grid", id, alt, caption, width)
    heads = [(column, 1) for column in columns]
    return _grid(frame, rows, heads, images, labels, _Scores.of(scores, score_name), notes)


def methods(
    rows: Sequence[str],
    columns: Sequence[str],
    images: ArrayLike | Sequence[Sequence[ArrayLike | None]],
    scores: ArrayLike,
    *,
    id: str,
    alt: str,
    caption: str = "",
    width: str = "page",
    notes: Sequence[str] = (),
    score_name: str = "activation",
) -> Figure:
    """A ladder of methods: one row per step, one column per unit, the score under each image.

    Args:
        rows: Name of each method or step.
        columns: Name of each unit.
        images: (R,C,3,H,W) in [0,1], or nested rows of (3,H,W).
        scores: (R,C); bars compare the methods within one unit.
        id: Anchor of the figure, without ``fig-``.
        alt: What the whole figure shows.
        caption: Says what to look at.
        width: Named width.
        notes: One sentence per method, with the markup of a caption: what this step changes.
        score_name: What the score is.

    Raises:
        ValueError: If the headings or scores do not match the images.
    """
    frame = Frame("fv-methods", id, alt, caption, width)
    heads = [(column, 1) for column in columns]
    return _grid(frame, rows, heads, images, None, _Scores.of(scores, score_name), notes)


def pairs(
    left: ArrayLike | Sequence[ArrayLike],
    right: ArrayLike | Sequence[ArrayLike],
    labels: Sequence[str],
    *,
    headings: tuple[str, str],
    id: str,
    alt: str,
    caption: str = "",
    width: str = "page",
    notes: Sequence[str] = (),
) -> Figure:
    """Rows of side-by-side comparisons, such as synthetic images beside natural patches.

    Args:
        left: (N,3,H,W) or (N,K,3,H,W) in [0,1], or N rows whose images differ in size.
        right: (N,3,H,W) or (N,M,3,h,w) in [0,1], or N such rows.
        labels: One per row.
        headings: What stands left and what stands right.
        id: Anchor of the figure, without ``fig-``.
        alt: What the whole figure shows.
        caption: Says what to look at.
        width: Named width.
        notes: One sentence per row, with the markup of a caption.

    Raises:
        ValueError: If both sides and the labels differ in length.
    """
    sides = [_side("left", left, len(labels)), _side("right", right, len(labels))]
    images = [[*a, *b] for a, b in zip(*sides, strict=True)]
    heads = [(name, len(side[0])) for name, side in zip(headings, sides, strict=True)]
    return _grid(Frame("fv-pairs", id, alt, caption, width), labels, heads, images, notes=notes)


def _side(name: str, side: ArrayLike | Sequence[ArrayLike], count: int) -> list[np.ndarray]:
    """One side's rows (K,3,H,W); rows may differ in the size of their images."""
    rows = [np.asarray(row) for row in side]  # type: ignore[union-attr]
    expect_length(name, rows, count, "labels")
    rows = [row[None] if row.ndim == 3 else row for row in rows]
    for row in rows:
        if row.ndim != 4 or len(row) != len(rows[0]):
            raise ValueError(
                f"{name} has a row of shape {row.shape}: expected (3, height, width), or as many "
                "images (K, 3, height, width) in every row."
            )
    return rows


def _grid(
    frame: Frame,
    rows: Sequence[str],
    heads: Sequence[tuple[str, int]],
    images: ArrayLike | Sequence[Sequence[ArrayLike | None]],
    labels: Sequence[Sequence[str]] | None = None,
    scores: _Scores | None = None,
    notes: Sequence[str] = (),
) -> Figure:
    """Lay out rows under column headings, each of which spans one column or more."""
    names = [name for name, span in heads for _ in range(span)]
    cells: list[list[ArrayLike | None]] = [list(row) for row in images]  # type: ignore[union-attr,arg-type]
    expect_length("rows", rows, len(cells), "rows of images")
    if notes:
        expect_length("notes", notes, len(rows), "rows")
    if scores and scores.values.shape != (len(rows), len(names)):
        raise ValueError(
            f"scores has shape {scores.values.shape}: expected {(len(rows), len(names))}."
        )
    left = heads[0][1] if frame.cls == "fv-pairs" else 0
    parts = [_head_row(heads)]
    for r, (row, pictures) in enumerate(zip(rows, cells, strict=True)):
        expect_length(f"Row {row!r} of images", pictures, len(names), "columns")
        note = tag("span", inline(notes[r])) if notes else ""
        written = [tag("div", tag("strong", text(row)), note, role="rowheader", cls="fv-head")]
        for c, (name, picture) in enumerate(zip(names, pictures, strict=True)):
            label = labels[r][c] if labels else f"{row}, {name}"
            shown = "" if picture is None else tile(pixels(picture, f"image {label!r}")[0], label)
            if scores and picture is not None:
                shown += scores.under(r, c)
            cls = "fv-first" if left and c == left else None
            written.append(tag("div", shown, role="cell", cls=cls))
        parts.append(tag("div", *written, role="row", cls="fv-row"))
    return tile_rows(frame, len(names), parts, {}, left)


def _head_row(heads: Sequence[tuple[str, int]]) -> str:
    corner = tag("div", role="cell", cls="fv-corner")
    columns = [
        tag("div", text(name), role="columnheader", cls="fv-column", style=f"--fv-span:{span}",
            aria_colspan=span if span > 1 else None)
        for name, span in heads
    ]  # fmt: skip
    return tag("div", corner, *columns, role="row", cls="fv-row fv-row--head")


def tile_rows(
    frame: Frame, columns: int, rows: list[str], payload: dict[str, object], left: int = 0
) -> Figure:
    """Put rows of tiles into a figure.

    Args:
        frame: What surrounds them.
        columns: Tiles of the longest row.
        rows: The rows, as HTML.
        payload: What the element is told; the bar of controls is there only if it is not empty.
        left: Columns left of the gap, or 0 for no gap.
    """
    style = f"--fv-columns:{columns}" + (f";--fv-left:{left}" if left else "")
    name = required_alt(frame.alt, frame.id)
    cls = f"fv-tiles {frame.cls}"
    stage = tag("div", *rows, role="table", aria_label=name, cls=cls, style=style)
    tools = tag("div", cls="fv-tools") if payload else ""
    body = tools + stage
    return Figure("fv-tiles", frame.id, body, frame.caption, frame.width, payload or None)


def tile(picture: Pixels, label: str, *, link: str = "", lazy: bool = True) -> str:
    """One (H,W,3) picture; a plain link without JavaScript where it has an address."""
    content = img(picture, label, lazy=lazy)
    if link:
        return tag("a", content, cls="fv-tile", href=link, data_key=slug(label))
    return tag("span", content, cls="fv-tile", data_key=slug(label))
