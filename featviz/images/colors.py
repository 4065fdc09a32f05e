"""Decorrelated colors, in which natural images vary independently.

Source: C. Olah, A. Mordvintsev, L. Schubert, "Feature Visualization", Distill 2017, section
"Preconditioning and parameterization".
"""

from typing import Any

import torch
from torch import Tensor

COVARIANCE_ROOT = ((0.26, 0.09, 0.02), (0.27, 0.00, -0.05), (0.27, -0.09, 0.03))
"""Square root of the covariance of ImageNet's colors: (RGB) x (decorrelated channels).
Source: lucid, `optvis/param/color.py`, `color_correlation_svd_sqrt`."""

LOGIT_MARGIN = 1 / 512
"""How far from 0 and 1 a pixel is kept before its logit is taken: half of a byte's step."""


def color_matrix() -> Tensor:
    """Returns the (3, 3) matrix from decorrelated channels to RGB, largest column of length 1."""
    root = torch.tensor(COVARIANCE_ROOT)
    longest: Tensor = root.norm(dim=0).max()
    return root / longest


def to_colors(channels: Tensor) -> Tensor:
    """Maps decorrelated channels (..., 3, H, W) to the logits of red, green and blue."""
    logits: Tensor = _Mix.apply(color_matrix(), channels)
    return logits


def from_colors(logits: Tensor) -> Tensor:
    """Maps the logits of red, green and blue (..., 3, H, W) to decorrelated channels."""
    channels: Tensor = _Mix.apply(color_matrix().inverse(), logits)
    return channels


def sigmoid(logits: Tensor) -> Tensor:
    """Maps logits to values in [0, 1], with the same bits for any number of threads.

    Threads share the elements of a batch, and where a share doesn't end with a vector register
    torch's own sigmoid computes the rest by another formula. Its exponential doesn't.
    """
    values: Tensor = _Sigmoid.apply(logits)
    return values


class _Sigmoid(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor) -> Tensor:
        values = logits.neg().exp_().add_(1).reciprocal_()
        ctx.save_for_backward(values)
        return values

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        slope: Tensor = torch.ops.aten.sigmoid_backward(gradient, *ctx.saved_tensors)
        return slope


class _Mix(torch.autograd.Function):
    """The product of a matrix with the three planes of an image."""

    @staticmethod
    def forward(ctx: Any, matrix: Tensor, planes: Tensor) -> Tensor:
        ctx.matrix = matrix
        return _mix(matrix, planes)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor]:
        return None, _mix(ctx.matrix.T, gradient)


def _mix(matrix: Tensor, planes: Tensor) -> Tensor:
    # Written out: a matrix product may sum in another order for another batch.
    mixture = torch.empty_like(planes)
    first, second, third = planes.unbind(-3)
    for plane, (a, b, c) in zip(mixture.unbind(-3), matrix.tolist(), strict=True):
        torch.mul(first, a, out=plane).add_(second, alpha=b).add_(third, alpha=c)
    return mixture
