"""Shortcuts give what the long way gives, or stand aside."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import parametrizations, prune

import featviz as fv
from featviz.ascent.score import Scorer, score
from featviz.ascent.shortcuts import (
    FEW_CHANNELS,
    Blocks,
    ConstantGradient,
    FoldedNorm,
    SpaceToDepthConv,
    fold_batch_norms,
    space_to_depth,
)
from featviz.network.network import private_view
from featviz.network.passes import run_to
from featviz.objectives.units import Channel, DeepDream, Direction, Neuron


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
    outputs = SpaceToDepthConv(conv)(images)
    torch.testing.assert_close(outputs, values, rtol=1e-12, atol=1e-12)
    weights = torch.randn(values.shape, generator=stream(), dtype=torch.float64)
    (expected,) = torch.autograd.grad((values * weights).sum(), images)
    (gradient,) = torch.autograd.grad((outputs * weights).sum(), images)
    torch.testing.assert_close(gradient, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("size", [96, 160, 224])
def test_its_gradient_has_the_same_bits_with_any_threads_in_any_batch(alexnet, threads, size):
    conv = SpaceToDepthConv(alexnet.module.features[0]).to(memory_format=torch.channels_last)
    images = torch.randn(6, 3, size, size, generator=stream())
    gradients = []
    for count, batch in ((1, 6), (3, 2), (6, 2), (5, 3), (9, 5), (12, 2), (20, 6)):
        threads(count)
        part = images[:batch].clone().requires_grad_()
        gradients += torch.autograd.grad(conv(part).square().sum(), part)
    for gradient in gradients:
        assert gradient.equal(gradients[0][: len(gradient)])


@given(
    side=st.integers(1, 8),
    size=st.tuples(*[st.integers(1, 4)] * 4),
    dtype=st.sampled_from([torch.bfloat16, torch.float32, torch.float64]),
    channels_last=st.booleans(),
)
def test_blocks_become_channels_and_their_gradient_pixels(side, size, dtype, channels_last):
    count, channels, rows, columns = size
    images = torch.randn(count, channels, rows * side, columns * side, generator=stream())
    layout = torch.channels_last if channels_last else torch.contiguous_format
    images = images.to(dtype, memory_format=layout).requires_grad_()
    values = Blocks.apply(images, side)
    assert torch.equal(values, F.pixel_unshuffle(images, side))
    weights = torch.randn(values.shape, generator=stream()).to(dtype, memory_format=layout)
    (gradient,) = torch.autograd.grad(values, images, weights)
    assert torch.equal(gradient, F.pixel_shuffle(weights, side))


def test_alexnets_first_convolution_is_replaced_and_no_other(alexnet):
    view = private_view(alexnet)
    space_to_depth(view)
    names = {k for k, m in view.named_modules() if isinstance(m, SpaceToDepthConv)}
    assert names == {"features.0"}
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


def normed(channels, **settings):
    """A batch norm that knows statistics, weights and biases."""
    norm = nn.BatchNorm2d(channels, **settings)
    for values in (norm.running_mean, norm.weight, norm.bias):
        if values is not None:
            nn.init.normal_(values, generator=stream(1))
    if norm.running_var is not None:
        nn.init.uniform_(norm.running_var, 0.1, 4, generator=stream(2))
    return norm


def folded(module, read="output"):
    """A network's view, before its batch norms are folded and after."""
    network = fv.Network(module.eval(), size=24)
    refs = [network.resolve(read)]
    before, after = private_view(network, refs), private_view(network, refs)
    fold_batch_norms(after, network, refs)
    return before, after


@given(
    kernel=st.integers(1, 5),
    stride=st.integers(1, 3),
    groups=st.sampled_from([1, 3]),
    bias=st.booleans(),
    affine=st.booleans(),
    eps=st.floats(1e-6, 1),
)
def test_a_folded_batch_norm_is_the_batch_norm(kernel, stride, groups, bias, affine, eps):
    conv = nn.Conv2d(3, 6, kernel, stride, 2, groups=groups, bias=bias)
    before, after = folded(nn.Sequential(conv, normed(6, affine=affine, eps=eps), nn.ReLU()))
    assert type(after[1]) is FoldedNorm
    images = torch.randn(2, 3, 16, 20, generator=stream(), dtype=torch.float64)
    values = before.double()(images)
    # The weights are folded in float32.
    torch.testing.assert_close(after.double()(images), values, rtol=1e-5, atol=1e-5)


