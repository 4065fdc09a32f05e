"""Networks that load by name."""

from featviz.zoo.imagenet import CLASSES as CLASSES
from featviz.zoo.networks import load as load
