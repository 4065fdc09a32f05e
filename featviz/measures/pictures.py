"""What a picture's score is worth: does it survive small changes, how much is contrast?"""

from collections.abc import Sequence

import torch
from torch import Tensor

from featviz.ascent.score import score
from featviz.images import transforms
from featviz.network.inputs import check_images
from featviz.network.network import Network
from featviz.objectives.algebra import Objective

DRAWS = 8
"""Random changes that a robust value is the mean of."""


def robust_values(
    network: Network,
    objectives: Sequence[Objective],
    images: Tensor,
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> Tensor:
    """Scores images under lucid's random shifts, zooms and rotations.

    Args:
        network: The network.
        objectives: One per image.
        images: (N, 3, H, W) in [0, 1].
        draws: Random changes to average over; all images get the same ones.
        seed: Where they come from.

    Returns:
        (N,) mean values.
    """
    images = check_images(images).cpu()
    stream = torch.Generator().manual_seed(seed)
    shape = (draws, 1, transforms.draws(transforms.LUCID))
    uniform = torch.rand(shape, generator=stream).expand(-1, len(images), -1)
    inputs = network.normalize(images)
    scores = [
        score(
            network, objectives, transforms.apply(transforms.LUCID, inputs, numbers, step), images
        )
        for step, numbers in enumerate(uniform)
    ]
    return torch.stack(scores).mean(0)


def contrast(images: Tensor) -> Tensor:
    """Returns the root mean square distance of pixels from their channel's mean.

    Args:
        images: (N, 3, H, W) in [0, 1].

    Returns:
        (N,) from 0 for flat color to 0.5 for pure black and white.
    """
    centered = images - images.mean((2, 3), keepdim=True)
    return centered.square().mean((1, 2, 3)).sqrt()


def at_contrast(images: Tensor, target: Tensor) -> Tensor:
    """Stretches images around their mean color to a contrast, and cuts off at 0 and 1.

    Args:
        images: (N, 3, H, W) in [0, 1].
        target: (N,) contrasts to reach, as `contrast` measures them.

    Returns:
        (N, 3, H, W) in [0, 1].
    """
    mean = images.mean((2, 3), keepdim=True)
    factor = (target / contrast(images)).view(-1, 1, 1, 1)
    return (mean + (images - mean) * factor).clamp(0, 1)


def to_bytes(images: Tensor) -> Tensor:
    """Rounds images in [0, 1] to the 256 levels that a file holds."""
    return (images * 255).round() / 255
