import json
import os
import subprocess
import sys
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from torchvision.models import ResNet18_Weights

from featviz import cli
from featviz.ascent import climb
from tests.zoo.serving import made_up

COMMANDS = (
    ["layers"],
    ["render"],
    ["attribute"],
    ["circuit"],
    ["microscope", "build"],
    ["microscope", "status"],
    ["microscope", "open"],
    ["store", "du"],
    ["store", "prune"],
    ["store", "verify"],
)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_explains_itself_with_an_example(words):
    told = CliRunner().invoke(cli.cli, [*words, "--help"])
    assert told.exit_code == 0
    assert f"  featviz {' '.join(words)}" in told.output


def test_layers_are_listed_for_people_and_for_machines(command):
    code, out, err = command("layers", "alexnet")
    assert (code, err) == (0, "")
    assert out.splitlines()[-1].split() == ["conv5", "256", "163", "16"]
    _, out, _ = command("layers", "alexnet", "--json")
    assert json.loads(out)[0] == {"layer": "conv1", "units": 64, "field": 11, "stride": 4}


def test_render_writes_one_file_and_says_so_on_stderr(command, tmp_path):
    file = tmp_path / "four.png"
    specs = [f"conv1:{unit}@center" for unit in range(4)]
    code, out, err = command("render", *specs, "-o", str(file), "--grid", "4", "--json")
    assert code == 0
    assert str(file) in err
    told = json.loads(out)
    assert [one["spec"] for one in told["images"]] == specs
    with Image.open(file) as picture:
        assert picture.size == (4 * 13 + 3 * 2, 13)


def test_a_photo_is_accentuated_and_its_unit_scored_alone(command, tmp_path):
    file = tmp_path / "spotted.png"
    common = ["render", "conv2:3", "--start", "chelsea", "--size", "48", "-o", str(file), "--json"]
    reached = []
    for steps, near in (("1", "1e6"), ("12", "1e6"), ("12", "0")):
        code, out, _ = command(*common, "--steps", steps, "--near", near)
        assert code == 0
        reached.append(json.loads(out)["images"][0]["value"])
    assert reached[0] < reached[2]
    assert reached[1] < reached[2]
    with Image.open(file) as picture:
        assert picture.size == (48, 48)


def test_the_highest_score_is_asked_for(command, tmp_path):
    values = []
    for flag in ([], ["--highest"]):
        _, out, _ = command(
            "render", "conv2:3", "--size", "48", "--steps", "24", "--json",
            "-o", str(tmp_path / "x.png"), *flag,
        )  # fmt: skip
        values.append(json.loads(out)["images"][0]["value"])
    assert values[1] > values[0]


def test_steps_size_and_seed_reach_the_ascent(command, tmp_path):
    common = ["render", "conv2:3", "--size", "40", "--steps", "2", "-o"]
    for seed, name in (("0", "a.webp"), ("0", "b.webp"), ("1", "c.webp")):
        command(*common, str(tmp_path / name), "--seed", seed)
    a, b, c = ((tmp_path / f"{name}.webp").read_bytes() for name in "abc")
    assert a == b
    assert a != c
    with Image.open(tmp_path / "a.webp") as picture:
        assert picture.size == (40, 40)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["render", "conv9:1", "-o", "x.png"], 2, "did you mean"),
        (["render", "conv5:1", "-o", "x.gif"], 2, "ends in none of .png, .webp"),
        (["render", "conv5:1", "-o", "x.png", "--highest", "--start", "chelsea"], 2, "from noise"),
        (["render", "conv5:1", "-o", "x.png", "--start", "chelsie"], 2, "chelsea"),
        (["render", "conv5:1", "-o", "x.png", "--near", "5"], 2, "name it with --start"),
        (["render", "conv5:1", "-o", "no/such/x.png"], 2, "no folder"),
        (["render", "conv5:1", "-o", "folder.png"], 2, "folder.png is a folder"),
        (["render", "conv5:1", "-o", "x.png", "--size", "9999"], 2, "9999 is not in the range"),
        (["render", "-o", "x.png"], 2, "Missing argument"),
        (["layers", "alexnot"], 2, "Did you mean 'alexnet'"),
        (["attribute", "chelsea", "--layer", "conv5"], 2, "give -o FILE, --json, or both"),
        (["attribute", "cat", "--layer", "conv5", "--json"], 2, "no sample photograph 'cat'"),
        (["microscope", "build", "--units", "a-b"], 2, "Units are numbers and ranges"),
        (["microscope", "build", "--units", "9-0"], 2, "not '9-0'"),
        (["microscope", "build", "--units", "1-"], 2, "not '1-'"),
        (["microscope", "build", "--layers", "conv1", "--units", "0-500"], 2, "not 500"),
        (["microscope", "open", "--page", "none.html"], 1, "there is no page none.html"),
        (["microscope", "open", "conv1:9", "--page", "page.html"], 2, "shows no unit 'conv1:9'"),
    ],
)
def test_what_goes_wrong_is_one_sentence_on_stderr(
    monkeypatch, command, tmp_path, arguments, code, message
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "page.html").write_text('<i id="conv1-8"></i>', "utf-8")
    ended, out, err = command(*arguments)
    assert ended == code
    assert out == ""
    assert message in err
    assert "Traceback" not in err
    assert {path.name for path in tmp_path.iterdir()} == {"folder.png", "page.html"}


