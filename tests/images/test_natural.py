"""Images under the energy of photographs: the law, the bound, and that a photograph fits."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import featviz as fv
from featviz import photos
from featviz.ascent.recipes import STANDARD, Recipe
from featviz.images import natural
from featviz.images.colors import LOGIT_MARGIN, from_colors
from featviz.images.fourier import radial_frequencies
from featviz.images.natural import (
    Natural,
    bounded,
    natural_amplitudes,
    octave_limits,
    octaves_of,
    whitened,
)
from featviz.images.pixels import normal
from featviz.images.transparency import Transparent
from tests.tools import tool

fit = tool("fit_natural")


def streams(count, seed=0):
    return [torch.Generator().manual_seed(seed + i) for i in range(count)]


def octave_energies(images):
    """Energy per octave, coefficient by coefficient: (N, octaves), the mean's first."""
    height, width = images.shape[-2:]
    logits = images.double().clamp(LOGIT_MARGIN, 1 - LOGIT_MARGIN).logit()
    energy = torch.fft.fft2(from_colors(logits), norm="ortho").abs().square().sum(1)
    down, across = torch.fft.fftfreq(height)[:, None], torch.fft.fftfreq(width)
    frequency = (down.square() + across.square()).sqrt()
    energies = [energy[:, 0, 0]]
    top, octaves = 0.8, []  # the highest octave reaches into the corners, to 0.71
    low = 0.25
    while top > 1 / max(height, width):
        octaves.append((frequency >= low - 1e-6) & (frequency < top - 1e-6) & (frequency > 0))
        top, low = low, low / 2
    energies += [energy[:, one].sum(1) for one in octaves[::-1] if one.any()]
    return torch.stack(energies, 1)


def members_of(height, width):
    """(octaves, coefficients, 2): how often each part of a coefficient counts in which octave."""
    octaves = octaves_of(height, width)
    inside = octaves.numbers == torch.arange(int(octaves.numbers.max()) + 1)[:, None]
    return (inside * octaves.counts).unflatten(1, (-1, 2))


def limits(height, width, energy):
    """What the bound allows in each octave, from the law alone."""
    law = natural_amplitudes(height, width).square().sum(0).double()
    members = members_of(height, width)[..., 0].double()
    return energy * members @ law.flatten()


def test_the_six_numbers_are_what_the_tool_fits_to_photographs():
    exponents, amplitudes, residuals = fit.fit_law()
    assert exponents == pytest.approx(natural.EXPONENTS, abs=0.006)
    assert amplitudes == pytest.approx(natural.AMPLITUDES, abs=0.006)
    # One law for crops of 64 to 256 px is off by less than a third, in amplitude.
    assert residuals.square().mean(1).sqrt().exp().max() < 1.3


def test_amplitudes_fall_by_the_law_whatever_the_size():
    small, large = natural_amplitudes(48, 64), natural_amplitudes(96, 128)
    assert small.shape == (3, 48, 33)
    torch.testing.assert_close(small[:, 1:24, 1:32], large[:, 2:48:2, 2:64:2])
    for channel, exponent in enumerate(natural.EXPONENTS):
        slope = math.log(large[channel, 0, 32] / large[channel, 0, 8]) / math.log(4)
        assert slope == pytest.approx(exponent, abs=1e-4)
        assert large[channel, 0, 8].item() == pytest.approx(natural.AMPLITUDES[channel])


@pytest.mark.parametrize("size", [(16, 16), (48, 64), (64, 48), (37, 53), (1, 5)])
def test_every_coefficient_is_in_one_octave(size):
    members, imaginary = members_of(*size).unbind(2)
    assert members.equal(imaginary)
    assert ((members > 0).sum(0) == 1).all()
    assert members.sum().item() == size[0] * size[1]
    frequencies = radial_frequencies(*size).flatten()
    assert (members[0] > 0).nonzero().tolist() == [[0]]
    for octave in members[1:]:
        inside = frequencies[octave > 0]
        assert inside.max() / inside.min() < 2.001 or inside.max() > 0.5


@given(
    st.tuples(st.integers(1, 5), st.integers(1, 5)),
    st.floats(0.25, 4),
    st.floats(0.01, 30),
    st.integers(0, 9),
)
def test_no_octave_holds_more_than_the_bound(tiles, energy, noise, seed):
    height, width = 16 * tiles[0], 16 * tiles[1]
    image = Natural(energy, noise).build(streams(2, seed), height, width)
    with torch.no_grad():
        energies = octave_energies(image())
    # A pixel that ends in white or black can't be read back; nearly none does under the bound.
    assert (energies <= limits(height, width, energy) * 1.02 + 0.01).all()


def test_below_the_bound_nothing_is_changed():
    image = Natural(noise=0.05).build(streams(2), 48, 64)
    spectrum = torch.view_as_complex(image.coefficients * image.scale)
    channels = torch.fft.irfft2(spectrum, norm="ortho")
    torch.testing.assert_close(from_colors(image().logit()), channels, atol=1e-4, rtol=1e-3)


