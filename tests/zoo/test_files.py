"""Files of weights: fetched on request, checked, read without pickle; what is said where not."""

import hashlib
import os
import re
import socket
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import nn
from torchvision import models

import featviz as fv
from featviz.zoo import files
from featviz.zoo.weights import DownloadError, WeightsError
from tests.zoo.serving import Cut, made_up, saved, serving


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of torch's."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path / "torch" / "hub" / "checkpoints"


@pytest.fixture
def served(tmp_path):
    """A file of made-up weights of AlexNet in a folder to serve; its name carries its hash."""
    data = saved(made_up("alexnet"))
    folder = tmp_path / "served"
    folder.mkdir()
    file = folder / f"alexnet-made-up-{hashlib.sha256(data).hexdigest()[:8]}.pth"
    file.write_bytes(data)
    return file


def refusal(*arguments, error=WeightsError, **options):
    with pytest.raises(error) as caught:
        files.published(*arguments, **options)
    said = str(caught.value)
    assert "\n" not in said
    return said


def test_the_whole_of_alexnet_is_fetched_once_and_scores_classes(
    cache, served, monkeypatch, capsys
):
    published = models.AlexNet_Weights.IMAGENET1K_V1.value
    with serving(served.parent) as address:
        monkeypatch.setattr(published, "url", f"{address}/{served.name}")
        net = fv.load("alexnet", classifier=True, download=True)
    assert len(net.classes) == 1000
    assert net.layers == ("conv1", "conv2", "conv3", "conv4", "conv5")
    assert not net.module.training
    image = torch.full((3, 224, 224), 0.5)
    assert fv.activations(net, image, ["output"])["output"].shape == (1, 1000)
    assert "100%" in capsys.readouterr().err  # the progress bar
    assert [path.name for path in cache.iterdir()] == [served.name]
    assert fv.load("alexnet", classifier=True).fingerprint == net.fingerprint  # now from the cache


def test_the_three_lines_of_the_readme_for_vgg16(cache, tmp_path, monkeypatch):
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    blocks = re.findall(r"```py\n(.*?)```", readme, re.DOTALL)
    (lines,) = (block for block in blocks if "vgg16" in block)
    shallow = lines.replace('"conv4_3:7"', '"conv1_1:7", size=24, steps=2')  # deep takes a minute
    assert shallow != lines
    data = saved(made_up("vgg16"))
    name = f"vgg16-{hashlib.sha256(data).hexdigest()[:8]}.pth"
    (tmp_path / name).write_bytes(data)
    monkeypatch.chdir(tmp_path)
    told = {"fv": fv}
    with serving(tmp_path) as address:
        url = f"{address}/{name}"
        monkeypatch.setattr(models.VGG16_Weights.IMAGENET1K_V1.value, "url", url)
        exec(compile(shallow, "README.md", "exec"), told)
    assert told["net"].units("conv4_3") == 512
    assert (tmp_path / "vgg.png").is_file()


