"""Values and gradients of the worker's network against PyTorch's."""

import copy
import hashlib
import os
import re
import subprocess

import pytest
import torch

import featviz as fv
from featviz import photos
from featviz.article.live import weights
from featviz.objectives.text import as_objectives
from tests.live.conftest import NODE
from tests.sites import ROOT

PHOTOS = ("astronaut", "chelsea", "coffee", "rocket", "motorcycle_left")
WASM = ROOT / "featviz/article/live/wasm"
ASC = ROOT / "node_modules/assemblyscript/bin/asc.js"

FORWARD = """
const trunk = await open(inputs.weights);
const names = CONVOLUTIONS.map(({ name }) => name), maps = {};
for (const photo of Object.keys(inputs).filter((name) => name !== "weights")) {
  const values = trunk.forward(picture(inputs[photo], 224), names);
  for (const name of names) maps[`${photo} ${name}`] = values[name].data;
}
return maps;
"""

GOALS = {
    "conv1:3": '{ layer: "conv1", unit: 3 }',
    "conv2:100": '{ layer: "conv2", unit: 100 }',
    "conv3:7@center": '{ layer: "conv3", unit: 7, at: "center" }',
    "conv4:255@2,5": '{ layer: "conv4", unit: 255, at: [2, 5] }',
    "conv5:12": '{ layer: "conv5", unit: 12 }',
    "conv5:relu:200": '{ layer: "conv5", unit: 200, relu: true }',
}


@pytest.fixture(scope="module")
def pictures():
    return {name: photos.load(name, 224).image for name in PHOTOS}


@pytest.fixture(scope="module")
def values(alexnet, pictures):
    """PyTorch's values by photograph and layer."""
    values = fv.activations(alexnet, torch.stack([*pictures.values()]), list(weights.LAYERS))
    return {
        f"{photo} {layer}": maps[row]
        for layer, maps in values.items()
        for row, photo in enumerate(pictures)
    }


def error(own, theirs):
    """The relative size of a difference."""
    own = torch.from_numpy(own).view_as(theirs)
    return ((own - theirs).norm() / theirs.norm()).item()


def test_the_webassembly_is_what_its_source_gives(tmp_path):
    listed = (WASM / "trunk.wasm.sha256").read_text("utf-8").split()[0]
    assert hashlib.sha256((WASM / "trunk.wasm").read_bytes()).hexdigest() == listed
    if not ASC.is_file():
        message = "no AssemblyScript: make test installs it"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    settings = ["--config", WASM / "asconfig.json", "--outFile", tmp_path / "trunk.wasm"]
    subprocess.run([NODE, ASC, WASM / "trunk.ts", *settings], check=True, cwd=tmp_path)
    assert (tmp_path / "trunk.wasm").read_bytes() == (WASM / "trunk.wasm").read_bytes()


def test_values_are_torchs(node, exact, pictures, values):
    own = node(FORWARD, weights=exact, **pictures)
    assert own.keys() == values.keys()
    assert max(error(own[name], values[name]) for name in values) < 1e-5


def test_int8_keeps_the_values_and_who_comes_first(node, coarse, pictures, values):
    own = node(FORWARD, weights=coarse, **pictures)
    kept, errors = {"mean": 0, "peak": 0}, []
    for name, exact in values.items():
        theirs, maps = exact.relu(), torch.from_numpy(own[name]).view_as(exact).relu()
        if name.endswith("conv5"):
            errors.append(error(maps.numpy(), theirs))
        scores = {"mean": lambda m: m.mean((1, 2)), "peak": lambda m: m.amax((1, 2))}
        for kind, score in scores.items():
            own_ten, ten = (set(score(m).topk(10).indices.tolist()) for m in (maps, theirs))
            kept[kind] += len(own_ten & ten)
    assert sum(errors) / len(errors) < 0.021
    assert max(errors) < 0.025
    assert min(kept.values()) >= 245  # of 250


@pytest.mark.parametrize("kind", ["exact", "coarse"])
@pytest.mark.parametrize("size", [(224, 224), (163, 120)])
def test_gradients_are_autograds(request, node, alexnet, pictures, size, kind):
    numbers = request.getfixturevalue(kind)
    image = pictures["coffee"][:, : size[0], : size[1]].contiguous()
    goals = "{" + ", ".join(f"'{name}': {goal}" for name, goal in GOALS.items()) + "}"
    script = f"""
    const trunk = await open(inputs.weights), results = {{}};
    for (const [name, goal] of Object.entries({goals})) {{
      const image = picture(inputs.image, {size[0]}, {size[1]});
      const {{ value, gradient }} = trunk.gradient(image, goal);
      Object.assign(results, {{ [`${{name}} value`]: [value], [name]: gradient }});
    }}
    return results;"""
    own = node(script, image=image, weights=numbers)
    features = with_weights(alexnet.module.features, numbers)
    for name in GOALS:
        moving = image.clone().requires_grad_()
        value = autograd_value(alexnet, features, name, moving)
        value.backward()
        assert own[f"{name} value"][0] == pytest.approx(value.item(), rel=1e-5, abs=1e-5), name
        assert error(own[name], moving.grad) < 1e-5, name


def with_weights(features, numbers):
    """A copy of AlexNet's trunk with other weights, as the harness cuts them."""
    features = copy.deepcopy(features)
    rest = torch.from_numpy(numbers)
    with torch.no_grad():
        for parameter in features.parameters():
            part, rest = rest[: parameter.numel()], rest[parameter.numel() :]
            parameter.copy_(part.view_as(parameter))
    return features


def autograd_value(network, features, text, image):
    """The objective by plain ReLUs, which let no gradient through where they are off."""
    (goal,) = as_objectives(network, text)
    (layer,) = goal.layers
    ref = network.resolve(layer)
    last = int(ref.module.rpartition(".")[2]) + ref.relu
    values = network.normalize(image[None])
    for module in features[: last + 1]:
        values = torch.relu(values) if isinstance(module, torch.nn.ReLU) else module(values)
    return goal({layer: values}).sum()


@pytest.mark.parametrize(
    ("side", "goal", "message"),
    [
        (224, '{ layer: "conv6", unit: 0 }', "There is no layer conv6; there are conv1 to conv5."),
        (224, '{ layer: "conv2", unit: 192 }', "conv2 has the units 0 to 191, not 192."),
        (62, '{ layer: "conv1", unit: 0 }', "sides are 63 to 1024 pixels, not 62 x 62."),
        (64, '{ layer: "conv5", unit: 0, at: [3, 0] }', "a map of 3 x 3 places, and no 3, 0."),
    ],
)
def test_what_will_not_do_is_told_in_one_sentence(node, exact, side, goal, message):
    script = f"""
    const trunk = await open(inputs.weights);
    const image = picture(new Float32Array(3 * {side} ** 2), {side});
    trunk.gradient(image, {goal});"""
    with pytest.raises(AssertionError, match=re.escape(message)):
        node(script, weights=exact)
