"""How long featviz takes to reach Lucent's scores, and how near it is to the hardware's limit."""

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from tqdm import tqdm

import featviz as fv
from benchmarks import rival
from featviz.ascent import plan
from featviz.ascent.device import find_precision
from featviz.ascent.recipes import HIGHEST, STANDARD, Recipe
from featviz.images.natural import bounded
from featviz.measures import pictures
from featviz.microscope.build import Microscope
from featviz.microscope.views import side
from featviz.network.network import Network
from featviz.store import Store

LAYERS = ("conv2", "conv3", "conv4", "conv5")
"""Layers without an exact answer."""

TUNED_ON = (10, 23, 33, 42, 45, 50, 58, 77, 100, 130, 150, 200)
"""Channels that settings were ever chosen on; none of them is measured here."""

PER_LAYER = 16
"""Channels measured per layer; with eight the ratio swings by a factor of two."""

SEED = 2026
"""Decides which channels; fixed before any of them was looked at."""

SIZES = (128, 152)
"""Lucent's `fixed_image_size`. At 128 it shrinks its padded image, optimizes at 0.83 of the scale
at which it is scored, and is easy to beat; at 152 it optimizes at about 1:1."""

LENGTHS = (16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 192, 224, 256, 384, 512)
"""Numbers of steps tried, each as a run of its own, until one is enough."""

CONTRAST = 0.2
"""RMS contrast that both sides' images are brought to on equal terms, after the bound."""

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
    place = (LAYERS if layer in LAYERS else network.layers).index(layer)
    order = np.random.default_rng([SEED, place]).permutation(network.units(layer))
    return [int(unit) for unit in order if unit not in TUNED_ON][:count]


def against_lucent(
    network: Network, layers: Sequence[str], sizes: Sequence[int], count: int, out: Path,
    batch: int = BATCH,
) -> None:  # fmt: skip
    """Prints seconds per unit to reach Lucent's median in both scores."""
    print(f"\nLucent {rival.STEPS} steps against featviz at 128 px; medians over {count} channels;")
    print("scores are clean / robust. As they are: both sides' images, ours for the highest score.")
    print(f"Equal: both brought under the photographs' bound and to a contrast of {CONTRAST}; ours")
    print("is the default.")
    print(
        f"{'layer':<9}{'Lucent at':<11}{'terms':<12}{'s/unit':>8}{'scores':>15}{'ours':>15}"
        f"{'steps':>7}{'s/unit':>9}{'faster':>8}"
    )
    for layer in layers:
        units = channels(network, layer, count)
        for size in sizes:
            runs = [
                rival.visualize(network, layer, unit, size)
                for unit in tqdm(units, desc=f"Lucent {layer} at {size}", leave=False)
            ]
            theirs = pictures.to_bytes(torch.stack([image for image, _ in runs]))
            seconds = statistics.median(seconds for _, seconds in runs)
            for name, recipe, terms in (
                ("as they are", HIGHEST, pictures.to_bytes),
                ("equal", STANDARD, on_equal_terms),
            ):
                race = Race(network, layer, units, recipe, terms, batch)
                start = f"{layer:<9}{size:<11}{name:<12}{seconds:>8.2f}"
                print(start + race.against(theirs, seconds), flush=True)
            ours = _ours(network, layer, units, STANDARD, STANDARD.steps)
            _grid(out / f"{layer}-{size}.png", theirs, ours)


def on_equal_terms(images: Tensor) -> Tensor:
    """Brings images under the photographs' bound and to one contrast."""
    calm = bounded(images)
    return pictures.to_bytes(pictures.at_contrast(calm, torch.full((len(calm),), CONTRAST)))


