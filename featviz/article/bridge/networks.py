"""The table of networks that work, from the results that `make networks` has written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

PLACE = "{{ networks }}"
"""Where the page of that name shall have the table."""

COLUMNS: Mapping[str, str] = {
    "activations": "activations",
    "ascent": "ascent",
    "gradcam": "Grad-CAM",
    "logit": "class",
    "microscope": "microscope",
    "untouched": "untouched",
}
"""Key of a check's cell -> what stands above it."""


def table(results: str) -> str:
    """Write the table as Markdown, with a sentence for all that doesn't work.

    Args:
        results: The rows as JSON, one object per network; a check's cell is empty if it holds, else
            it says what doesn't.
    """
    rows: list[dict[str, Any]] = json.loads(results)
    failures = {row["name"]: [key for key in COLUMNS if row[key]] for row in rows}
    whole = sum(not keys for keys in failures.values())
    head = ["network", "px", "layers", "last field", *COLUMNS.values()]
    lines = [
        f"{whole} of {len(rows)} networks do all of it.",
        "",
        f"| {' | '.join(head)} |",
        f"| {' | '.join(['---'] + ['--:'] * 3 + ['---'] * len(COLUMNS))} |",
    ]
    for row in rows:
        cells = ["no" if row[key] else "yes" for key in COLUMNS]
        facts = [str(row[key]) for key in ("size", "layers", "field")]
        lines.append(" | ".join([f"| `{row['name']}`", *facts, *cells]) + " |")
    reasons = [
        f"- `{row['name']}`, {COLUMNS[key]}: {_as_code(row[key])}"
        for row in rows
        for key in failures[row["name"]]
    ]
    if reasons:
        lines += ["", "What does not work, and what is said or seen there:", "", *reasons]
    return "\n".join(lines)


def _as_code(message: str) -> str:
    """A message as it comes, so that nothing in it reads as Markdown."""
    return f"`` {message} ``"
