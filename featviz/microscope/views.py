"""Ways to ask a unit, and what the pictures of several units are.

They cost in proportion to pixels and steps. What helps the reader least gives way: the opposite and
the four different ones are smallest, and nothing climbs on once its picture has settled.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from featviz.ascent.effective_field import used_field
from featviz.ascent.plan import suiting_side
from featviz.ascent.recipes import STANDARD, STRIPES, NormalizedGradient
from featviz.measures import pictures
from featviz.network.network import Network
from featviz.objectives.algebra import Objective
from featviz.objectives.units import Channel, Diversity


@dataclass(frozen=True)
class View:
    """One way to ask a unit.

    Attributes:
        name: What is asked.
        side: Side of the image in pixels, if the network takes that and wasn't made for less; None
            for the field that a unit uses.
        steps: Steps of ascent; first layers are solved exactly where they can be.
        copies: Images per unit.
    """

    name: str
    side: int | None
    steps: int
    copies: int = 1


CHANNEL = View("channel", 160, 48)
"""The unit everywhere at once: the picture on the sheet."""

NEURON = View("neuron", None, 48)
"""One place of the unit, on the part of its field that it uses."""

OPPOSITE = View("opposite", 96, 32)
"""What the unit is silenced by most."""

DIVERSE = View("diverse", 64, 24, copies=4)
"""Several answers that must differ."""

VIEWS = (CHANNEL, NEURON, OPPOSITE, DIVERSE)
"""In the order in which they are made; the last leans on the first."""

FIRST = replace(STANDARD, image=replace(STRIPES, noise=0.2), optimizer=NormalizedGradient(10.0))
"""How the channels of a layer that reads the image climb, behind their ReLU. Half of what such a
unit does is linear, and steps that keep the gradient's proportions draw its stripes clean, where
Adam's make all frequencies of an octave equally strong, and so grain. The noise at the start is as
strong as is needed for no unit of AlexNet's to stay silent: at 0.15 one does."""

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
        """(N, copies), 0 for flat color, 0.5 for black and white: `measures.pictures.contrast`."""
        flat = torch.from_numpy(self.images).flatten(0, 1)
        contrasts: NDArray[np.float32] = pictures.contrast(flat.float() / 255).numpy()
        return contrasts.reshape(self.values.shape)


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
        Pixels; None if the view shows a field and the layer has none that is known.

    Raises:
        UnknownLayerError: The network has no such layer.
    """
    network.resolve(layer)
    if view.side is not None:
        own = network.record.size or view.side
        return suiting_side(network, [layer], min(view.side, own))
    try:
        canvas = used_field(network, layer).canvas()
    except ValueError:
        return None
    return suiting_side(network, [layer], canvas)


def in_field(network: Network, layer: str, images: Tensor) -> Tensor:
    """Cuts square images down to what the central neuron uses of its receptive field.

    Args:
        network: The network.
        layer: The neuron's layer.
        images: (..., H, H).

    Returns:
        (..., S, S), S the side of the field in use, in pixels.

    Raises:
        ValueError: That field reaches over the images' border, or the layer has none.
    """
    size = images.shape[-1]
    center = network.shape(layer, size)[-1] // 2
    field = used_field(network, layer)
    first, end = field.span(center)
    if first < 0 or end > size:
        raise ValueError(
            f"the field that {layer} uses, {field.size} px, reaches over the border of an image of "
            f"{size} px; {field.canvas()} px are enough."
        )
    return images[..., first:end, first:end]
