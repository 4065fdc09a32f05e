"""The same measurements on other networks: a step against bare passes, and the race with Lucent."""

import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from torch.optim.swa_utils import update_bn
from torchvision import models
from torchvision.models.googlenet import GoogLeNet
from torchvision.models.inception import Inception3

import featviz as fv
from benchmarks import speed
from featviz.ascent.precision import suiting_precision
from featviz.network.network import Network
from featviz.network.passes import private_copy
from featviz.zoo.layers import named_layers
from featviz.zoo.weights import WeightsError

NAMES = (
    "vgg16",
    "resnet50",
    "googlenet",
    "inception_v3",
    "densenet121",
    "mobilenet_v3_small",
    "efficientnet_b0",
    "convnext_tiny",
)
"""Networks whose step is divided by their own bare passes."""

RACES = {"vgg16": "conv4_3", "resnet50": "layer3.5"}
"""Networks on which Lucent races -> the layer whose channels are asked for."""

SIZE = 128
"""Side of the images in pixels."""

BATCH = 8
"""Images at a time, unless another number is asked for."""

SEEN = 152
"""Side in pixels of what the network sees of such an image, with the frame of the default's
transforms."""

STEPS = 16
"""Steps per run, with set-up and final scores."""

FITTED_ON = 8
"""Images of noise on which random networks' batch norms get their statistics."""

HONEST = (152,)
"""Lucent's `fixed_image_size` here: the one at which it optimizes at about 1:1."""


def load(name: str) -> Network:
    """Loads a torchvision network: with published weights if they are in the cache, else random."""
    try:
        return fv.load(name)
    except WeightsError:
        return random_network(name)


def random_network(name: str) -> Network:
    """Makes a torchvision network of random weights, whose batch norms know what they are given."""
    builder = models.get_model_builder(name)
    options = {}
    if builder.__annotations__["return"] in (GoogLeNet, Inception3):
        options = {"aux_logits": False, "init_weights": False}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(speed.SEED)
        module = builder(weights=None, **options)
        update_bn([torch.randn(FITTED_ON, 3, SIZE, SIZE)], module)
    return Network(module.eval(), layers=named_layers(module), name=f"{name}, random")


def against_bare(names: Sequence[str], batch: int) -> None:
    """Prints the time of a step divided by that of a network's own passes, for a class's logit."""
    print(f"\nA step of {batch} images of {SIZE} px against the network's own passes, at that size")
    print(
        f"and at the {SEEN} px that it sees with the default's frame; ours with set-up of a run and"
    )
    print(f"final scores, over {STEPS} steps; {torch.get_num_threads()} threads")
    columns = (f"bare {SIZE}", f"bare {SEEN}", "ours", f"/ {SIZE}", f"/ {SEEN}")
    print(f"{'ms/step':<32}{'format':>10}" + "".join(f"{column:>10}" for column in columns))
    for name in names:
        network = load(name)
        precision = suiting_precision(network, "auto", torch.device("cpu"))
        _step(network, batch, steps=1)  # what is asked of a network once doesn't count
        rounds = [
            (
                _bare(network, batch, SIZE, precision),
                _bare(network, batch, SEEN, precision),
                _step(network, batch),
            )
            for _ in range(speed.ROUNDS)
        ]  # fmt: skip - in turn, so that all meet the same machine
        small, seen, ours = (1000 * statistics.median(times) for times in zip(*rounds, strict=True))
        form = str(precision).removeprefix("torch.")
        print(
            f"{network.name:<32}{form:>10}{small:>10.1f}{seen:>10.1f}{ours:>10.1f}"
            f"{ours / small:>10.2f}{ours / seen:>10.2f}",
            flush=True,
        )


def against_lucent(names: Sequence[str], count: int, batch: int, out: Path) -> None:
    """Prints seconds per unit to reach Lucent's median in both scores, on each network."""
    for name in names:
        if name not in RACES:
            raise SystemExit(
                f"no layer of {name} is set for the race; {', '.join(RACES)} have one."
            )
        network = load(name)
        print(f"\n{network.name}; {torch.get_num_threads()} threads")
        speed.against_lucent(network, (RACES[name],), HONEST, count, out / name, batch)


def _bare(network: Network, batch: int, size: int, precision: torch.dtype) -> float:
    """Seconds per forward and backward pass to the image, of the module as torchvision makes it."""
    module = network.module
    copy = private_copy(module).to(precision).to(memory_format=torch.channels_last)
    for mine, its in zip(copy.modules(), module.modules(), strict=True):
        if hasattr(its, "inplace"):
            mine.inplace = its.inplace
    images = torch.rand(batch, 3, size, size).to(precision, memory_format=torch.channels_last)
    images.requires_grad_()
    start = time.perf_counter()
    for _ in range(STEPS):
        torch.autograd.grad(copy(images)[:, 0].float().sum(), images)
    return (time.perf_counter() - start) / STEPS


def _step(network: Network, batch: int, steps: int = STEPS) -> float:
    """Seconds per step of our default, for the logits of as many classes."""
    classes = [fv.Logit(index) for index in range(batch)]
    start = time.perf_counter()
    fv.maximize(network, classes, size=SIZE, steps=steps, batch=batch, progress=False)
    return (time.perf_counter() - start) / steps
