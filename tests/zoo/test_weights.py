"""The bundled weights are the published ones, and say so when they are not."""

import dataclasses
import hashlib
import json
from importlib import resources
from types import MappingProxyType

import pytest
import torch
import torchvision
from safetensors import safe_open

from featviz import photos
from featviz.zoo import weights
from featviz.zoo.imagenet import CLASSES


def file_of(name):
    return resources.files("featviz.zoo").joinpath(weights.WEIGHTS[name].file)


@pytest.mark.parametrize("name", weights.WEIGHTS)
def test_file_has_the_published_hash_and_says_where_it_comes_from(name):
    assert hashlib.sha256(file_of(name).read_bytes()).hexdigest() == weights.WEIGHTS[name].sha256
    with resources.as_file(file_of(name)) as path, safe_open(path, framework="np") as opened:
        provenance = json.loads(opened.metadata()["featviz"])
    assert provenance["source"] == weights.WEIGHTS[name].source
    assert provenance["license"] == weights.WEIGHTS[name].license


def test_alexnet_holds_torchvisions_five_convolutions():
    found = weights.load_weights("alexnet")
    expected = torchvision.models.alexnet(weights=None).features.state_dict(prefix="features.")
    assert {key: tuple(value.shape) for key, value in found.items()} == {
        key: tuple(value.shape) for key, value in expected.items()
    }
    assert {value.dtype for value in found.values()} == {torch.float32}
    torch.testing.assert_close(
        found["features.0.weight"][0, 0, 0, :3],
        torch.tensor([0.1186, 0.0941, 0.0954]),
        atol=5e-5,
        rtol=0,
    )


def test_squeezenet_recognizes_coffee_and_cat():
    net = torchvision.models.squeezenet1_1(weights=None)
    net.load_state_dict(weights.load_weights("squeezenet"))
    mean, std = (
        torch.tensor(x).view(3, 1, 1) for x in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    )
    # torchvision's preprocessing: shorter side 256, center crop 224.
    crops = torch.stack(
        [photos.load(name, size=256).image[:, 16:240, 16:240] for name in ("coffee", "chelsea")]
    )
    with torch.no_grad():
        coffee, chelsea = net.eval()((crops - mean) / std).softmax(dim=1)
    assert coffee[CLASSES.index("espresso")] == pytest.approx(0.97, abs=0.01)
    cats = [CLASSES.index(name) for name in ("tabby", "tiger cat", "Egyptian cat")]
    assert cats == [281, 282, 285]
    assert chelsea[cats].sum() == pytest.approx(0.99, abs=0.01)


def test_altered_file_is_refused_in_one_sentence(monkeypatch):
    real = weights.WEIGHTS["alexnet"]
    altered = dataclasses.replace(real, sha256="0" * 64)
    monkeypatch.setattr(weights, "WEIGHTS", MappingProxyType({"alexnet": altered}))
    with pytest.raises(weights.WeightsError) as caught:
        weights.load_weights("alexnet")
    assert str(caught.value) == (
        f"The weights file alexnet.safetensors has been altered (expected sha256 {'0' * 64}, found "
        f"{real.sha256}): reinstall featviz to restore it."
    )


def test_missing_file_and_unknown_name_are_said(monkeypatch):
    gone = dataclasses.replace(weights.WEIGHTS["alexnet"], file="gone.safetensors")
    monkeypatch.setattr(weights, "WEIGHTS", MappingProxyType({"alexnet": gone}))
    with pytest.raises(weights.WeightsError, match=r"gone\.safetensors is missing: reinstall"):
        weights.load_weights("alexnet")
    with pytest.raises(
        weights.WeightsError, match=r"No weights named 'vgg16' .* there are: alexnet"
    ):
        weights.load_weights("vgg16")