class ReadTwice(nn.Module):
    """A convolution whose value goes around its batch norm, too."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 3), normed(4)

    def forward(self, images):
        value = self.conv(images)
        return self.norm(value) + value


class NormedTwice(ReadTwice):
    def forward(self, images):
        return self.norm(self.norm(self.conv(images)))


class ReadsWeights(ReadTwice):
    def forward(self, images):
        return self.norm(self.conv(images)) * self.conv.weight.mean()


class ReadsNorm(ReadTwice):
    def forward(self, images):
        return self.norm(self.conv(images)) * self.norm.weight.mean() + self.norm.eps


class NormOnly(ReadTwice):
    def forward(self, images):
        return self.norm(self.conv(images).relu())


class ByName(ReadTwice):
    def forward(self, images):
        return self.norm(input=self.conv(images))


class Listed(ReadTwice):
    """Keeps its convolution where no module is looked for."""

    def __init__(self):
        super().__init__()
        self.convs = [self.conv]

    def forward(self, images):
        return self.norm(self.convs[0](images))


class AsksForBias(ReadTwice):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, bias=False)

    def forward(self, images):
        value = self.norm(self.conv(images))
        return value if self.conv.bias is None else 2 * value


class Counts(ReadTwice):
    """What it gives depends on how often it ran."""

    runs = 0

    def forward(self, images):
        self.runs += 1
        return self.norm(self.conv(images)) * self.runs


class Packed(nn.Module):
    """A layer that returns more than its convolution's value."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, images):
        return self.conv(images), None


class Unpacks(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.norm = Packed(), normed(4)

    def forward(self, images):
        return self.norm(self.body(images)[0])


class OwnNorm(nn.BatchNorm2d):
    def forward(self, value):
        return super().forward(value).abs()


def weight_normed():
    conv = parametrizations.weight_norm(nn.Conv2d(3, 4, 3))
    return nn.Sequential(conv, normed(4))


@pytest.mark.parametrize(
    ("module", "read"),
    [
        (nn.Sequential(nn.Conv2d(3, 4, 3), normed(4), nn.ReLU()), "0"),
        (nn.Sequential(nn.Conv2d(3, 4, 3), normed(4, track_running_stats=False)), "output"),
        (nn.Sequential(nn.Conv2d(3, 4, 3), OwnNorm(4)), "output"),
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), normed(4)), "output"),
        (nn.Sequential(nn.ConvTranspose2d(3, 4, 3), normed(4)), "output"),
        (weight_normed(), "output"),
        (ReadTwice(), "output"),
        (NormedTwice(), "output"),
        (ReadsWeights(), "output"),
        (NormOnly(), "output"),
        (Listed(), "output"),
        (AsksForBias(), "output"),
        (Unpacks(), "body"),
    ],
)
def test_batch_norms_that_are_no_part_of_a_convolution_stay(module, read):
    before, after = folded(module, read)
    assert [type(part) for part in after.modules()] == [type(part) for part in before.modules()]
    images = torch.randn(2, 3, 24, 21, generator=stream())
    for one, other in zip(
        run_to(after, images, [fv.Network(module).resolve(read)]).values(),
        run_to(before, images, [fv.Network(module).resolve(read)]).values(),
        strict=True,
    ):
        assert torch.equal(one, other)


class Standardized(nn.Conv2d):
    """A convolution with a pass of its own, as in image-classification libraries."""

    def forward(self, images):
        return nn.functional.conv2d(images, self.weight / self.weight.std(), None, self.stride)


class Overridden(nn.Conv2d):
    def _conv_forward(self, images, weight, bias):
        return super()._conv_forward(images, weight.abs(), bias)


def stem(first):
    return nn.Sequential(first, nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 4, 3))


class Taps(nn.Module):
    """Runs the parts of a sequence one by one, and keeps what is between."""

    def __init__(self):
        super().__init__()
        self.features = stem(nn.Conv2d(3, 8, 3))
        self.last = nn.Conv2d(8, 4, 1)

    def forward(self, images):
        outputs = []
        for part in self.features:
            images = part(images)
            outputs.append(images)
        return self.last(outputs[1])


class Slices(Taps):
    def forward(self, images):
        outputs = self.features[:2](images)
        return self.last(outputs) + self.features[2:](outputs).mean()


