"""Which images are optimized together, on which canvas, from which random streams."""

import hashlib
from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from numbers import Integral

import torch
from torch import Tensor

from featviz.ascent.effective_field import used_field
from featviz.ascent.recipes import LINEAR, NEURON, STANDARD, Recipe
from featviz.ascent.score import is_diverse, is_linear_in_image
from featviz.images.gray import Gray
from featviz.images.transforms import Transform, apply, draws
from featviz.network.inputs import Images, check_images, check_size
from featviz.network.network import Network
from featviz.objectives.algebra import IMAGE, Objective, weighted_terms
from featviz.objectives.resemblance import Resemblance
from featviz.objectives.units import Channel, Neuron, whole

CANVAS = 160
"""Default side of an image in pixels, or the network's own if that is less: a whole number of
tiles, and room for what AlexNet's deepest units see, 163 px; lucid's 128 px cut what they want in
two."""

BATCH = 32 * 128**2
"""Pixels optimized at a time, unless the caller says otherwise: 32 images of 128 px. On two cores
16, 32 and 64 of them are equally fast per image, and a batch takes about 1 GB."""


CPU = torch.device("cpu")

NUDGE = 13
"""Pixels by which a canvas grows to see whether a network takes images of any size: no multiple of
what networks divide by."""

MEMORY = 2 * 2**30
"""Bytes that the pass of a batch may keep for its gradient: a quarter of a laptop's 8 GB. Networks
that keep more than 4 KB per pixel get smaller batches than `BATCH`."""

CARD_SHARE = 8
"""Part of a graphics card's memory that a pass may keep there: one in so many. Of the whole memory,
because what is free changes, and with it the width of passes and the bits."""

MOST_ON_CARD = 4
"""How many times `BATCH` the largest cards take at a time. An H200 makes AlexNet's pictures 2.5
times faster so. A single one is filled up to the same width: a third longer there, and longer where
fewer images already fill the card."""


@dataclass(frozen=True)
class Job:
    """Images that are optimized together.

    Attributes:
        rows: Their numbers.
        objectives: What each is asked for.
        recipe: How they climb.
        size: (height, width) of each.
        width: How many images go through the network at least, some of them to fill up: 0 for no
            more than there are.
    """

    rows: list[int]
    objectives: tuple[Objective, ...]
    recipe: Recipe
    size: tuple[int, int]
    width: int = 0


@dataclass(frozen=True)
class _Kind:
    """What the images of one batch have in common."""

    layers: frozenset[str]
    linear: bool  # scored by a shortcut, which rounds otherwise
    diverse: bool  # equal objectives are optimized together: their images must differ
    recipe: Recipe
    size: tuple[int, int]


@dataclass(frozen=True)
class Middle(Transform):
    """The middle of an image: what other transforms made larger has its size again.

    Attributes:
        height: Its height in pixels.
        width: Its width in pixels.
    """

    height: int
    width: int

    def __call__(self, images: Tensor, uniform: Tensor, step: int) -> Tensor:
        top, left = (images.shape[-2] - self.height) // 2, (images.shape[-1] - self.width) // 2
        return images[..., top : top + self.height, left : left + self.width]


def check(
    objectives: tuple[Objective, ...],
    recipe: Recipe | None,
    steps: int | None,
    batch: int | None,
) -> None:
    """Raises a ValueError, with what is valid, if there is nothing to do or no way to do it."""
    if not isinstance(recipe, Recipe | None):
        raise ValueError(f"a recipe is a Recipe, featviz.recipes.HIGHEST say, not {recipe!r}.")
    if not objectives:
        raise ValueError("no objective to maximize; name at least one, Channel('conv5', 12) say.")
    for name, value in (("steps", steps), ("batch", batch)):
        if value is not None and (not isinstance(value, Integral) or value < 1):
            raise ValueError(f"{name} is a whole number, at least 1, not {value!r}.")


