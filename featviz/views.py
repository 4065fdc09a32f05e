"""Ways to ask a unit, and what the pictures of several units are.

What they cost, in seconds on two cores with bfloat16: a step of 32 images of 128 px takes 0.017 in
conv2, 0.027 in conv3, 0.032 in conv4 and 0.037 in conv5, in proportion to the pixels. The views
below are 4,300 such steps for the 1,152 units of AlexNet; with the default of 128 steps and 128 px
they would be eight times as many. What helps the reader least gives way: the opposite and the four
different ones are smallest, and nothing climbs on once its picture has settled.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from featviz import quality
from featviz.network import Network
from featviz.objectives import Channel, Diversity, Objective


@dataclass(frozen=True)
class View:
    """One way to ask a unit.

    Attributes:
        name: What is asked.
        side: Side of the image in pixels; None for the unit's receptive field.
        steps: Steps of ascent; first layers are solved exactly where they can be.
        copies: Images per unit.
    """

    name: str
    side: int | None
    steps: int
    copies: int = 1


CHANNEL = View("channel", 128, 48)
"""The unit everywhere at once: the picture on the sheet. 128 steps draw the same things with more
contrast, for a value a third higher."""

NEURON = View("neuron", None, 32)
"""One place of the unit, on all that it sees and no more."""

OPPOSITE = View("opposite", 96, 32)
"""What the unit is silenced by most."""

DIVERSE = View("diverse", 64, 24, copies=4)
"""Several answers that must differ."""

VIEWS = (CHANNEL, NEURON, OPPOSITE, DIVERSE)
"""In the order in which they are made; the last leans on the first."""

APART = 1 / 16
"""What a mean cosine of 1 between the diverse images costs, as a part of the value of the unit's
own channel picture. At a third, half of conv4's images give up half of their activation in order to
differ, and no longer say what excites the unit; at a sixteenth one in fifty does."""

GRAY_BELOW = 0.02
"""Contrast below which a picture counts as gray: five of 256 levels. Starts have about 0.003."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """One view of several units.

    Attributes:
        images: (N, copies, 3, H, W) uint8.
        values: (N, copies) the objectives on the images before they were rounded.
    """

    images: NDArray[np.uint8]
    values: NDArray[np.float32]

    @property
    def contrast(self) -> NDArray[np.float32]:
        """(N, copies) from 0 for flat color to 0.5 for black and white; see `quality.contrast`."""
        flat = torch.from_numpy(self.images).flatten(0, 1)
        found: NDArray[np.float32] = quality.contrast(flat.float() / 255).numpy()
        return found.reshape(self.values.shape)


def differing(channel: Channel, value: float) -> Objective:
    """Returns the objective of several images of a channel that must differ.

    Args:
        channel: The channel.
        value: What its own picture reaches.
    """
    weight = float(f"{APART * abs(value):.2g}")  # its text is part of a key: two digits are enough
    return channel + weight * Diversity(channel.layer)


def side(network: Network, layer: str, view: View) -> int | None:
    """Returns the side of a view's canvas.

    Args:
        network: The network.
        layer: The layer's name.
        view: The view.

    Returns:
        Pixels; None if the view shows a receptive field and the layer has none that is known.

    Raises:
        UnknownLayerError: The network has no such layer.
    """
    network.resolve(layer)
    if view.side is not None:
        return view.side
    try:
        return network.receptive_field(layer).canvas()
    except ValueError:
        return None


def in_field(network: Network, layer: str, images: Tensor) -> Tensor:
    """Cuts square images down to the receptive field of the central neuron.

    Args:
        network: The network.
        layer: The neuron's layer.
        images: (..., H, H).

    Returns:
        (..., S, S), S the side of the field in pixels.

    Raises:
        ValueError: The field reaches over the images' border, or the layer has none.
    """
    size = images.shape[-1]
    center = network.shape(layer, size)[-1] // 2
    first, end = network.receptive_field(layer).span(center)
    if first < 0 or end > size:
        raise ValueError(
            f"the receptive field of {layer}, {end - first} px, reaches over the border of an "
            f"image of {size} px; {network.receptive_field(layer).canvas()} px are enough."
        )
    return images[..., first:end, first:end]
