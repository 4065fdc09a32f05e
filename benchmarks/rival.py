"""Lucent, the PyTorch port of lucid, with its defaults, on a network as torchvision makes it."""

import copy
import time

import numpy as np
import torch
import torchvision
from lucent.optvis import render, transform
from torch import Tensor, nn

from featviz.network.network import Network, private_view
from featviz.network.passes import run_to

STEPS = 512
"""Lucent's default number of steps."""

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
"""Where both sides run: Lucent knows no other devices, and leaves no choice."""

DRAWS = 8
"""Draws of Lucent's transforms that a robust score is the mean of."""


class Trunk(nn.Module):
    """AlexNet as torchvision builds it, in-place ReLUs and all: what a user of Lucent has."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.features = torchvision.models.alexnet(weights=None).features
        self.load_state_dict(network.module.state_dict())

    def forward(self, images: Tensor) -> Tensor:
        return self.features(images)


def stock(network: Network) -> nn.Module:
    """A fresh network as torchvision builds it."""
    trunk = network.name == "alexnet"
    module = Trunk(network) if trunk else copy.deepcopy(network.module)
    return module.eval().to(DEVICE)


def visualize(network: Network, layer: str, unit: int, image_size: int) -> tuple[Tensor, float]:
    """Runs Lucent on one channel: its image (3, 128, 128) in [0, 1] and the seconds it took."""
    torch.manual_seed(unit)
    np.random.seed(unit)  # noqa: NPY002 - Lucent draws from numpy's global state
    # Lucent leaves its hooks behind, so that every call gets a fresh network.
    model = stock(network)
    name = network.resolve(layer).module.replace(".", "_")
    start = time.perf_counter()
    images = render.render_vis(
        model,
        f"{name}:{unit}",
        thresholds=(STEPS,),
        fixed_image_size=image_size,
        show_image=False,
        progress=False,
    )
    seconds = time.perf_counter() - start
    return torch.from_numpy(images[-1][0]).permute(2, 0, 1), seconds


@torch.no_grad()
def robust(network: Network, layer: str, units: list[int], images: Tensor) -> Tensor:
    """Scores images (N, 3, H, W) under Lucent's own random transforms, the same for all."""
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002
    change = transform.compose(transform.standard_transforms)
    ref = network.resolve(layer)
    view = private_view(network, [ref]).to(DEVICE)
    images = images.to(DEVICE)
    scores = []
    for _ in range(DRAWS):
        value = run_to(view, network.normalize(change(images)), [ref])[layer]
        scores.append(value[range(len(units)), units].mean((1, 2)))
    return torch.stack(scores).mean(0).cpu()
