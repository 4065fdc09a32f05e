"""Maps from gradients and from occlusion, in pixels or at the places of any layer."""

import math
import warnings
from types import EllipsisType

import numpy as np
import torch
from torch import Tensor

from featviz.attribution.probe import Probe
from featviz.objectives.algebra import IMAGE

COMPLETENESS = 0.01
"""Integration is refined until the parts sum to the objective's change up to this share of it."""

STEPS = (32, 64, 128, 256, 512)
"""Numbers of integration points, tried in this order. Source of the usual range: Sundararajan et
al. 2017, section 5 ("20 to 300 steps")."""

BATCH = 16
"""Images scored at a time: more don't run faster on a processor."""

PATCH = 32
"""Side of the square that occlusion covers in a photo, in pixels; it moves by half of that."""


def gradient(probe: Probe) -> Tensor:
    """Weighs each place of a layer by what the objective would do if it grew: gradient times value.

    Source: A. Shrikumar, P. Greenside, A. Kundaje, "Learning Important Features Through Propagating
    Activation Differences", ICML 2017, section 2.2.

    Args:
        probe: The photo, the objective and the layer.

    Returns:
        (h, w) signed map, summed over the layer's units; to first order in the objective's unit.
    """
    return (probe.slope * probe.value).sum(1)[0]


def integrated(probe: Probe) -> tuple[Tensor, float]:
    """Integrates the gradient on the way from a photo of the mean color to the photo.

    Source: M. Sundararajan, A. Taly, Q. Yan, "Axiomatic Attribution for Deep Networks", ICML 2017,
    section 3; in a hidden layer, the path is straight in that layer's values.

    Args:
        probe: The photo, the objective and the layer.

    Returns:
        (h, w) signed map, and the change of the objective that it sums to.

    Warns:
        UserWarning: It sums to something else, by more than `COMPLETENESS`, however fine the steps:
            the objective jumps on the way, or bends too sharply.
    """
    start = probe.baseline()
    way = probe.value - start
    with torch.no_grad():
        ends = probe.score_of(torch.cat([start, probe.value]))
    change = (ends[1] - ends[0]).item()
    for steps in STEPS:
        map = (_mean_slope(probe, start, way, steps) * way).sum(1)[0]
        if abs(map.sum().item() - change) <= COMPLETENESS * abs(change):
            return map, change
    total = map.sum().item()
    warnings.warn(
        f"the parts of this integrated map in {probe.layer} sum to {total:.4g}, not to the "
        f"objective's change, {change:.4g}: after {steps} steps there is a gap of "
        f"{abs(total - change):.2g}.",
        UserWarning,
        stacklevel=4,  # behind `attribute` and its `own_mode` is the caller
    )
    return map, change


def _mean_slope(probe: Probe, start: Tensor, way: Tensor, steps: int) -> Tensor:
    """The gradient, averaged along the way by Gauss-Legendre quadrature."""
    points, weights = np.polynomial.legendre.leggauss(steps)
    total = torch.zeros_like(way)
    for first in range(0, steps, BATCH):
        at = way.new_tensor((points[first : first + BATCH] + 1) / 2).view(-1, 1, 1, 1)
        weight = way.new_tensor(weights[first : first + BATCH] / 2).view(-1, 1, 1, 1)
        total += (weight * probe.slopes(start + at * way)).sum(0, keepdim=True)
    return total


def occlusion(probe: Probe, patch: int | None = None, stride: int | None = None) -> Tensor:
    """Covers one place after the other and notes how far the objective falls.

    Source: M. Zeiler, R. Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014,
    section 4.2. Covered places take the values that a photo of the mean color has there.

    Args:
        probe: The photo, the objective and the layer.
        patch: Side of the covered square in places of the layer; without it 1, in the image 32 px,
            or a quarter of the smaller side where that is less than 32 px.
        stride: How far it moves; without it half the square, at least 1.

    Returns:
        (h, w) signed map: at each place the mean fall over all squares that covered it.

    Raises:
        ValueError: The square doesn't fit into the map, or it would skip places.
    """
    height, width = probe.value.shape[-2:]
    smaller = min(height, width)
    usual = PATCH if smaller >= PATCH else max(1, smaller // 4)
    patch = patch or (usual if probe.layer == IMAGE else 1)
    stride = stride or max(1, patch // 2)
    if not 1 <= stride <= patch <= smaller:
        raise ValueError(
            f"occlusion in {probe.layer}, {height} x {width}, takes 1 <= stride <= patch <= "
            f"{smaller}, not stride {stride} and patch {patch}."
        )
    rows = range(0, stride * math.ceil((height - patch) / stride) + 1, stride)
    columns = range(0, stride * math.ceil((width - patch) / stride) + 1, stride)
    corners = [(row, column) for row in rows for column in columns]
    start = probe.baseline()
    total = probe.value.new_zeros(height, width)
    count = torch.zeros_like(total)
    with torch.no_grad():
        for first in range(0, len(corners), BATCH):
            part = corners[first : first + BATCH]
            copies = probe.value.repeat(len(part), 1, 1, 1)
            for one, (row, column) in zip(copies, part, strict=True):
                one[_square(row, column, patch)] = start[0][_square(row, column, patch)]
            falls = probe.score - probe.score_of(copies)
            for fall, (row, column) in zip(falls, part, strict=True):
                total[_square(row, column, patch)] += fall
                count[_square(row, column, patch)] += 1
    return total / count


def _square(row: int, column: int, side: int) -> tuple[EllipsisType, slice, slice]:
    return ..., slice(row, row + side), slice(column, column + side)
