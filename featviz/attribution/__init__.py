"""Which parts of a photo an objective lights up: methods, groups of units, checks of maps."""

from featviz.attribution.attribute import METHODS as METHODS
from featviz.attribution.attribute import Attribution as Attribution
from featviz.attribution.attribute import attribute as attribute
from featviz.attribution.attribute import one_scale as one_scale
from featviz.attribution.groups import channel_attribution as channel_attribution
from featviz.attribution.groups import find_groups as find_groups
