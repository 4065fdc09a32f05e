"""Receptive fields are what gradients say they are."""

import pytest
import torch
from hypothesis import given
from hypothesis import settings as with_settings
from hypothesis import strategies as st
from torch import nn

import featviz as fv
from featviz.network.graph import ReceptiveField, receptive_fields
from tests.networks import Branched, seen

ALEXNET = {
    "conv1": ReceptiveField(11, 4, 3),
    "conv2": ReceptiveField(51, 8, 7),
    "conv3": ReceptiveField(99, 16, 15),
    "conv4": ReceptiveField(131, 16, 15),
    "conv5": ReceptiveField(163, 16, 15),
}
LARGE = 240
"""Pixels in which the widest of these fields, conv5's 163, fits with room on both sides."""


@pytest.mark.parametrize("layer", ALEXNET)
def test_alexnets_fields_are_the_known_ones(alexnet, layer):
    assert alexnet.receptive_field(layer) == ALEXNET[layer]


@pytest.mark.parametrize("layer", ALEXNET)
def test_alexnets_fields_are_those_of_gradients(alexnet, layer):
    field = alexnet.receptive_field(layer)
    for position in (0, 1, round((LARGE / 2 - field.start) / field.stride)):
        first, end = field.span(position)
        expected = (max(0, first), min(LARGE, end))
        _, rows, columns = seen(alexnet, layer, LARGE, (position, position))
        assert rows == columns == expected


@pytest.mark.parametrize("layer", ALEXNET)
def test_on_alexnets_canvas_the_center_sees_no_padding(alexnet, layer):
    field = alexnet.receptive_field(layer)
    size = field.canvas()
    (row, column), rows, columns = seen(alexnet, layer, size)
    assert row == column
    assert rows == columns == field.span(row)
    assert rows[1] - rows[0] == field.size  # nothing cut off
    _, rows, _ = seen(alexnet, layer, size - 1)
    assert rows[1] - rows[0] < field.size  # and no smaller one would do


@pytest.mark.parametrize("layer", ["features.4.squeeze", "features.7.expand3x3", "classifier.1"])
def test_squeezenets_canvas_holds_the_field_of_the_center(squeezenet, layer):
    field = squeezenet.receptive_field(layer)
    (row, _), rows, columns = seen(squeezenet, layer, field.canvas())
    assert rows == columns == field.span(row)
    assert rows[1] - rows[0] == field.size


def test_relus_and_poolings_have_fields_too(alexnet):
    assert alexnet.receptive_field("features.1") == ALEXNET["conv1"]
    assert alexnet.receptive_field("conv1:relu") == ALEXNET["conv1"]
    assert alexnet.receptive_field("features.2") == ReceptiveField(19, 8, 7)


@pytest.mark.parametrize("layer", ["fire.expand1x1", "after_fire", "residual.branch.3"])
def test_branches_give_the_union_of_their_fields(layer):
    network = fv.Network(Branched().eval())
    field = network.receptive_field(layer)
    (row, _), rows, _ = seen(network, layer, 40)
    assert rows == field.span(row)


def test_a_residual_keeps_its_wider_branch():
    network = fv.Network(Branched().eval())
    assert network.receptive_field("fire.expand1x1").size == 3
    assert network.receptive_field("after_fire").size == 7  # the 3 x 3 branch, at stride 2
    assert network.receptive_field("after_residual").size == 7 + 2 * 2 * 3
    (row, _), rows, _ = seen(network, "after_residual", 64)
    assert rows == network.receptive_field("after_residual").span(row)


@pytest.mark.parametrize("padding", [0, 4, "same", "valid"])
@pytest.mark.parametrize(("kernel", "dilation"), [(3, 1), (5, 2), (4, 1), (2, 3)])
def test_dilation_and_named_padding(kernel, dilation, padding):
    if padding == "same" and dilation * (kernel - 1) % 2:
        padding = dilation * (kernel - 1) // 2
    conv = nn.Conv2d(3, 2, kernel, dilation=dilation, padding=padding)
    network = fv.Network(nn.Sequential(conv, nn.ReLU(inplace=True)))
    field = network.receptive_field("0")
    assert field.size == dilation * (kernel - 1) + 1
    (row, _), rows, _ = seen(network, "0", 41)
    assert rows == field.span(row)


@st.composite
def chains(draw):
    """Convolutions and poolings one after the other."""
    modules, channels = [], 3
    for _ in range(draw(st.integers(1, 4))):
        kernel, stride = draw(st.integers(1, 5)), draw(st.integers(1, 3))
        padding = draw(st.integers(0, kernel // 2))
        if draw(st.booleans()):
            ceil = draw(st.booleans())
            modules.append(nn.MaxPool2d(kernel, stride, padding, ceil_mode=ceil))
        else:
            modules += [nn.Conv2d(channels, 2, kernel, stride, padding), nn.ReLU(inplace=True)]
            channels = 2
    return nn.Sequential(*modules)


@with_settings(max_examples=60)
@given(chains())
def test_any_chains_center_sees_its_whole_field_on_its_canvas(chain):
    network = fv.Network(chain)
    layer = str(len(chain) - 1)
    field = network.receptive_field(layer)
    (row, _), rows, _ = seen(network, layer, field.canvas())
    assert rows == field.span(row)


def test_a_layer_that_sees_the_whole_image_has_no_field(small):
    assert receptive_fields(small.module)["classifier.0"] is None
    for layer in ("classifier.0", "classifier.3", "output"):
        with pytest.raises(
            ValueError,
            match=f"{layer} of small has no receptive field in pixels: its units see the whole",
        ):
            small.receptive_field(layer)


class Undecided(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 3)

    def forward(self, images):
        return self.conv(images if images.sum() > 0 else -images)


def test_an_untraceable_module_says_so_and_still_works_otherwise():
    network = fv.Network(Undecided())
    with pytest.raises(
        ValueError, match=r"receptive fields need a module that torch\.fx can trace, and Undecided"
    ):
        network.receptive_field("conv")
    assert fv.activations(network, torch.rand(3, 8, 8), ["conv"])["conv"].shape == (1, 2, 6, 6)


def test_windows_that_differ_between_the_axes_say_which():
    network = fv.Network(nn.Sequential(nn.Conv2d(3, 2, (3, 5))))
    with pytest.raises(ValueError, match=r"the same kernel_size along both axes, and 0 has \(3, 5"):
        network.receptive_field("0")


def test_a_center_between_two_pixels_ends_in_a_half():
    field = fv.Network(nn.Sequential(nn.Conv2d(3, 2, 4, stride=2))).receptive_field("0")
    assert field == ReceptiveField(4, 2, 1.5)
    assert field.span(0) == (0, 4)
    assert field.span(3) == (6, 10)