def plan(
    network: Network,
    objectives: tuple[Objective, ...],
    recipe: Recipe | None,
    steps: int | None,
    size: int | tuple[int, int] | None,
    batch: int | None,
    device: torch.device = CPU,
) -> list[Job]:
    """Plans batches of images that stop at the same layer, on the same canvas, by one recipe.

    Args:
        network: The network.
        objectives: One per image; `check` has passed them.
        recipe: How to climb; without it each objective's default.
        steps: How many steps, if not the recipe's.
        size: Side of the images in pixels or (height, width); without it each objective's default.
        batch: Images in a batch, if not as many as suit the machine.
        device: Where they will be optimized. CUDA's cards choose their kernels, and so their
            roundings, by how many images there are: all of their passes have one width.

    Raises:
        ValueError: Canvases of different sizes, or one too small for its layer.
    """
    # Objectives differ by the thousand in their unit alone.
    kinds: dict[Hashable, _Kind] = {}
    alike: dict[_Kind, list[int]] = {}
    for row, objective in enumerate(objectives):
        sort = _sort(objective)
        if sort not in kinds:
            kinds[sort] = _kind(network, objective, recipe, steps, size)
        alike.setdefault(kinds[sort], []).append(row)
    sizes = sorted({kind.size for kind in alike})
    if len(sizes) > 1:
        sides = " and ".join(f"{height} x {width}" for height, width in sizes)
        raise ValueError(
            f"these objectives fill canvases of different sizes, {sides} px; "
            f"give one size for all, or maximize them one layer at a time."
        )
    jobs = []
    for kind, rows in alike.items():
        _check_places(network, [objectives[row] for row in rows], kind.size)
        if device.type == "cuda":
            width = _fitting(network, kind, MOST_ON_CARD * BATCH, device)
            fitting = min(batch or width, width)
        else:
            width, fitting = 0, batch or _fitting(network, kind, len(rows))
        groups: dict[object, list[int]] = {}
        for row in rows:
            groups.setdefault(objectives[row] if kind.diverse else row, []).append(row)
        for members in _batches(list(groups.values()), fitting):
            goals = tuple(objectives[row] for row in members)
            jobs.append(Job(members, goals, kind.recipe, kind.size, width))
    return jobs


def _sort(objective: Objective) -> Hashable:
    """What decides an objective's kind, whatever its units and weights."""
    terms = [
        (term.layers, term.position) if isinstance(term, Neuron) else (term.layers,)
        for _, term in weighted_terms(objective)
    ]
    return objective.linear, is_diverse(objective), *terms


def _kind(
    network: Network,
    objective: Objective,
    recipe: Recipe | None,
    steps: int | None,
    size: int | tuple[int, int] | None,
) -> _Kind:
    base = recipe or _default_recipe(network, objective)
    canvas = _canvas(network, objective, size)
    variant = _fit(network, objective.layers - {IMAGE}, base, canvas)
    return _Kind(
        objective.layers,
        objective.linear,
        is_diverse(objective),
        replace(variant, steps=int(steps or base.steps)),
        canvas,
    )


