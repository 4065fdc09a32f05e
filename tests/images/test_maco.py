"""Amplitudes of natural images, and phases alone that move."""

import math

import pytest
import torch

from featviz.images.colors import from_colors
from featviz.images.maco import Maco
from featviz.images.natural import natural_amplitudes


def build(height=48, width=64, gain=2.0, count=2):
    streams = [torch.Generator().manual_seed(i) for i in range(count)]
    return Maco(gain).build(streams, height, width)


def amplitudes(image):
    """The amplitudes of an image's decorrelated logits, where real images leave phases free."""
    spectrum = torch.fft.rfft2(from_colors(image().logit()), norm="ortho").abs()
    return spectrum[..., 1:-1]


@pytest.mark.parametrize("gain", [0.5, 2.0])
def test_amplitudes_are_those_of_the_photographs_whatever_the_phases(gain):
    image = build(gain=gain)
    expected = (gain * natural_amplitudes(48, 64))[..., 1:-1].expand(2, -1, -1, -1)
    for _ in range(2):
        torch.testing.assert_close(amplitudes(image).detach(), expected, rtol=0.01, atol=0.01)
        with torch.no_grad():
            image.phases += 7 * torch.randn(image.phases.shape)


def test_phases_start_anywhere():
    phases = build(count=1).phases.detach()
    assert phases.abs().max() <= math.pi
    assert phases.std().item() == pytest.approx(math.pi / 3**0.5, rel=0.02)