@dataclass(frozen=True)
class Race:
    """Some channels, our recipe, and the terms on which images are scored."""

    network: Network
    layer: str
    units: list[int]
    recipe: Recipe
    terms: Callable[[Tensor], Tensor]
    batch: int = BATCH

    def against(self, theirs: Tensor, seconds: float) -> str:
        """The rest of a row: their scores, ours, and what reaching them takes."""
        target = self.scores(theirs)
        for steps in LENGTHS:
            ours = self.scores(_ours(self.network, self.layer, self.units, self.recipe, steps))
            if ours.reach(target):
                whole = time_of(self.network, self.layer, self.recipe, steps, self.batch)
                each = whole / self.batch
                return f"{target!s:>15}{ours!s:>15}{steps:>7}{each:>9.3f}{seconds / each:>7.0f}x"
        return f"{target!s:>15}{ours!s:>15}  not reached in {LENGTHS[-1]} steps"

    def scores(self, images: Tensor) -> Scores:
        """Medians over the channels."""
        objectives = [fv.Channel(self.layer, unit) for unit in self.units]
        images = self.terms(images)
        clean = fv.evaluate(self.network, objectives, images).median().item()
        robust = rival.robust(self.network, self.layer, self.units, images).median().item()
        return Scores(clean, robust)


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
            ours.append(time_of(network, layer, STANDARD, STANDARD.steps) / STANDARD.steps)
        a, b = statistics.median(bare), statistics.median(ours)
        print(f"{layer:<7}{1000 * a:>14.1f}{1000 * b:>14.1f}{b / a:>8.2f}", flush=True)


def every_unit(network: Network) -> None:
    """Prints the time of the whole microscope divided by that of bare passes of as many steps."""
    formats = (torch.float32, find_precision("auto", torch.device("cpu")))
    ours, bare = 0.0, dict.fromkeys(formats, 0.0)
    with tempfile.TemporaryDirectory() as folder:
        scope = Microscope(network, store=Store(folder))
        for layer in network.layers:  # in turn, so that both meet the same machine
            start = time.perf_counter()
            scope.build([layer])
            ours += time.perf_counter() - start
            for precision in bare:
                bare[precision] += _bare_views(scope, layer, precision)
    units = sum(map(network.units, network.layers))
    print(f"\nAll views of {units:,} units: {ours:.0f} s")
    for precision, seconds in bare.items():
        print(f"bare passes of as many steps, {precision}: {seconds:.0f} s: {ours / seconds:.2f}")


def _bare_views(scope: Microscope, layer: str, precision: torch.dtype) -> float:
    """Seconds of bare passes of as many steps as the views of a layer take."""
    network, seconds = scope.network, 0.0
    for view in scope.views(layer):
        images = network.units(layer) * view.copies
        width = side(network, layer, view)
        assert width is not None  # every unit of these networks sees less than an image
        batch = min(images, plan.BATCH // width**2)
        once = _bare(network, layer, precision, 8, batch, width)
        seconds += view.steps * once * images / batch
    return seconds


def _ours(network: Network, layer: str, units: list[int], recipe: Recipe, steps: int) -> Tensor:
    objectives = [fv.Channel(layer, unit) for unit in units]
    return pictures.to_bytes(_climb(network, objectives, recipe, steps))


def time_of(network: Network, layer: str, recipe: Recipe, steps: int, batch: int = BATCH) -> float:
    """Seconds that a full batch takes, set-up and final scores included."""
    objectives = [fv.Channel(layer, unit) for unit in range(batch)]
    start = time.perf_counter()
    _climb(network, objectives, recipe, steps)
    return time.perf_counter() - start


def _climb(network: Network, objectives: list[fv.Channel], recipe: Recipe, steps: int) -> Tensor:
    return fv.maximize(
        network, objectives, size=128, steps=steps, recipe=recipe, device=rival.DEVICE,
        progress=False,
    ).images  # fmt: skip


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


def _grid(path: Path, theirs: Tensor, ours: Tensor) -> None:
    """Lucent's images above ours, to be looked at."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = torch.cat([torch.cat(list(row), 2) for row in (theirs, ours)], 1)
    Image.fromarray((rows.permute(1, 2, 0) * 255).byte().numpy()).save(path)