class Aliases(nn.Module):
    """Names its modules twice, and runs them under the second name."""

    def __init__(self):
        super().__init__()
        self.first, self.act, self.pool = nn.Conv2d(3, 8, 3, 2), nn.ReLU(), nn.MaxPool2d(2)
        self.all = nn.Sequential(self.first, self.act, self.pool, nn.Conv2d(8, 4, 3))

    def forward(self, images):
        return self.all(images)


def one_convolution_twice():
    conv = nn.Conv2d(3, 3, 3, padding=1)
    return nn.Sequential(conv, nn.ReLU(), conv, nn.MaxPool2d(2))


def pruned_network():
    network = stem(nn.Conv2d(3, 8, 3, 2))
    prune.l1_unstructured(network[0], "weight", 0.5)
    with torch.no_grad():
        network[0].weight_orig.mul_(3)
    return network


@pytest.mark.parametrize(
    ("make", "layer"),
    [
        (lambda: stem(Standardized(3, 8, 3, 2)), "3"),
        (lambda: stem(Standardized(3, 8, 3, 2)), "0"),
        (lambda: stem(Overridden(3, 8, 3, 2)), "3"),
        (lambda: stem(Overridden(3, 8, 3, 2)), "0"),
        (lambda: stem(nn.Conv2d(3, 8, 3)), "1"),
        (pruned_network, "3"),
        (pruned_network, "0"),
        (Taps, "last"),
        (Slices, "last"),
        (Slices, "output"),
        (Aliases, "first"),
        (Aliases, "first:relu"),
        (Aliases, "act"),
        (Aliases, "pool"),
        (Aliases, "all.3"),
        (one_convolution_twice, "3"),
        (one_convolution_twice, "0#1"),
        (one_convolution_twice, "0#2"),
        (lambda: nn.Sequential(nn.Conv2d(3, 8, 3), normed(8), nn.ReLU()), "0"),
        (lambda: nn.Sequential(nn.Conv2d(3, 8, 3), normed(8), nn.ReLU()), "0:relu"),
        (lambda: nn.Sequential(nn.Conv2d(3, 8, 3), normed(8), nn.ReLU()), "1"),
        (ReadTwice, "norm"),
        (NormedTwice, "norm#2"),
        (ReadsWeights, "norm"),
        (ByName, "norm"),
        (Listed, "norm"),
        (AsksForBias, "output"),
        (Counts, "output"),
        (Unpacks, "body"),
        (weight_normed, "1"),
        (ReadsNorm, "output"),
    ],
)
@pytest.mark.parametrize("kind", [Channel, DeepDream])
def test_shortcuts_change_no_value_of_any_network(make, layer, kind):
    torch.manual_seed(0)
    network = fv.Network(make())
    objectives = [kind(layer, 0) if kind is Channel else kind(layer)] * 2
    images = torch.rand(2, 3, 24, 21, generator=stream())
    values = Scorer(network, objectives, torch.device("cpu"), torch.float32)(images, images)
    expected = score(network, objectives, images, images)
    torch.testing.assert_close(values, expected, rtol=1e-4, atol=1e-6)


def test_a_stem_with_too_small_an_image_says_so():
    network = fv.Network(stem(nn.Conv2d(3, 8, 4, 4)))
    scorer = Scorer(network, [Channel("3", 0)], torch.device("cpu"), torch.float32)
    image = torch.rand(1, 3, 2, 3)
    with pytest.raises(ValueError, match="3 x 2 px is too small to reach 3: Kernel size can't"):
        scorer(image, image)


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
    values = shortcut(inputs)
    torch.testing.assert_close(values, expected, rtol=1e-5, atol=1e-6)
    (shortcuts,) = torch.autograd.grad(values.sum(), inputs)
    torch.testing.assert_close(shortcuts, gradient, rtol=1e-5, atol=1e-7)


def test_a_constant_gradient_holds_for_other_inputs_of_the_same_shape():
    module, objective = AFFINE["conv"], Direction("layer", (1.0, -2.0, 0.0, 0.5, 3.0))
    first = torch.randn(2, 6, 9, 11, generator=stream())
    shortcut = ConstantGradient(lambda value: objective({"layer": value}), module, first)
    second = torch.randn(2, 6, 9, 11, generator=stream(7))
    torch.testing.assert_close(shortcut(second), objective({"layer": module(second)}))
