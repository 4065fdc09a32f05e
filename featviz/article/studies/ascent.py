"""Gradient ascent: how to climb, one improvement at a time, and what can be checked exactly."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from featviz.article.bridge.values import Values
from featviz.article.studies.ascent_methods import SIDE, STEPS, SUBJECTS
from featviz.article.studies.shared import SEED, alexnet, evenly, in_field, maximize, plain
from featviz.ascent.effective_field import used_field
from featviz.ascent.recipes import EXACT, LINEAR, LUCID, NEURON, STRIPES, Adam, Recipe
from featviz.ascent.result import Maximization
from featviz.ascent.score import evaluate
from featviz.figures import Figure, dots, grid, trajectory
from featviz.images.fourier import Fourier
from featviz.images.natural import Natural
from featviz.images.pixels import Pixels
from featviz.measures import pictures
from featviz.measures.weights import bounded_optimum, optimum
from featviz.network.values import activations
from featviz.objectives.algebra import Objective
from featviz.objectives.units import Neuron

STARTS = 16
"""Random starts over which the share of dead units is counted."""


@dataclass(frozen=True)
class Rectified(Objective):
    """An objective read behind a plain ReLU, as a hook on an in-place network reads it."""

    inner: Neuron

    @property
    def layers(self) -> frozenset[str]:
        return self.inner.layers

    def __call__(self, values: Mapping[str, Tensor]) -> Tensor:
        return self.inner({name: F.relu(value) for name, value in values.items()})

    def __str__(self) -> str:
        return f"relu({self.inner})"


def climb() -> Figure:
    """The trajectory of several units, step by step."""
    result = maximize(SUBJECTS, size=SIDE, frames="log")
    return trajectory(
        result.frames,
        result.frame_steps,
        result.frame_values,
        id="trajectory",
        alt="Several units' images growing from gray noise to full patterns over the steps",
        labels=[str(unit) for unit in SUBJECTS],
        caption=f"<strong>Move the slider: by step {_half(result)} of {STEPS} every unit has at least half of its final "
        "activation</strong>, and with it the pattern; the rest adds contrast and detail. The curve is the objective "
        "without transforms.",
        value_name="channel mean",
        log_x=True,
    )


def _half(result: Maximization) -> int:
    """The first frame's step at which every image has half of its final activation."""
    enough = (result.frame_values >= result.frame_values[-1] / 2).all(1)
    return result.frame_steps[int(enough.int().argmax())]


def dead_images() -> Figure:
    """The trap, live: the same neurons read after the ReLU and before it."""
    units = [Neuron("conv5", unit) for unit in evenly("conv5")]
    size = used_field(alexnet(), "conv5").canvas()
    recipe = replace(NEURON, image=Natural(wake=False))
    behind = maximize([Rectified(unit) for unit in units], size=size, recipe=recipe)
    before = maximize(units)
    images = [list(in_field("conv5", one.images)) for one in (behind, before)]
    return grid(
        ["after the ReLU", "before the ReLU"],
        [str(unit.unit) for unit in units],
        images,
        id="dead-images",
        alt="Eight neurons of conv5 in two rows: mostly gray squares above, clear images below",
        caption="<strong>Gray above, pictures below</strong>: eight neurons of conv5, with the objective read after the "
        "ReLU, as a hook on torchvision's AlexNet reads it, and before it. Seed and steps are the same.",
        scores=[behind.values.tolist(), before.values.tolist()],
        score_name="activation",
    )


EXACT_NAME = "pixels, clamped"
"""featviz's recipe where the highest score is asked for and the summit is known."""

DEFAULT_NAME = "the default, bounded"
"""What `maximize` does with conv1 by itself."""

EXACT_METHODS = {
    "Lucid's basis": Recipe(Fourier(decay=1.0), (), Adam(0.05), LUCID.steps),
    "pixels, sigmoid": Recipe(Pixels("sigmoid"), (), Adam(0.05), LUCID.steps),
    EXACT_NAME: EXACT,
    DEFAULT_NAME: LINEAR,
}
"""Ways to climb where the summit is known."""


def exact_shares() -> Figure:
    """What part of conv1's exact maximum each method reaches."""
    shares = _exact_shares()
    return dots(
        list(EXACT_METHODS),
        {"conv1 filters": [100 * shares[name] for name in EXACT_METHODS]},
        "reached, % of the exact maximum",
        id="exact-shares",
        alt="Dots per method: Lucid's basis scatters between 70 and 100 percent, clamped pixels lie "
        "at 100 percent for all filters, the bounded default far below",
        caption="<strong>Clamped pixels reach the exact maximum for every filter.</strong> A dot is one of conv1's 64 "
        f"filters, scored on the 8-bit image after {LUCID.steps} steps ({EXACT_NAME}: {EXACT.steps}, the default: "
        f"{LINEAR.steps}); bars mark the median, lines the middle half.",
    )


def numbers() -> Values:
    """What the text quotes."""
    shares = _exact_shares()
    lucid, default = shares["Lucid's basis"], shares[DEFAULT_NAME]
    neurons, channels = _dead()
    return Values(
        steps=STEPS,
        exact_worst=f"{100 * shares[EXACT_NAME].min():.2f}",
        default_median=f"{100 * default.median():.0f}",
        bounded_worst=f"{100 * _bounded_share():.1f}",
        lucid_worst=f"{100 * lucid.min():.0f}",
        lucid_median=f"{100 * lucid.median():.0f}",
        dead_neurons=f"{neurons:.0f}",
        dead_channels=f"{channels:.0f}",
    )


def _dead() -> tuple[float, float]:
    """Percent of conv5's neurons and of its channels whose value is negative wherever it counts."""
    streams = [Generator().manual_seed(SEED + number) for number in range(STARTS)]
    with torch.no_grad():
        starts = LUCID.image.build(streams, 128, 128)()
    silent = activations(alexnet(), starts, "conv5") <= 0
    center = silent.shape[2] // 2
    neurons, channels = silent[:, :, center, center], silent.flatten(2).all(2)
    return 100 * neurons.float().mean().item(), 100 * channels.float().mean().item()


def _conv1_objectives() -> list[Neuron]:
    return [Neuron("conv1", unit) for unit in range(alexnet().units("conv1"))]


def _bounded_share() -> float:
    """What part the default's image reaches of the closed form under the bound, for the worst filter.

    Both less what plain gray gives, as filters differ in that.
    """
    net, objectives = alexnet(), _conv1_objectives()
    size = net.receptive_field("conv1").canvas()
    optimum = bounded_optimum(net, "conv1", size, STRIPES.energy)
    results = maximize(objectives).images
    gray, best, ours = (
        evaluate(net, objectives, images)
        for images in (torch.full_like(optimum, 0.5), optimum, pictures.to_bytes(results))
    )
    return ((ours - gray) / (best - gray)).min().item()


@cache
def _exact_shares() -> dict[str, Tensor]:
    """Method -> (64,) share of the exact maximum that its 8-bit image reaches."""
    net, objectives = alexnet(), _conv1_objectives()
    best = optimum(net, "conv1")[1] + plain("conv1")
    reached = {name: maximize(objectives, recipe=how).images for name, how in EXACT_METHODS.items()}
    return {
        name: evaluate(net, objectives, pictures.to_bytes(images)) / best
        for name, images in reached.items()
    }
