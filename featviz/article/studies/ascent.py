"""Gradient ascent: how to climb, one improvement at a time, and what can be checked exactly."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from featviz.article.bridge.values import Values
from featviz.article.studies.ascent_methods import SIDE, STEPS, SUBJECTS
from featviz.article.studies.shared import SEED, alexnet, evenly, in_field, maximize
from featviz.ascent.effective_field import used_field
from featviz.ascent.recipes import EXACT, LUCID, NATURAL_ADAM, NEURON, STANDARD, Adam, Recipe
from featviz.ascent.result import Maximization
from featviz.ascent.score import evaluate
from featviz.figures import Figure, bars, dots, grid, table, trajectory
from featviz.images.fourier import Fourier
from featviz.images.natural import ENERGY, Natural
from featviz.images.pixels import Pixels
from featviz.images.transforms import NARROW, Affine
from featviz.measures import pictures
from featviz.measures.weights import bounded_optimum
from featviz.network.network import private_view
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
    units = SUBJECTS
    result = maximize(units, size=SIDE, frames="log")
    return trajectory(
        result.frames,
        result.frame_steps,
        result.frame_values,
        id="trajectory",
        alt="Several units' images growing from gray noise to full patterns over the steps",
        labels=[str(unit) for unit in units],
        caption=f"Move the slider to follow an image from noise. <strong>By step {_half(result)} of {STEPS} every unit "
        "has at least half of its final activation</strong>, and with it the pattern; the rest adds "
        "contrast and detail. The curve is the objective on the image itself, without transforms.",
        value_name="channel mean",
        log_x=True,
    )


def _half(result: Maximization) -> int:
    """The first frame's step at which every image has half of its final activation."""
    enough = (result.frame_values >= result.frame_values[-1] / 2).all(1)
    return result.frame_steps[int(enough.int().argmax())]


def dead_shares() -> Figure:
    """How many units have no gradient at the start, if they are read after the ReLU."""
    net = alexnet()
    neurons, channels = _dead(net.layers)
    return bars(
        net.layers,
        {"center neuron": neurons, "whole channel": channels},
        "share of units with zero gradient, %",
        id="dead-shares",
        alt="Bars per layer: the share of units without gradient rises to nearly all at conv5",
        caption="The share of units that <strong>can't start</strong> if the objective is read after "
        f"the ReLU, counted over {STARTS} random starts. Before the ReLU it is zero at every layer.",
    )


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
        caption="Eight neurons of conv5, same seed and steps. Above, the objective is the value after "
        "the ReLU, as a hook on torchvision's AlexNet reads it; below, the value before it. "
        "<strong>Nothing else differs.</strong>",
        scores=[behind.values.tolist(), before.values.tolist()],
        score_name="activation",
    )


EXACT_NAME = "pixels, clamped"
"""featviz's recipe where the highest score is asked for and the summit is known."""

EXACT_METHODS = {
    "Lucid's basis": Recipe(Fourier(decay=1.0), (), Adam(0.05), LUCID.steps),
    "pixels, sigmoid": Recipe(Pixels("sigmoid"), (), Adam(0.05), LUCID.steps),
    EXACT_NAME: EXACT,
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
        "at 100 percent for all filters",
        caption="Each dot is one of the 64 filters of conv1, in percent of its exact maximum, "
        f"scored on the 8-bit image after {LUCID.steps} steps ({EXACT_NAME}: "
        f"{EXACT.steps}); bars mark the median, lines the middle half. <strong>A basis of falling amplitudes and mixed colors can't reach the "
        "corners of the color cube</strong> at every pixel; pixels can.",
    )


def exact_images() -> Figure:
    """The filters that the Fourier basis serves worst, beside their exact optimum."""
    shares = _exact_shares()["Lucid's basis"]
    worst = shares.argsort()[:6].tolist()
    rows = {
        "exact optimum": in_field("conv1", _optimum())[worst],
        EXACT_NAME: _conv1_field(EXACT)[worst],
        "Lucid's basis": _conv1_field(EXACT_METHODS["Lucid's basis"])[worst],
    }
    scores = [_shares(images)[worst].mul(100).tolist() for images in (
        _optimum(), _conv1(EXACT).images, _conv1(EXACT_METHODS["Lucid's basis"]).images
    )]  # fmt: skip
    return grid(
        list(rows),
        [f"conv1:{unit}" for unit in worst],
        [list(images) for images in rows.values()],
        id="exact-images",
        alt="Six conv1 filters: their exact optimum, what clamped pixels found, and what Lucid's basis found",
        caption="The six filters on which Lucid's basis falls shortest. Numbers are percent of the "
        "exact maximum. The first two rows should be equal; in the third many pixels "
        "lie at the wrong end of a color.",
        scores=scores,
        score_name="percent of the maximum",
    )


