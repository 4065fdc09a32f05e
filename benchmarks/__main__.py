"""Runs all measurements: `python -m benchmarks [--channels N] [--out DIR] [--only PART ...]`."""

import argparse
import warnings
from pathlib import Path

import featviz as fv
from benchmarks import claims, speed

PARTS = ("exact", "bits", "alive", "limit", "microscope", "lucent")
"""What can be measured, from seconds to about half an hour."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--channels", type=int, default=speed.PER_LAYER, help="channels a layer")
    parser.add_argument("--out", type=Path, default=Path(".cache/benchmarks"), help="for images")
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS, help="parts to run")
    asked = parser.parse_args()
    # Lucent warns about torch's own changes since 2021.
    warnings.filterwarnings("ignore", module="lucent|torch")
    network = fv.load("alexnet")
    if "exact" in asked.only:
        claims.exact(network)
    if "bits" in asked.only:
        claims.same_bits(network)
    if "alive" in asked.only:
        claims.alive(network)
    if "limit" in asked.only:
        speed.near_the_limit(network)
    if "microscope" in asked.only:
        speed.every_unit(network)
    if "lucent" in asked.only:
        speed.against_lucent(network, asked.channels, asked.out)
        print(f"\nLucent's images above ours: {asked.out}")


if __name__ == "__main__":
    main()
