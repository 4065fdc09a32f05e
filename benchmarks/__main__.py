"""Runs all measurements: `python -m benchmarks [--channels N] [--out DIR] [--only PART ...]`."""

import argparse
import warnings
from pathlib import Path

import featviz as fv
from benchmarks import claims, looks, shortcuts, speed

PARTS = (
    "exact",
    "bits",
    "alive",
    "look",
    "limit",
    "shortcuts",
    "microscope",
    "recognition",
    "lucent",
)
"""What is measured unless parts are named, from seconds to about an hour."""

OTHERS = "others"
"""The part that takes hours, for horama's default takes more than ten minutes per channel."""

FEW = 1
"""Channels a layer for it."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--channels", type=int, default=speed.PER_LAYER, help="channels a layer")
    parser.add_argument("--out", type=Path, default=Path(".cache/benchmarks"), help="for images")
    parser.add_argument(
        "--only", choices=(*PARTS, OTHERS), nargs="+", default=PARTS, help="parts to run"
    )
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
    if "shortcuts" in asked.only:
        shortcuts.each_alone(network)
    if "microscope" in asked.only:
        speed.every_unit(network)
    if "look" in asked.only:
        looks.contrast_and_color(asked.channels)
    if "recognition" in asked.only:
        looks.recognition(network)
    if OTHERS in asked.only:
        looks.others(network, FEW)
    if "lucent" in asked.only:
        speed.against_lucent(network, asked.channels, asked.out)
        print(f"\nLucent's images above ours: {asked.out}")


if __name__ == "__main__":
    main()
