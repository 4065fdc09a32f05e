"""Pictures to train a small network on: four textures and four shapes, drawn by numbers."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

TEXTURES = ("level stripes", "upright stripes", "checks", "dots")
"""Kinds that a small window can tell apart, wherever it lies."""

SHAPES = ("disk", "square", "triangle", "ring")
"""Kinds that have the same edges and differ in how these lie to each other."""

KINDS = TEXTURES + SHAPES
"""All kinds, in the order of their labels."""

SIDE = 48
"""Side of a picture in pixels."""

_TURN = 0.15
"""Standard deviation of the tilt in radians: 9 degrees."""

_PERIOD = (6.0, 14.0)
"""Pixels from stripe to stripe, least and most."""

_MIDDLE = (0.35, 0.65)
"""Where a shape's middle may lie, in sides of the picture."""

_RADIUS = (0.18, 0.32)
"""A shape's radius, least and most, in sides of the picture."""

_APART = 0.35
"""By how much two colors differ in red, green or blue at least."""

_NOISE = 0.06
"""Standard deviation of the noise on each pixel."""

_Plane = NDArray[np.float64]


@dataclass(frozen=True)
class _Place:
    """Coordinates (SIDE, SIDE) of a picture's own axes in pixels, and its measures."""

    across: _Plane
    down: _Plane
    period: float
    radius: float
    phase: tuple[float, float]


def draw(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Draws pictures of all kinds in two random colors each, tilted, moved and noisy.

    Args:
        count: How many; each kind has as many as any other, or one more.
        seed: Where all that is random comes from.

    Returns:
        (count, 3, SIDE, SIDE) images in [0, 1] and their (count,) labels, in random order.
    """
    random = np.random.default_rng(seed)
    labels = random.permutation(np.arange(count) % len(KINDS))
    images = np.stack([_picture(KINDS[label], random) for label in labels])
    return torch.from_numpy(images.astype(np.float32)), torch.from_numpy(labels)


def _picture(kind: str, random: np.random.Generator) -> _Plane:
    """One picture (3, SIDE, SIDE)."""
    inside = (0.5 - _distance(kind, _place(random))).clip(0, 1)
    figure, ground = _colors(random)
    picture = inside * figure + (1 - inside) * ground
    noisy: _Plane = (picture + random.normal(0, _NOISE, picture.shape)).clip(0, 1)
    return noisy


def _place(random: np.random.Generator) -> _Place:
    turn, period = random.normal(0, _TURN), random.uniform(*_PERIOD)
    left, top = random.uniform(*_MIDDLE, 2) * SIDE
    y, x = np.mgrid[:SIDE, :SIDE] + 0.5
    across = (x - left) * np.cos(turn) + (y - top) * np.sin(turn)
    down = (y - top) * np.cos(turn) - (x - left) * np.sin(turn)
    first, second = random.uniform(0, 2 * np.pi, 2)
    return _Place(across, down, period, random.uniform(*_RADIUS) * SIDE, (first, second))


def _colors(random: np.random.Generator) -> tuple[_Plane, _Plane]:
    """Two colors (3, 1, 1) that can be told apart."""
    while True:
        figure, ground = random.uniform(0, 1, (2, 3, 1, 1))
        if np.abs(figure - ground).max() > _APART:
            return figure, ground


def _distance(kind: str, place: _Place) -> _Plane:
    """How far outside of the figure each pixel lies, about in pixels; negative inside."""
    across, down, radius = place.across, place.down, place.radius
    turns = 2 * np.pi / place.period
    wave_across, wave_down = (
        np.sin(turns * axis + phase)
        for axis, phase in zip((across, down), place.phase, strict=True)
    )
    from_middle = np.hypot(across, down)
    # Heights of the three sides of a triangle that points up, in its radius.
    slants = [down, 0.866 * across - 0.5 * down, -0.866 * across - 0.5 * down]
    distances = {
        "level stripes": -wave_down * place.period / 4,
        "upright stripes": -wave_across * place.period / 4,
        "checks": -wave_across * wave_down * place.period / 3,
        "dots": (0.35 - (wave_across + wave_down) / 2) * place.period / 2,
        "disk": from_middle - radius,
        "square": np.maximum(abs(across), abs(down)) - 0.89 * radius,
        "triangle": np.maximum.reduce(slants) - 0.6 * radius,
        "ring": abs(from_middle - radius) - 0.28 * radius,
    }
    distance: _Plane = distances[kind]
    return distance
