"""Amplitudes of natural images, and phases alone that move."""

import math

import pytest
import torch

from featviz import photos
from featviz.colors import from_colors
from featviz.maco import Maco, natural_magnitude


def built(height=48, width=64, gain=2.0, count=2):
    streams = [torch.Generator().manual_seed(i) for i in range(count)]
    return Maco(gain).build(streams, height, width)


def amplitudes(image):
    """The amplitudes of an image's decorrelated logits, where real images leave phases free."""
    spectrum = torch.fft.rfft2(from_colors(image().logit()), norm="ortho").abs()
    return spectrum[..., 1:-1]


@pytest.mark.parametrize("gain", [0.5, 2.0])
def test_amplitudes_are_those_of_the_photographs_whatever_the_phases(gain):
    image = built(gain=gain)
    expected = (gain * natural_magnitude(48, 64))[..., 1:-1].expand(2, -1, -1, -1)
    for _ in range(2):
        torch.testing.assert_close(amplitudes(image).detach(), expected, rtol=0.01, atol=0.01)
        with torch.no_grad():
            image.phases += 7 * torch.randn(image.phases.shape)


def test_natural_amplitudes_fall_with_frequency():
    magnitude = natural_magnitude(48, 64)
    assert magnitude.shape == (3, 48, 33)
    luminance = magnitude[0]
    slope = math.log(luminance[0, 2] / luminance[0, 16]) / math.log(8)
    assert 0.6 < slope < 2.0  # about 1 for natural images
    assert (magnitude > 0).all()


def test_amplitudes_are_the_mean_over_every_crop_of_every_photograph():
    total, count = torch.zeros(3, 192, 129), 0
    for name in photos.samples():
        image = photos.load(name).image.clamp(1 / 512, 511 / 512)
        for top in range(0, image.shape[1] - 191, 192):
            for left in range(0, image.shape[2] - 255, 256):
                channels = from_colors(image[:, top : top + 192, left : left + 256].logit())
                total += torch.fft.rfft2(channels, norm="ortho").abs()
                count += 1
    torch.testing.assert_close(natural_magnitude(192, 256), total / count)


def test_the_amplitudes_kept_are_not_the_callers_to_change():
    before = natural_magnitude(48, 64).clone()
    built().magnitude.zero_()
    assert natural_magnitude(48, 64).equal(before)


def test_phases_start_anywhere():
    phases = built(count=1).phases.detach()
    assert phases.abs().max() <= math.pi
    assert phases.std().item() == pytest.approx(math.pi / 3**0.5, rel=0.02)


def test_a_canvas_larger_than_every_photograph_says_so():
    with pytest.raises(ValueError, match="no sample photograph is as large as 4096 x 64 px"):
        natural_magnitude(4096, 64)
