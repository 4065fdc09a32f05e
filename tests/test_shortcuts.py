"""Shortcuts give what the long way gives, or stand aside."""

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import nn

from featviz.objectives import Channel, Direction, Neuron
from featviz.shortcuts import FEW_CHANNELS, ConstantGradient, SpaceToDepthConv, space_to_depth


def stream(seed=0):
    return torch.Generator().manual_seed(seed)


@given(
    kernel=st.tuples(st.integers(1, 11), st.integers(1, 11)),
    stride=st.integers(2, 5),
    padding=st.tuples(st.integers(0, 4), st.integers(0, 4)),
    channels=st.integers(1, FEW_CHANNELS),
    size=st.tuples(st.integers(1, 30), st.integers(1, 30)),
    bias=st.booleans(),
    channels_last=st.booleans(),
)
def test_space_to_depth_equals_the_convolution(
    kernel, stride, padding, channels, size, bias, channels_last
):
    assume(all(s + 2 * p >= k for s, p, k in zip(size, padding, kernel, strict=True)))
    conv = nn.Conv2d(channels, 5, kernel, stride, padding, bias=bias).double()
    images = torch.randn(2, channels, *size, generator=stream(), dtype=torch.float64)
    if channels_last:
        images = images.to(memory_format=torch.channels_last)
    images.requires_grad_()
    values = conv(images)
    found = SpaceToDepthConv(conv)(images)
    torch.testing.assert_close(found, values, rtol=1e-12, atol=1e-12)
    weights = torch.randn(values.shape, generator=stream(), dtype=torch.float64)
    (expected,) = torch.autograd.grad((values * weights).sum(), images)
    (gradient,) = torch.autograd.grad((found * weights).sum(), images)
    torch.testing.assert_close(gradient, expected, rtol=1e-12, atol=1e-12)


def test_alexnets_first_convolution_is_replaced_and_no_other(alexnet):
    view = alexnet.view()
    space_to_depth(view)
    replaced = {k for k, m in view.named_modules() if isinstance(m, SpaceToDepthConv)}
    assert replaced == {"features.0"}
    assert isinstance(alexnet.module.features[0], nn.Conv2d)
    images = torch.randn(2, 3, 65, 90, generator=stream())
    torch.testing.assert_close(
        view.features[0](images), alexnet.module.features[0](images), rtol=1e-4, atol=1e-4
    )


def test_a_convolution_anywhere_in_a_module_is_found():
    view = nn.Sequential(nn.Sequential(nn.Identity(), nn.Sequential(nn.Conv2d(3, 4, 4, 2))))
    images = torch.randn(1, 3, 16, 16, generator=stream())
    expected = view(images)
    space_to_depth(view)
    assert isinstance(view[0][1][0], SpaceToDepthConv)
    torch.testing.assert_close(view(images), expected)


@pytest.mark.parametrize(
    "conv",
    [
        nn.Conv2d(3, 4, 3),
        nn.Conv2d(3, 4, 3, stride=(2, 3)),
        nn.Conv2d(3, 4, 3, stride=(2, 1)),
        nn.Conv2d(FEW_CHANNELS + 1, 4, 3, stride=2),
        nn.Conv2d(4, 4, 3, stride=2, groups=2),
        nn.Conv2d(3, 4, 3, stride=2, dilation=2),
        nn.Conv2d(3, 4, 3, stride=2, padding=1, padding_mode="reflect"),
        nn.Conv2d(3, 4, 3, stride=2, padding="valid"),
        nn.ConvTranspose2d(3, 4, 3, stride=2),
    ],
    ids=str,
)
def test_what_does_not_fit_is_left_alone(conv):
    view = nn.Sequential(conv)
    space_to_depth(view)
    assert view[0] is conv


AFFINE = {
    "conv": nn.Conv2d(6, 5, 3, padding=1),
    "strided": nn.Conv2d(6, 5, 3, stride=2, bias=False),
    "grouped": nn.Conv2d(6, 4, 3, groups=2),
    "space to depth": SpaceToDepthConv(nn.Conv2d(3, 5, 5, stride=2, padding=2)),
}


@pytest.mark.parametrize("name", AFFINE)
@pytest.mark.parametrize(
    "objective",
    [
        Channel("layer", 1),
        Neuron("layer", 2),
        Neuron("layer", 0, (0, 1)),
        2 * Channel("layer", 1) - 0.5 * Neuron("layer", 3),
    ],
    ids=str,
)
def test_a_constant_gradient_equals_autograds(name, objective):
    module = AFFINE[name]
    channels = 3 if name == "space to depth" else 6
    inputs = torch.randn(3, channels, 9, 11, generator=stream()).requires_grad_()
    expected = objective({"layer": module(inputs)})
    (gradient,) = torch.autograd.grad(expected.sum(), inputs)
    shortcut = ConstantGradient(lambda value: objective({"layer": value}), module, inputs)
    found = shortcut(inputs)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
    (shortcuts,) = torch.autograd.grad(found.sum(), inputs)
    torch.testing.assert_close(shortcuts, gradient, rtol=1e-5, atol=1e-7)


def test_a_constant_gradient_holds_for_other_inputs_of_the_same_shape():
    module, objective = AFFINE["conv"], Direction("layer", (1.0, -2.0, 0.0, 0.5, 3.0))
    first = torch.randn(2, 6, 9, 11, generator=stream())
    shortcut = ConstantGradient(lambda value: objective({"layer": value}), module, first)
    second = torch.randn(2, 6, 9, 11, generator=stream(7))
    torch.testing.assert_close(shortcut(second), objective({"layer": module(second)}))
