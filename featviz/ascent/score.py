"""Objectives of a whole batch at once, with nothing computed that no objective needs."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from featviz.ascent.shortcuts import ConstantGradient, is_affine, pool_first, space_to_depth
from featviz.network.network import Network, private_view, reads_image
from featviz.network.passes import LayerRef, large_enough, run_to, run_until
from featviz.objectives.algebra import IMAGE, Objective


class Scorer:
    """Scores a batch of images, each on its own objective.

    Args:
        network: The network.
        objectives: One objective per image. Equal ones are scored together.
        device: Where to compute.
        precision: Number format of the network's pass.
        shortcuts: Whether to skip what is known beforehand; the values are the same up to rounding.
    """

    def __init__(
        self,
        network: Network,
        objectives: Sequence[Objective],
        device: torch.device,
        precision: torch.dtype,
        *,
        shortcuts: bool = True,
    ) -> None:
        self._network = network
        self._precision = precision
        self._groups = _rows_by_objective(objectives)
        self._refs = [
            network.resolve(layer)
            for layer in sorted(frozenset().union(*(o.layers for o in objectives)) - {IMAGE})
        ]
        view = private_view(network, self._refs).to(device)
        self._target = _affine_target(view, self._refs, self._groups) if shortcuts else None
        # The target's own gradient is taken once and in full precision.
        self._target_module = view.get_submodule(self._target or "")
        self._constant: dict[torch.Size, ConstantGradient] = {}
        self._view = private_view(network, self._refs).to(device)
        if shortcuts:
            pool_first(self._view, network.graph.sole_readers({ref.source for ref in self._refs}))
        if shortcuts and device.type == "cpu":
            space_to_depth(self._view)
        self._view.to(dtype=precision).to(memory_format=torch.channels_last)

    def __call__(self, inputs: Sequence[Tensor], images: Sequence[Tensor]) -> Tensor:
        """Scores images.

        Args:
            inputs: What the network sees, normalized and transformed: (n, 3, H, W) for each part of
                the batch.
            images: The images in [0, 1] themselves, for penalties: (n, 3, H', W') for each part.

        Returns:
            (N,) float32 values, connected to both.
        """
        if not self._refs:
            return self._score({IMAGE: torch.cat(list(images))})
        seen = torch.cat([part.to(self._precision) for part in inputs])
        if len(seen) == 1:
            # A batch of one takes other kernels than larger ones, with other roundings.
            return self._values(seen.expand(2, -1, -1, -1), images)[:1]
        return self._values(seen, images)

    def _values(self, inputs: Tensor, images: Sequence[Tensor]) -> Tensor:
        if self._target is None:
            found = run_to(self._view, inputs, self._refs, redirected_relu)
            values = {name: value.float() for name, value in found.items()}
            return self._score(values | {IMAGE: torch.cat(list(images))})
        layer = self._refs[0].name
        with large_enough(inputs, layer):
            before = run_until(self._view, inputs, self._target)
            if before.shape not in self._constant:
                self._constant[before.shape] = ConstantGradient(
                    lambda value: self._score({layer: value}), self._target_module, before
                )
        return self._constant[before.shape](before)

    def _score(self, values: Mapping[str, Tensor]) -> Tensor:
        """Every objective on its own rows, back in the batch's order."""
        scores = [
            objective({name: value[rows] for name, value in values.items()})
            for objective, rows in self._groups.items()
        ]
        order = torch.tensor([row for rows in self._groups.values() for row in rows])
        return torch.cat(scores)[order.argsort()]


def redirected_relu(value: Tensor) -> Tensor:
    """A ReLU that lets an image start which no unit answers to.

    Where the gradient of a whole image would be lost, it goes through as if there were no ReLU.

    Source: lucid, `misc/redirected_relu_grad.py`, there for the first 16 steps.

    Args:
        value: (N, ...) values before the ReLU.

    Returns:
        (N, ...) rectified.
    """
    rectified: Tensor = _RedirectedRelu.apply(value)
    return rectified


class _RedirectedRelu(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        ctx.save_for_backward(value)
        return value.relu()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (value,) = ctx.saved_tensors
        passed = gradient * (value > 0)
        lost = (passed == 0).flatten(1).all(1).view(-1, *[1] * (value.ndim - 1))
        return torch.where(lost, gradient, passed)


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


def _rows_by_objective(objectives: Sequence[Objective]) -> dict[Objective, list[int]]:
    groups: dict[Objective, list[int]] = {}
    for row, objective in enumerate(objectives):
        groups.setdefault(objective, []).append(row)
    return groups


def _affine_target(
    view: nn.Module, refs: Sequence[LayerRef], groups: Mapping[Objective, list[int]]
) -> str | None:
    """The module whose value all objectives are linear in, if it needn't run."""
    if len(refs) != 1 or refs[0].relu or not refs[0].module:
        return None
    if not all(objective.linear and IMAGE not in objective.layers for objective in groups):
        return None
    return refs[0].module if is_affine(view.get_submodule(refs[0].module)) else None