def test_attribution_as_picture_and_as_numbers(command, tmp_path):
    file = tmp_path / "map.png"
    code, out, _ = command(
        "attribute", "chelsea", "--layer", "conv5", "--target", "conv5:12",
        "--method", "activation", "-o", str(file), "--json",
    )  # fmt: skip
    assert code == 0
    told = json.loads(out)
    assert (len(told["map"]), len(told["map"][0])) == (13, 13)
    assert told["target"] == "conv5:12"
    with Image.open(file) as picture:
        assert picture.size == (224, 224)


def test_open_names_the_unit(command, tmp_path):
    page = tmp_path / "microscope.html"
    page.write_text('<i id="conv5-12"></i>', "utf-8")
    code, out, _ = command("microscope", "open", "conv5:12", "--page", str(page), "--print")
    assert code == 0
    assert out.strip() == f"{page.as_uri()}#conv5-12"


@pytest.mark.parametrize(
    ("text", "units"), [("3", [3]), ("0-2,7", [0, 1, 2, 7]), ("4, 5-5", [4, 5])]
)
def test_units_are_numbers_and_ranges(text, units):
    assert cli.microscope._numbers(text) == units


MODULE = """
from torch import nn
import beside

def make():
    return nn.Sequential(nn.Conv2d(3, beside.UNITS, 3), nn.ReLU(), nn.Conv2d(beside.UNITS, 2, 3))

def text():
    return "no network"

def needy(width):
    return nn.Conv2d(3, width, 3)

def fixed():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * 30**2, 2))
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A file with a function that makes a network, under a name that no test has imported."""
    file = tmp_path / f"mine_{tmp_path.name}.py"
    file.write_text(MODULE, "utf-8")
    (tmp_path / "beside.py").write_text("UNITS = 4", "utf-8")
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "beside", raising=False)
    return file


def test_a_function_in_a_file_makes_the_network(mine, command, tmp_path):
    code, out, err = command("layers", f"{mine}:make", "--json")
    assert (code, err) == (0, "")
    assert [(row["layer"], row["units"]) for row in json.loads(out)] == [("0", 4), ("2", 2)]
    picture, chosen = tmp_path / "x.png", ["--network", f"{mine}:make"]
    shown = ["render", "2:1", "--steps", "2", "--size", "32", "-o", str(picture), *chosen]
    assert command(*shown)[0] == 0
    assert picture.is_file()
    shown = ["render", "1:0", "--start", "chelsea", "--steps", "1", "-o", str(picture)]
    assert command(*shown, "--network", f"{mine}:fixed")[0] == 0
    with Image.open(picture) as image:
        assert image.size == (32, 32)  # what the network takes
    asked = ["attribute", "chelsea", "--layer", "2", "--target", "2:1", "--json", *chosen]
    code, out, _ = command(*asked)
    assert code == 0
    assert json.loads(out)["layer"] == "2"


@pytest.mark.parametrize(
    ("name", "more", "code", "message"),
    [
        ("none.py:make", [], 2, "There is no file none.py"),
        ("{mine}", [], 2, "Say which function of"),
        ("my.net.py:make", [], 2, "There is no file my.net.py"),
        ("{mine}:nothing", [], 2, "has no function 'nothing'"),
        ("{mine}:text", [], 2, "returns a torch.nn.Module or a featviz.Network, not str"),
        ("{mine}:needy", [], 2, "is called with nothing: missing a required argument: 'width'"),
        ("{broken}:make", [], 2, "can't be imported: "),
        ("{mine}:make", ["--download"], 2, "brings its own weights"),
        ("{clash}:make", [], 2, "Another module is called 'json' already: rename"),
        ("vgg16", [], 2, "ask for a download (download=True, --download), or put the file"),
        ("vgg16", ["--weights", "none.pth"], 2, "no file or folder 'none.pth' of weights"),
        ("resnet18", ["--download"], 1, "can't be downloaded ("),
        ("timm:resnet18", [], 1, "need the extra [timm]: pip install 'featviz[timm]'"),
    ],
)
def test_a_network_that_can_not_be_had_is_one_sentence(
    mine, monkeypatch, command, tmp_path, name, more, code, message
):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(ResNet18_Weights.DEFAULT.value, "url", "http://127.0.0.1:9/x-12345678.pth")
    monkeypatch.setitem(sys.modules, "timm", None)
    clash = tmp_path / "json.py"
    clash.write_text("", "utf-8")
    broken = tmp_path / f"broken_{tmp_path.name}.py"
    broken.write_text("def make(:", "utf-8")
    name = name.format(mine=mine, clash=clash, broken=broken)
    ended, out, err = command("layers", name, *more)
    assert (ended, out) == (code, "")
    assert message in err
    assert "Traceback" not in err


