import pytest
from hypothesis import settings

import featviz as fv
from tests.networks import CLASSES, LAYERS, SmallCNN

# Deterministic, and nothing on disk: a failure repeats on any machine.
settings.register_profile("featviz", deadline=None, derandomize=True, database=None)
settings.load_profile("featviz")


@pytest.fixture(scope="session")
def alexnet():
    return fv.load("alexnet")


@pytest.fixture(scope="session")
def squeezenet():
    return fv.load("squeezenet")


@pytest.fixture
def module():
    """A small random CNN of one's own, in training mode as a caller might leave it."""
    return SmallCNN().train()


@pytest.fixture(scope="session")
def small():
    """The small CNN as a network with the layers conv1, conv2 and conv3 and five classes."""
    return fv.Network(SmallCNN().eval(), layers=LAYERS, name="small", classes=CLASSES)
