"""What all studies work with: the network, the photographs, and ascent that is done only once."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import nn

from featviz.ascent import climb
from featviz.ascent.device import find_device, find_precision
from featviz.ascent.recipes import Recipe
from featviz.ascent.result import Maximization, join
from featviz.measures.tuning import gray_values
from featviz.microscope import views
from featviz.network import network
from featviz.objectives.algebra import Objective
from featviz.objectives.units import Channel, Neuron
from featviz.store import Store, fingerprint
from featviz.zoo import bundled

SEED = 0
"""Where all randomness of the article comes from."""

PER_LAYER = 8
"""Units per layer that all chapters share, so that a unit has the same picture everywhere."""

CHUNK = 64
"""Images per entry of the store: what a killed build computes again at most."""

TENSORS = ("images", "alpha", "values", "history", "gradients", "frames", "frame_values")
"""What the store keeps of a result, beside the steps of its frames."""


@cache
def alexnet() -> network.Network:
    """Returns the network that the article is about."""
    return bundled.load("alexnet")


def maximize(
    objectives: Sequence[Objective],
    *,
    net: network.Network | None = None,
    size: int | None = None,
    steps: int | None = None,
    seed: int = SEED,
    recipe: Recipe | None = None,
    start: torch.Tensor | None = None,
    streams: Sequence[str] | None = None,
    frames: Sequence[int] | str = (),
) -> Maximization:
    """Finds images by gradient ascent, or takes them from the store.

    Args:
        objectives: One per image; equal ones stay together if they come one after the other.
        net: The network; AlexNet without it.
        size: As in `featviz.maximize`, like all that follow.
        steps: As there.
        seed: As there.
        recipe: As there.
        start: As there, one image for all.
        streams: As there; all objectives are then optimized together.
        frames: As there.

    Returns:
        As `featviz.maximize`.
    """
    net = net or alexnet()
    device = find_device("auto")
    precision = str(find_precision("auto", device)).removeprefix("torch.")
    settings: dict[str, Any] = {
        "size": size,
        "steps": steps,
        "seed": seed,
        "recipe": recipe,
        "frames": frames,
    }
    keys: dict[str, Any] = {} if start is None else {"start": fingerprint(start.numpy())}
    keys |= {} if streams is None else {"streams": list(streams)}
    arguments: dict[str, Any] = {"start": start, "streams": streams}
    parts = []
    width = CHUNK if streams is None else len(objectives)
    for first in range(0, len(objectives), width):
        chunk = objectives[first : first + width]
        names = [str(objective) for objective in chunk]
        entry = Store().arrays(
            {
                "network": net.fingerprint,
                "objectives": names,
                "device": device.type,
                "precision": precision,
                **settings,
                **keys,
            },
            lambda chunk=chunk: _arrays(climb.maximize(net, chunk, **settings, **arguments)),  # type: ignore[misc]
            "featviz.ascent.climb",
        )
        rows = list(range(first, first + len(chunk)))
        parts.append((rows, _result(entry, chunk, precision)))
    return join(parts)


def _arrays(result: Maximization) -> dict[str, np.ndarray]:
    if result.interrupted:
        # Half a result must not be kept under the name of a whole one.
        raise KeyboardInterrupt
    arrays = {name: getattr(result, name).numpy() for name in TENSORS}
    return arrays | {"frame_steps": np.array(result.frame_steps, dtype=np.int64)}


def _result(
    arrays: dict[str, np.ndarray], objectives: Sequence[Objective], precision: str
) -> Maximization:
    told: dict[str, Any] = {name: torch.from_numpy(arrays[name]) for name in TENSORS}
    steps = tuple(arrays["frame_steps"].tolist())
    return Maximization(tuple(objectives), frame_steps=steps, precision=precision, **told)


def convolution(layer: str) -> nn.Conv2d:
    """Returns the module of one of AlexNet's layers."""
    module = alexnet().module.get_submodule(alexnet().dotted[layer])
    assert isinstance(module, nn.Conv2d)  # as all of AlexNet's are
    return module


def evenly(layer: str, count: int = PER_LAYER) -> list[int]:
    """Returns units spread evenly over a layer: a choice that no one has made by looking."""
    units = alexnet().units(layer)
    return [index * units // count for index in range(count)]


def channel(layer: str, unit: int) -> Channel:
    """Returns the objective of a channel's picture.

    The mean of conv1 before its ReLU is linear in the image and has a 4-px pattern as its optimum,
    the stride's, so that its picture is taken behind the ReLU, by `how`.
    """
    return Channel("conv1:relu" if layer == "conv1" else layer, unit)


def how(layer: str) -> Recipe | None:
    """Returns how whole maps of a layer are asked; None for the default."""
    return views.FIRST if layer == "conv1" else None


@cache
def plain(layer: str) -> torch.Tensor:
    """Returns the values (units,) of the neurons in the center of plain gray, on their whole field."""
    return gray_values(alexnet(), layer)


def in_field(layer: str, images: torch.Tensor) -> torch.Tensor:
    """Cuts images of neurons (..., H, W) down to the receptive field of the central one."""
    return views.in_field(alexnet(), layer, images)


def shared_neurons(layer: str) -> Maximization:
    """Returns the neurons' pictures of the units that all chapters share."""
    return maximize([Neuron(layer, unit) for unit in evenly(layer)])


def shared_channels(layer: str, net: network.Network | None = None) -> Maximization:
    """Returns the channels' pictures of the units that all chapters share."""
    return maximize([channel(layer, unit) for unit in evenly(layer)], net=net, recipe=how(layer))
