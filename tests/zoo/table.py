"""Makes the table of networks that work: `python -m tests.zoo.table [NAME ...]`."""

import json
import sys
import time
import warnings
from dataclasses import asdict
from pathlib import Path

from tests.zoo.checks import Row, row
from tests.zoo.roster import ROSTER, network

TABLE = Path(__file__).parents[2] / "docs/reference/networks.json"
"""Where it stands, for the page that shows it."""


def read() -> dict[str, Row]:
    """Returns the rows of the table by their networks."""
    rows = [Row(**one) for one in json.loads(TABLE.read_text("utf-8"))]
    return {one.name: one for one in rows}


def main(names: list[str]) -> None:
    """Makes the rows of some networks anew, or of all."""
    warnings.filterwarnings("ignore", module="timm|torch|captum")
    rows = read() if names and TABLE.exists() else {}
    for name in names or ROSTER:
        start = time.perf_counter()
        rows[name] = row(network(name))
        print(f"{time.perf_counter() - start:6.1f} s  {rows[name]}", flush=True)  # noqa: T201
        whole = [asdict(rows[one]) for one in ROSTER if one in rows]
        TABLE.write_text(json.dumps(whole, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
