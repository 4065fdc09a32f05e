"""The article's VGG16: the published file, whole, in float32, and refused when altered."""

import dataclasses
import json

import pytest
import torch
import torchvision
from safetensors import safe_open

import featviz as fv
from featviz import photos
from featviz.article import vgg16
from featviz.zoo import files
from featviz.zoo.weights import WeightsError


def test_the_file_is_the_published_one_and_says_where_it_comes_from():
    path = vgg16.FOLDER / vgg16.WEIGHTS.file
    assert files.sha256(path) == vgg16.WEIGHTS.sha256
    with safe_open(path, framework="np") as opened:
        provenance = json.loads(opened.metadata()["featviz"])
    assert provenance == {"source": vgg16.WEIGHTS.source, "license": vgg16.WEIGHTS.license}


def test_the_layers_are_those_of_the_paper():
    net = vgg16.load()
    stages = [(1, 2), (2, 2), (3, 3), (4, 3), (5, 3)]
    names = [f"conv{stage}_{at + 1}" for stage, count in stages for at in range(count)]
    assert list(net.layers) == names
    assert [net.receptive_field(f"conv{s}_{n}").size for s, n in stages] == [5, 14, 40, 92, 196]
    with torch.device("meta"):
        whole = torchvision.models.vgg16(weights=None).features.state_dict(prefix="features.")
    own = net.module.state_dict()
    assert {key: value.shape for key, value in own.items()} == {
        key: value.shape for key, value in whole.items()
    }
    assert {value.dtype for value in own.values()} == {torch.float32}
    first = own["features.0.weight"][0, 0, 0]
    torch.testing.assert_close(first, torch.tensor([-0.55373, 0.14270, 0.52896]), atol=3e-4, rtol=0)


def test_its_deep_units_answer_rarely_on_photographs():
    images = torch.stack([photos.load(name, 128).image for name in ("chelsea", "flower")])
    shallow, deep = fv.activations(vgg16.load(), images, ("conv1_2:relu", "conv5_3:relu")).values()
    assert (shallow > 0).float().mean() > 0.4
    assert 0.02 < (deep > 0).float().mean() < 0.2


def test_another_file_is_refused_in_one_sentence(monkeypatch):
    other = dataclasses.replace(vgg16.WEIGHTS, sha256="0" * 64)
    monkeypatch.setattr(vgg16, "WEIGHTS", other)
    with pytest.raises(WeightsError, match=r"vgg16\.safetensors is missing or altered: .* vgg16\."):
        vgg16.load.__wrapped__()
