"""Every unit of a network: its pictures, what is known of it, and the page that shows both."""

from featviz.microscope.build import Microscope as Microscope
from featviz.microscope.page import show as show
from featviz.microscope.views import CHANNEL as CHANNEL
from featviz.microscope.views import DIVERSE as DIVERSE
from featviz.microscope.views import NEURON as NEURON
from featviz.microscope.views import OPPOSITE as OPPOSITE
from featviz.microscope.views import View as View
