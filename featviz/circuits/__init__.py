"""Circuits: what a unit is made of, layer by layer down to the first, and the proof of it."""

from featviz.circuits.attributions import attributions as attributions
from featviz.circuits.expanded import effective_weights as effective_weights
from featviz.circuits.expanded import expanded_weights as expanded_weights
from featviz.circuits.graph import Circuit as Circuit
from featviz.circuits.graph import Circuits as Circuits
from featviz.circuits.graph import Column as Column
from featviz.circuits.graph import find_circuit as find_circuit
from featviz.circuits.graph import find_circuits as find_circuits
