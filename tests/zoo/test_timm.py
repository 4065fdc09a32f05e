"""timm's networks, from its hub, from files and from torch's cache."""

import json
import socket
from functools import partial

import pytest
import safetensors.torch
import torch

import featviz as fv
from featviz.zoo import files
from featviz.zoo.weights import DownloadError, WeightsError
from tests.zoo.serving import Hub, repeated, serving

timm = pytest.importorskip("timm")
hub = pytest.importorskip("huggingface_hub")

IMAGES = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
NAME = "test_resnet.r160_in1k"


@pytest.fixture
def module():
    torch.manual_seed(0)
    return timm.create_model(NAME).eval()


def same(net, module):
    with torch.no_grad():
        return net.module(IMAGES).equal(module(IMAGES))


def refuse(*args, **kwargs):
    raise AssertionError("a connection")


@pytest.fixture
def hub_at(tmp_path, monkeypatch):
    """Says where the hub is; its cache is empty."""
    real = hub.hf_hub_download

    def at(address):
        options = {"endpoint": address, "cache_dir": tmp_path / "cache", "token": False}
        monkeypatch.setattr(hub, "hf_hub_download", partial(real, **options))

    at("http://127.0.0.1:9")
    return at


def test_weights_come_from_the_hub_once_and_only_when_asked_for(
    hub_at, module, tmp_path, monkeypatch
):
    with pytest.raises(WeightsError) as caught:
        fv.load(f"timm:{NAME}")
    assert str(caught.value) == (
        f"the weights of timm/{NAME} are not on this computer; ask for a download (download=True, "
        f"--download), or put its model.safetensors and its files *.json "
        f"(https://huggingface.co/timm/{NAME}) into a folder and name that (weights=, --weights)."
    )
    folder = tmp_path / "served" / "timm" / NAME
    folder.mkdir(parents=True)
    safetensors.torch.save_file(module.state_dict(), folder / "model.safetensors")
    with serving(tmp_path / "served", Hub) as address:
        hub_at(address)
        net = fv.load(f"timm:{NAME}", download=True)
    assert same(net, module)
    assert net.classes[281] == "tabby"
    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert fv.load(f"timm:{NAME}", download=True).fingerprint == net.fingerprint
    (blob,) = (tmp_path / "cache").rglob("blobs/*")
    if blob.is_symlink() or not any((tmp_path / "cache").rglob("model.safetensors")):
        return  # a cache without links
    blob.write_bytes(blob.read_bytes()[:-1] + b"x")
    with pytest.raises(WeightsError, match="is damaged; delete it"):
        fv.load(f"timm:{NAME}")


def test_what_the_hub_lacks_is_said(hub_at, tmp_path):
    with serving(tmp_path, Hub) as address:
        hub_at(address)
        with pytest.raises(DownloadError, match=r"has no model\.safetensors and no pytorch_model"):
            fv.load(f"timm:{NAME}", download=True)


def test_a_folder_as_timm_writes_it_says_what_it_is(module, tmp_path):
    mine = timm.create_model(NAME, num_classes=2).eval()
    safetensors.torch.save_file(mine.state_dict(), tmp_path / "model.safetensors")
    about = {"mean": [0.1, 0.2, 0.3], "std": [1, 1, 1], "num_classes": 2, "tag": "r160_in1k"}
    config = {"architecture": "test_resnet", "label_names": ["cat", "dog"], "num_classes": 2}
    (tmp_path / "config.json").write_text(json.dumps(config | {"pretrained_cfg": about}), "utf-8")
    for net in (fv.load(f"timm:{NAME}", weights=tmp_path), fv.load(tmp_path)):
        assert same(net, mine)
        assert net.classes == ("cat", "dog")
        assert net.mean == (0.1, 0.2, 0.3)
        assert "state_dict" not in net.module.pretrained_cfg


def test_weights_of_another_network_are_refused(tmp_path):
    path = tmp_path / "x.safetensors"
    safetensors.torch.save_file({"conv1.weight": torch.ones(3)}, path)
    with pytest.raises(WeightsError, match="don't fit timm's test_resnet, which says:") as caught:
        fv.load(f"timm:{NAME}", weights=path)
    assert "\n" not in str(caught.value)


def test_an_old_xception_comes_from_torchs_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(files, "expected", lambda url: "")
    with torch.device("meta"):
        shapes = timm.create_model("legacy_xception").state_dict()
    path = files.cached("https://github.com/xception-43020ad28.pth")
    path.parent.mkdir(parents=True)
    torch.save(repeated(shapes), path)
    net = fv.load("timm:legacy_xception")
    assert net.mean == net.std == (0.5, 0.5, 0.5)
    assert net.layers[:4] == ("conv1", "conv2", "block1", "block2")
    assert net.layers[-3:] == ("block12", "conv3", "conv4")
    assert net.units("conv2") == 64


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("timm:xception72", "timm has no network 'xception72'; did you mean xception71"),
        ("timm:xception71.mine", "timm's xception71 has no weights 'mine'; there are tf_in1k"),
    ],
)
def test_an_unknown_name_gets_near_ones(name, message):
    with pytest.raises(ValueError, match=message):
        fv.load(name)


def test_timms_networks_are_listed():
    assert {"timm:xception71.tf_in1k", "timm:legacy_xception.tf_in1k"} <= set(fv.networks("timm"))
