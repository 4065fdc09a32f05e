"""featviz shows what a convolutional network has learned.

Names are imported when they are first used, so that `import featviz` costs nothing: the site's
builder needs no torch.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from featviz.ascent import Maximization as Maximization
    from featviz.ascent import Plateau as Plateau
    from featviz.ascent import maximize as maximize
    from featviz.attribution import Attribution as Attribution
    from featviz.attribution import attribute as attribute
    from featviz.attribution import one_scale as one_scale
    from featviz.examples import find_examples as find_examples
    from featviz.network import Network as Network
    from featviz.network import activations as activations
    from featviz.notation import parse as parse
    from featviz.objectives import Channel as Channel
    from featviz.objectives import Direction as Direction
    from featviz.objectives import Diversity as Diversity
    from featviz.objectives import Layer as Layer
    from featviz.objectives import Logit as Logit
    from featviz.objectives import Neuron as Neuron
    from featviz.objectives import Objective as Objective
    from featviz.penalties import L1 as L1
    from featviz.penalties import L2 as L2
    from featviz.penalties import Blur as Blur
    from featviz.penalties import TotalVariation as TotalVariation
    from featviz.recipes import Recipe as Recipe
    from featviz.zoo import bundled as bundled
    from featviz.zoo import load as load

_HOMES = {
    "ascent": ("Maximization", "Plateau", "maximize"),
    "attribution": ("Attribution", "attribute", "one_scale"),
    "examples": ("find_examples",),
    "network": ("Network", "activations"),
    "notation": ("parse",),
    "objectives": (
        "Channel",
        "Direction",
        "Diversity",
        "Layer",
        "Logit",
        "Neuron",
        "Objective",
    ),
    "penalties": ("L1", "L2", "Blur", "TotalVariation"),
    "recipes": ("Recipe",),
    "zoo": ("bundled", "load"),
}
"""Module -> the public names that live in it."""

_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'featviz' has no attribute {name!r}")
    return getattr(importlib.import_module(f"featviz.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
