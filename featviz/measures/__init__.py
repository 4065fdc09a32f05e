"""Numbers about units and pictures: weights, activity, tuning, patches, judges, intervals."""

from featviz.measures.patches import Example as Example
from featviz.measures.patches import Examples as Examples
from featviz.measures.patches import find_examples as find_examples
from featviz.measures.patches_by_level import find_spectrum as find_spectrum
from featviz.measures.statistics import Interval as Interval
from featviz.measures.statistics import interval as interval
from featviz.measures.survey import Survey as Survey
from featviz.measures.survey import survey as survey
from featviz.measures.tallies import Activity as Activity
from featviz.measures.tallies import Tally as Tally
