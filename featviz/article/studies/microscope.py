"""The microscope's chapter: every unit of AlexNet."""

from functools import cache

from featviz.article import photographs
from featviz.article.bridge.values import Values
from featviz.article.studies.shared import SEED, alexnet
from featviz.figures import Figure
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
