import os
import shutil
import signal
import sys

import pytest
import torch
from hypothesis import settings

import featviz as fv
from featviz import cli
from tests.networks import CLASSES, LAYERS, SmallCNN

pytest_plugins = ["pytester", "tests.quick"]

# Deterministic, and nothing on disk: a failure repeats on any machine.
settings.register_profile("featviz", deadline=None, derandomize=True, database=None)
settings.load_profile("featviz")


# A shell that starts the tests in the background has them, and all that they start, ignore Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def browser():
    """One browser for all tests: playwright can be started only once in a process."""
    if not CHROMIUM:
        message = "no Chromium: install it, or say where it is in CHROMIUM"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def alexnet():
    return fv.load("alexnet")


@pytest.fixture(scope="session")
def squeezenet():
    return fv.load("squeezenet")


@pytest.fixture
def command(monkeypatch, capsys):
    """Runs the command line as the shell does: its exit status, and what stdout and stderr say."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["featviz", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return ended.value.code or 0, said.out, said.err

    return run


@pytest.fixture
def threads():
    """Sets how many threads torch has, until the test ends."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.fixture
def module():
    """A small random CNN of one's own, in training mode as a caller might leave it."""
    return SmallCNN().train()


@pytest.fixture(scope="session")
def small():
    """The small CNN as a network with the layers conv1, conv2 and conv3 and five classes."""
    return fv.Network(SmallCNN().eval(), layers=LAYERS, name="small", classes=CLASSES)
