"""torchvision's architectures with random weights."""

import functools

import torch
from torch import nn
from torchvision.models import resnet18
from torchvision.models.vgg import cfgs, make_layers

import featviz as fv
from featviz.zoo.layers import named_layers


class VGG(nn.Module):
    """The trunk alone, since the classifier takes seconds to fill."""

    def __init__(self):
        super().__init__()
        self.features = make_layers(cfgs["D"])

    def forward(self, images):
        return self.features(images)


@functools.cache
def untrained(name):
    """VGG16's trunk, or ResNet-18."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = VGG() if name == "vgg16" else resnet18(weights=None)
    return fv.Network(module.eval(), layers=named_layers(module), name=name)
