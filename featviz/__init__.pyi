from . import (
    ascent as ascent,
)
from . import (
    attribution as attribution,
)
from . import (
    circuits as circuits,
)
from . import (
    figures as figures,
)
from . import (
    images as images,
)
from . import (
    measures as measures,
)
from . import (
    microscope as microscope,
)
from . import (
    network as network,
)
from . import (
    objectives as objectives,
)
from . import (
    photos as photos,
)
from . import (
    store as store,
)
from . import (
    zoo as zoo,
)
from .ascent import recipes as recipes
from .ascent.climb import Plateau as Plateau
from .ascent.climb import maximize as maximize
from .ascent.recipes import Recipe as Recipe
from .ascent.result import Maximization as Maximization
from .ascent.score import evaluate as evaluate
from .attribution.attribute import (
    Attribution as Attribution,
)
from .attribution.attribute import (
    attribute as attribute,
)
from .attribution.attribute import (
    one_scale as one_scale,
)
from .circuits.graph import (
    Circuit as Circuit,
)
from .circuits.graph import (
    find_circuit as find_circuit,
)
from .measures.patches import find_examples as find_examples
from .network.ablation import ablate as ablate
from .network.network import Network as Network
from .network.values import activations as activations
from .objectives.algebra import Objective as Objective
from .objectives.penalties import (
    L1 as L1,
)
from .objectives.penalties import (
    L2 as L2,
)
from .objectives.penalties import (
    Blur as Blur,
)
from .objectives.penalties import (
    TotalVariation as TotalVariation,
)
from .objectives.text import parse as parse
from .objectives.units import (
    Channel as Channel,
)
from .objectives.units import (
    DeepDream as DeepDream,
)
from .objectives.units import (
    Direction as Direction,
)
from .objectives.units import (
    Diversity as Diversity,
)
from .objectives.units import (
    Logit as Logit,
)
from .objectives.units import (
    Neuron as Neuron,
)
from .zoo.networks import load as load
from .zoo.networks import networks as networks

__version__: str