SETTINGS = {
    "default": STANDARD,
    "half the energy": replace(STANDARD, image=Natural(ENERGY / 2)),
    "twice the energy": replace(STANDARD, image=Natural(ENERGY * 2)),
    "rate × ½": replace(STANDARD, optimizer=replace(NATURAL_ADAM, rate=NATURAL_ADAM.rate / 2)),
    "rate × 2": replace(STANDARD, optimizer=replace(NATURAL_ADAM, rate=NATURAL_ADAM.rate * 2)),
    "momentum 0.9": replace(STANDARD, optimizer=replace(NATURAL_ADAM, momentum=(0.9, 0.999))),
    "no transforms": replace(STANDARD, transforms=()),
    "half the frame": replace(STANDARD, transforms=NARROW),
    "turned at every step": replace(STANDARD, transforms=(Affine(10.0, 0.9, 1.1, 8.0, 12),)),
    "half the steps": replace(STANDARD, steps=STEPS // 2),
    "twice the steps": replace(STANDARD, steps=STEPS * 2),
}
"""One setting changed at a time: name -> recipe."""


def settings() -> Figure:
    """What each setting is worth."""
    net = alexnet()
    scores = {}
    for name, recipe in SETTINGS.items():
        images = pictures.to_bytes(maximize(SUBJECTS, size=SIDE, recipe=recipe).images)
        scores[name] = (
            evaluate(net, SUBJECTS, images),
            pictures.robust_values(net, SUBJECTS, images),
            pictures.contrast(images),
        )
    default = scores["default"]
    rows = [
        (name, *(f"{(ours / its).median():.2f}" for ours, its in zip(three, default, strict=True)))
        for name, three in scores.items()
    ]
    return table(
        rows,
        ["setting", "activation", "robust activation", "contrast"],
        id="settings",
        alt="Table of settings with activation, robust activation and contrast relative to the default",
        caption=f"One setting changed at a time; medians over the {len(SUBJECTS)} channels of "
        '<a href="#fig-methods"></a>, relative to the default. <strong>Energy buys activation</strong>, and so do more '
        "steps: the default is a choice of looks and of time, not a summit. Without transforms "
        "hardly any of the activation survives a small shift.",
    )


def numbers() -> Values:
    """What the text quotes."""
    shares = _exact_shares()
    lucid = shares["Lucid's basis"]
    neurons, channels = _dead(("conv5",))
    return Values(
        steps=STEPS,
        exact_worst=f"{100 * shares[EXACT_NAME].min():.2f}",
        bounded_worst=f"{100 * _bounded_share():.1f}",
        lucid_worst=f"{100 * lucid.min():.0f}",
        lucid_median=f"{100 * lucid.median():.0f}",
        dead_neurons=f"{neurons[0]:.0f}",
        dead_channels=f"{channels[0]:.0f}",
    )


def _dead(layers: tuple[str, ...]) -> tuple[list[float], list[float]]:
    """Percent of neurons and of channels whose value is negative wherever it counts."""
    streams = [Generator().manual_seed(SEED + number) for number in range(STARTS)]
    with torch.no_grad():
        starts = LUCID.image.build(streams, 128, 128)()
    values = activations(alexnet(), starts, layers)
    neurons, channels = [], []
    for layer in layers:
        value = values[layer]
        center = value.shape[2] // 2
        neurons.append(100 * (value[:, :, center, center] <= 0).float().mean().item())
        channels.append(100 * (value <= 0).flatten(2).all(2).float().mean().item())
    return neurons, channels


def _conv1_objectives() -> list[Neuron]:
    return [Neuron("conv1", unit) for unit in range(alexnet().units("conv1"))]


def _conv1(recipe: Recipe) -> Maximization:
    return maximize(_conv1_objectives(), recipe=recipe)


def _conv1_field(recipe: Recipe) -> Tensor:
    return in_field("conv1", _conv1(recipe).images)


def _bounded_share() -> float:
    """What part the default's image reaches of the closed form under the bound, for the worst filter.

    Both less what plain gray gives, as filters differ in that.
    """
    net, objectives = alexnet(), _conv1_objectives()
    size = net.receptive_field("conv1").canvas()
    optimum = bounded_optimum(net, "conv1", size)
    results = maximize(objectives).images
    gray, best, ours = (
        evaluate(net, objectives, images)
        for images in (torch.full_like(optimum, 0.5), optimum, pictures.to_bytes(results))
    )
    return ((ours - gray) / (best - gray)).min().item()


@cache
def _exact_shares() -> dict[str, Tensor]:
    """Method -> (64,) share of the exact maximum that its 8-bit image reaches."""
    return {name: _shares(_conv1(recipe).images) for name, recipe in EXACT_METHODS.items()}


def _shares(images: Tensor) -> Tensor:
    net, objectives = alexnet(), _conv1_objectives()
    best = evaluate(net, objectives, _optimum())
    return evaluate(net, objectives, pictures.to_bytes(images)) / best


@cache
def _optimum() -> Tensor:
    """The exact optimum of every conv1 neuron on its canvas, by the signs of its weights."""
    net = alexnet()
    size = net.receptive_field("conv1").canvas()
    image = torch.full((1, 3, size, size), 0.5, requires_grad=True)
    value = Neuron("conv1", 0)
    gradients = []
    conv = private_view(net).get_submodule("features.0")
    for unit in range(net.units("conv1")):
        score = replace(value, unit=unit)({"conv1": conv(net.normalize(image))})
        gradients.append(torch.autograd.grad(score, image)[0])
    slope = torch.cat(gradients)
    return torch.where(slope == 0, 0.5, (slope > 0).float())
