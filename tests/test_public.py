"""The names that a user meets: all there, documented, and light to import."""

import inspect
import subprocess
import sys

import pytest

import featviz as fv

STABLE = ("Channel", "Neuron", "Network", "load", "activations", "maximize", "parse")
"""What the README and the pages write; more may come, none may go."""

ROOMS = [name for name in fv.__all__ if inspect.ismodule(getattr(fv, name))]

PUBLIC = [name for name in fv.__all__ if name not in ROOMS]


@pytest.mark.parametrize("name", STABLE)
def test_what_is_promised_is_there(name):
    assert name in PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_documented_and_ours(name):
    value = getattr(fv, name)
    assert value.__module__.startswith("featviz."), "an import that leaked"
    text = inspect.getdoc(value)
    assert text
    first = text.splitlines()[0]
    assert first.endswith("."), first
    assert not first.startswith(f"{name}("), "the signature that dataclass writes"


def test_rooms_are_reachable_and_documented():
    assert {"ascent", "photos", "recipes", "network", "store"} <= set(ROOMS)
    for room in ROOMS:
        values = [value for name, value in vars(getattr(fv, room)).items() if name[0] != "_"]
        objects = [v for v in values if inspect.isclass(v) or inspect.isfunction(v)]
        assert getattr(fv, room).__doc__
        assert all(inspect.getdoc(v) for v in objects if v.__module__.startswith("featviz."))


@pytest.mark.parametrize("name", [n for n in PUBLIC if inspect.isfunction(getattr(fv, n))])
def test_public_functions_describe_each_argument(name):
    function = getattr(fv, name)
    text = inspect.getdoc(function)
    for argument in inspect.signature(function).parameters:
        assert f"\n    {argument}: " in text, argument


def test_the_package_says_what_it_is():
    assert fv.__doc__


def test_importing_and_loading_bring_nothing_that_a_computation_does_not_need():
    heavy = ["matplotlib.pyplot", "mkdocs", "torchcam", "captum", "IPython", "playwright"]
    heavy += ["timm", "transformers", "huggingface_hub"]
    code = (
        "import sys, featviz; featviz.load('alexnet'); "
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    process = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    assert process.stdout.strip() == "[]"
    assert process.stderr == ""


NOTEBOOK = """
import sys, types
sys.modules["ipykernel.zmqshell"] = types.ModuleType("zmqshell")
sys.modules["IPython"] = types.ModuleType("IPython")
sys.modules["IPython"].get_ipython = lambda: types.SimpleNamespace(config={"IPKernelApp": {}})
sys.modules["ipywidgets"] = None
import featviz.ascent.climb, featviz.measures.patches
"""


def test_in_a_notebook_bars_need_no_widgets():
    command = [sys.executable, "-W", "always", "-c", NOTEBOOK]
    process = subprocess.run(command, capture_output=True, text=True)
    assert process.returncode == 0
    assert "IProgress" not in process.stderr
