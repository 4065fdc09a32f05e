"""Optimizers step uphill, each image by itself, and recipes are what they are named after."""

import dataclasses

import pytest
import torch
from torch import nn

import featviz as fv
from featviz.ascent.recipes import EXACT, KERAS, LUCID, STANDARD, Adam, NormalizedGradient, Recipe
from featviz.images.fourier import Fourier
from featviz.images.natural import Natural
from featviz.images.pixels import Pixels
from featviz.images.transforms import Pad, Rotate, Scale


@pytest.mark.parametrize("optimizer", [Adam(0.1), NormalizedGradient(0.1)])
def test_a_step_goes_uphill(optimizer):
    parameter = nn.Parameter(torch.zeros(2, 3))
    steps = optimizer.start([parameter])
    parameter.grad = torch.tensor([[1.0, -2.0, 0.0], [1e-6, 0.0, 0.0]])
    steps.step()
    assert parameter[0, 0] > 0 > parameter[0, 1]
    assert parameter[1, 0] > 0
    assert parameter[0, 2] == parameter[1, 1] == 0


def test_a_normalized_step_has_one_length_for_each_image():
    parameter = nn.Parameter(torch.zeros(3, 3, 4, 4))
    steps = NormalizedGradient(10.0).start([parameter])
    gradient = torch.randn(3, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    parameter.grad = gradient * torch.tensor([1.0, 1e-4, 0.0]).view(3, 1, 1, 1)
    steps.step()
    lengths = parameter.detach().flatten(1).norm(dim=1)
    torch.testing.assert_close(lengths, torch.tensor([10.0, 10.0, 0.0]))


def test_the_step_size_falls_to_zero_over_the_tail():
    adam = Adam(rate=0.4, tail=0.5)
    rates = [adam.rate_at(step, 10) for step in range(10)]
    assert rates == pytest.approx([0.4] * 6 + [0.32, 0.24, 0.16, 0.08])
    assert [Adam(rate=0.4).rate_at(step, 3) for step in range(3)] == [0.4] * 3
    assert NormalizedGradient(7.0).rate_at(99, 100) == 7.0


def test_recipes_are_values():
    assert Recipe() == Recipe()
    assert hash(Recipe()) == hash(Recipe())
    with pytest.raises(dataclasses.FrozenInstanceError):
        Recipe().steps = 3


def test_lucids_recipe_is_what_its_source_says():
    # optvis/render.py: 512 steps of Adam at 0.05 in the decorrelated Fourier basis.
    assert (LUCID.steps, LUCID.optimizer) == (512, Adam(0.05))
    assert LUCID.image == Fourier(decay=1.0, decorrelate=True, noise=0.01)  # sd of fft_image
    # optvis/transform.py, standard_transforms: pad(12), jitter(8), random_scale([1 + (i-5)/50. for
    # i in range(11)]), random_rotate(list(range(-10, 11)) + 5*[0]), jitter(4). A jitter of d crops
    # to d px less, at any of d + 1 places.
    pad, first, scale, rotate, second = LUCID.transforms
    assert pad == Pad(12)
    assert (scale, rotate) == (Scale(1 - 5 / 50, 1 + 5 / 50), Rotate(10.0))
    assert_shifts_as_a_crop_does(first, pad=8)
    assert_shifts_as_a_crop_does(second, pad=4)


def assert_shifts_as_a_crop_does(jitter, pad):
    image = torch.rand(1, 3, 40, 40, generator=torch.Generator().manual_seed(0))
    crops = [image[..., y : 40 - pad + y, x : 40 - pad + x] for y in range(pad + 1) for x in (0, 3)]
    inside = slice(pad // 2, 40 - pad // 2)
    numbers = (torch.arange(pad + 1) + 0.5) / (pad + 1)
    shifts = [
        jitter(image, torch.tensor([[u, numbers[pad - x]]]), 0)[..., inside, inside]
        for u in numbers.flip(0)
        for x in (0, 3)
    ]
    assert all(map(torch.equal, shifts, crops))
    least, most = torch.zeros(1, 2), torch.full((1, 2), 1 - 2**-24)
    assert torch.equal(jitter(image, least, 0), image.roll((-pad // 2,) * 2, (2, 3)))
    assert torch.equal(jitter(image, most, 0), image.roll((pad // 2,) * 2, (2, 3)))


def test_the_keras_examples_recipe_is_what_its_source_says():
    # keras.io/examples/vision/visualizing_what_convnets_learn, "The images are in [-1, 1]": noise
    # of (uniform - 0.5) * 0.25, 30 steps of length 10, then a standard deviation of 0.15 around 0.5
    # in [0, 1]. An image x there is (x + 1) / 2 here.
    assert (KERAS.steps, KERAS.transforms) == (30, ())
    image = KERAS.image.build([torch.Generator().manual_seed(0)], 64, 64)
    start = 2 * image().detach() - 1
    assert start.abs().max().item() == pytest.approx(0.5 * 0.25, rel=1e-3)
    assert start.mean().item() == pytest.approx(0, abs=2e-3)
    steps = KERAS.optimizer.start(image.parameters())
    image().square().sum().backward()
    steps.step()
    assert (2 * image().detach() - 1 - start).norm().item() == pytest.approx(10, rel=1e-4)
    assert image.shown().std().item() == pytest.approx(0.15, rel=0.01)
    assert image.shown().mean().item() == pytest.approx(0.5, rel=0.01)


@pytest.mark.parametrize("recipe", [STANDARD, EXACT, LUCID, KERAS])
def test_every_recipe_climbs(small, recipe):
    result = fv.maximize(
        small, fv.Channel("conv3", 2), size=40, steps=8, recipe=recipe, frames=[0], progress=False
    )
    assert result.values[0] > result.frame_values[0, 0] + 0.01
    assert result.images.min() >= 0
    assert result.images.max() <= 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Recipe(image=Pixels), "image is Natural.. or the like, not <class"),
        (lambda: Recipe(transforms=(Pad, "jitter")), "transforms are Transforms, not <class"),
        (lambda: Recipe(steps=0), "steps are a whole number above 0, not 0"),
        (lambda: Recipe(steps=9.5), "steps are a whole number above 0, not 9.5"),
        (lambda: Natural(energy=-1), "energy is a multiple above 0, not -1"),
        (lambda: Natural(energy=float("nan")), "energy is a multiple above 0, not nan"),
        (lambda: fv.Plateau(window=0), "window is at least 1 step, not 0"),
    ],
)
def test_a_recipe_that_cannot_be_climbed_is_told_as_it_is_written(make, message):
    with pytest.raises(ValueError, match=message):
        make()
