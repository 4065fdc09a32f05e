"""How long featviz takes to reach Lucent's scores, and how near it is to the hardware's limit."""

import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from tqdm import tqdm

import featviz as fv
from benchmarks import rival
from featviz import planning, quality
from featviz.machine import find_precision
from featviz.microscope import Microscope
from featviz.network import Network
from featviz.recipes import STANDARD
from featviz.store import Store
from featviz.views import side

LAYERS = ("conv2", "conv3", "conv4", "conv5")
"""Layers without an exact answer."""

TUNED_ON = (10, 23, 33, 42, 45, 50, 58, 77, 100, 130, 150, 200)
"""Channels that settings were ever chosen on; none of them is measured here."""

PER_LAYER = 8
"""Channels measured per layer."""

SEED = 2026
"""Decides which channels; fixed before any of them was looked at."""

SIZES = (128, 152)
"""Lucent's `fixed_image_size`. At 128 it shrinks its padded image, optimizes at 0.83 of the scale
at which it is scored, and is easy to beat; at 152 it optimizes at about 1:1."""

LENGTHS = (24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 112, 128, 144, 160, 192, 224, 256, 320, 384, 512)
"""Numbers of steps tried, each as a run of its own."""

BATCH = 32
"""Images per batch when time is taken."""

ROUNDS = 3
"""Times that both sides are timed, in turn; the median counts."""


@dataclass(frozen=True)
class Scores:
    """Medians over channels, as they are and under Lucent's transforms."""

    clean: float
    robust: float

    def reach(self, other: "Scores") -> bool:
        return self.clean >= other.clean and self.robust >= other.robust

    def __str__(self) -> str:
        return f"{self.clean:.1f} / {self.robust:.1f}"


def channels(network: Network, layer: str, count: int) -> list[int]:
    """The channels measured: random, but none of those that settings were chosen on."""
    order = np.random.default_rng([SEED, LAYERS.index(layer)]).permutation(network.units(layer))
    return [int(unit) for unit in order if unit not in TUNED_ON][:count]


def against_lucent(network: Network, count: int, out: Path) -> None:
    """Prints seconds per unit to reach Lucent's median in both scores."""
    print(f"\nLucent {rival.STEPS} steps against featviz at 128 px; medians over {count} channels")
    print("scores are clean / robust; 'at contrast' stretches ours to Lucent's contrast first")
    print(
        f"{'layer':<7}{'Lucent':<8}{'s/unit':>8}{'scores':>15}{'ours':>15}{'steps':>7}"
        f"{'ms/step':>9}{'s/unit':>9}{'faster':>8}  at contrast"
    )
    for layer in LAYERS:
        units = channels(network, layer, count)
        tries = {steps: _ours(network, layer, units, steps) for steps in LENGTHS}
        for size in SIZES:
            runs = [
                rival.visualize(network, layer, unit, size)
                for unit in tqdm(units, desc=f"Lucent {layer} at {size}", leave=False)
            ]
            theirs = quality.to_bytes(torch.stack([image for image, _ in runs]))
            seconds = statistics.median(seconds for _, seconds in runs)
            print(_row(network, layer, units, size, theirs, seconds, tries), flush=True)
            _grid(out / f"{layer}-{size}.png", theirs, tries[STANDARD.steps])


def _row(
    network: Network, layer: str, units: list[int], size: int, theirs: Tensor, seconds: float,
    tries: dict[int, Tensor],
) -> str:  # fmt: skip
    target = _scores(network, layer, units, theirs)
    start = f"{layer:<7}{size:<8}{seconds:>8.2f}{target!s:>15}"
    steps = _first(tries, lambda images: _scores(network, layer, units, images).reach(target))
    contrast = quality.contrast(theirs)
    matched = _first(
        tries,
        lambda images: _scores(
            network, layer, units, quality.to_bytes(quality.at_contrast(images, contrast))
        ).reach(target),
    )
    told = f"{matched} steps" if matched else f"not in {LENGTHS[-1]}"
    if steps is None:
        return f"{start}  not reached in {LENGTHS[-1]} steps  {told}"
    ours = _time(network, layer, steps) / BATCH
    reached = _scores(network, layer, units, tries[steps])
    return (
        f"{start}{reached!s:>15}{steps:>7}{1000 * ours / steps:>9.2f}{ours:>9.3f}"
        f"{seconds / ours:>7.0f}x  {told}"
    )


