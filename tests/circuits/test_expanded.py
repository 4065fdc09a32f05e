import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

import featviz as fv
from featviz.circuits import attributions, effective_weights, expanded_weights
from featviz.circuits.linear import linear_way
from featviz.network.ablation import mean_values
from tests.circuits.architectures import untrained
from tests.networks import Residual

CHANNELS = 2

BLOCKS = st.fixed_dictionaries(
    {
        "kernel": st.integers(1, 3),
        "stride": st.integers(1, 2),
        "dilation": st.integers(1, 2),
        "padding": st.integers(0, 2),
        "groups": st.sampled_from([1, 2]),
        "norm": st.booleans(),
        "pool": st.sampled_from(["", "max2", "max3", "average"]),
    }
)

POOLS = {
    "max2": nn.MaxPool2d(2),
    "max3": nn.MaxPool2d(3, 2, padding=1),
    "average": nn.AvgPool2d(2),
}


class Mean(nn.Module):
    """The mean of a window as a convolution, by which max pooling is replaced."""

    def __init__(self, pool):
        super().__init__()
        self.side, self.step, self.padding = pool.kernel_size, pool.stride, pool.padding

    def forward(self, value):
        kernel = torch.full((value.shape[1], 1, self.side, self.side), 1 / self.side**2).to(value)
        return F.conv2d(value, kernel, None, self.step, self.padding, 1, value.shape[1])


def norm():
    layer = nn.BatchNorm2d(CHANNELS)
    layer.weight.data.uniform_(-2, 2)
    layer.running_var.uniform_(0.5, 2)
    layer.running_mean.normal_()
    return layer


def block(kernel, stride, dilation, padding, groups, norm, pool):
    layers = [nn.Conv2d(CHANNELS, CHANNELS, kernel, stride, padding, dilation, groups)]
    layers += [globals()["norm"]()] if norm else []
    return [*layers, nn.ReLU(inplace=True), *([POOLS[pool]] if pool else [])]


def linear(layers):
    """The same layers without what isn't linear."""
    exchanged = {nn.ReLU: lambda _: nn.Identity(), nn.MaxPool2d: Mean}
    same = [exchanged.get(type(one), lambda one: one)(one) for one in copy.deepcopy(layers)]
    return nn.Sequential(*same).eval().double()


def responses(tail, side=33):
    """How the middle of a map answers to 1 at each unit and place of what goes in, one by one."""
    count = CHANNELS * side * side
    ones = torch.eye(count + 1, count, dtype=torch.double).view(-1, CHANNELS, side, side)
    with torch.no_grad():
        values = tail(ones)  # the last is the answer to nothing
    row, column = (length // 2 for length in values.shape[2:])
    answers = (values[:-1] - values[-1:])[:, :, row, column]
    return answers.T.reshape(-1, CHANNELS, side, side).float()


def box(maps):
    """The part of maps that is not 0 everywhere, but for rounding."""
    there = maps.abs().amax((0, 1)) > 1e-9
    rows, columns = there.any(1).nonzero()[:, 0], there.any(0).nonzero()[:, 0]
    return maps[..., rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


@settings(max_examples=20)
@given(BLOCKS, st.booleans(), st.integers(0, 99))
def test_weights_are_the_responses_of_the_linear_network(spec, last_norm, seed):
    torch.manual_seed(seed)
    first = [nn.Conv2d(3, CHANNELS, 3, padding=1), nn.ReLU()]
    end = [nn.Conv2d(CHANNELS, CHANNELS, 3), *([norm()] if last_norm else []), nn.ReLU()]
    layers = [*first, *block(**spec), *end]
    net = fv.Network(nn.Sequential(*copy.deepcopy(layers)).eval())
    weights = expanded_weights(net, str(len(layers) - len(end)), range(CHANNELS), "0")
    torch.testing.assert_close(weights, box(responses(linear(layers[2:]))), rtol=1e-5, atol=1e-5)


def test_without_anything_between_they_are_the_kernel(alexnet):
    kernel = alexnet.module.get_submodule(alexnet.dotted["conv5"]).weight[[3, 9]].detach()
    assert torch.equal(expanded_weights(alexnet, "conv5", [3, 9], "conv4"), kernel)
    assert torch.equal(expanded_weights(alexnet, "conv5", np.int64(9), "conv4"), kernel[1:])


def test_they_are_those_of_the_weights_as_they_are_now():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3)).half()
    net = fv.Network(module, size=16)
    before = expanded_weights(net, "2", 0, "0")
    with torch.no_grad():
        module[2].weight.mul_(2)
    assert torch.equal(expanded_weights(net, "2", 0, "0"), 2 * before)


