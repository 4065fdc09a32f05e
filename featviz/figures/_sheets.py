"""Sheets: all units of a layer at once, with a large view of the one looked at."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from featviz.figures._figure import Figure, expect_length, number, required_alt, tag, text
from featviz.figures._files import pixels
from featviz.figures._images import Sprite, resize, sprite

NARROW_COLUMNS = 8
"""Tiles to a row on a phone of 360 px: 8 leave 40 px each, large enough for a finger."""

FIND_ABOVE = 48
"""Units above which a sheet gets a field to find one."""

DIGITS = 3
"""Significant digits of the numbers that an element shows."""


def sheet(
    images: ArrayLike,
    labels: Sequence[str],
    *,
    id: str,
    alt: str,
    caption: str = "",
    width: str = "page",
    values: Mapping[str, ArrayLike] | None = None,
    links: Sequence[str] | None = None,
    columns: int = 16,
    side: int | None = None,
) -> Figure:
    """Shows all units of a layer as one sheet beside a large view of the chosen one.

    Args:
        images: (N,3,H,W) in [0,1].
        labels: One per unit, such as `"conv5:12"`.
        id: Anchor of the figure, without `fig-`; `#fig-<id>:<label>` links to a unit.
        alt: What the whole sheet shows.
        caption: Says what to look at.
        width: Named width.
        values: Numbers per unit under a name each; shown with the unit and offered for sorting.
        links: Address per unit, shown with the unit.
        columns: Tiles to a row on a wide screen.
        side: Longest side in pixels to store the pictures at, where a page must be light.

    Raises:
        ValueError: If labels, values or links do not match the images, or the alt text is empty.
    """
    required_alt(alt, id)
    pictures = pixels(images)
    if side is not None:
        pictures = np.stack([resize(picture, side) for picture in pictures])
    expect_length("labels", labels, len(pictures), "images")
    if links is not None:
        expect_length("links", links, len(pictures), "images")
    table: dict[str, list[float | None]] = {}
    for name, column in (values or {}).items():
        table[name] = rounded(column)
        expect_length(f"values[{name!r}]", table[name], len(pictures), "images")
    mosaic = sprite(pictures, columns)
    payload: dict[str, object] = {"sprite": mosaic.shape(), "labels": list(labels), "values": table}
    payload["find"] = len(pictures) > FIND_ABOVE
    if links is not None:
        payload["links"] = list(links)
    body = _body(mosaic, alt, labels, table)
    return Figure("fv-sheet", id, body, caption, width, payload)


def filters(
    weights: ArrayLike,
    *,
    id: str,
    alt: str,
    caption: str = "",
    width: str = "body",
    labels: Sequence[str] | None = None,
    columns: int = 8,
) -> Figure:
    """Shows the weights of a first layer as they are, around gray, with one scale for all.

    Gray is zero; the largest magnitude of the whole bank reaches black or white.

    Args:
        weights: (N,3,h,w), signed.
        id: Anchor of the figure, without `fig-`.
        alt: What the bank shows.
        caption: Says what to look at.
        width: Named width.
        labels: One per filter; `conv1:<index>` without them.
        columns: Tiles to a row on a wide screen.

    Raises:
        ValueError: If the weights are not (N,3,h,w) or are all zero.
    """
    bank = np.asarray(weights, np.float64)
    if bank.ndim != 4 or bank.shape[1] != 3:
        raise ValueError(
            f"weights has shape {bank.shape}: only filters that read RGB, (N, 3, h, w), are images."
        )
    top = float(np.abs(bank).max())
    if not top > 0:
        raise ValueError("All weights are zero: there is nothing to show.")
    names = labels if labels is not None else [f"conv1:{i}" for i in range(len(bank))]
    strongest = np.abs(bank).max(axis=(1, 2, 3))
    return sheet(
        0.5 + bank / (2 * top), names, id=id, alt=alt, caption=caption, width=width,
        values={"largest weight": strongest}, columns=columns,
    )  # fmt: skip


def rounded(column: ArrayLike) -> list[float | None]:
    """Numbers (n,) with the digits that are shown; none where one is not finite."""
    numbers = np.asarray(column, np.float64)
    return [float(f"{v:.{DIGITS}g}") if np.isfinite(v) else None for v in numbers]


def grid_style(mosaic: Sprite) -> str:
    """The style that tells a sheet's rows and columns, on a wide screen and on a phone."""
    narrow = min(NARROW_COLUMNS, mosaic.columns)
    return (
        f"--fv-columns:{mosaic.columns};--fv-rows:{mosaic.rows};--fv-narrow:{narrow};"
        f"--fv-narrow-rows:{math.ceil(mosaic.count / narrow)};"
        f"--fv-ratio:{mosaic.width / mosaic.height:.4g}"
    )


def _body(
    mosaic: Sprite,
    alt: str,
    labels: Sequence[str],
    values: Mapping[str, Sequence[float | None]],
) -> str:
    """The sheet as one picture, and everything it names as a list for readers without scripts."""
    order = f"Row by row from {labels[0]} to {labels[-1]}, {mosaic.columns} to a row."
    tiles = tag("div", mosaic.img(f"{alt} {order}"), cls="fv-sheet__tiles")
    preview = tag("div", cls="fv-sheet__preview")
    plain = tag("p", text(order), cls="fv-plain") + _plain_table(labels, values)
    # As many controls as the script will put there: to find a unit, to sort by a value.
    controls = (len(labels) > FIND_ABOVE) + bool(values)
    tools = tag("div", cls="fv-tools" + " fv-tools--two" * (controls > 1)) if controls else ""
    board = tag("div", preview, tiles, cls="fv-sheet", style=grid_style(mosaic))
    return tools + board + tag("noscript", plain)


def _plain_table(labels: Sequence[str], values: Mapping[str, Sequence[float | None]]) -> str:
    if not values:
        return ""
    # HTML implies the ends of rows and cells; written out they would double the table's weight.
    head = "<tr><th>unit" + "".join(f"<th>{text(name)}" for name in values)
    rows = []
    for index, label in enumerate(labels):
        numbers = [column[index] for column in values.values()]
        cells = "".join(f"<td>{'' if n is None else number(n)}" for n in numbers)
        rows.append(f"<tr><th>{text(label)}{cells}")
    parts = tag("thead", head), tag("tbody", *rows)
    table = tag("div", tag("table", *parts, cls="fv-table"), cls="fv-scroll")
    return tag("details", tag("summary", "All of them as a table"), table, data_search_exclude=True)
