"""Tables."""

import numbers
from collections.abc import Sequence

from featviz.figures._figure import Figure, expect_length, number, required_alt, tag, text

# Letters up to which a cell's text stays in one line.
_UNBROKEN = 8


def table(
    rows: Sequence[Sequence[object]],
    columns: Sequence[str],
    *,
    id: str,
    alt: str,
    caption: str = "",
    width: str = "body",
) -> Figure:
    """A table whose numbers stand right-aligned; it scrolls by itself where it is too wide.

    Args:
        rows: One sequence per row; the first entry is the row's heading. Numbers are written with
            three significant digits; give text to write them otherwise.
        columns: One heading per column.
        id: Anchor of the figure, without `fig-`.
        alt: What the table holds: the name of the scrolling region.
        caption: Says what to look at.
        width: Named width.

    Raises:
        ValueError: If a row does not have one entry per column.
    """
    for index, row in enumerate(rows):
        expect_length(f"Row {index}", row, len(columns), "columns")
    numeric = [bool(rows) and all(_is_number(row[i]) for row in rows) for i in range(len(columns))]
    heads = [
        tag("th", text(name), scope="col", cls="fv-number" if right else None)
        for name, right in zip(columns, numeric, strict=True)
    ]
    lines = []
    for row in rows:
        cells = [tag("th", _entry(row[0]), scope="row")]
        cells += [
            tag("td", _entry(value), cls="fv-number" if right else None)
            for value, right in zip(row[1:], numeric[1:], strict=True)
        ]
        lines.append(tag("tr", *cells))
    body = tag("table", tag("thead", tag("tr", *heads)), tag("tbody", *lines), cls="fv-table")
    region = tag(
        "div", body, role="region", tabindex=0, aria_label=required_alt(alt, id), cls="fv-scroll"
    )
    return Figure("fv-table", id, region, caption, width)


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, numbers.Real) and not isinstance(value, bool))


def _entry(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, numbers.Integral) and not isinstance(value, bool):
        return f"{int(value):,}".replace("-", "\N{MINUS SIGN}")
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        return text(number(float(value)))
    words = text(value)
    # A phone would give "55 × 55" three lines, and a table that scrolls needs none of them.
    return words.replace(" ", "\N{NO-BREAK SPACE}") if len(words) <= _UNBROKEN else words
