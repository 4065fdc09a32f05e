"""Optimizers step uphill, each image by itself, and recipes are what they are named after."""

import dataclasses

import pytest
import torch
from torch import nn

import featviz as fv
from featviz.ascent.recipes import EXACT, KERAS, LUCID, STANDARD, Adam, NormalizedGradient, Recipe
from featviz.images.fourier import Fourier
from featviz.images.pixels import Pixels, UnboundedPixels
from featviz.images.transforms import LUCID as LUCID_TRANSFORMS


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


def test_the_named_recipes_are_what_their_sources_say():
    # lucid/optvis/render.py and transform.py; keras.io/examples/vision/visualizing_what_...
    assert (LUCID.steps, LUCID.optimizer, LUCID.transforms) == (512, Adam(0.05), LUCID_TRANSFORMS)
    assert LUCID.image == Fourier(decay=1.0)
    assert (KERAS.steps, KERAS.optimizer) == (30, NormalizedGradient(10.0))
    assert (KERAS.image, KERAS.transforms) == (UnboundedPixels(0.25, 0.15), ())
    assert EXACT.image == Pixels("clamp")
    assert EXACT.transforms == ()


@pytest.mark.parametrize("recipe", [STANDARD, EXACT, LUCID, KERAS])
def test_every_recipe_climbs(small, recipe):
    found = fv.maximize(
        small, fv.Channel("conv3", 2), size=40, steps=8, recipe=recipe, frames=[0], progress=False
    )
    assert found.values[0] > found.frame_values[0, 0] + 0.01
    assert found.images.min() >= 0
    assert found.images.max() <= 1
