"""Do the maps mean anything? Curves, controls, and checks of attribution maps.

Every measure is for a control as well: a random map of the same resolution, a blob in the middle,
an edge detector. A map that does no better than these says nothing about the network.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from featviz.network.network import OUTPUT, Network
from featviz.network.values import activations
from featviz.objectives.algebra import IMAGE, Objective
from featviz.objectives.penalties import gaussian_blur
from featviz.objectives.units import Logit

BLUR = 10.0
"""Standard deviation in pixels of the blur that hides a place: at 224 px it leaves colors and takes
textures and parts. RISE's 5 px leave many objects recognizable."""

STEPS = 8
"""Steps of a curve: the share of the photo that is hidden or shown grows by an eighth."""


def curves(
    network: Network,
    photo: Tensor,
    objective: Objective,
    maps: Sequence[Tensor],
    steps: int = STEPS,
) -> tuple[Tensor, Tensor]:
    """Watches the score as a photo's places are hidden behind a blur, or shown, in maps' orders.

    Source: V. Petsiuk, A. Das, K. Saenko, "RISE: Randomized Input Sampling for Explanation of
    Black-box Models", BMVC 2018, section 4.2; with a blur in both directions, because gray patches
    have hard edges that are evidence of their own.

    Args:
        network: The network.
        photo: (3, H, W) in [0, 1].
        objective: For a `Logit` its probability is watched, for others their value.
        maps: (h, w) each, of any resolution; higher is more important.
        steps: Number of steps, 2 or more.

    Returns:
        Deletion, (maps, steps + 1) scores from the whole photo to the blur, the most important
        places hidden first; and insertion, from the blur to the whole photo, the most important
        shown first.

    Raises:
        ValueError: There is no map, or a single step.
    """
    if not maps or steps < 2:
        raise ValueError(
            f"curves want a map or more and 2 steps or more, not {len(maps)} and {steps}."
        )
    hidden = blurred(photo)
    ends = scores(network, torch.stack([hidden, photo]), objective).cpu()
    first, last = ends[:1], ends[1:]
    counts = (torch.linspace(0, 1, steps + 1)[1:-1] * photo[0].numel()).round()[:, None, None]
    deletion, insertion = [], []
    for map in maps:
        rank = _order(map, photo.shape[1:])
        masks = torch.cat([rank < counts, rank >= counts])[:, None].to(photo)
        values = scores(network, masks * photo + (1 - masks) * hidden, objective).cpu()
        insertion.append(torch.cat([first, values[: steps - 1], last]))
        deletion.append(torch.cat([last, values[steps - 1 :], first]))
    return torch.stack(deletion), torch.stack(insertion)


def area(curve: Tensor, whole: float | None = None) -> float:
    """Returns the mean height of a curve over its whole length.

    Args:
        curve: (steps + 1,) scores.
        whole: The score of the whole photo, above 0; the area is then a share of it, in [0, 1] for
            a class: the curve is cut off there. Of a class at 0.3 a part of the photo may reach
            0.9, and three times the evidence of the whole is not what a map can be praised for.

    Returns:
        The area, in the units of the scores or as a share of `whole`.
    """
    if whole is not None:
        curve = curve.clamp(max=whole) / whole
    return ((curve[:-1] + curve[1:]) / 2).mean().item()


def random_map(shape: Sequence[int], seed: int) -> Tensor:
    """Returns a map of independent normal numbers: what a method that knows nothing would say."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def center_map(shape: Sequence[int]) -> Tensor:
    """Returns a blob in the middle, which is where photographers put what they photograph.

    Its standard deviation is a quarter of the side.
    """
    rows, columns = (torch.linspace(-2, 2, size) for size in shape)
    return torch.exp(-0.5 * (rows[:, None] ** 2 + columns[None] ** 2))


def edge_map(photo: Tensor) -> Tensor:
    """Returns how steep a photo is at each pixel: what an edge detector says, without a network.

    Source of the control: J. Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS 2018,
    section 5.

    Args:
        photo: (3, H, W) in [0, 1].

    Returns:
        (H, W) magnitude of the Sobel gradient of the mean of the colors.
    """
    sobel = photo.new_tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    gray = F.pad(photo.mean(0)[None, None], (1, 1, 1, 1), mode="replicate")
    across, down = F.conv2d(gray, torch.stack([sobel, sobel.T])[:, None])[0]
    return torch.hypot(across, down)


def side_by_side(left: Tensor, right: Tensor) -> Tensor:
    """Joins two photos of one height to one: (3, H, W) and (3, H, V) -> (3, H, W + V).

    Source of the test: M. Böhle, M. Fritz, B. Schiele, "Convolutional Dynamic Alignment Networks
    for Interpretable Classifications", CVPR 2021, section 4.2 (grids of images with known classes).
    """
    return torch.cat([left, right], dim=2)


def share_left(map: Tensor) -> float:
    """Returns which share of a map's positive part lies in the left half; a half if none is.

    Args:
        map: (h, w). The middle column of an odd map counts half.
    """
    mass = map.clamp(min=0).double().sum(0)
    total = mass.sum().item()
    half, odd = divmod(len(mass), 2)
    inside = mass[:half].sum().item() + (mass[half].item() / 2 if odd else 0.0)
    return inside / total if total > 0 else 0.5


def spread(map: Tensor) -> float:
    """Returns which share of the places hold half of a map's positive part; a half if even."""
    mass = map.clamp(min=0).double().flatten().sort(descending=True).values
    total = mass.sum()
    if not total > 0:
        return 0.5
    return (int((mass.cumsum(0) < total / 2).sum()) + 1) / len(mass)


def scores(network: Network, images: Tensor, objective: Objective) -> Tensor:
    """Scores photos: a class by its probability, any other objective by its value.

    Of a network that scores every place, it is the class's mean probability.

    Args:
        network: The network.
        images: (N, 3, H, W) in [0, 1].
        objective: The objective.

    Returns:
        (N,) scores.
    """
    if isinstance(objective, Logit):
        shares = activations(network, images, OUTPUT).softmax(1)
        return objective.resolve(network)({OUTPUT: shares})
    values = activations(network, images, sorted(objective.layers - {IMAGE}))
    return objective(values | {IMAGE: images})


def _order(map: Tensor, size: Sequence[int]) -> Tensor:
    """Each pixel's place in the order of a map: 0 for the most important. (H, W)."""
    large = F.interpolate(map[None, None].float(), tuple(size), mode="bilinear").flatten()
    # Equal places come in random order: in reading order they would uncover the photo's top first.
    shuffle = torch.randperm(large.numel(), generator=torch.Generator().manual_seed(0))
    order = shuffle[large[shuffle].argsort(descending=True, stable=True)]
    rank = torch.empty_like(order)
    rank[order] = torch.arange(len(order))
    return rank.view(*size)


def blurred(photo: Tensor) -> Tensor:
    """Returns a photo (3, H, W) behind a Gaussian blur of `BLUR` pixels."""
    return gaussian_blur(photo[None], BLUR, int(3 * BLUR))[0].clamp(0, 1)
