"""Figures made of tiles: the grid, methods side by side, pairs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from featviz.figures._figure import (
    Figure,
    expect_length,
    fixed,
    number,
    required_alt,
    slug,
    tag,
    text,
)
from featviz.figures._files import Pixels, pixels
from featviz.figures._images import img

LONG_ROW, LONG_NAMED_ROW = 6, 5
"""Tiles of a row that a phone has room for, and if names stand under them; there a longer one is
broken into lines."""


@dataclass(frozen=True)
class Frame:
    """What surrounds the tiles: the class of their layout, and the figure's id, alt and caption."""

    cls: str
    id: str
    alt: str
    caption: str
    width: str


@dataclass(frozen=True)
class _Heads:
    """What stands left of the rows: names, and for each a sentence, a subject and an address."""

    names: Sequence[str]
    notes: Sequence[str] = ()
    subjects: Sequence[str] = ()
    links: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name in ("notes", "subjects", "links"):
            entries = getattr(self, name)
            if entries:
                expect_length(name, entries, len(self.names), "rows")

    def row(self, index: int, *cells: str) -> str:
        name = text(self.names[index])
        heading = tag("strong", name) + (tag("span", self.notes[index]) if self.notes else "")
        if self.links:
            where = f"{name} in the microscope"
            heading += tag("a", "microscope", href=self.links[index], aria_label=where)
        head = tag("div", heading, role="rowheader", cls="fv-head")
        about = slug(self.subjects[index]) if self.subjects else None
        return tag("div", head, *cells, role="row", cls="fv-row", data_pick=about)


@dataclass(frozen=True)
class _Scores:
    """One number under each tile, with a bar relative to the most there is, or in its column."""

    values: NDArray[np.float64]
    name: str
    most: float | None = None
    digits: int | None = None

    @classmethod
    def of(
        cls,
        values: ArrayLike | None,
        name: str,
        most: float | None = None,
        digits: int | None = None,
    ) -> "_Scores | None":
        return None if values is None else cls(np.asarray(values, np.float64), name, most, digits)

    def under(self, row: int, column: int) -> str:
        value = float(self.values[row, column])
        if self.digits is not None:
            value = round(value, self.digits)  # a zero is not below zero
        if np.isnan(self.values[row]).all():
            return ""
        if np.isnan(value):  # as high as a score, so that the tiles of a row stay in line
            return tag("span", "\N{NO-BREAK SPACE}", cls="fv-score fv-score--none")
        column_most = float(np.nanmax(np.abs(self.values[:, column])))
        top = column_most if self.most is None else self.most
        style = f"--fv-share:{min(1.0, abs(value) / top) if top else 0.0:.3g}"
        cls = "fv-score fv-score--below" if value < 0 else "fv-score"
        told = number(value) if self.digits is None else fixed(value, self.digits)
        return tag("span", text(told), cls=cls, style=style)


