"""Networks load by name, offline, and behave as torchvision's."""

import socket

import pytest
import torch
import torchvision

import featviz as fv
from featviz.zoo import networks


def test_alexnet_is_torchvisions_trunk(alexnet):
    assert alexnet.name == "alexnet"
    assert alexnet.layers == tuple(networks.ALEXNET_LAYERS)
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


@pytest.mark.parametrize("name", networks.networks())
def test_loading_opens_no_connection(monkeypatch, name):
    def refuse(*args, **kwargs):
        raise AssertionError("a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert fv.load(name).name == name


def test_the_networks_have_names():
    assert networks.networks() == ("alexnet", "squeezenet")


@pytest.mark.parametrize(
    ("name", "hint"), [("alexnett", " Did you mean 'alexnet'?"), ("zebra", "")]
)
def test_an_unknown_network_says_which_there_are(name, hint):
    with pytest.raises(ValueError, match="no bundled network is called") as caught:
        fv.load(name)
    assert str(caught.value) == (
        f"no bundled network is called {name!r}; there are alexnet, squeezenet "
        f"(featviz.networks()).{hint} Wrap any other module in featviz.Network(module)."
    )


def test_what_the_message_tells_to_call_is_there():
    assert fv.networks() == networks.networks()
