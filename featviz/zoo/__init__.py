"""Networks that load by name."""

from featviz.zoo.imagenet import CLASSES as CLASSES
from featviz.zoo.imagenet import class_index as class_index
from featviz.zoo.networks import bundled as bundled
from featviz.zoo.networks import load as load
