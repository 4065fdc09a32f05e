"""What is asked of an image: units, their sums and differences, penalties, likeness to an image."""

from featviz.objectives.algebra import Objective as Objective
from featviz.objectives.penalties import L1 as L1
from featviz.objectives.penalties import L2 as L2
from featviz.objectives.penalties import Blur as Blur
from featviz.objectives.penalties import TotalVariation as TotalVariation
from featviz.objectives.resemblance import Resemblance as Resemblance
from featviz.objectives.text import parse as parse
from featviz.objectives.units import Channel as Channel
from featviz.objectives.units import DeepDream as DeepDream
from featviz.objectives.units import Direction as Direction
from featviz.objectives.units import Diversity as Diversity
from featviz.objectives.units import Logit as Logit
from featviz.objectives.units import Neuron as Neuron