def room(device: torch.device) -> tuple[int, int]:
    """Returns how many pixels a device takes at a time, and how many bytes their pass may keep."""
    if device.type != "cuda":
        return BATCH, MEMORY
    memory = torch.cuda.get_device_properties(device).total_memory // CARD_SHARE
    return BATCH * max(1, min(MOST_ON_CARD, memory // MEMORY)), memory


def _fitting(network: Network, kind: _Kind, count: int, device: torch.device = CPU) -> int:
    """How many images suit the machine, of those that there are."""
    most, memory = room(device)
    pixels = kind.size[0] * kind.size[1]
    fitting = min(count, most // pixels)
    if fitting > 1:
        fitting = min(fitting, int(memory / max(1.0, network.kept_bytes * pixels)))
    return max(1, fitting)


def _batches(groups: Sequence[list[int]], width: int) -> Iterator[list[int]]:
    """Whole groups of rows, as many at a time as fit."""
    rows: list[int] = []
    for group in groups:
        if rows and len(rows) + len(group) > width:
            yield rows
            rows = []
        rows = rows + group
    yield rows


def _default_recipe(network: Network, objective: Objective) -> Recipe:
    if is_linear_in_image(network, objective):
        return LINEAR
    terms = [term for _, term in weighted_terms(objective)]
    return NEURON if any(isinstance(term, Neuron) for term in terms) else STANDARD


def _canvas(
    network: Network, objective: Objective, size: int | tuple[int, int] | None
) -> tuple[int, int]:
    if size is None:
        return _default_canvas(network, objective)
    canvas = check_size(size)
    for layer in objective.layers - {IMAGE}:
        network.shape(layer, canvas)  # a size that won't do is told before the first step
    return canvas


def _default_canvas(network: Network, objective: Objective) -> tuple[int, int]:
    """What an objective is asked on, at most the size that the network was made for."""
    side = min(CANVAS, network.record.size or CANVAS)
    terms = [term for _, term in weighted_terms(objective) if term.layers != {IMAGE}]
    if terms and all(isinstance(term, Neuron) and term.position is None for term in terms):
        layers = {layer for term in terms for layer in term.layers}
        side = max(used_field(network, layer).canvas() for layer in layers)
    side = suiting_side(network, objective.layers - {IMAGE}, side)
    return side, side


def suiting_side(network: Network, layers: Collection[str], side: int) -> int:
    """Returns a side of images, or the network's own where images of that side don't reach layers.

    Args:
        network: The network.
        layers: The layers' names.
        side: In pixels.
    """
    return side if _takes(network, layers, (side, side)) else network.size


def _check_places(network: Network, objectives: Iterable[Objective], size: tuple[int, int]) -> None:
    """Tells before the first step which places an image of a size doesn't have."""
    placed: dict[Hashable, Channel | Neuron | Resemblance] = {}
    for objective in objectives:
        for _, term in weighted_terms(objective):
            match term:
                case Channel(border=border) if border:
                    placed.setdefault((term.layer, border), term)
                case Neuron(position=position) if position:
                    placed.setdefault((term.layer, position), term)
                case Resemblance():
                    placed.setdefault((term.layer, term.target.shape), term)
    for term in placed.values():
        shape = (3, *size) if term.layer == IMAGE else network.shape(term.layer, size)
        term({term.layer: torch.zeros(1, *shape)})


def _fit(
    network: Network, layers: frozenset[str], recipe: Recipe, canvas: tuple[int, int]
) -> Recipe:
    """The recipe as it suits a network: gray, and cut to the canvas where a larger one won't do."""
    if len(network.mean) == 1 and not isinstance(recipe.image, Gray):
        recipe = replace(recipe, image=Gray(recipe.image))
    if _takes(network, layers, (canvas[0] + NUDGE, canvas[1] + NUDGE)):
        return recipe
    plain, numbers = torch.zeros(1, 1, *canvas), torch.zeros(1, draws(recipe.transforms))
    sizes = [apply(recipe.transforms, plain, numbers, step).shape[-2:] for step in range(2)]
    if all(_takes(network, layers, (height, width)) for height, width in sizes):
        return recipe
    return replace(recipe, transforms=(*recipe.transforms, Middle(*canvas)))


def _takes(network: Network, layers: Collection[str], size: tuple[int, int]) -> bool:
    """Whether images of a size reach all layers."""
    try:
        for layer in layers:
            network.shape(layer, size)
    except ValueError:
        return False
    return True


def random_streams(
    objectives: tuple[Objective, ...], seed: int, labels: Sequence[Hashable] | None = None
) -> list[torch.Generator]:
    """Makes one random stream per image.

    Args:
        objectives: What each image is asked for. Its stream follows from it, the seed and its place
            among equal ones.
        seed: Where all randomness comes from.
        labels: One label per image, if streams follow from labels instead: images of one label
            start from the same noise and are changed alike.

    Raises:
        ValueError: There is not one label per image.
        TypeError: The seed is no whole number.
    """
    seed = whole(seed, "seed")
    if labels is None:
        copies: Counter[Objective] = Counter()
        names = []
        for objective in objectives:
            names.append(f"{objective}/{copies[objective]}")
            copies[objective] += 1
    elif len(labels) == len(objectives):
        names = [f"shared/{label}" for label in labels]
    else:
        raise ValueError(
            f"streams hold one label per image, {len(objectives)} here, not {len(labels)}."
        )
    streams = []
    for name in names:
        digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
        # torch takes seeds of 64 bits, and only positive ones mean the same everywhere.
        streams.append(torch.Generator().manual_seed(int.from_bytes(digest[:8]) >> 1))
    return streams


def starts(start: Images | None, count: int, size: int | tuple[int, int] | None) -> Tensor | None:
    """Returns the images to start from, one for each to be made.

    Args:
        start: (3, H, W), or (N, 3, H, W) in [0, 1]; None where noise is the start.
        count: N.
        size: The size asked for, if any.

    Raises:
        ValueError: Another number of images, another size than asked for, or no images at all.
    """
    if start is None:
        return None
    images = check_images(start).cpu()
    if len(images) not in (1, count):
        raise ValueError(f"start holds one image, or one for each of {count}, not {len(images)}.")
    if size is not None and check_size(size) != images.shape[-2:]:
        raise ValueError(
            f"start is {images.shape[-2]} x {images.shape[-1]} px, but size is {size!r}; "
            f"leave size out."
        )
    return images.expand(count, -1, -1, -1)


def frame_numbers(frames: Sequence[int] | str, steps: int) -> tuple[int, ...]:
    """Returns the steps before which to keep the image; "log" is 0, 1, 2, 4, ... and the last."""
    if isinstance(frames, str) and frames == "log":
        powers = [2**k for k in range(steps.bit_length()) if 2**k < steps]
        return (0, *powers, steps)
    if not isinstance(frames, Iterable) or isinstance(frames, str):
        raise ValueError(f"frames are numbers of steps or 'log', not {frames!r}.")
    numbers = sorted({whole(frame, "frame") for frame in frames})
    for frame in numbers:
        if not 0 <= frame <= steps:
            raise ValueError(f"frames are steps from 0 to {steps}, not {frame}.")
    return tuple(numbers)
