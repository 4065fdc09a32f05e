"""Scores of pictures against what is known of them."""

import pytest
import torch
from torch import nn

import featviz as fv
from featviz.images import transforms
from featviz.measures import pictures
from featviz.objectives.penalties import L2


@pytest.fixture(scope="module")
def sums():
    """A network of one unit, red + green + blue, that takes images as they are."""
    convolution = nn.Conv2d(3, 1, 1, bias=False)
    nn.init.ones_(convolution.weight)
    return fv.Network(nn.Sequential(convolution), (0, 0, 0), (1, 1, 1), {"only": "0"})


def some_images(count, size=32):
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(0))


def test_a_robust_value_is_the_mean_over_changes_that_all_images_share(small):
    images = some_images(2)
    wanted = [fv.Channel("conv3", 1), fv.Channel("conv2", 3)]
    found = pictures.robust_values(small, wanted, images, draws=3, seed=5)
    uniform = torch.rand(3, 6, generator=torch.Generator().manual_seed(5))
    for row, objective in enumerate(wanted):
        changed = [
            transforms.apply(transforms.LUCID, small.normalize(images[row : row + 1]), u[None], 0)
            for u in uniform
        ]
        mean, std = (torch.tensor(of).view(3, 1, 1) for of in (small.mean, small.std))
        values = [fv.evaluate(small, objective, (one * std + mean).clamp(0, 1)) for one in changed]
        torch.testing.assert_close(found[row], torch.cat(values).mean(), rtol=1e-4, atol=1e-5)
    again = pictures.robust_values(small, wanted, images, draws=3, seed=5)
    assert again.equal(found)
    assert not pictures.robust_values(small, wanted, images, draws=3, seed=6).equal(found)
    eight = pictures.robust_values(small, wanted, images, draws=8, seed=0)
    assert pictures.robust_values(small, wanted, images).equal(eight)


def test_changes_frame_zoom_and_turn_what_is_scored(sums):
    # White on a frame of 12 px fills (32 / 56)^2 of the canvas, at zooms from 0.9 to 1.1.
    value = pictures.robust_values(sums, [fv.Channel("only", 0)], torch.ones(1, 3, 32, 32)).item()
    assert 0.9**2 < value / (3 * (32 / 56) ** 2) < 1.1**2
    whole = fv.evaluate(sums, fv.Channel("only", 0), torch.ones(1, 3, 32, 32)).item()
    assert whole == 3


def test_penalties_are_on_the_image_as_it_is(sums):
    images = some_images(2)
    found = pictures.robust_values(sums, [L2(), L2()], images)
    torch.testing.assert_close(found, fv.evaluate(sums, L2(), images))


def test_contrast_is_the_distance_from_the_mean_color():
    stripes = torch.zeros(3, 3, 8, 8)
    stripes[0, :, ::2] = 1  # black and white
    stripes[1] = torch.tensor([1.0, 0.5, 0.0]).view(3, 1, 1)  # flat, however colorful
    stripes[2] = 0.4
    stripes[2, 0, :, ::2] = 0.6  # a tenth, in one channel of three
    expected = torch.tensor([0.5, 0.0, 0.1 / 3**0.5])
    torch.testing.assert_close(pictures.contrast(stripes), expected)


def test_a_contrast_is_reached_around_the_same_mean():
    images = 0.4 + 0.1 * some_images(2)
    target = torch.tensor([0.02, 0.05])
    stretched = pictures.at_contrast(images, target)
    torch.testing.assert_close(pictures.contrast(stretched), target)
    torch.testing.assert_close(stretched.mean((2, 3)), images.mean((2, 3)))
    cut = pictures.at_contrast(images, torch.tensor([10.0, 10.0]))
    assert (cut.min(), cut.max()) == (0, 1)


def test_bytes_are_the_nearest_of_256_levels():
    images = torch.tensor([0.0, 0.4 / 255, 0.6 / 255, 127.4 / 255, 1.0])
    found = pictures.to_bytes(images) * 255
    torch.testing.assert_close(found, torch.tensor([0.0, 0.0, 1.0, 127.0, 255.0]))