def grid(
    rows: Sequence[str],
    columns: Sequence[str | tuple[str, int]],
    images: ArrayLike | Sequence[Sequence[ArrayLike | None]],
    *,
    id: str,
    alt: str,
    caption: str = "",
    width: str = "page",
    labels: Sequence[Sequence[str]] | None = None,
    named: bool = False,
    scores: ArrayLike | None = None,
    score_name: str = "",
    score_most: float | None = None,
    score_digits: int | None = None,
    notes: Sequence[str] = (),
    subjects: Sequence[str] = (),
    links: Sequence[str] = (),
) -> Figure:
    """Small multiples with row and column headings; every tile can be enlarged.

    Args:
        rows: One heading per row.
        columns: One heading per column, or a heading and how many columns it spans.
        images: (R,C,3,H,W) in [0,1], or nested rows of (3,H,W), where `None` leaves a gap.
        id: Anchor of the figure, without `fig-`.
        alt: What the whole figure shows.
        caption: Says what to look at.
        width: Named width.
        labels: (R,C) alt texts; `"<row>, <column>"` without them.
        named: Whether they stand under the tiles as well.
        scores: (R,C) numbers shown under the tiles, with bars, of another color below zero.
        score_name: What the score is, for those who hear it.
        score_most: From which score on a bar is full; without it the column's largest.
        score_digits: Digits behind the point; without them three that count.
        notes: One sentence per row, under its heading, with the markup of a caption.
        subjects: What each row is about: the page's picker marks the rows of its subject.
        links: Address per row, for its heading.

    Raises:
        ValueError: If the headings do not match the images.
    """
    frame = Frame("fv-grid", id, alt, caption, width)
    heads = _Heads(rows, notes, subjects, links)
    across = [(column, 1) if isinstance(column, str) else column for column in columns]
    numbers = _Scores.of(scores, score_name, score_most, score_digits)
    return _grid(frame, heads, across, images, labels, numbers, named=named)


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
    subjects: Sequence[str] = (),
) -> Figure:
    """A ladder of methods: one row per step, one column per unit, the score under each image.

    Args:
        rows: Name of each method or step.
        columns: Name of each unit.
        images: (R,C,3,H,W) in [0,1], or nested rows of (3,H,W).
        scores: (R,C); bars compare the methods within one unit.
        id: Anchor of the figure, without `fig-`.
        alt: What the whole figure shows.
        caption: Says what to look at.
        width: Named width.
        notes: One sentence per method, with the markup of a caption: what this step changes.
        score_name: What the score is.
        subjects: What each column is about: the page's picker marks the columns of its subject.

    Raises:
        ValueError: If the headings or scores do not match the images.
    """
    frame = Frame("fv-methods", id, alt, caption, width)
    across = [(column, 1) for column in columns]
    heads, numbers = _Heads(rows, notes), _Scores.of(scores, score_name)
    return _grid(frame, heads, across, images, None, numbers, subjects)


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
    subjects: Sequence[str] = (),
    links: Sequence[str] = (),
) -> Figure:
    """Rows of side-by-side comparisons, such as synthetic images beside natural patches.

    Args:
        left: (N,3,H,W) or (N,K,3,H,W) in [0,1], or N rows whose images differ in size.
        right: (N,3,H,W) or (N,M,3,h,w) in [0,1], or N such rows.
        labels: One per row.
        headings: What stands left and what stands right.
        id: Anchor of the figure, without `fig-`.
        alt: What the whole figure shows.
        caption: Says what to look at.
        width: Named width.
        notes: One sentence per row, with the markup of a caption.
        subjects: What each row is about: the page's picker marks the rows of its subject.
        links: Address per row, for its heading.

    Raises:
        ValueError: If both sides and the labels differ in length.
    """
    sides = [_side("left", left, len(labels)), _side("right", right, len(labels))]
    images = [[*a, *b] for a, b in zip(*sides, strict=True)]
    columns = [(name, len(side[0])) for name, side in zip(headings, sides, strict=True)]
    frame = Frame("fv-pairs", id, alt, caption, width)
    return _grid(frame, _Heads(labels, notes, subjects, links), columns, images)


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
    heads: _Heads,
    columns: Sequence[tuple[str, int]],
    images: ArrayLike | Sequence[Sequence[ArrayLike | None]],
    labels: Sequence[Sequence[str]] | None = None,
    scores: _Scores | None = None,
    subjects: Sequence[str] = (),
    named: bool = False,
) -> Figure:
    """Lays out rows under column headings, each of which spans one column or more."""
    names = [name for name, span in columns for _ in range(span)]
    cells: list[list[ArrayLike | None]] = [list(row) for row in images]  # type: ignore[union-attr,arg-type]
    expect_length("rows", heads.names, len(cells), "rows of images")
    if subjects:
        expect_length("subjects", subjects, len(names), "columns")
    if scores and scores.values.shape != (len(cells), len(names)):
        raise ValueError(
            f"scores has shape {scores.values.shape}: expected {(len(cells), len(names))}."
        )
    left = columns[0][1] if frame.cls == "fv-pairs" else 0
    most = LONG_NAMED_ROW if named else LONG_ROW
    line = _line([span for _, span in columns], left, most)
    parts = [_head_row(columns)]
    for r, (row, pictures) in enumerate(zip(heads.names, cells, strict=True)):
        expect_length(f"Row {row!r} of images", pictures, len(names), "columns")
        entries = []
        for c, (name, picture) in enumerate(zip(names, pictures, strict=True)):
            label = labels[r][c] if labels else f"{row}, {name}"
            content = "" if picture is None else tile(pixels(picture, f"image {label!r}")[0], label)
            if named and picture is not None:
                # Read aloud it would be said twice.
                content += tag("span", text(label), cls="fv-under", aria_hidden="true")
            if scores and picture is not None:
                content += scores.under(r, c)
            cls = "fv-first" if left and c == left else None
            about = slug(subjects[c]) if subjects else None
            # What stands above a tile once its row is broken: its name, of a group above the first.
            place = c - left if left and c >= left else c
            first = place % line == 0 or name != names[c - 1]
            head = name if line < len(names) and first else None
            entries.append(
                tag("div", content, role="cell", cls=cls, data_pick=about, data_column=head)
            )
        parts.append(heads.row(r, *entries))
    return tile_rows(frame, len(names), parts, {}, left, line, scores.name if scores else "")


