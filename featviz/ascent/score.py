"""Objectives of a whole batch at once, with nothing computed that no objective needs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from featviz.ascent.shortcuts import (
    ConstantGradient,
    fold_batch_norms,
    is_affine,
    space_to_depth,
)
from featviz.network.inputs import Images, check_images
from featviz.network.network import Network, private_view, reads_image
from featviz.network.passes import large_enough, own_mode, private_copy, run_to, run_until
from featviz.network.returned import LayerRef
from featviz.network.values import passes, run_alike
from featviz.objectives.algebra import IMAGE, Objective, weighted_terms
from featviz.objectives.text import as_objectives
from featviz.objectives.units import Diversity


@own_mode()
def evaluate(
    network: Network,
    objectives: Objective | str | Iterable[Objective | str],
    images: Images,
    *,
    batch: int | None = None,
) -> Tensor:
    """Scores images as they are, in float32.

    Args:
        network: The network.
        objectives: One for all images, or one per image; objectives or their text forms.
        images: (N, 3, H, W) or one image (3, H, W), floats in [0, 1]; NumPy arrays, of bytes
            too, and pictures of Pillow's do as well. The work is done on their device.
        batch: Images per pass, if not as many as suit the memory. It leaves the values alone; 1 x 1
            convolutions and dense layers may round otherwise.

    Returns:
        (N,) values on the images' device, without gradients.

    Raises:
        ValueError: An objective that the network can't answer or that can't be read; another number
            of objectives than of images; images of another shape or range, or too small.
        TypeError: What is to be scored by is no objective.
    """
    images = check_images(images)
    goals = as_objectives(network, objectives)
    if len(goals) == 1:
        goals *= len(images)
    if len(goals) != len(images):
        raise ValueError(
            f"there is one objective for all images or one for each of {len(images)}, "
            f"not {len(goals)}."
        )
    return score(network, goals, network.normalize(images), images, batch)


@own_mode()
@torch.no_grad()
def score(
    network: Network,
    objectives: Sequence[Objective],
    inputs: Tensor,
    images: Tensor,
    batch: int | None = None,
) -> Tensor:
    """Scores images by what the network is given of them.

    Args:
        network: The network.
        objectives: One per image, resolved.
        inputs: (N, 3, H, W) what the network sees, normalized.
        images: (N, 3, H', W') the images in [0, 1] themselves, for penalties.
        batch: Images per pass, if not as many as suit the memory.

    Returns:
        (N,) float32 values.
    """
    refs = _refs(network, objectives)
    view = private_view(network, refs, in_place=True).to(inputs.device, torch.float32)
    values = inputs.new_empty(len(inputs), dtype=torch.float32)
    for rows in _together(objectives, inputs, batch):
        layer_values = {IMAGE: images[rows].float()}
        if refs:
            layer_values |= run_alike(view, inputs[rows].float(), refs)
        values[rows] = _scores(_rows_by_objective([objectives[row] for row in rows]), layer_values)
    return values


class Scorer:
    """Scores a batch of images on their way up, and skips all that is known beforehand.

    The values are those of `evaluate` up to rounding, and gradients flow.

    Args:
        network: The network.
        objectives: One objective per image. Equal ones are scored together.
        device: Where to compute.
        precision: Number format of the network's pass.
        width: Images in a pass: the last is repeated where there are fewer.
    """

    def __init__(
        self,
        network: Network,
        objectives: Sequence[Objective],
        device: torch.device,
        precision: torch.dtype,
        width: int = 0,
    ) -> None:
        self._network = network
        self._precision = precision
        self._width = width or 2  # `run_alike` says why
        self._groups = _rows_by_objective(objectives)
        self._refs = _refs(network, objectives)
        self._view = private_view(network, self._refs).to(device)
        self._target = _affine_target(self._view, self._refs, self._groups)
        if self._target is not None:
            # Its own gradient is taken once and in full precision.
            self._target_module = private_copy(self._view.get_submodule(self._target))
        self._constant: dict[torch.Size, ConstantGradient] = {}
        fold_batch_norms(self._view, network, self._refs)
        self._view.to(dtype=precision)
        if network.takes_channels_last:
            if device.type == "cpu":
                space_to_depth(self._view)
            self._view.to(memory_format=torch.channels_last)

    def __call__(self, inputs: Tensor, images: Tensor) -> Tensor:
        """Scores images.

        Args:
            inputs: (N, 3, H, W) what the network sees, normalized and transformed.
            images: (N, 3, H', W') the images in [0, 1] themselves, for penalties.

        Returns:
            (N,) float32 values, connected to both.
        """
        if not self._refs:
            return _scores(self._groups, {IMAGE: images})
        inputs = inputs.to(self._precision)
        missing = self._width - len(inputs)
        if missing > 0:
            inputs = torch.cat([inputs, inputs[-1:].detach().expand(missing, -1, -1, -1)])
        return self._values(inputs, images)

    def _values(self, inputs: Tensor, images: Tensor) -> Tensor:
        if self._target is None:
            answers = run_to(self._view, inputs, self._refs, redirected_relu)
            values = {name: value.float() for name, value in answers.items()}
            return _scores(self._groups, values | {IMAGE: images})
        layer = self._refs[0].name
        with large_enough(inputs, layer):
            before = run_until(self._view, inputs, self._target)
            if before.shape not in self._constant:
                self._constant[before.shape] = ConstantGradient(
                    lambda value: _scores(self._groups, {layer: value}), self._target_module, before
                )
        return self._constant[before.shape](before)


def redirected_relu(value: Tensor) -> Tensor:
    """A ReLU that lets an image start which no unit answers to.

    Where the gradient of a whole image would be lost, it goes through as if there were no ReLU, but
    for what would push values further below zero.

    Source: lucid, `misc/redirected_relu_grad.py`. Lucid does this in every layer and in the first
    16 steps alone; here it is done in the layer that is asked for, and at every step, because a
    random transform can take an image off its unit at any of them.

    Args:
        value: (N, ...) values before the ReLU.

    Returns:
        (N, ...) rectified.
    """
    result: Tensor = _RedirectedRelu.apply(value)
    return result


class _RedirectedRelu(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        ctx.save_for_backward(value)
        return value.relu()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (value,) = ctx.saved_tensors
        plain = gradient * (value > 0)
        lost = (plain == 0).flatten(1).all(1).view(-1, *[1] * (value.ndim - 1))
        return torch.where(lost, gradient.clamp(min=0), plain)  # uphill: negative pushes lower


def is_linear_in_image(network: Network, objective: Objective) -> bool:
    """Whether an objective is a linear function of the image, so that its maximum is exact."""
    refs = [network.resolve(layer) for layer in objective.layers - {IMAGE}]
    return (
        len(refs) == 1
        and objective.linear
        and not refs[0].relu
        and reads_image(network, refs[0].name)
        and is_affine(network.module.get_submodule(refs[0].module))
    )


def _refs(network: Network, objectives: Sequence[Objective]) -> list[LayerRef]:
    """The layers that objectives read."""
    names = frozenset().union(*(objective.layers for objective in objectives)) - {IMAGE}
    return [network.resolve(name) for name in sorted(names)]


def _scores(groups: Mapping[Objective, list[int]], values: Mapping[str, Tensor]) -> Tensor:
    """Every objective on its own rows, back in the batch's order."""
    scores = [
        objective({name: value[rows] for name, value in values.items()})
        for objective, rows in groups.items()
    ]
    order = torch.tensor([row for rows in groups.values() for row in rows])
    return torch.cat(scores)[order.argsort()]


