"""Every parameterization gives images in [0, 1] of any size and can fit a photograph."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from featviz import photos
from featviz.images.colors import color_matrix, from_colors, to_colors
from featviz.images.fourier import Fourier, radial_frequencies
from featviz.images.maco import Maco
from featviz.images.natural import Natural
from featviz.images.pixels import TILE, Pixels, UnboundedPixels, tiled
from featviz.images.transparency import Transparent

EVERY = {
    "sigmoid": Pixels("sigmoid"),
    "clamp": Pixels("clamp"),
    "unbounded": UnboundedPixels(),
    "fourier": Fourier(),
    "fourier without decorrelation": Fourier(decay=1.0, decorrelate=False),
    "maco": Maco(),
    "natural": Natural(),
    "transparent fourier": Transparent(Fourier()),
    "transparent pixels": Transparent(Pixels()),
}
SIZES = [(48, 64), (37, 53), (1, 1), (5, 17)]

# Mean squared error that 200 steps of Adam (at the rate given) reach on a photograph of variance
# 0.024. Maco keeps its amplitudes and Natural its bound, so that they can't reach every
# photograph; a mean color leaves 0.014.
FIT = {
    "sigmoid": (0.2, 1e-6),
    "clamp": (0.05, 1e-6),
    "unbounded": (0.05, 1e-6),
    "fourier": (0.2, 5e-4),
    "fourier without decorrelation": (0.2, 5e-4),
    "transparent fourier": (0.2, 5e-4),
    "transparent pixels": (0.2, 5e-4),
}


def streams(count, seed=0):
    return [torch.Generator().manual_seed(seed + i) for i in range(count)]


def photograph(height, width):
    image = photos.load("chelsea").image[None]
    return F.interpolate(image, (height, width), mode="bilinear", antialias=True)


def fit(image, target, rate, steps):
    """The images' mean squared errors after so many steps of Adam."""
    optimizer = torch.optim.Adam(image.parameters(), lr=rate)
    for step in range(steps):
        error = (image(step) - target).square().mean((1, 2, 3))
        optimizer.zero_grad()
        error.sum().backward()
        optimizer.step()
    return error.detach()


@pytest.mark.parametrize("size", [(48, 64), (37, 53)])
@pytest.mark.parametrize("name", FIT)
def test_every_parameterization_fits_a_photograph(name, size):
    rate, bound = FIT[name]
    errors = fit(EVERY[name].build(streams(2), *size), photograph(*size), rate, 200)
    assert errors.max() < bound


def test_phases_alone_fit_an_image_of_their_amplitudes():
    image, other = (Maco(gain=1.0).build(streams(2, seed), 48, 64) for seed in (0, 10))
    target = other().detach()
    assert (image() - target).square().mean((1, 2, 3)).min() > 0.03
    assert fit(image, target, 0.1, 200).max() < 1e-3


@pytest.mark.parametrize("size", [(48, 64), (37, 53), (5, 17)])
@pytest.mark.parametrize("name", [name for name in EVERY if name not in ("maco", "unbounded")])
def test_images_start_from_a_photograph_as_it_is(name, size):
    start = photograph(*size).expand(2, -1, -1, -1)
    image = EVERY[name].build(streams(2), *size, start)
    colors = image.image if "transparent" in name else image
    torch.testing.assert_close(colors(), start.clamp(1 / 512, 511 / 512), atol=2e-3, rtol=0)
    assert image.shown()[0].equal(image.shown()[1])


def test_phases_start_from_those_of_a_photograph():
    start = photograph(48, 64)
    ours, anyhow = (Maco(1.0).build(streams(1), 48, 64, one)() for one in (start, None))
    assert (ours - start).square().mean() < 0.5 * (anyhow - start).square().mean()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", EVERY)
def test_images_have_their_size_and_lie_between_0_and_1(name, size):
    image = EVERY[name].build(streams(3), *size)
    assert image(0).shape == image.shown().shape == (3, 3, *size)
    with torch.no_grad():
        for parameter in image.parameters():
            parameter += torch.randn(parameter.shape, generator=streams(1)[0])
    assert image.shown().min() >= 0
    assert image.shown().max() <= 1
    if name != "unbounded":  # the network sees what the eye doesn't: that is its point
        assert image(1).min() >= 0
        assert image(1).max() <= 1


@pytest.mark.parametrize("name", EVERY)
def test_an_image_depends_on_its_own_stream_alone(name):
    together = EVERY[name].build(streams(3), 21, 40)
    assert not together.shown()[0].equal(together.shown()[1]) or "transparent" in name
    for i in range(3):
        alone = EVERY[name].build([torch.Generator().manual_seed(i)], 21, 40)
        assert alone(5)[0].equal(together(5)[i])
        assert alone.shown()[0].equal(together.shown()[i])


@pytest.mark.parametrize("name", EVERY)
def test_gradients_of_an_image_reach_its_own_parameters_alone(name):
    image = EVERY[name].build(streams(3), 21, 40)
    # A weighted sum: the mean of an unbounded picture is fixed.
    weights = torch.randn(3, 21, 40, generator=streams(1)[0])
    (image(0)[1] * weights).sum().backward()
    for parameter in image.parameters():
        assert parameter.grad[1].abs().max() > 0
        assert parameter.grad[[0, 2]].abs().max() == 0


def test_a_clamped_pixel_at_the_border_keeps_its_gradient():
    image = Pixels("clamp").build(streams(1), 16, 16)
    with torch.no_grad():
        image.pixels.fill_(2.0)
    image().sum().backward()
    assert image().max() == 1
    assert image.pixels.grad.min() == 1