def _line(spans: Sequence[int], left: int, most: int) -> int:
    """How many tiles a phone's lines hold: as many in each as can be, and equal groups unbroken.

    What stands left of a gap and what stands right of it begin lines of their own.
    """
    columns = sum(spans)
    if columns <= most:
        return max(1, columns)
    if left:
        return max(math.ceil(side / math.ceil(side / most)) for side in (left, columns - left))
    lines = math.ceil(columns / most)
    if len(set(spans)) == 1 and 1 < spans[0] <= most:
        lines = next(n for n in range(lines, len(spans) + 1) if len(spans) % n == 0)
    return math.ceil(columns / lines)


def _head_row(heads: Sequence[tuple[str, int]]) -> str:
    corner = tag("div", role="cell", cls="fv-corner")
    columns = [
        # A narrow column breaks a unit's name between the layer and the number.
        tag("div", text(name).replace(":", ":<wbr>"), role="columnheader", cls="fv-column",
            style=f"--fv-span:{span}", aria_colspan=span if span > 1 else None)
        for name, span in heads
    ]  # fmt: skip
    return tag("div", corner, *columns, role="row", cls="fv-row fv-row--head")


def tile_rows(
    frame: Frame,
    columns: int,
    rows: list[str],
    payload: dict[str, object],
    left: int = 0,
    line: int = 0,
    score_name: str = "",
) -> Figure:
    """Puts rows of tiles into a figure.

    Args:
        frame: What surrounds them.
        columns: Tiles of the longest row.
        rows: The rows, as HTML.
        payload: What the element is told; the bar of controls is there only if it is not empty.
        left: Columns left of the gap, or 0 for no gap.
        line: Tiles to a line on a phone, or 0 for as many as it likes.
        score_name: What the number under a tile is.
    """
    style = f"--fv-columns:{columns}" + (f";--fv-left:{left}" if left else "")
    name = required_alt(frame.alt, frame.id)
    if score_name:
        name = f"{name}. The number under an image: {score_name}."
    cls = f"fv-tiles {frame.cls}"
    if 0 < line < columns:
        style += f";--fv-line:{line}"
        cls += " fv-tiles--long"
    stage = tag(
        "div", *rows, role="table", aria_label=name, cls=cls, style=style,
        data_score=score_name or None,
    )  # fmt: skip
    tools = tag("div", cls="fv-tools") if payload else ""
    body = tools + stage
    return Figure("fv-tiles", frame.id, body, frame.caption, frame.width, payload or None)


def tile(picture: Pixels, label: str, *, link: str = "", lazy: bool = True) -> str:
    """One (H,W,3) picture; a plain link without JavaScript where it has an address."""
    content = img(picture, label, lazy=lazy)
    if link:
        return tag("a", content, cls="fv-tile", href=link)
    return tag("span", content, cls="fv-tile")
