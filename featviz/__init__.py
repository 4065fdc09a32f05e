"""featviz shows what a convolutional network has learned."""

from featviz.ascent import Maximization as Maximization
from featviz.ascent import Plateau as Plateau
from featviz.ascent import maximize as maximize
from featviz.network import Network as Network
from featviz.network import activations as activations
from featviz.notation import parse as parse
from featviz.objectives import Channel as Channel
from featviz.objectives import Neuron as Neuron
from featviz.zoo import load as load
