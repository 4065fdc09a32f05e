"""Gradient ascent: the climb, its recipes, and the value of any image."""

from featviz.ascent.climb import Plateau as Plateau
from featviz.ascent.climb import maximize as maximize
from featviz.ascent.effective_field import effective_field as effective_field
from featviz.ascent.effective_field import used_field as used_field
from featviz.ascent.evaluate import evaluate as evaluate
from featviz.ascent.recipes import ACCENT as ACCENT
from featviz.ascent.recipes import EXACT as EXACT
from featviz.ascent.recipes import HIGHEST as HIGHEST
from featviz.ascent.recipes import HIGHEST_NEURON as HIGHEST_NEURON
from featviz.ascent.recipes import KERAS as KERAS
from featviz.ascent.recipes import LINEAR as LINEAR
from featviz.ascent.recipes import LUCID as LUCID
from featviz.ascent.recipes import NEURON as NEURON
from featviz.ascent.recipes import STANDARD as STANDARD
from featviz.ascent.recipes import Adam as Adam
from featviz.ascent.recipes import NormalizedGradient as NormalizedGradient
from featviz.ascent.recipes import Recipe as Recipe
from featviz.ascent.result import Maximization as Maximization
