"""Networks load by name, offline, and behave as torchvision's."""

import socket
import sys

import pytest
import torch
import torchvision

import featviz as fv
from featviz.zoo import bundled, networks


def test_alexnet_is_torchvisions_trunk(alexnet):
    assert alexnet.name == "alexnet"
    assert alexnet.layers == tuple(bundled.ALEXNET)
    assert not alexnet.module.training
    assert not alexnet.classes
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    whole = torchvision.models.alexnet(weights=None).eval()
    missing, unexpected = whole.load_state_dict(alexnet.module.state_dict(), strict=False)
    assert not unexpected
    assert all(name.startswith("classifier.") for name in missing)
    with torch.no_grad():
        torch.testing.assert_close(alexnet.module(images), whole.features(images))


def test_squeezenet_knows_its_classes(squeezenet):
    assert len(squeezenet.classes) == 1000
    assert squeezenet.classes[281] == "tabby"
    assert squeezenet.units("output") == 1000
    assert squeezenet.layers[0] == "features.0"
    assert "classifier.1" in squeezenet.layers


def test_each_load_gives_a_network_of_its_own(alexnet):
    other = fv.load("alexnet")
    assert other.module is not alexnet.module
    assert other.fingerprint == alexnet.fingerprint
    with torch.no_grad():
        other.module.features[0].bias.zero_()
    assert other.fingerprint != alexnet.fingerprint
    assert fv.load("alexnet").fingerprint == alexnet.fingerprint


@pytest.mark.parametrize("name", fv.networks())
def test_loading_opens_no_connection(monkeypatch, name):
    def refuse(*args, **kwargs):
        raise AssertionError("a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert fv.load(name).name == name


def test_the_networks_have_names_and_say_how_others_are_named():
    assert fv.networks() == ("alexnet", "squeezenet")
    assert repr(fv.networks()) == f"('alexnet', 'squeezenet') are bundled; {networks.OTHERS}."
    assert {"vgg16", "resnet50", "googlenet", "inception_v3"} <= set(fv.networks("torchvision"))
    with pytest.raises(ValueError, match="from bundled, torchvision, timm, not from 'keras'"):
        fv.networks("keras")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("alexnett", " Did you mean 'alexnet'?"),
        ("resnet5", " Did you mean 'resnet50'?"),
        ("zebra", ""),
    ],
)
def test_an_unknown_network_says_which_there_are(name, hint):
    with pytest.raises(ValueError, match="no network is called") as caught:
        fv.load(name)
    assert str(caught.value) == (
        f"no network is called {name!r}.{hint} alexnet and squeezenet are bundled; "
        f"{networks.OTHERS}; wrap any other module in featviz.Network(module)."
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "mine.pth"}, "mine.pth is a file of weights: say whose, featviz.load"),
        ({"name": "mine.pth", "architecture": "resnet18"}, "there is no file mine.pth"),
        (
            {"name": "a.pth", "architecture": "resnet18", "weights": "b.pth"},
            "the weights are in a.pth or in b.pth: name one of them",
        ),
    ],
)
def test_a_file_of_weights_needs_its_architecture(arguments, message):
    with pytest.raises(ValueError, match=message):
        fv.load(**arguments)


@pytest.mark.parametrize(
    ("name", "library", "extra"),
    [("timm:resnet18", "timm", "timm"), ("hf:a/b", "huggingface_hub", "huggingface")],
)
def test_without_an_extra_one_sentence_names_it(name, library, extra, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ModuleNotFoundError) as caught:
        fv.load(name)
    assert str(caught.value) == (
        f"networks of {library} need the extra [{extra}]: pip install 'featviz[{extra}]'."
    )