def test_two_groups_of_a_kernel_through_pooling_by_hand(alexnet):
    # AlexNet's pooling takes 3 x 3 places every 2: a kernel's entries 2 places apart, each spread.
    kernel = alexnet.module.get_submodule(alexnet.dotted["conv2"]).weight[7].detach()
    expected = torch.zeros(64, 11, 11)
    for row in range(5):
        for column in range(5):
            part = expected[:, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
            part += kernel[:, row, column, None, None] / 9
    weights = expanded_weights(alexnet, "conv2", 7, "conv1")
    torch.testing.assert_close(weights[0], expected, rtol=1e-5, atol=1e-6)


def test_a_residual_sum_is_a_sum_over_paths():
    torch.manual_seed(0)
    block = Residual(CHANNELS).eval()
    net = fv.Network(nn.Sequential(nn.Conv2d(3, CHANNELS, 1), nn.ReLU(), block).eval())
    assert linear_way(net, "2", "0").paths == 2
    branch = responses(linear([*block.branch]), side=9)
    branch[:, :, 4, 4] += torch.eye(CHANNELS)
    weights = expanded_weights(net, "2", [0, 1], "0")
    torch.testing.assert_close(weights, box(branch), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "layer", "earlier", "shape", "paths"),
    [
        ("vgg16", "conv2_1", "conv1_2", (2, 64, 6, 6), 1),
        ("vgg16", "conv3_1", "conv1_1", (2, 64, 22, 22), 1),
        ("resnet18", "layer1.1", "layer1.0", (2, 64, 5, 5), 2),
        ("resnet18", "layer2.0", "layer1.0", (2, 64, 11, 11), 4),
    ],
)
def test_torchvisions_networks(name, layer, earlier, shape, paths):
    net = untrained(name)
    weights = expanded_weights(net, layer, [0, 5], earlier)
    assert weights.shape == shape
    assert weights.abs().amax((1, 2, 3)).min() > 0
    assert linear_way(net, layer, earlier).paths == paths


class Gate(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.gate = nn.Conv2d(4, 4, 1)
        self.last = nn.Conv2d(4, 4, 3)

    def forward(self, x):
        x = torch.relu(self.conv(x))
        return self.last(x * torch.sigmoid(self.gate(x)))


def test_what_cannot_be_linear_is_named():
    net = fv.Network(Gate().eval())
    with pytest.raises(ValueError, match=r"sigmoid \(sigmoid\) lies between conv and last"):
        expanded_weights(net, "last", 0, "conv")


class Between(nn.Module):
    """Two convolutions, and a function between them."""

    def __init__(self, function):
        super().__init__()
        self.conv, self.last = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 2, 3)
        self.function = function

    def forward(self, x):
        return self.last(self.function(self.conv(x)))


@pytest.mark.parametrize("scaled", [lambda x: x * 0.2, lambda x: 0.2 * x, lambda x: x / 5])
def test_a_constant_scales_from_either_side(scaled):
    net = fv.Network(Between(scaled).eval())
    kernel = net.module.last.weight.detach()
    torch.testing.assert_close(expanded_weights(net, "last", [0, 1], "conv"), 0.2 * kernel)


def test_a_reciprocal_cannot_be_linear():
    net = fv.Network(Between(lambda x: 0.2 / x).eval())
    with pytest.raises(ValueError, match=r"\(truediv\) lies between conv and last"):
        expanded_weights(net, "last", 0, "conv")


def test_the_wrong_order_is_refused(alexnet):
    with pytest.raises(ValueError, match="no path leads from conv4 to conv3 in alexnet"):
        expanded_weights(alexnet, "conv3", 0, "conv4")
    with pytest.raises(ValueError, match="no path leads"):
        expanded_weights(alexnet, "conv3", 0, "conv3")
    with pytest.raises(ValueError, match="units 0 to 383, not 384"):
        expanded_weights(alexnet, "conv3", 384, "conv2")


def test_effective_weights_are_weighed_by_activity(alexnet):
    images = torch.rand(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    mean = fv.activations(alexnet, images, "conv1:relu").mean((0, 2, 3))
    expected = expanded_weights(alexnet, "conv2", [4], "conv1").sum((2, 3)) * mean
    found = effective_weights(alexnet, "conv2", [4], "conv1", images)
    torch.testing.assert_close(found, expected)


def test_attributions_add_up_to_the_value_with_the_bias(alexnet):
    images = torch.rand(3, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    maps = attributions(alexnet, images, "conv3", 8, "conv2")
    bias = alexnet.module.get_submodule(alexnet.dotted["conv3"]).bias[8]
    field = alexnet.receptive_field("conv3")
    inside = [at for at in range(13) if field.span(at)[0] >= 0 and field.span(at)[1] <= 224]
    values = fv.activations(alexnet, images, "conv3")[:, 8, inside][:, :, inside]
    torch.testing.assert_close(maps.sum((1, 2, 3)) + bias, values.amax((1, 2)))


def test_attributions_of_a_layer_that_does_not_reach(alexnet):
    with pytest.raises(ValueError, match="conv5 of alexnet doesn't reach conv3"):
        attributions(alexnet, torch.rand(1, 3, 128, 128), "conv3", 8, "conv5")


def test_mean_values_count_each_photograph_the_same(alexnet):
    one, other = torch.rand(3, 64, 64), torch.rand(3, 96, 128)
    means = [fv.activations(alexnet, image, "conv2:relu").mean((0, 2, 3)) for image in (one, other)]
    found = mean_values(alexnet, ["conv2:relu"], [one, other])["conv2:relu"]
    torch.testing.assert_close(found, (means[0] + means[1]) / 2)
