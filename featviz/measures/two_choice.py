"""Whether a judge can tell from the pictures of units which photographs excite them."""

import torch
import torch.nn.functional as F
from torch import Tensor

from featviz.network.network import Network
from featviz.network.values import activations


def seen_by(judge: Network, layer: str, images: Tensor) -> Tensor:
    """Describes images by what a layer of another network answers, averaged over all places.

    Args:
        judge: The network that looks.
        layer: Its layer; ":relu" where values before the ReLU are not meant.
        images: (N, 3, H, W) in [0, 1], large enough for the layer.

    Returns:
        (N, units).
    """
    answers = activations(judge, images, layer)
    return answers.reshape(*answers.shape[:2], -1).mean(2)


def plain_look(images: Tensor) -> Tensor:
    """Describes images by color and coarseness alone: a judge that recognizes nothing.

    Args:
        images: (N, 3, H, W) in [0, 1].

    Returns:
        (N, 8): mean and standard deviation of red, green and blue; differences between neighbors,
        across and down, against the standard deviation of the brightness.
    """
    flat = images.flatten(2)
    light = images.mean(1)
    spread = light.flatten(1).std(1).clamp(min=torch.finfo().eps)
    across = light.diff(dim=2).abs().flatten(1).mean(1) / spread
    down = light.diff(dim=1).abs().flatten(1).mean(1) / spread
    return torch.cat([flat.mean(2), flat.std(2), torch.stack([across, down], 1)], 1)


def choices(pictures: Tensor, photographs: Tensor) -> Tensor:
    """Lets a judge choose, for each unit's picture, between its photographs and another unit's.

    Each column is standardized on either side, so that what all pictures have in common, their
    contrast say, does not count. The nearer side by the cosine is chosen.

    Source: R. Borowski et al., "Exemplary Natural Images Explain CNN Activations Better than
    State-of-the-Art Feature Visualization", ICLR 2021, with a network in place of people
    and turned around: there people choose the photograph.

    Args:
        pictures: (N, D) descriptions of the units' pictures.
        photographs: (N, D) of the photographs that excite them.

    Returns:
        (N, N): 1 where the picture of the row's unit is taken to its own photographs rather than
        those of the column's, 0 where not, 0.5 in a tie; so is a unit against itself.

    Raises:
        ValueError: Fewer than two units, or descriptions that don't belong together.
    """
    if pictures.shape != photographs.shape or len(pictures) < 2:
        raise ValueError(
            f"two choices need descriptions (N, D) of the same at least 2 units, not "
            f"{tuple(pictures.shape)} and {tuple(photographs.shape)}."
        )
    one, other = (F.normalize(standardized(side, side), dim=1) for side in (pictures, photographs))
    near = one @ other.T
    own = near.diagonal()[:, None]
    return (own > near).float() + 0.5 * (own == near).float()


def two_choice(pictures: Tensor, photographs: Tensor) -> Tensor:
    """Returns how often a judge's `choices` are right.

    Args:
        pictures: (N, D) descriptions of the units' pictures.
        photographs: (N, D) of the photographs that excite them.

    Returns:
        (N,) share of the N - 1 other units against which the choice is right; chance is 0.5.

    Raises:
        ValueError: As `choices`.
    """
    return share_right(choices(pictures, photographs))


def share_right(choices: Tensor) -> Tensor:
    """Returns the share (N,) of right choices (N, N) against the N - 1 other units."""
    return (choices.sum(-1) - 0.5) / (choices.shape[-1] - 1)


def standardized(side: Tensor, by: Tensor) -> Tensor:
    """Shifts and scales the columns of descriptions to mean 0 and spread 1 of others.

    Args:
        side: (N, D) descriptions.
        by: (M, D) those whose mean and standard deviation count.

    Returns:
        (N, D); a column that does not vary is only shifted.
    """
    spread = by.std(0)
    return (side - by.mean(0)) / torch.where(spread > 0, spread, 1)
