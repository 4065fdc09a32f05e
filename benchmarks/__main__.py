"""Runs all measurements: `python -m benchmarks [--only PART ...] [--channels N] [--out DIR]`."""

import argparse
import warnings
from pathlib import Path

import torch

import featviz as fv
from benchmarks import claims, looks, networks, shortcuts, speed

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

NETWORKS = ("networks", "lucent-networks")
"""Parts on other networks than AlexNet, whose published weights count if they are in the cache."""

FEW = 1
"""Channels a layer for it."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--channels", type=int, default=speed.PER_LAYER, help="channels a layer")
    parser.add_argument("--out", type=Path, default=Path(".cache/benchmarks"), help="for images")
    parser.add_argument(
        "--only", choices=(*PARTS, OTHERS, *NETWORKS), nargs="+", default=PARTS, help="parts to run"
    )
    parser.add_argument(
        "--networks", nargs="+", metavar="NAME", help="for the parts on other networks: which"
    )
    parser.add_argument(
        "--batch", type=int, default=networks.BATCH, help="images at a time, for the same parts"
    )
    parser.add_argument("--threads", type=int, help="threads of torch, if not its own choice")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    # Lucent warns about torch's own changes since 2021.
    warnings.filterwarnings("ignore", module="lucent|torch")
    network = fv.load("alexnet")
    if "exact" in options.only:
        claims.exact(network)
    if "bits" in options.only:
        claims.same_bits(network)
    if "alive" in options.only:
        claims.alive(network)
    if "limit" in options.only:
        speed.near_the_limit(network)
    if "shortcuts" in options.only:
        shortcuts.each_alone(network)
    if "microscope" in options.only:
        speed.every_unit(network)
    if "look" in options.only:
        looks.contrast_and_color(options.channels)
    if "recognition" in options.only:
        looks.recognition(network)
    if OTHERS in options.only:
        looks.others(network, FEW)
    if "lucent" in options.only:
        speed.against_lucent(network, speed.LAYERS, speed.SIZES, options.channels, options.out)
        print(f"\nLucent's images above ours: {options.out}")
    if "networks" in options.only:
        networks.against_bare(options.networks or networks.NAMES, options.batch)
    if "lucent-networks" in options.only:
        names = options.networks or tuple(networks.RACES)
        networks.against_lucent(names, options.channels, options.batch, options.out)


if __name__ == "__main__":
    main()