def test_fourier_images_start_gray_and_smooth():
    start = Fourier().build(streams(4), 64, 64).shown()
    assert (start - 0.5).abs().max() < 0.1
    rough = Pixels(noise=start.std().item() * 4).build(streams(4), 64, 64).shown()
    variation = [x.diff(dim=3).abs().mean() / x.std() for x in (start, rough)]
    assert variation[0] < 0.5 * variation[1]


def test_a_spectrums_scale_falls_with_frequency():
    image = Fourier(decay=1.0).build(streams(1), 64, 64)
    frequencies = radial_frequencies(64, 64)
    assert frequencies.shape == image.scale.shape[:2] == (64, 33)
    assert image.scale[..., 0].equal(image.scale[..., 1])  # of the real and the imaginary part
    assert frequencies.max() == pytest.approx(0.5 * 2**0.5)
    one, two = image.scale[0, 4, 0], image.scale[0, 8, 0]
    assert (one / two).item() == pytest.approx(2.0)
    steep = Fourier(decay=2.0).build(streams(1), 64, 64).scale[..., 0]
    # At the reference frequency, 4 cycles over 64 px, the decay makes no difference.
    assert steep[0, 4].item() == pytest.approx(one.item())
    assert (steep[0, 4] / steep[0, 8]).item() == pytest.approx(4.0)


def test_unbounded_pixels_are_shown_at_a_fixed_contrast():
    image = UnboundedPixels(contrast=0.1).build(streams(2), 32, 32)
    with torch.no_grad():
        image.pixels *= 30
    pictures = image.shown()
    assert image().abs().max() > 1
    torch.testing.assert_close(pictures.mean((1, 2, 3)), torch.full((2,), 0.5), atol=0.01, rtol=0)
    torch.testing.assert_close(pictures.std((1, 2, 3)), torch.full((2,), 0.1), atol=0.01, rtol=0)


def test_transparent_images_are_half_opaque_at_first_and_shown_on_white():
    image = Transparent(Fourier()).build(streams(2), 21, 40)
    assert image.alpha().shape == (2, 1, 21, 40)
    assert image.alpha().unique().tolist() == [0.5]
    torch.testing.assert_close(image.shown(), 0.5 * image.image.shown() + 0.5)
    with torch.no_grad():
        image.opacity.fill_(-100.0)
    assert image.shown().min() == 1
    with torch.no_grad():
        image.opacity.fill_(100.0)
    torch.testing.assert_close(image.shown(), image.image.shown())


def test_backdrops_change_with_the_step_and_the_image_and_repeat():
    image = Transparent(Pixels()).build(streams(2), 21, 40)
    assert image(3).equal(image(3))
    assert not image(3).equal(image(4))
    assert (image(3)[0] - image(3)[1]).abs().max() > 0.1


def test_unknown_squashing_says_which_there_is():
    with pytest.raises(ValueError, match="squashed by 'sigmoid' or 'clamp', not 'tanh'"):
        Pixels("tanh")


def test_colors_go_there_and_back():
    channels = torch.randn(2, 3, 5, 4, generator=streams(1)[0])
    torch.testing.assert_close(from_colors(to_colors(channels)), channels, atol=1e-4, rtol=1e-4)
    expected = torch.einsum("rc,nchw->nrhw", color_matrix(), channels)
    torch.testing.assert_close(to_colors(channels), expected)
    assert color_matrix().norm(dim=0).max().item() == pytest.approx(1)


@pytest.mark.parametrize("mapped", [to_colors, from_colors])
def test_colors_have_their_own_gradients(mapped):
    planes = torch.randn(2, 3, 2, 3, generator=streams(1)[0], dtype=torch.float64)
    assert torch.autograd.gradcheck(mapped, planes.requires_grad_())


def test_the_first_color_is_light_and_the_others_are_opponents_of_falling_size():
    light, *opponents = color_matrix().T
    assert light.min() / light.max() > 0.95
    for color in opponents:
        assert color.sum().item() == pytest.approx(0, abs=1e-6)
    red_against_blue, green_against_both = (color.sign().tolist() for color in opponents)
    assert (red_against_blue, green_against_both) == ([1, 0, -1], [1, -1, 1])
    sizes = color_matrix().norm(dim=0)
    assert sizes.argsort(descending=True).tolist() == [0, 1, 2]


@pytest.mark.parametrize("name", ["sigmoid", "fourier", "natural"])
def test_black_and_white_start_as_bytes_of_black_and_white(name):
    start = torch.tensor([0.0, 1.0]).repeat(8).expand(1, 3, 16, 16)
    image = EVERY[name].build(streams(1), 16, 16, start)
    assert (image() * 255).round().equal(255 * start)
    assert all(parameter.isfinite().all() for parameter in image.parameters())


def test_a_spectrum_has_lucids_gain():
    # optvis/param/spatial.py, fft_image, with sd 1 and a decay of 1
    height, width = 32, 48
    image = Fourier(decay=1.0, decorrelate=False).build(streams(1), height, width)
    spectrum = torch.view_as_complex(image.coefficients.detach()).numpy()
    down, across = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)
    scale = 1 / np.maximum(np.hypot(down, across), 1 / max(height, width))
    scale *= np.sqrt(height * width)
    expected = torch.from_numpy(np.fft.irfft2(scale * spectrum) / 4).float().sigmoid()
    torch.testing.assert_close(image().detach(), expected, atol=1e-6, rtol=0)


def test_tiles_are_whole():
    assert tiled(1, TILE) == (TILE, TILE)
    assert tiled(TILE + 1, 5 * TILE) == (2 * TILE, 5 * TILE)
