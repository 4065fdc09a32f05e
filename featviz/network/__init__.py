"""The network: named layers, the values inside, its graph, and its controls."""

from featviz.network.ablation import ablate as ablate
from featviz.network.controls import initialized as initialized
from featviz.network.controls import shuffled as shuffled
from featviz.network.network import IMAGENET_MEAN as IMAGENET_MEAN
from featviz.network.network import IMAGENET_STD as IMAGENET_STD
from featviz.network.network import Network as Network
from featviz.network.network import UnknownLayerError as UnknownLayerError
from featviz.network.network import UnknownUnitError as UnknownUnitError
from featviz.network.receptive_fields import ReceptiveField as ReceptiveField
from featviz.network.values import activations as activations
