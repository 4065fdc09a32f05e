"""What each shortcut of the ascent saves alone: the time without it against the time with all."""

import contextlib
import statistics
from unittest import mock

from benchmarks.speed import BATCH, LAYERS, ROUNDS, time_of
from featviz.ascent.recipes import STANDARD
from featviz.network.network import Network

STEPS = 24
"""Steps per run: set-up then takes a small part of the time."""

OFF = {
    "constant gradient": ("featviz.ascent.score._affine_target", lambda *_: None),
    "space to depth": ("featviz.ascent.score.space_to_depth", lambda _: None),
}
"""What is put in a shortcut's place to do without it."""


def each_alone(network: Network) -> None:
    """Prints, per shortcut and layer, the share of a step that it saves."""
    print(
        f"\nWhat a step of {BATCH} images of 128 px saves by each shortcut, % of a step without it"
    )
    print(f"{'':<24}" + "".join(f"{layer:>9}" for layer in LAYERS))
    runs: dict[str, list[list[float]]] = {name: [[] for _ in LAYERS] for name in ("", *OFF)}
    for _ in range(ROUNDS):  # in turn, so that all meet the same machine
        for column, layer in enumerate(LAYERS):
            for name, times in runs.items():
                off = mock.patch(*OFF[name]) if name else contextlib.nullcontext()
                with off:
                    times[column].append(time_of(network, layer, STANDARD, STEPS))
    whole = [statistics.median(times) for times in runs[""]]
    for name in OFF:
        without = [statistics.median(times) for times in runs[name]]
        savings = [100 * (1 - a / b) for a, b in zip(whole, without, strict=True)]
        print(f"{name:<24}" + "".join(f"{share:>8.0f}%" for share in savings), flush=True)