def test_an_octave_at_its_limit_gives_way_as_a_whole_and_the_others_stay():
    image = Natural(noise=0.5).build(streams(1), 48, 64)
    loudest = members_of(48, 64)[-1].view(48, 33, 2) > 0
    with torch.no_grad():
        image.coefficients[..., loudest] *= 40
        before = image.coefficients.clone()
        image()
    ratio = image.coefficients.detach() / before
    inside = ratio[..., loudest]
    torch.testing.assert_close(inside, inside.flatten()[0].expand_as(inside))
    assert inside.max() < 0.2
    torch.testing.assert_close(ratio[..., ~loudest], torch.ones_like(ratio[..., ~loudest]))


@pytest.mark.parametrize("name", ["chelsea", "coffee", "astronaut"])
def test_a_photograph_fits_pixel_by_pixel(name):
    photo = photos.load(name, 96).image[None]
    image = Natural().build(streams(1), 96, 96, photo)
    torch.testing.assert_close(
        image().detach(), photo.clamp(LOGIT_MARGIN, 1 - LOGIT_MARGIN), atol=1e-3, rtol=0
    )


def test_most_photographs_hold_no_more_than_the_bound_in_any_octave():
    shares = []
    for name in photos.samples():
        if name not in fit.TEXTURES:
            crops = fit.crops(photos.load(name).image, 128)
            below = octave_energies(crops) <= limits(128, 128, natural.ENERGY)
            shares.append(below.double().mean(0)[1:])  # the mean is bounded more tightly
    share = torch.stack(shares).mean(0)
    assert share.mean().item() == pytest.approx(0.65, abs=0.05)
    assert share.min() > 0.5


def test_finished_images_are_brought_under_the_bound_and_left_there():
    loud = (0.5 + 0.4 * normal(streams(3), (3, 37, 53))).clamp(0, 1)
    quiet = bounded(loud)
    assert (octave_energies(quiet) <= limits(37, 53, natural.ENERGY) * 1.001).all()
    torch.testing.assert_close(bounded(quiet), quiet, atol=1e-5, rtol=0)


@pytest.mark.parametrize("energy", [0.1, 1.0])  # few pixels end in white or black
def test_the_farthest_along_a_direction_fills_every_octave(energy):
    slopes = normal(streams(2), (3, 48, 64))
    best = whitened(slopes, energy)
    torch.testing.assert_close(
        octave_energies(best), limits(48, 64, energy).expand(2, -1), rtol=1e-3, atol=0
    )
    torch.testing.assert_close(octave_limits(48, 64, energy), limits(48, 64, energy).float())


@pytest.mark.parametrize("size", [(48, 64), (37, 53)])
def test_no_other_image_under_the_bound_lies_farther_along_a_direction(size):
    slopes = normal(streams(4), (3, *size)) + 0.5  # which asks for light as well
    low = 1e-4  # of the energy: the sigmoid is a straight line there

    def rise(images):
        return (slopes * (images - 0.5)).sum((1, 2, 3))

    best = rise(whitened(slopes, low))
    assert (best > 0).all()
    noise = 0.5 + 0.1 * normal(streams(4, 9), (3, *size))
    along = 0.5 + 0.01 * slopes  # the direction itself, not whitened
    for other in (noise, along, whitened(slopes, low).roll(1, 0), whitened(slopes, low).flip(3)):
        assert (best > rise(bounded(other, low))).all()
    assert whitened(slopes).equal(whitened(slopes, natural.ENERGY))


def test_more_energy_is_more_contrast():
    contrasts = [
        Natural(energy, noise=30).build(streams(1), 64, 64)().std().item() for energy in (0.5, 1, 2)
    ]
    assert contrasts == sorted(contrasts)
    assert contrasts[1] == pytest.approx(0.2, abs=0.08)  # a photograph's, roughly


@pytest.mark.parametrize(
    "image", [Natural(), Transparent(Natural())], ids=["natural", "transparent"]
)
def test_objectives_rise_under_the_bound_with_the_same_bits_in_any_batch(small, image):
    objectives = [fv.Channel("conv3", unit) for unit in range(5)]
    recipe = Recipe(image, STANDARD.transforms, STANDARD.optimizer, steps=48)
    options = {"size": (40, 33), "recipe": recipe, "precision": "float32", "progress": False}
    whole = fv.maximize(small, objectives, frames=[0], **options)
    assert (whole.values > whole.frame_values[0]).all()
    for batch in (1, 2):
        again = fv.maximize(small, objectives[::-1], batch=batch, **options)
        assert again.images.flip(0).equal(whole.images)


@pytest.mark.parametrize("energy", [0.7, 1.0, 1.5, 2.0, 3.1])
def test_an_image_at_its_bound_stays_as_it_is_when_it_is_looked_at(energy):
    image = Natural(energy, noise=5.0).build(streams(6), 48, 48)
    first = image()
    assert all(image().equal(first) for _ in range(3))


@pytest.mark.parametrize("layer", ["conv1:relu", "conv2", "conv3"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_pictures_have_the_same_bits_with_any_number_of_threads(alexnet, threads, layer, precision):
    channels = [fv.Channel(layer, unit) for unit in range(5)]
    channels += [fv.Channel(layer, 5) + 3 * fv.Diversity(layer)] * 2
    options = {"size": 96, "steps": 3, "precision": precision, "progress": False}
    results = []
    for count in (1, 2, 5, 8, 16):
        threads(count)
        results.append(fv.maximize(alexnet, channels, **options))
    for result in results[1:]:
        for name in ("images", "history", "gradients"):
            assert getattr(result, name).equal(getattr(results[0], name)), name
