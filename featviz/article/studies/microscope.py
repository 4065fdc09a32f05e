"""The microscope's chapter: every unit of AlexNet."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from featviz.article import photographs
from featviz.article.bridge.values import Values
from featviz.article.studies.shared import SEED, alexnet
from featviz.figures import Figure
from featviz.microscope import findings
from featviz.microscope.build import Microscope
from featviz.microscope.page import show
from featviz.microscope.views import CHANNEL, GRAY_BELOW
from featviz.network.network import Network


@cache
def scope() -> Microscope:
    """Returns the microscope over AlexNet."""
    return over(alexnet())


def over(network: Network) -> Microscope:
    """Returns the microscope over any network, with the article's photographs."""
    return Microscope(network, seed=SEED, photographs=photographs.scenes())


def channel_images(layer: str, units: Sequence[int]) -> NDArray[np.float32]:
    """Returns the microscope's pictures of channels (units, 3, H, W), in [0, 1]."""
    levels = scope().pictures(layer, CHANNEL, units).images[:, 0]
    return (levels / np.float32(255)).astype(np.float32)


def natural_patches(layer: str) -> findings.Patches:
    """Returns the patches of the article's photographs that excite each unit of a layer most."""
    patches = findings.find_patches(scope(), layer)
    assert patches is not None  # every layer sees less than the photographs show
    return patches


def everything() -> Figure:
    """Returns all units of AlexNet."""
    return show(
        scope(),
        credits='<a href="reference/photographs.html">whose they are</a>',
        circuits="chapters/circuits.html",
    )


def numbers() -> Values:
    """Returns the numbers that the page's text quotes."""
    net = alexnet()
    pictures = {layer: scope().pictures(layer, CHANNEL) for layer in net.layers}
    return Values(
        units=f"{sum(net.units(layer) for layer in net.layers):,}",
        alive=f"{sum(int((one.contrast >= GRAY_BELOW).sum()) for one in pictures.values()):,}",
        palest=f"{min(one.contrast.min() for one in pictures.values()):.2f}",
        gray=str(GRAY_BELOW),
        photographs=len(scope().photographs),
    )
