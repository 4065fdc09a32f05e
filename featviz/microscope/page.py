"""The microscope's page: every unit of every layer, and what is known of it."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from featviz import figures
from featviz.ascent.effective_field import used_field
from featviz.figures import Choice, Figure, MicroscopeLayer
from featviz.measures import tuning
from featviz.measures.tuning import ORIENTED, Preferences
from featviz.measures.weights import as_pictures, first_weights
from featviz.microscope import findings
from featviz.microscope.build import Microscope
from featviz.microscope.views import CHANNEL, DIVERSE, NEURON, OPPOSITE
from featviz.network.network import Network, reads_image

TITLES = {
    CHANNEL.name: "The channel",
    NEURON.name: "One neuron",
    OPPOSITE.name: "The opposite",
    DIVERSE.name: "Four that differ",
    "patches": "In photographs",
    "filter": "Its weights",
}
"""What stands above each view."""

ORIENTATION = "orientation, degrees"
SELECTIVITY = "orientation selectivity"
COLOR = "color"
HUE = "hue, degrees"
ACTIVE = "active on photos, share of places"
"""What the panel and the board call their measures."""

ALL = 1e9
"""Above every measure."""

DECIMALS = 4
"""Of shares and ratios: where they are nearly 0, the fifth is what float32's rounding leaves."""

HUES = {
    "red": [(0.0, 30.0), (330.0, 360.0)],
    "yellow": [(30.0, 90.0)],
    "green": [(90.0, 150.0)],
    "cyan": [(150.0, 210.0)],
    "blue": [(210.0, 270.0)],
    "magenta": [(270.0, 330.0)],
}
"""Sectors of the hue circle, in degrees."""

FILTERS = {
    "Stripes": [
        Choice("horizontal", [[(ORIENTATION, 0, 22.5)], [(ORIENTATION, 157.5, 180)]]),
        Choice("rising", [[(ORIENTATION, 22.5, 67.5)]]),
        Choice("vertical", [[(ORIENTATION, 67.5, 112.5)]]),
        Choice("falling", [[(ORIENTATION, 112.5, 157.5)]]),
        Choice("no direction", [[(SELECTIVITY, -ALL, ORIENTED)]]),
    ],
    "Color": [
        Choice("light", [[(COLOR, -ALL, tuning.COLORED)]]),
        *(
            Choice(name, [[(HUE, low, high)] for low, high in spans])
            for name, spans in HUES.items()
        ),
    ],
    "On photos": [
        Choice("rare, under 2%", [[(ACTIVE, -ALL, 0.02)]]),
        Choice("2 to 10%", [[(ACTIVE, 0.02, 0.1)]]),
        Choice("often, over 10%", [[(ACTIVE, 0.1, ALL)]]),
    ],
}
"""What the page's filters offer, in the measures that the page shows."""


def show(
    scope: Microscope,
    layers: Sequence[str] | None = None,
    units: Sequence[int] | None = None,
    *,
    credits: str | None = None,
    circuits: str = "",
) -> Figure:
    """Returns units of any network as a figure.

    Args:
        scope: The network and the store.
        layers: Which layers; without it all.
        units: Which units of each; without it all.
        credits: HTML that says whose the photographs are; without it the caption names them all.
        circuits: Address of a page with the circuits of these units; "" for none.
    """
    names = layers or scope.network.layers
    sheets = [_layer(scope, layer, units) for layer in names]
    count = sum(len(layer.units) for layer in sheets)
    bare = [layer.layer for layer in sheets if "patches" not in layer.views]
    views = dict.fromkeys(view for layer in names for view in scope.views(layer))
    steps = ", ".join(f"{TITLES.get(view.name, view.name).lower()} {view.steps}" for view in views)
    return figures.microscope(
        sheets,
        id="microscope",
        alt=f"{count:,} units of {scope.network.name}, each as the image that excites it.",
        caption=f"<strong>{count:,} units.</strong> Point at one, or walk with the arrow keys; a press keeps it, and the page's address "
        "then leads to it. Fields of different layers are to scale; a dashed square is the whole field. "
        f"{_without_patches(bare)}<em>Looks like</em>: units of the layer whose pictures raise the same units; that they are alike "
        f"is an assumption. Families are those of gratings, where the best one takes a unit {tuning.EXPLAINED:.0%} as far above gray as "
        f"its best patch or further. Seed {scope.seed}; steps of ascent: {steps}. {len(scope.photographs)} photographs: "
        f"{credits or findings.credits_line(scope.photographs)}.",
        titles=TITLES,
        filters=FILTERS,
        circuits=circuits,
    )


