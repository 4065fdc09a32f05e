"""Circuits: what a unit is made of, layer by layer down to the first, and the proof of it."""

from featviz.circuits.contributions import attributions as attributions
from featviz.circuits.expanded import effective_weights as effective_weights
from featviz.circuits.expanded import expanded_weights as expanded_weights
from featviz.circuits.faithfulness import Faithfulness as Faithfulness
from featviz.circuits.graph import Circuit as Circuit
from featviz.circuits.graph import Circuits as Circuits
from featviz.circuits.graph import Column as Column
from featviz.circuits.graph import find_circuit as find_circuit
from featviz.circuits.graph import find_circuits as find_circuits
from featviz.circuits.proof import circuit_alone as circuit_alone
from featviz.circuits.proof import drawn_units as drawn_units
from featviz.circuits.proof import measure_faithfulness as measure_faithfulness
from featviz.circuits.proof import prove_circuits as prove_circuits
from featviz.circuits.proof import without_circuit as without_circuit
