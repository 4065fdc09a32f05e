"""The networks that every part of featviz is tried on: how each is made, with random weights."""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

import timm
import torch
import torchvision
import transformers
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn

import featviz as fv
from featviz import photos
from featviz.zoo.layers import named_layers

SIDE = 64
"""Side in pixels of the images that most networks are given: the less, the sooner all are tried."""

SIDES = MappingProxyType({"inception_v3": 96, "timm:xception71": 96, "timm:legacy_xception": 96})
"""Of those that take no less."""

PHOTOS = ("chelsea", "coffee", "astronaut", "rocket")
"""Photographs on which batch norms get their statistics, as they would by training."""

TORCHVISION: Mapping[str, Mapping[str, object]] = MappingProxyType(
    {
        "vgg16": {},
        "resnet50": {},
        "googlenet": {"aux_logits": False, "init_weights": False},
        "inception_v3": {"aux_logits": False, "init_weights": False},
        "alexnet": {},
        "convnext_tiny": {},
        "densenet121": {},
        "efficientnet_b0": {},
        "mnasnet0_5": {},
        "mobilenet_v2": {},
        "mobilenet_v3_small": {},
        "regnet_y_400mf": {},
        "resnext50_32x4d": {},
        "shufflenet_v2_x0_5": {},
        "squeezenet1_1": {},
        "swin_t": {},
        "vit_b_16": {"image_size": SIDE},
    }
)
"""torchvision's networks, and what their constructors are told."""

TIMM = (
    "legacy_xception",
    "xception71",
    "convnext_atto",
    "efficientnet_lite0",
    "ghostnet_100",
    "legacy_seresnet18",
    "mobilevit_xxs",
    "nf_regnet_b0",
    "regnetx_002",
    "repvgg_a0",
    "resnet26d",
)
"""timm's."""

RESNET = "hf:ResNetForImageClassification"
"""The one of transformers'."""


class Scores(nn.Module):
    """A classifier of transformers that returns the scores alone, as the zoo has it."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        return self.model(pixel_values=images).logits


def _resnet() -> nn.Module:
    config = transformers.ResNetConfig(
        embedding_size=16,
        hidden_sizes=[16, 32, 64],
        depths=[1, 1, 1],
        layer_type="basic",
        num_labels=10,
    )
    return Scores(transformers.ResNetForImageClassification(config))


ROSTER: Mapping[str, Callable[[], nn.Module]] = MappingProxyType(
    {
        **{
            name: partial(torchvision.models.get_model, name, weights=None, **options)
            for name, options in TORCHVISION.items()
        },
        **{f"timm:{name}": partial(timm.create_model, name) for name in TIMM},
        RESNET: _resnet,
    }
)
"""Names, as `featviz.load` has them where it has them -> the networks."""


def network(name: str) -> fv.Network:
    """Makes a network of random weights, whose batch norms know what they are given."""
    side = SIDES.get(name, SIDE)
    images = torch.stack([photos.load(photo, side).image for photo in PHOTOS])
    normalized = fv.Network(nn.Conv2d(3, 1, 1)).normalize(images)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = ROSTER[name]()
        # Some start the ends of their branches, or their heads, at 0: nothing speaks for a class.
        for key, value in module.named_parameters():
            if key.endswith(("weight", "gain")) and not value.any():
                nn.init.ones_(value) if value.ndim < 2 else nn.init.xavier_normal_(value)
        update_bn([normalized], module)
    inner, prefix = (module.model, "model.") if isinstance(module, Scores) else (module, "")
    layers = {short: prefix + dotted for short, dotted in named_layers(inner).items()}
    return fv.Network(module.eval(), layers=layers, name=name, size=side)