def test_weights_are_named_on_the_command_line(command, tmp_path):
    file = tmp_path / "mine.pth"
    torch.save(made_up("resnet18", num_classes=3), file)
    code, out, _ = command("layers", "resnet18", "--weights", str(file))
    assert code == 0
    assert out.splitlines()[1].split() == ["conv1", "64", "7", "2"]
    assert out.splitlines()[-1].split()[:2] == ["layer4.1", "512"]


def test_ctrl_c_is_130(monkeypatch, command):
    def stopped(asked):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.common, "load", stopped)
    assert command("layers")[0] == 130


def test_a_stopped_ascent_writes_nothing(monkeypatch, command, tmp_path):
    maximize = climb.maximize

    def stopped(*given, **more):
        return replace(maximize(*given, **more), interrupted=True)

    monkeypatch.setattr("featviz.ascent.climb.maximize", stopped)
    file = tmp_path / "x.png"
    code, _, err = command("render", "conv1:3@center", "-o", str(file))
    assert code == 130
    assert "x.png was not written" in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
        torch.OutOfMemoryError("CUDA out of memory."),
        MemoryError("Unable to allocate 9 TiB"),
    ],
    ids=["torch", "cuda", "numpy"],
)
def test_too_little_memory_is_one_sentence(command, monkeypatch, error):
    def fails(*given, **more):
        raise error

    monkeypatch.setattr(cli.common, "load", fails)
    told = "featviz: the memory doesn't suffice; ask for less, by a smaller --size say.\n"
    assert command("layers") == (1, "", told)


@pytest.mark.parametrize("told", ["a bug", "CUDA error: an illegal memory access was encountered"])
def test_other_errors_of_torch_are_not_hidden(command, monkeypatch, told):
    def fails(*given, **more):
        raise RuntimeError(told)

    monkeypatch.setattr(cli.common, "load", fails)
    with pytest.raises(RuntimeError, match=told):
        command("layers")


@pytest.mark.slow
def test_a_few_units_become_a_page_of_their_own(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "featviz", "microscope", "build", "--layers", "conv1",
         "--units", "0-2", "--out", str(tmp_path)],
        capture_output=True, text=True, check=True,
        env={**os.environ, "FEATVIZ_CACHE": str(tmp_path / "store")},
    )  # fmt: skip
    kept = list((tmp_path / "store").glob("??/*.safetensors"))
    assert len(kept) == 3 * 4 + 5, "three units in four views, five findings, no other unit"
    assert done.stdout == ""
    assert "100 %" in done.stderr
    page = (tmp_path / "microscope.html").read_text("utf-8")
    assert 'id="conv1-2"' in page
    assert "data:image" not in page


DRAWN = """
import torch
from torch import nn


def make():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 6, 5, stride=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 5, 3), nn.ReLU()
    )
"""


def test_circuit_draws_and_writes_down_the_same(monkeypatch, command, tmp_path):
    (tmp_path / "drawn_module.py").write_text(DRAWN, "utf-8")
    monkeypatch.setenv("FEATVIZ_CACHE", str(tmp_path / "cache"))
    drawing = tmp_path / "circuit.svg"
    network = f"{tmp_path / 'drawn_module.py'}:make"
    code, out, err = command(
        "circuit", "3:2", "--keep", "2", "--network", network, "-o", str(drawing), "--json"
    )
    assert (code, err) == (0, f"Wrote {drawing}\n")
    told = json.loads(out)
    assert told["unit"] == "3:2"
    assert [column["layer"] for column in told["columns"]] == ["3", "0"]
    assert np.shape(told["edges"][0]["kernels"]) == (1, 2, 6, 6)
    root = ElementTree.parse(drawing).getroot()
    texts = [one.text for one in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {f"0:{unit}" for unit in told["columns"][1]["units"]} <= set(texts)
    assert len([*root.iter("{http://www.w3.org/2000/svg}image")]) == 3


def test_circuit_says_what_it_lacks(command, tmp_path):
    code, _, err = command("circuit", "conv3:8")
    assert code == 2
    assert "Nothing to write: give -o FILE, --json, or both." in err
    code, _, err = command("circuit", "conv3:8", "-o", str(tmp_path / "a.png"))
    assert code == 2
    assert "ends in none of .svg" in err
    code, _, err = command("circuit", "conv3", "--json")
    assert code == 2
    assert "as in conv5:12, not 'conv3'" in err


def test_a_microscope_of_no_photos_is_one_sentence_before_anything_is_made(
    monkeypatch, command, tmp_path
):
    monkeypatch.setenv("FEATVIZ_CACHE", str(tmp_path / "cache"))
    code, out, err = command("microscope", "build", "--photos", str(tmp_path))
    assert (code, out) == (2, "")
    assert f"The folder {tmp_path} holds no photographs" in err
    assert not (tmp_path / "cache").exists()
