"""Hugging Face's classifiers, from a folder and from the hub."""

import json
import shutil
import socket
import sys
from functools import partial

import pytest
import torch

import featviz as fv
from featviz.zoo.imagenet import CLASSES, short_names
from featviz.zoo.weights import WeightsError
from tests.zoo.serving import Hub, serving

transformers = pytest.importorskip("transformers")
hub = pytest.importorskip("huggingface_hub")

IMAGES = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
LABELS = ("cat", "dog", "owl")
PREPARED = {"image_mean": [0.1, 0.2, 0.3], "image_std": [0.4, 0.5, 0.6], "do_normalize": True}


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    config = transformers.ResNetConfig(
        embedding_size=8,
        hidden_sizes=[16, 16, 24, 32],
        depths=[1, 1, 2, 1],
        id2label=dict(enumerate(LABELS)),
        num_labels=3,
    )
    return transformers.ResNetForImageClassification(config).eval()


@pytest.fixture
def folder(model, tmp_path):
    """A folder as the hub has them."""
    path = tmp_path / "mine"
    model.save_pretrained(path)
    (path / "preprocessor_config.json").write_text(json.dumps(PREPARED), "utf-8")
    return path


def refuse(*args, **kwargs):
    raise AssertionError("a connection")


def test_a_folder_is_a_network_with_its_own_normalization_and_classes(model, folder, monkeypatch):
    monkeypatch.setattr(socket.socket, "connect", refuse)
    net = fv.load(f"hf:{folder}")
    mean, std = (torch.tensor(PREPARED[f"image_{x}"]).view(3, 1, 1) for x in ("mean", "std"))
    with torch.no_grad():
        expected = model((IMAGES - mean) / std).logits
    torch.testing.assert_close(fv.activations(net, IMAGES, "output"), expected)
    assert net.classes == LABELS
    assert net.name == "mine"
    assert net.layers == (
        "embedder", "stages.0.layers.0", "stages.1.layers.0",
        "stages.2.layers.0", "stages.2.layers.1", "stages.3.layers.0",
    )  # fmt: skip
    assert net.units("stages.2.layers.1") == 24
    assert fv.load(folder).fingerprint == net.fingerprint
    assert fv.maximize(net, "stages.0.layers.0:3", size=32, steps=2).images.shape[-1] == 32


def test_a_repository_comes_from_the_hub_once_and_only_when_asked_for(
    folder, tmp_path, monkeypatch
):
    real = hub.hf_hub_download
    options = {"cache_dir": tmp_path / "cache", "token": False}
    monkeypatch.setattr(hub, "hf_hub_download", partial(real, **options))
    with pytest.raises(WeightsError, match=r"the weights of me/mine are not on this computer; ask"):
        fv.load("hf:me/mine")
    shutil.copytree(folder, tmp_path / "served" / "me" / "mine")
    with serving(tmp_path / "served", Hub) as address:
        monkeypatch.setattr(hub, "hf_hub_download", partial(real, endpoint=address, **options))
        net = fv.load("hf:me/mine", download=True)
    assert net.classes == LABELS
    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert fv.load("hf:me/mine").fingerprint == net.fingerprint
    assert fv.load("hf:me/mine", weights=folder).mean == (0.1, 0.2, 0.3)


def test_without_transformers_nothing_long_is_downloaded(folder, tmp_path, monkeypatch):
    shutil.copytree(folder, tmp_path / "served" / "me" / "mine")
    monkeypatch.setitem(sys.modules, "transformers", None)
    with serving(tmp_path / "served", Hub) as address:
        options = {"endpoint": address, "cache_dir": tmp_path / "cache", "token": False}
        monkeypatch.setattr(hub, "hf_hub_download", partial(hub.hf_hub_download, **options))
        with pytest.raises(ModuleNotFoundError, match=r"pip install 'featviz\[huggingface\]'"):
            fv.load("hf:me/mine", download=True)
    assert not list((tmp_path / "cache").rglob("model.safetensors"))


@pytest.mark.parametrize(
    ("told", "error"),
    [
        (None, "has no preprocessor_config.json, so it isn't known what images"),
        ({"do_flip_channel_order": True}, "another order of colors"),
        ({"rescale_factor": 1 / 127.5}, "another order of colors or another range"),
    ],
)
def test_images_that_are_not_known_are_refused(folder, told, error):
    path = folder / "preprocessor_config.json"
    path.unlink() if told is None else path.write_text(json.dumps(PREPARED | told), "utf-8")
    with pytest.raises(ValueError, match=error):
        fv.load(folder)


@pytest.mark.parametrize(
    ("prepared", "power"),
    [
        ({"image_processor_type": "EfficientNetImageProcessor"}, 2),
        ({"image_processor_type": "EfficientNetImageProcessor", "include_top": False}, 1),
        ({"include_top": True}, 2),
        ({"image_processor_type": "ViTImageProcessor", "rescale_factor": None}, 1),
    ],
)
def test_images_have_the_deviation_that_the_processor_gives_them(folder, prepared, power):
    path = folder / "preprocessor_config.json"
    path.write_text(json.dumps(PREPARED | prepared), "utf-8")
    assert fv.load(folder).std == pytest.approx([x**power for x in PREPARED["image_std"]])


def test_a_processor_without_a_mean_and_damaged_weights_are_told(folder):
    path = folder / "preprocessor_config.json"
    path.write_text(json.dumps({"image_std": [0.5] * 3}), "utf-8")
    with pytest.raises(WeightsError, match="says no image_mean"):
        fv.load(folder)
    path.write_text(json.dumps(PREPARED), "utf-8")
    (folder / "model.safetensors").write_bytes(b"version https://git-lfs.github.com/spec/v1")
    with pytest.raises(WeightsError, match="holds no image classifier"):
        fv.load(folder)
    with pytest.raises(WeightsError, match="name one of them"):
        fv.load(folder, weights=folder.parent)


def test_a_network_says_of_what_size_its_images_are(tmp_path):
    config = transformers.ViTConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        image_size=336, patch_size=48, num_labels=3,
    )  # fmt: skip
    transformers.ViTForImageClassification(config).save_pretrained(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(PREPARED), "utf-8")
    assert fv.load(tmp_path).size == 336


def test_a_model_without_a_classifier_is_refused(model, folder):
    model.resnet.save_pretrained(folder)
    with pytest.raises(WeightsError, match="has no weights for classifier"):
        fv.load(folder)


def test_what_is_no_repository_is_said():
    with pytest.raises(WeightsError, match="'a/b/c' is no name on the hub, OWNER/NAME"):
        fv.load("hf:a/b/c")
    with pytest.raises(WeightsError, match=r"there is no folder 'x\.pth'"):
        fv.load("hf:a/b", weights="x.pth")


def test_imagenets_classes_are_called_as_in_the_other_networks():
    long = [f"{name}, and so on" for name in CLASSES]
    assert short_names(long) == CLASSES
    assert short_names(long[:10]) == tuple(long[:10])
    assert short_names(["x"] * 1000) == ("x",) * 1000
