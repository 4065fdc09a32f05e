"""Layers have the names that people use, and all of them exist."""

import pytest
import torch
from torch import nn
from torchvision import models

import featviz as fv
from featviz.network.network import UnknownLayerError
from featviz.zoo.layers import named_layers


def built(architecture):
    options = {}
    if architecture in ("googlenet", "inception_v3"):
        options = {"aux_logits": False, "init_weights": False}
    with torch.device("meta"):
        return models.get_model(architecture, weights=None, **options)


@pytest.mark.parametrize(
    ("architecture", "first", "last", "count", "some"),
    [
        ("vgg16", "conv1_1", "conv5_3", 13, {"conv4_3": "features.21"}),
        ("vgg19_bn", "conv1_1", "conv5_4", 16, {"conv4_3": "features.33"}),
        ("resnet50", "conv1", "layer4.2", 17, {"layer3.5": "layer3.5"}),
        ("googlenet", "conv1", "mixed5b", 12, {"mixed4c": "inception4c", "conv2": "conv2.conv"}),
        ("inception_v3", "conv1a", "mixed7c", 16, {"mixed6e": "Mixed_6e"}),
        (
            "densenet121", "features.conv0", "denseblock4.denselayer16", 62,
            {"denseblock2.denselayer3": "features.denseblock2.denselayer3"},
        ),
        ("efficientnet_v2_s", "features.0.0", "features.7.0", 42, {"features.1.0": "features.1.0"}),
        ("convnext_tiny", "features.0.0", "features.7.2", 22, {"features.1.0": "features.1.0"}),
        ("mobilenet_v3_small", "features.0.0", "features.12.0", 13, {}),
        ("vit_b_16", "conv_proj", "conv_proj", 1, {}),
    ],
)  # fmt: skip
def test_blocks_shallow_to_deep(architecture, first, last, count, some):
    layers = named_layers(built(architecture))
    assert next(iter(layers)) == first
    assert list(layers)[-1] == last
    assert len(layers) == count
    assert some.items() <= layers.items()


def test_names_can_be_written_in_an_objective():
    module = models.regnet_y_400mf(weights=None)
    assert named_layers(module)["block3.5"] == "trunk_output.block3.block3-5"
    net = fv.Network(module, layers=named_layers(module))
    assert fv.parse("block3.5:7").layer == "block3.5"
    assert net.units("block3.5") == 208


def test_a_layer_that_is_a_convolution_is_read_before_its_activation():
    class Rectified(nn.Module):
        def __init__(self, *inner):
            super().__init__()
            self.conv, self.more = nn.Conv2d(3, 4, 3), nn.Sequential(*inner)

        def forward(self, images):
            return self.more(self.conv(images)).relu()

    module = nn.Sequential(Rectified(nn.BatchNorm2d(4)), Rectified(nn.Conv2d(4, 4, 1)))
    assert named_layers(module) == {"0.conv": "0.conv", "1": "1"}


@pytest.mark.parametrize(
    ("architecture", "asked", "near"),
    [
        ("vgg16", "conv4_4", "'conv4_3'"),
        ("googlenet", "mixed4f", "'mixed4"),
        ("googlenet", "inception4f", "'inception4"),
        ("resnet50", "layer3.6", "'layer3"),
        ("resnet50", "conv4_3", "'conv1'"),
    ],
)
def test_a_name_that_is_none_gets_near_ones(architecture, asked, near):
    module = built(architecture)
    net = fv.Network(module, layers=named_layers(module))
    with pytest.raises(UnknownLayerError, match="did you mean") as caught:
        net.units(asked)
    assert near in str(caught.value)