def test_nothing_is_downloaded_that_is_not_asked_for(cache, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with pytest.raises(WeightsError) as caught:
        fv.load("vgg16")
    assert str(caught.value) == (
        "the weights vgg16-397923af.pth are not on this computer; ask for a download "
        "(download=True, --download), or put the file vgg16-397923af.pth "
        f"(https://download.pytorch.org/models/vgg16-397923af.pth) into the folder {cache}."
    )


def test_without_a_network_one_sentence_says_which_file_goes_where(cache):
    url = "http://127.0.0.1:9/alexnet-made-up-12345678.pth"
    said = refusal(url, download=True, error=DownloadError)
    assert said.startswith("alexnet-made-up-12345678.pth can't be downloaded (")
    assert said.endswith(
        f"put the file alexnet-made-up-12345678.pth ({url}) into the folder {cache}."
    )
    assert list(cache.iterdir()) == []


def test_a_missing_page_another_file_and_half_a_file_leave_nothing_behind(cache, served):
    right = served.name
    with serving(served.parent) as address:
        assert "can't be downloaded (" in refusal(f"{address}/alexnet-12345678.pth", download=True)
        served.write_bytes(served.read_bytes() + b"x")
        assert "not the published file" in refusal(f"{address}/{right}", download=True)
    with serving(served.parent, Cut) as address:
        refusal(f"{address}/{right}", download=True, error=DownloadError)
    assert list(cache.iterdir()) == []


def test_a_damaged_file_in_the_cache_is_refused(cache):
    cache.mkdir(parents=True)
    path = cache / "vgg16-397923af.pth"
    path.write_bytes(b"half")
    with pytest.raises(WeightsError, match=f"the file {re.escape(str(path))} is damaged or not"):
        fv.load("vgg16")


def test_the_name_of_every_file_that_torchvision_publishes_carries_its_hash():
    versions = [
        one for name in fv.networks("torchvision") for one in models.get_model_weights(name)
    ]
    assert len(versions) > 100
    assert all(files.expected(one.url) for one in versions)


STATE = {"a.weight": torch.arange(6.0).view(2, 3), "a.bias": torch.ones(2)}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("x.safetensors", safetensors.torch.save(STATE)),
        ("new.pth", saved(STATE)),
        ("old.pth", saved(STATE, _use_new_zipfile_serialization=False)),
        ("checkpoint.pt", saved({"state_dict": STATE, "epoch": 3})),
        ("parallel.bin", saved({"model": {f"module.{key}": v for key, v in STATE.items()}})),
    ],
)
def test_weights_are_read_as_people_keep_them(name, data, tmp_path):
    path = tmp_path / name
    path.write_bytes(data)
    state = files.read(path)
    assert set(state) == set(STATE)
    assert all(state[key].equal(value) for key, value in STATE.items())


class Malicious:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_no_pickle_is_ever_run(tmp_path):
    path = tmp_path / "bad.pth"
    path.write_bytes(saved({"a": Malicious(str(tmp_path / "ran"))}))
    with pytest.raises(WeightsError, match=r"bad\.pth can't be read as weights alone: write them"):
        files.read(path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("x.safetensors", b"garbage", "can't be read as weights alone"),
        ("x.pth", b"garbage", "can't be read as weights alone"),
        ("x.pth", b"hello world\n", "can't be read as weights alone"),
        ("x.pth", b"a,b\n1,2\n", "can't be read as weights alone"),
        ("x.pth", saved(torch.ones(2)), "holds no weights by name, but Tensor"),
        ("x.pth", saved({"a": torch.ones(2), "b": 3}), "other things than tensors"),
    ],
)
def test_other_files_are_refused_in_a_sentence(name, data, message, tmp_path):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(WeightsError, match=message):
        files.read(tmp_path / name)


def test_weights_of_another_network_are_refused_with_the_first_difference(tmp_path):
    path = tmp_path / "x"
    linear = torch.nn.Sequential()
    linear.add_module("a", torch.nn.Linear(3, 2))
    files.fill(linear, STATE, path)
    assert linear.a.weight.equal(STATE["a.weight"])
    for state, said in (
        ({"a.bias": torch.ones(2)}, "a.weight is missing"),
        (STATE | {"b": torch.ones(1)}, "b is too many"),
        (STATE | {"a.bias": torch.ones(4)}, r"a.bias is \(4,\) and should be \(2,\)"),
        ({"b": torch.ones(1)}, r"a.weight is missing \(2 more don't match\)"),
    ):
        with pytest.raises(WeightsError, match=rf"in .*x don't fit Sequential: {said}\.$"):
            files.fill(linear, state, path)


def test_a_count_that_older_files_lack_is_no_misfit():
    module = nn.Sequential(nn.BatchNorm2d(4), nn.Conv2d(4, 2, 1))
    state = {k: v for k, v in module.state_dict().items() if "num_batches_tracked" not in k}
    state["1.weight"] = torch.zeros(3, 4, 1, 1)
    with pytest.raises(WeightsError, match=r"1\.weight is \(3, 4, 1, 1\) and should be .*\)\.$"):
        files.fill(module, state, Path("old.pth"))
