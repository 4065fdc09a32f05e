"""The worker's scripts in Node, and the network's weights as they take them."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from featviz.article.live import assets, weights

NODE = Path(sys.executable).with_name("node")


@pytest.fixture(scope="session")
def node(tmp_path_factory):
    """Run a script beside the worker's; arrays go in and come back by name, flat."""

    def run(script, **arrays):
        folder = tmp_path_factory.mktemp("node")
        (folder / "engine.js").write_text(assets.engine(), "utf-8")
        (folder / "script.js").write_text(script, "utf-8")
        (folder / "inputs.json").write_text(json.dumps(list(arrays)), "utf-8")
        for name, array in arrays.items():
            np.asarray(array, dtype="<f4").tofile(folder / f"{name}.f32")
        # V8's threads can keep Node from ending, for ever (nodejs/node, issue 54918).
        command = [NODE, "--single-threaded", Path(__file__).with_name("run.mjs"), folder]
        process = subprocess.run(command, check=False, capture_output=True, text=True)
        assert process.returncode == 0, process.stderr
        names = json.loads((folder / "outputs.json").read_text("utf-8"))
        return {name: np.fromfile(folder / f"{name}.f32", dtype="<f4") for name in names}

    return run


@pytest.fixture(scope="session")
def exact(alexnet):
    """All filters and biases, one after the other, as the harness cuts them."""
    parts = [part.ravel() for layer in weights.LAYERS for part in weights.trained(alexnet, layer)]
    return np.concatenate(parts)


@pytest.fixture(scope="session")
def coarse(alexnet):
    """The same as the page has them: int8, worth what their filter's scale says."""
    parts = []
    for layer in weights.LAYERS:
        filters, bias = weights.trained(alexnet, layer)
        levels, scales = weights.diffused(filters)
        parts += [(levels * scales[:, None, None, None]).ravel(), bias]
    return np.concatenate(parts)