def _together(
    objectives: Sequence[Objective], inputs: Tensor, batch: int | None
) -> Iterator[list[int]]:
    """Rows of images that go through the network together."""
    rows = list(range(len(inputs)))
    if any(is_diverse(objective) for objective in objectives):
        # Images that must differ are scored against each other, so a group stays whole.
        yield from _rows_by_objective(objectives).values()
    elif rows:
        yield from (rows[part] for part in passes(inputs, batch))


def is_diverse(objective: Objective) -> bool:
    """Whether images of one objective are scored against each other."""
    return any(isinstance(term, Diversity) for _, term in weighted_terms(objective))


def _rows_by_objective(objectives: Sequence[Objective]) -> dict[Objective, list[int]]:
    groups: dict[Objective, list[int]] = {}
    for row, objective in enumerate(objectives):
        groups.setdefault(objective, []).append(row)
    return groups


def _affine_target(
    view: nn.Module, refs: Sequence[LayerRef], groups: Mapping[Objective, list[int]]
) -> str | None:
    """The module whose value all objectives are linear in, if it needn't run."""
    # Of a module that runs twice, a source is one call's.
    if len(refs) != 1 or refs[0].relu or not refs[0].module or refs[0].source != refs[0].module:
        return None
    if not all(objective.linear and IMAGE not in objective.layers for objective in groups):
        return None
    return refs[0].module if is_affine(view.get_submodule(refs[0].module)) else None
