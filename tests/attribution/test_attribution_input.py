"""What attribution says of input that it can't use."""

import pytest
import torch
from torch import nn

import featviz as fv
from featviz.attribution.attribute import attribute

GRAY = torch.full((3, 224, 224), 0.5)


def refused(*arguments: object) -> str:
    with pytest.raises(ValueError, match=r"\S") as caught:
        attribute(*arguments)
    return str(caught.value)


def test_an_unknown_class_offers_the_nearest_and_an_index_the_range(squeezenet):
    said = refused(squeezenet, GRAY, "taby", "features.12")
    assert "no class 'taby'; the nearest are tabby, " in said
    assert "(network.classes lists all 1000)" in said
    assert "classes 0 to 999, not 1000" in refused(squeezenet, GRAY, 1000, "features.12")


def test_an_unknown_class_of_a_network_with_its_own_classes():
    module = nn.Sequential(nn.Conv2d(3, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    net = fv.Network(module, name="two", classes=("cat", "dog"))
    said = refused(net, GRAY, "cow", "0")
    assert said == "two knows no class 'cow' (network.classes lists all 2)."
    assert attribute(net, GRAY, "dog", "0").objective == fv.parse("logit:1")


@pytest.mark.parametrize("layer", ["conv3", "conv2:relu"])
def test_a_layer_after_the_objective(alexnet, layer):
    assert refused(alexnet, GRAY, fv.Channel("conv2", 1), layer) == (
        f"the objective conv2:1 can't be explained in {layer}, which comes after what it reads "
        "(conv2) or beside it; choose among conv1, conv2."
    )


def test_photos_smaller_than_a_field_are_explained(alexnet):
    wide = nn.Sequential(*(nn.Conv2d(3, 3, 3, padding=100, dilation=100) for _ in range(2)))
    net = fv.Network(wide, layers={"deep": "1"})
    assert net.receptive_field("deep").size > 224
    assert attribute(net, GRAY, fv.Channel("deep", 0), "deep").map.shape == (224, 224)
    small = attribute(alexnet, GRAY[:, :100], fv.Channel("conv5", 1), "conv2")
    assert small.map.shape == (11, 27)


@pytest.mark.parametrize(
    ("wanted", "layer", "method", "message"),
    [
        (fv.Channel("conv5", 1), "conv5", "gradkam", "no method 'gradkam'; there are activation, "),
        (fv.Channel("conv5", 1), "conv6", "gradcam", "has no layer 'conv6'"),
        (fv.Channel("conv5", 256), "conv5", "gradcam", "units 0 to 255, not 256"),
        (fv.Channel("conv5", 1), "image", "gradcam", "for a map in pixels use gradient, integr"),
        (None, "conv5", "gradcam", "gradcam explains an objective"),
        (fv.Channel("conv5", 1), "conv4", "activation", "conv5:1 is none of these"),
        (fv.Channel("conv5", 1), "output", "gradcam", "output of alexnet"),
        (
            "tabby",
            "conv5",
            "gradcam",
            "alexnet has no classifier, so it scores no class 'tabby'; ",
        ),
        (281, "conv5", "gradcam", "no class 281; featviz.load('squeezenet') has one"),
    ],
)
def test_other_mistakes(alexnet, wanted, layer, method, message):
    assert message in refused(alexnet, GRAY, wanted, layer, method)


def test_several_photos_at_once(alexnet):
    several = torch.stack([GRAY, GRAY])
    assert "one photo at a time is explained, not 2" in refused(
        alexnet, several, fv.Channel("conv5", 1), "conv3"
    )