def near_the_limit(network: Network) -> None:
    """Prints the time of a batch divided by that of torchvision's bare passes."""
    precision = find_precision("auto", torch.device("cpu"))
    print(f"\nA batch of {BATCH} at 128 px against torchvision's bare passes, {precision};")
    print(f"ours is the default, {STANDARD.steps} steps, with set-up and final scores")
    print(f"{'layer':<7}{'bare ms/step':>14}{'ours ms/step':>14}{'ratio':>8}")
    for layer in LAYERS:
        bare, ours = [], []
        for _ in range(ROUNDS):  # in turn, so that both meet the same machine
            bare.append(_bare(network, layer, precision))
            ours.append(_time(network, layer, STANDARD.steps) / STANDARD.steps)
        a, b = statistics.median(bare), statistics.median(ours)
        print(f"{layer:<7}{1000 * a:>14.1f}{1000 * b:>14.1f}{b / a:>8.2f}", flush=True)


def every_unit(network: Network) -> None:
    """Prints the time of the whole microscope divided by that of bare passes of as many steps."""
    precision = find_precision("auto", torch.device("cpu"))
    with tempfile.TemporaryDirectory() as folder:
        scope = Microscope(network, store=Store(folder))
        start = time.perf_counter()
        scope.build()
        ours = time.perf_counter() - start
    bare = 0.0
    for layer in network.layers:
        for view in scope.views(layer):
            images = network.units(layer) * view.copies
            width = side(network, layer, view)
            assert width is not None  # every unit of these networks sees less than an image
            batch = min(images, planning.BATCH // width**2)
            once = _bare(network, layer, precision, 8, batch, width)
            bare += view.steps * once * images / batch
    units = sum(map(network.units, network.layers))
    print(
        f"\nAll views of {units:,} units: {ours:.0f} s, bare passes {bare:.0f} s: {ours / bare:.2f}"
    )


def _ours(network: Network, layer: str, units: list[int], steps: int) -> Tensor:
    recipe = replace(STANDARD, steps=steps)
    wanted = [fv.Channel(layer, unit) for unit in units]
    return quality.to_bytes(fv.maximize(network, wanted, recipe=recipe, progress=False).images)


def _time(network: Network, layer: str, steps: int) -> float:
    """Seconds that a full batch takes, set-up and final scores included."""
    wanted = [fv.Channel(layer, unit) for unit in range(BATCH)]
    start = time.perf_counter()
    fv.maximize(network, wanted, steps=steps, progress=False)
    return time.perf_counter() - start


def _bare(
    network: Network, layer: str, precision: torch.dtype, passes: int = 32,
    batch: int = BATCH, size: int = 128,
) -> float:  # fmt: skip
    """Seconds per forward and backward pass of the stock trunk, as far as the layer."""
    trunk = rival.Trunk(network).features[: int(network.resolve(layer).module.split(".")[1]) + 1]
    trunk = trunk.eval().requires_grad_(False).to(precision).to(memory_format=torch.channels_last)
    images = torch.rand(batch, 3, size, size).to(precision, memory_format=torch.channels_last)
    images.requires_grad_()
    start = time.perf_counter()
    for _ in range(passes):
        value = trunk(images)
        torch.autograd.grad(value[:, 0].float().mean(), images)
    return (time.perf_counter() - start) / passes


def _scores(network: Network, layer: str, units: list[int], images: Tensor) -> Scores:
    wanted = [fv.Channel(layer, unit) for unit in units]
    clean = quality.values(network, wanted, images).median().item()
    return Scores(clean, rival.robust(network, layer, units, images).median().item())


def _first(tries: dict[int, Tensor], good: Callable[[Tensor], bool]) -> int | None:
    return next((steps for steps, images in tries.items() if good(images)), None)


def _grid(path: Path, theirs: Tensor, ours: Tensor) -> None:
    """Lucent's images above ours, to be looked at."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = torch.cat([torch.cat(list(row), 2) for row in (theirs, ours)], 1)
    Image.fromarray((rows.permute(1, 2, 0) * 255).byte().numpy()).save(path)
