"""Decorrelated colors, in which natural images vary independently.

Source: C. Olah, A. Mordvintsev, L. Schubert, "Feature Visualization", Distill 2017, section
"Preconditioning and parameterization".
"""

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
    return _mix(color_matrix(), channels)


def from_colors(logits: Tensor) -> Tensor:
    """Maps the logits of red, green and blue (..., 3, H, W) to decorrelated channels."""
    return _mix(color_matrix().inverse(), logits)


def _mix(matrix: Tensor, channels: Tensor) -> Tensor:
    # Written out: a matrix product may sum in another order for another batch.
    first, second, third = channels.unbind(-3)
    rows = [
        torch.add(torch.add(a * first, second, alpha=b), third, alpha=c)
        for a, b, c in matrix.tolist()
    ]
    return torch.stack(rows, -3)
