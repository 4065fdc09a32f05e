"""Figures: arrays in, one complete HTML element out.

Every function returns a `Figure` that shows itself in a notebook and on the site, complete
without JavaScript. Its scripts and styles are the files of `WEB`, classic scripts to be loaded
in the order of their names.
"""

from featviz.figures._attribution import attribution_grid as attribution_grid
from featviz.figures._charts import Series as Series
from featviz.figures._charts import bars as bars
from featviz.figures._charts import curves as curves
from featviz.figures._charts import dots as dots
from featviz.figures._circuit import circuit_columns as circuit_columns
from featviz.figures._circuit_wiring import CircuitLayer as CircuitLayer
from featviz.figures._color import overlaid as overlaid
from featviz.figures._field import Field as Field
from featviz.figures._field import receptive_field as receptive_field
from featviz.figures._figure import WEB as WEB
from featviz.figures._figure import Figure as Figure
from featviz.figures._figure import number as number
from featviz.figures._figure import slug as slug
from featviz.figures._files import save as save
from featviz.figures._game import Round as Round
from featviz.figures._game import game as game
from featviz.figures._inspector import InspectorLayer as InspectorLayer
from featviz.figures._inspector import inspector as inspector
from featviz.figures._intervals import interval_panels as interval_panels
from featviz.figures._intervals import intervals as intervals
from featviz.figures._ladder import Rung as Rung
from featviz.figures._ladder import ladder as ladder
from featviz.figures._microscope import Choice as Choice
from featviz.figures._microscope import MicroscopeLayer as MicroscopeLayer
from featviz.figures._microscope import address as address
from featviz.figures._microscope import microscope as microscope
from featviz.figures._picker import Picker as Picker
from featviz.figures._picker import picker as picker
from featviz.figures._sheets import filters as filters
from featviz.figures._sheets import sheet as sheet
from featviz.figures._spectrum import Spectrum as Spectrum
from featviz.figures._spectrum import spectrum as spectrum
from featviz.figures._table import table as table
from featviz.figures._tiles import grid as grid
from featviz.figures._tiles import methods as methods
from featviz.figures._tiles import pairs as pairs
from featviz.figures._trajectory import trajectory as trajectory

__all__ = [
    "WEB",
    "Choice",
    "CircuitLayer",
    "Field",
    "Figure",
    "InspectorLayer",
    "MicroscopeLayer",
    "Picker",
    "Round",
    "Rung",
    "Series",
    "Spectrum",
    "address",
    "attribution_grid",
    "bars",
    "circuit_columns",
    "curves",
    "dots",
    "filters",
    "game",
    "grid",
    "inspector",
    "intervals",
    "ladder",
    "methods",
    "microscope",
    "number",
    "overlaid",
    "pairs",
    "picker",
    "receptive_field",
    "save",
    "sheet",
    "slug",
    "spectrum",
    "table",
    "trajectory",
]
