"""The part of a receptive field that is used, against gradients and against what is known."""

import pytest
import torch
from torch import nn

import featviz as fv
from featviz import photos
from featviz.ascent.effective_field import PART, concentrated, effective_field, used_field


def test_the_effective_field_lies_in_the_field_and_sums_to_one(alexnet):
    image = torch.rand(3, 96, 96, generator=torch.Generator().manual_seed(0))
    shares = effective_field(alexnet, "conv2", [image])
    assert shares.shape == (51, 51)
    assert shares.sum().item() == pytest.approx(1)
    assert shares[20:31, 20:31].mean() > 3 * shares[:11, :11].mean()
    with pytest.raises(ValueError, match="doesn't hold the 99 px"):
        effective_field(alexnet, "conv3", [image])
    with pytest.raises(ValueError, match="no photographs to measure on: give at least one"):
        effective_field(alexnet, "conv2", [])


@pytest.mark.parametrize("layer", ["conv1", "conv2", "conv3", "conv4", "conv5"])
def test_gradients_reach_the_whole_field_and_no_farther(alexnet, layer):
    image = torch.rand(3, 224, 224, generator=torch.Generator().manual_seed(0))
    shares = effective_field(alexnet, layer, [image], draws=1)
    assert (shares.sum(0) > 0).all()
    assert (shares.sum(1) > 0).all()
    assert shares.sum().item() == pytest.approx(1)  # as a part of the whole image's gradient


def test_concentrated_counts_the_centered_square():
    shares = torch.zeros(5, 5)
    shares[2, 2], shares[0, 0] = 0.8, 0.2
    assert concentrated(shares, 0.8) == 1
    assert concentrated(shares, 0.9) == 5


def test_the_field_in_use_grows_with_depth_and_shares_its_centers(alexnet):
    parts = [used_field(alexnet, layer) for layer in alexnet.layers]
    whole = [alexnet.receptive_field(layer) for layer in alexnet.layers]
    assert parts[0] == whole[0]
    for one, field in zip(parts, whole, strict=True):
        assert (one.stride, one.start) == (field.stride, field.start)
        assert one.size % 2 == field.size % 2
    sides = [one.size for one in parts]
    assert sides == sorted(set(sides))
    # On photographs the same square holds about the same part of the effect.
    photographs = [photos.load(name, 224).image for name in ("chelsea", "coffee", "astronaut")]
    shares = effective_field(alexnet, "conv5", photographs)
    edge = (whole[-1].size - sides[-1]) // 2
    assert shares[edge:-edge, edge:-edge].sum().item() == pytest.approx(PART, abs=0.03)


def test_a_kernel_that_is_zero_at_its_rim_uses_its_middle():
    first, second = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 2, 7)
    with torch.no_grad():
        second.weight[:, :, [0, 1, 5, 6]] = 0
        second.weight[..., [0, 1, 5, 6]] = 0
    network = fv.Network(nn.Sequential(first, second), layers={"first": "0", "second": "1"})
    assert network.receptive_field("second").size == 7
    assert used_field(network, "second").size == 3
    assert used_field(network, "second").canvas() == 5


def test_a_layer_that_sees_everything_has_no_field_in_use():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Conv2d(4, 2, 1))
    network = fv.Network(module)
    with pytest.raises(ValueError, match="has no receptive field"):
        used_field(network, "2")
