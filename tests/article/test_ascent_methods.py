"""The methods that the chapter on gradient ascent compares, and the loop that it shows."""

import ast
from dataclasses import replace

import pytest
import torch

import featviz as fv
from featviz.article.studies.ascent_methods import METHODS, STEPS
from featviz.ascent.recipes import KERAS, LUCID, STANDARD
from tests.sites import ROOT

PAGE = ROOT / "docs" / "chapters" / "ascent.py"


def test_the_ladder_climbs_from_the_keras_examples_recipe_over_lucids_to_the_default():
    recipes = {name: recipe for name, (recipe, _) in METHODS.items()}
    assert next(iter(recipes.values())) == replace(KERAS, steps=STEPS)
    assert recipes["+ decorrelated color"] == replace(LUCID, steps=STEPS)
    assert list(recipes.values())[-1] == STANDARD


@pytest.fixture(scope="module")
def loop():
    """The function of the page that readers copy, and its lines of code."""
    text = PAGE.read_text(encoding="utf-8")
    source = next(
        node for node in ast.walk(ast.parse(text)) if getattr(node, "name", "") == "climb"
    )
    names = {"torch": torch}
    exec(compile(ast.Module([source], []), PAGE.name, "exec"), names)
    lines = text.splitlines()[source.lineno - 1 : source.end_lineno]
    return names["climb"], [line for line in lines if not line.lstrip().startswith("#")]


def test_the_loop_that_readers_copy_climbs_in_fifteen_lines(loop, module):
    climb, lines = loop
    assert len(lines) == 15
    assert max(map(len, lines)) <= 76  # what the column has room for
    before = {name: value.clone() for name, value in module.state_dict().items()}
    net = fv.Network(module.eval(), [0.5] * 3, [0.25] * 3, {"deep": "features.6"})
    picture = climb(net, "deep", 4, size=24, steps=16)
    gray = torch.full((3, 24, 24), 0.5)
    values = fv.evaluate(net, ["deep:4"] * 2, torch.stack([picture, gray]))
    assert values[0] > values[1]
    assert all(value.equal(before[name]) for name, value in module.state_dict().items())
    assert not any(child._forward_hooks for child in module.modules())


def test_the_loop_reads_a_unit_before_a_relu_that_overwrites_it(loop):
    """A unit that is negative at first has no gradient behind the ReLU; before it, it climbs."""
    conv = torch.nn.Conv2d(3, 1, 3)
    conv.bias.data.fill_(-5)
    net = fv.Network(
        torch.nn.Sequential(conv, torch.nn.ReLU(inplace=True)), [0] * 3, [1] * 3, {"one": "0"}
    )
    short, long = (loop[0](net, "one", 0, size=16, steps=steps) for steps in (1, 20))
    values = fv.evaluate(net, ["one:0"] * 2, torch.stack([short, long]))
    assert values[0] < 0
    assert values[1] > values[0]
