"""Gratings: the stimuli by which the eye's and a network's first stages are measured.

A grating is gray plus a wave of one orientation, spatial frequency and phase along one direction of
color. Frequency 0 is a plain patch of color.

Source: F. Campbell, J. Robson, "Application of Fourier analysis to the visibility of gratings",
J. Physiology 1968.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

GRAY = 0.5
"""What a grating waves around, in every color channel."""

AMPLITUDE = 0.6
"""Length in RGB of the wave, for light and color alike; the largest that stays in [0, 1]."""

FREQUENCIES = (0.0, 0.02, 0.028, 0.04, 0.057, 0.08, 0.113, 0.16, 0.226, 0.32, 0.45)
"""Cycles per pixel: plain, and steps of half an octave up to near the finest that pixels hold."""

LIGHT = 0
"""Index of the light axis among a set's colors; the hue axes follow."""


@dataclass(frozen=True)
class Gratings:
    """A set of gratings: every color with every orientation, frequency and phase.

    Attributes:
        hues: Axes of color, evenly over half the hue circle; the other half is their phases'. With
            none, all gratings are of light.
        orientations: Directions of the stripes, evenly over 180 degrees from horizontal.
        frequencies: Cycles per pixel, rising.
        phases: Positions of the stripes, evenly over one cycle from a crest in the center.
    """

    hues: int = 6
    orientations: int = 18
    frequencies: tuple[float, ...] = FREQUENCIES
    phases: int = 8

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """How many colors, orientations, frequencies and phases."""
        return 1 + self.hues, self.orientations, len(self.frequencies), self.phases

    @property
    def angles(self) -> Tensor:
        """(orientations,) of the stripes, in degrees counterclockwise from horizontal."""
        return torch.arange(self.orientations) * (180 / self.orientations)

    @property
    def colors(self) -> Tensor:
        """(1 + hues, 3) unit vectors in RGB: light, then the hue axes from red on."""
        hues = torch.arange(self.hues) * (180 / max(1, self.hues))
        return torch.cat([torch.full((1, 3), 3**-0.5), hue_axis(hues)])

    def images(self, color: int, size: int, center: float) -> Tensor:
        """Draws all gratings of one color.

        Args:
            color: Index into `colors`.
            size: Side in pixels.
            center: Where the phase counts from, in pixels from the center of pixel 0, both axes.

        Returns:
            (orientations * frequencies * phases, 3, size, size) in [0, 1], in the order of `shape`.
        """
        offset = torch.arange(size) - center
        # The wave runs across the stripes; rows count downward, angles upward.
        across = torch.deg2rad(self.angles + 90)
        run = across.cos()[:, None, None] * offset - across.sin()[:, None, None] * offset[:, None]
        turns = run[:, None] * torch.tensor(self.frequencies)[:, None, None]
        shift = torch.arange(self.phases) / self.phases
        wave = (2 * math.pi * (turns[:, :, None] - shift[:, None, None])).cos()
        images = GRAY + AMPLITUDE * self.colors[color][:, None, None] * wave[:, :, :, None]
        return torch.flatten(images, 0, 2).clamp(0, 1)


def hue_axis(degrees: Tensor) -> Tensor:
    """Returns the directions of hues in RGB, at right angles to gray.

    Args:
        degrees: (N,) angles on the hue circle: 0 red, 120 green, 240 blue.

    Returns:
        (N, 3) unit vectors.
    """
    turns = torch.deg2rad(degrees.float())[:, None] - torch.arange(3) * (2 * math.pi / 3)
    return torch.cos(turns) * math.sqrt(2 / 3)
