"""Climbs of the worker against featviz's, from the same seed.

What rounds otherwise parts in the end: Adam makes steps of one size of gradients near zero, and a
ReLU or a maximum that stands on a knife's edge takes another turn. Most cases agree to 1e-6.
"""

import json
import re
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import featviz as fv
from featviz import photos
from featviz.ascent.recipes import (
    ACCENT,
    HIGHEST,
    HIGHEST_NEURON,
    LINEAR,
    NEURON,
    STANDARD,
    Adam,
    Recipe,
)
from featviz.images import transforms
from featviz.images.pixels import Pixels
from featviz.images.transforms import STANDARD as STANDARD_TRANSFORMS
from featviz.microscope.views import FIRST

APART = 0.005
"""Most that pictures may lie apart, as a standard deviation: 1.3 of 255 levels."""

PART = 0.002
"""Most that values may differ, as a part of the largest."""

CLIMB = """
const trunk = await open(inputs.weights), { steps, ...ascent } = SPEC;
if (inputs.photo) ascent.start = picture(inputs.photo, ascent.side);
const climb = new Climb(trunk, { ...ascent, steps }, await streamOf(ascent.goal, 0));
const start = climb.told(null), history = [];
let last;
for (let step = 0; step < steps; step++) history.push((last = climb.step()).value);
return { start: start.image.pixels, image: last.image.pixels, history, score: [last.score] };
"""


@dataclass(frozen=True)
class Case:
    """A climb as the page asks for it, and as Python does."""

    text: str
    recipe: Recipe
    goal: dict[str, object]
    parameterization: str = "bound"
    transforms: bool = True
    side: int = 160
    photo: bool = False
    steps: int = 16

    @property
    def spec(self):
        return {
            "goal": self.goal,
            "parameterization": self.parameterization,
            "transforms": self.transforms,
            "side": self.side,
            "steps": self.steps,
        }


PIXELS = Recipe(Pixels("sigmoid"), STANDARD_TRANSFORMS, Adam(0.05))
FIFTH = {"layer": "conv1", "unit": 5}
THIRD = {"layer": "conv3", "unit": 5}
CENTER = {"layer": "conv4", "unit": 5, "at": "center"}

CASES = {
    "the default": Case("conv3:5", STANDARD, THIRD),
    "without transforms": Case(
        "conv3:5", replace(STANDARD, transforms=()), THIRD, transforms=False
    ),
    "a spectrum": Case("conv3:5", HIGHEST, THIRD, "spectrum"),
    "pixels": Case("conv3:5", PIXELS, THIRD, "pixels"),
    "conv1 behind its ReLU": Case("conv1:relu:5", FIRST, {**FIFTH, "relu": True}),
    "conv1, whose mean is linear": Case("conv1:5", LINEAR, FIFTH),
    "a neuron": Case("conv4:5@center", NEURON, CENTER, side=112),
    "a neuron's spectrum": Case("conv4:5@center", HIGHEST_NEURON, CENTER, "spectrum", side=112),
    "a photograph": Case("conv4:5", ACCENT, {"layer": "conv4", "unit": 5}, side=128, photo=True),
}


def python(network, case, recipe=None):
    start = {"size": case.side}
    if case.photo:
        start = {"start": photos.load("chelsea", case.side).image}
    return fv.maximize(
        network,
        case.text,
        recipe=recipe or case.recipe,
        steps=case.steps,
        seed=0,
        frames=[0],
        device="cpu",
        precision="float32",
        progress=False,
        **start,
    )


def live(node, case, weights):
    photo = {"photo": photos.load("chelsea", case.side).image} if case.photo else {}
    return node(CLIMB.replace("SPEC", json.dumps(case.spec)), weights=weights, **photo)


def apart(one, other):
    """How far two pictures lie apart, as a standard deviation of their pixels."""
    return float(np.sqrt(np.square(np.asarray(one).ravel() - np.asarray(other).ravel()).mean()))


@pytest.fixture
def sharp(monkeypatch):
    """Resampling in float64, as in the browser: float32 is off by 1e-5 px, and that adds up.

    Convolutions too: how float32 rounds there differs by processor, and decides which place pooling
    takes where two are nearly equal.
    """
    resample, convolve = transforms._resample, F.conv2d
    monkeypatch.setattr(
        transforms,
        "_resample",
        lambda images, way, size=None: resample(images.double(), way.double(), size).float(),
    )

    def convolved(images, weight, bias=None, *settings):
        exact = bias if bias is None else bias.double()
        return convolve(images.double(), weight.double(), exact, *settings).float()

    monkeypatch.setattr(F, "conv2d", convolved)


@pytest.mark.parametrize("name", CASES)
def test_climbs_are_pythons(node, alexnet, exact, sharp, name):
    case = CASES[name]
    theirs, own = python(alexnet, case), live(node, case, exact)
    images, values = theirs.images[0].numpy().ravel(), theirs.history[:, 0].numpy()
    np.testing.assert_allclose(own["start"], theirs.frames[0, 0].flatten(), rtol=0, atol=1e-6)
    assert apart(own["image"], images) < APART
    assert np.abs(own["history"] - values).max() < PART * np.abs(values).max()
    assert own["score"][0] == pytest.approx(theirs.values.item(), rel=PART)


def test_a_picture_on_int8_excites_the_network_itself_as_pythons_does(node, alexnet, coarse):
    case = replace(CASES["the default"], steps=24)
    own = torch.from_numpy(live(node, case, coarse)["image"]).view(3, case.side, case.side)
    theirs = python(alexnet, case).values.item()
    assert fv.evaluate(alexnet, case.text, own).item() > 0.97 * theirs


def test_a_silent_image_of_noise_is_made_louder(node, exact):
    script = """
    const trunk = await open(inputs.weights.map(() => 0));
    const goal = { layer: "conv2", unit: 0 }, parameterization = "bound", transforms = false;
    const ascent = { goal, parameterization, transforms, side: 64, steps: 2 };
    const climb = new Climb(trunk, ascent, await streamOf(goal, 0));
    const before = climb.moving.parameters.slice();
    climb.step();
    return { before, after: climb.moving.parameters };"""
    own = node(script, weights=exact)
    np.testing.assert_allclose(own["after"], 2 * own["before"], rtol=1e-6)


@pytest.mark.parametrize(
    ("ascent", "message"),
    [
        ("steps: 0", "A climb takes a whole number of steps, at least 1, not 0."),
        ("parameterization: 'voxels'", "as pixels, spectrum or bound, not voxels."),
        ("side: 60", "An image's sides are 63 to 1024 pixels, not 60 x 60."),
    ],
)
def test_what_will_not_do_is_told_in_one_sentence(node, exact, ascent, message):
    script = f"""
    const trunk = await open(inputs.weights), goal = {{ layer: "conv2", unit: 0 }};
    new Climb(trunk, {{ goal, parameterization: "pixels", {ascent} }}, await streamOf(goal, 0));"""
    with pytest.raises(AssertionError, match=re.escape(message)):
        node(script, weights=exact)