def _without_patches(layers: Sequence[str]) -> str:
    """Says of which layers there is no patch to show, and why."""
    if not layers:
        return ""
    return (
        f"<strong>No patches of {', '.join(layers)}</strong>: no photograph holds a whole field. "
    )


def _layer(scope: Microscope, layer: str, units: Sequence[int] | None) -> MicroscopeLayer:
    net = scope.network
    indices = list(map(int, range(net.units(layer)) if units is None else units))
    pictures = {view.name: scope.pictures(layer, view, indices) for view in scope.views(layer)}
    views = {name: one.images for name, one in pictures.items()}
    notes = {
        name: [f"answers {figures.number(v)}" for v in pictures[name].values[:, 0].tolist()]
        for name in (CHANNEL.name, NEURON.name)
        if name in pictures
    }
    patches = findings.find_patches(scope, layer, units=units)
    if patches is not None:
        views["patches"] = patches.images
        notes["patches"] = [
            ", ".join(
                f"{patches.names[photo]} {figures.number(value)}"
                for photo, value in zip(photos, values, strict=True)
            )
            for photos, values in zip(patches.photos, patches.values, strict=True)
        ]
    if reads_image(net, layer):
        views["filter"] = _filters(net, layer)[indices]
    wiring = findings.find_wiring(net, layer)
    preferences = findings.find_preferences(scope, layer)
    return MicroscopeLayer(
        layer,
        indices,
        views,
        sees=net.receptive_field(layer).size if NEURON.name in pictures else 0,
        uses=used_field(net, layer).size if NEURON.name in pictures else 0,
        values={
            name: column[indices] for name, column in _measures(scope, layer, preferences).items()
        },
        families=findings.find_families(scope, layer, units),
        kin=findings.find_lookalikes(scope, layer, units),
        before="" if wiring is None else wiring.before,
        wired=None if wiring is None else wiring.units[indices],
        weights=None if wiring is None else wiring.weights[indices],
        notes=notes,
        fields=(NEURON.name, "patches"),
    )


def _measures(
    scope: Microscope, layer: str, preferences: Preferences | None
) -> dict[str, np.ndarray]:
    """What the panel shows of each unit, and the board sorts by."""
    columns = {}
    if preferences is not None:
        oriented = preferences.selectivity >= ORIENTED
        colored = preferences.color > tuning.COLORED
        columns = {
            ORIENTATION: torch.where(oriented, preferences.orientation, torch.nan).numpy(),
            SELECTIVITY: _share(preferences.selectivity),
            "frequency, cycles per pixel": preferences.frequency.numpy(),
            COLOR: _share(preferences.color),
            HUE: torch.where(colored, preferences.hue, torch.nan).numpy(),
            "phase tolerance": _share(preferences.tolerance),
        }
    busy = findings.find_activity(scope, layer)
    if busy is not None:
        columns[ACTIVE] = busy.share.numpy()
        columns["mean on photos, after the ReLU"] = busy.mean.numpy()
    return columns


def _share(column: Tensor) -> np.ndarray:
    return column.double().round(decimals=DECIMALS).numpy()


def _filters(net: Network, layer: str) -> np.ndarray:
    """The weights of a first layer as pictures (units, 1, 3, k, k) uint8, gray where they are 0."""
    pictures = as_pictures(first_weights(net, layer))
    levels: np.ndarray = (pictures * 255).round().to(torch.uint8)[:, None].numpy()
    return levels
