"""The other PyTorch libraries that visualize features, on the bundled trunk, at their defaults."""

import contextlib
import io
import random
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import faccent
import horama
import numpy as np
import torch
from faccent import render
from horama import maco_fv
from torch import Tensor

from benchmarks.rival import Trunk
from featviz.network.network import Network

with warnings.catch_warnings():  # importing it silences every warning of the whole process
    from torch_dreams import Dreamer

HORAMA_STEPS = 1000
"""horama's default number of steps."""

TORCH_DREAMS_STEPS = 120
"""torch-dreams' default number of steps."""

FACCENT_STEPS = 99
"""faccent's default number of steps: its last threshold, 98, and the step at 0."""

SPECTRUM = Path(faccent.__file__).with_name("clean_decorrelated.npy")
"""ImageNet's mean amplitudes, which horama downloads into the current folder when it first runs.
faccent ships such a template (the package dreamlens records it as the same file; not compared
here), so that horama runs without a network and leaves no file behind."""

maco_fv.MACO_SPECTRUM_FILENAME = str(SPECTRUM)  # horama looks here before it downloads


@dataclass(frozen=True)
class Library:
    """A library and how it visualizes a channel.

    Attributes:
        name: The package and its version.
        steps: Its default number of steps.
        visualize: (network, layer, unit) -> the channel's image (3, H, W) in [0, 1], of the
            library's default size, and the seconds it took.
    """

    name: str
    steps: int
    visualize: Callable[[Network, str, int], tuple[Tensor, float]]


def _horama(network: Network, layer: str, unit: int) -> tuple[Tensor, float]:
    """MACO. Its objective is any function of images, so it never meets the ReLU that follows."""
    last = int(network.resolve(layer).module.split(".")[1])
    part = Trunk(network).eval().features[: last + 1]
    with _run(unit) as seconds:
        image, _ = horama.maco(
            lambda images: part(images)[:, unit].mean(), total_steps=HORAMA_STEPS, device="cpu"
        )
    # Its image is in what the network takes, from -2.5 to 2.5: a little more than [0, 1] gives.
    mean, std = (image.new_tensor(value).view(3, 1, 1) for value in (network.mean, network.std))
    return (image.detach() * std + mean).clamp(0, 1), seconds()


def _torch_dreams(network: Network, layer: str, unit: int) -> tuple[Tensor, float]:
    """Its hook keeps the convolution's output, which the in-place ReLU then overwrites."""
    model = Trunk(network).eval()
    with _run(unit) as seconds:
        image = Dreamer(model, quiet=True, device="cpu").render(
            layers=[model.get_submodule(network.resolve(layer).module)],
            custom_func=lambda outputs: -outputs[0][:, unit].mean(),
            iters=TORCH_DREAMS_STEPS,
        )
    return image.to_chw_tensor(), seconds()


def _faccent(network: Network, layer: str, unit: int) -> tuple[Tensor, float]:
    """From noise, without a photograph to accentuate. It reads after the in-place ReLU, too.

    It maps [0, 1] to [-2, 2] for the network instead of normalizing; its image is as it returns it.
    """
    model = Trunk(network).eval()
    name = network.resolve(layer).module.replace(".", "_")
    with _run(unit) as seconds:
        images, *_ = render.render_vis(
            model,
            f"{name}:{unit}",
            out_thresholds=range(0, FACCENT_STEPS, 2),
            inline_thresholds=(),  # plots
            progress=False,
        )
    return images[-1][0], seconds()


@contextlib.contextmanager
def _run(seed: int) -> Iterator[Callable[[], float]]:
    """Seeds all that the libraries draw from, keeps them quiet and takes the time."""
    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - torch-dreams starts from numpy's global state
    random.seed(seed)
    start = end = time.perf_counter()
    # horama's progress bar can't be turned off, nor can faccent's messages.
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield lambda: end - start
    end = time.perf_counter()


LIBRARIES = (
    Library(f"horama {version('horama')}", HORAMA_STEPS, _horama),
    Library(f"torch-dreams {version('torch-dreams')}", TORCH_DREAMS_STEPS, _torch_dreams),
    Library(f"faccent {version('faccent')}", FACCENT_STEPS, _faccent),
)
"""All of them."""
