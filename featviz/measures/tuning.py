"""Tuning: what units answer to among gratings, and the families that this makes.

Source: R. De Valois, E. Yund, N. Hepler, "The orientation and direction selectivity of cells in
macaque visual cortex", Vision Research 22:531, 1982, for orientation; R. De Valois, D. Albrecht,
L. Thorell, "Spatial frequency selectivity of cells in macaque visual cortex", Vision Research
22:545, 1982, for frequency; D. Hubel, T. Wiesel, "Receptive fields, binocular interaction and
functional architecture in the cat's visual cortex", J. Physiology 1962, for cells that don't mind
the phase.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from featviz.ascent.plan import suiting_side
from featviz.measures.gratings import GRAY, LIGHT, Gratings
from featviz.measures.weights import first_filters
from featviz.network.inputs import gray
from featviz.network.network import Network
from featviz.network.values import activations

HALF = 0.5
"""Part of the best response down to which a unit's breadth of frequencies counts."""

FAMILIES = ("edge or bar", "grating", "spot or check", "color edge", "color patch")
"""Names that `families` gives to units that some grating excites."""

NONE = "none"
"""Name that it gives to units that no grating excites."""

BEYOND = "beyond gratings"
"""Name that it gives to units that photographs excite far more than gratings."""

EXPLAINED = 0.45
"""Part of what a unit's best natural patch gives it that its best grating must give, both above
plain gray, for the unit to be named by gratings. The filters of AlexNet's conv1 are linear, sums of
gratings, and set the scale: the least that one of them gets from its best grating is 0.49."""

EXCITED = 1e-5
"""Part of a unit's largest change, up or down, from which a grating excites it: what float32 rounds
lies below."""

ROUNDING = 1e-6
"""Selectivity up to which a unit has none: what float32's rounding leaves of a flat curve, one with
one thread and another with two."""

COLORED = 0.5
"""Share of color above which a unit is one of color: color moves it more than light does."""

ORIENTED = 0.3
"""Selectivity from which a unit is oriented."""

NARROW = 0.6
"""Octaves of breadth below which an oriented unit is a grating: the more stripes a unit has, the
narrower its choice of frequencies."""


@dataclass(frozen=True, eq=False)
class Tuning:
    """How units answer to gratings.

    Attributes:
        layer: The units' layer.
        gratings: What was shown.
        responses: (units, colors, orientations, frequencies, phases): value in the center, less the
            value for plain gray.
    """

    layer: str
    gratings: Gratings
    responses: Tensor


@dataclass(frozen=True, eq=False)
class Preferences:
    """What units answer to best, one number per unit each.

    A unit that no grating excites more than gray does prefers none: all but its response is NaN.

    Attributes:
        response: Largest response, in the layer's own units.
        orientation: Degrees of the stripes from horizontal, counterclockwise, in [0, 180).
        selectivity: Of the orientation: 0 all alike, 1 only one.
        crossed: Of the orientation: the worst response over orientations by the best; below 0 where
            stripes of another direction inhibit.
        frequency: Cycles per pixel; 0 where a plain patch of color is best.
        breadth: Octaves below the best frequency at which the response has fallen to half; infinite
            where it doesn't fall so far.
        color: Share of the best colored response in the sum of the best colored and the best gray
            one: 0 light only, 1 color only.
        hue: Degrees on the hue circle of the best colored grating's crest nearest to the center, in
            [0, 360). NaN if two crests of opposite hues are equally near, as in an edge, or if no
            colored grating excites the unit.
        tolerance: Of the phase: the worst response over phases by the best, no lower than -1. 1 for
            a unit that doesn't mind where the stripes are, -1 for a linear one.
    """

    response: Tensor
    orientation: Tensor
    selectivity: Tensor
    crossed: Tensor
    frequency: Tensor
    breadth: Tensor
    color: Tensor
    hue: Tensor
    tolerance: Tensor


def measure_tuning(network: Network, layer: str, gratings: Gratings | None = None) -> Tuning:
    """Shows gratings to all units of a layer.

    Args:
        network: The network.
        layer: The layer's name.
        gratings: What to show; without it the usual ones, without hues if the network sees none.

    Returns:
        The responses of the units in the center of an image, with no padding in sight.

    Raises:
        ValueError: The network has no such layer, its units see the whole image, or gratings of
            hues are for a network without color.
    """
    gratings = _suiting(network, gratings)
    size, middle = _canvas(network, layer)
    field = network.receptive_field(layer)
    center = field.start + middle * field.stride
    colors = [
        activations(network, gratings.images(c, size, center), layer)[:, :, middle, middle]
        for c in range(gratings.shape[0])
    ]
    responses = torch.cat(colors) - gray_values(network, layer)
    return Tuning(layer, gratings, responses.T.reshape(-1, *gratings.shape).contiguous())


def gray_values(network: Network, layer: str) -> Tensor:
    """Returns the values (units,) that a layer has for plain gray, with no padding in sight.

    Args:
        network: The network.
        layer: The layer's name.

    Raises:
        ValueError: The network has no such layer, or its units see the whole image.
    """
    size, middle = _canvas(network, layer)
    gray = torch.full((3, size, size), GRAY)
    return activations(network, gray, layer)[0, :, middle, middle]


def _canvas(network: Network, layer: str) -> tuple[int, int]:
    """Side of an image whose central unit sees no padding, and that unit's position."""
    # The smallest, unless the network takes but one size.
    size = suiting_side(network, [layer], network.receptive_field(layer).canvas())
    return size, network.shape(layer, size)[-1] // 2


def filter_tuning(network: Network, layer: str, gratings: Gratings | None = None) -> Tuning:
    """Computes from the weights how the filters of a first layer answer to gratings.

    A first layer is linear, so its tuning is a property of its weights: their overlap with each
    grating. `measure_tuning` measures the same through the network.

    Args:
        network: The network.
        layer: A layer that reads the image itself.
        gratings: As of `measure_tuning`.

    Returns:
        The responses.

    Raises:
        ValueError: The layer doesn't read the image, or gratings of hues are for a network without
            color.
    """
    filters = first_filters(network, layer)
    gratings = _suiting(network, gratings)
    size = filters.shape[-1]
    colors = []
    for c in range(gratings.shape[0]):
        images = gratings.images(c, size, (size - 1) / 2)
        images = gray(images) if filters.shape[1] == 1 else images
        colors.append((images - GRAY).flatten(1) @ filters.flatten(1).T)
    responses = torch.cat(colors).T.reshape(-1, *gratings.shape).contiguous()
    return Tuning(layer, gratings, responses)


def without_color(network: Network, gratings: Gratings) -> Gratings:
    """Returns gratings as a network can tell them apart: without hues if it sees no color."""
    return replace(gratings, hues=0) if len(network.mean) == 1 else gratings


def _suiting(network: Network, gratings: Gratings | None) -> Gratings:
    """The gratings asked for, or the usual ones."""
    if gratings is None:
        return without_color(network, Gratings())
    if gratings != without_color(network, gratings):
        raise ValueError(
            f"{network.name} sees no color, so gratings of {gratings.hues} hues say nothing of it; "
            "show it Gratings(hues=0)."
        )
    return gratings


def preferences(tuned: Tuning) -> Preferences:
    """Reads from the responses what each unit answers to best.

    Args:
        tuned: The responses.

    Returns:
        The preferences. Orientation and its selectivity are those of the vector sum over
        orientations (angles doubled), taken at the best color and frequency.

    Source: N. Swindale, "Orientation tuning curves: empirical description and estimation of
    parameters", Biological Cybernetics 1998, for the vector sum.
    """
    gratings, responses = tuned.gratings, tuned.responses
    best = responses.amax(-1)  # over phases
    units = torch.arange(len(best))
    colors, phases = gratings.shape[0], gratings.shape[-1]
    color = best.flatten(2).amax(-1).argmax(1)
    over_angles = best[units, color].amax(1)
    frequency = over_angles.argmax(1)
    curve = best[units, color, :, frequency]
    vector = _vector(curve.clamp(min=0), gratings.angles)
    top_of_curve, angle = curve.max(1)
    wave = responses[units, color, angle, frequency]
    gray = best[:, LIGHT].flatten(1).amax(1).clamp(min=0)
    # Without hues, light is asked and its color doesn't count.
    color_responses = responses[:, LIGHT + (colors > 1) :].flatten(1)
    top, where = color_responses.max(1)
    top = top * (colors > 1)
    axis, phase = where // (color_responses.shape[1] // max(1, colors - 1)), where % phases
    numbers = Preferences(
        response=best.flatten(1).amax(1),
        orientation=(torch.rad2deg(vector.angle()) / 2) % 180,
        selectivity=F.threshold(vector.abs(), ROUNDING, 0.0),
        crossed=curve.amin(1) / top_of_curve.clamp(min=torch.finfo().tiny),
        frequency=torch.tensor(gratings.frequencies)[frequency],
        breadth=_breadth(over_angles, gratings.frequencies),
        color=top.clamp(min=0) / (top.clamp(min=0) + gray).clamp(min=torch.finfo().tiny),
        hue=torch.where(top > 0, _hue(axis * (180 / (colors - 1 or 1)), phase, phases), torch.nan),
        tolerance=(wave.amin(1) / wave.amax(1).clamp(min=torch.finfo().tiny)).clamp(min=-1),
    )
    strong = numbers.response > EXCITED * responses.flatten(1).abs().amax(1)
    fields = {name: torch.where(strong, one, torch.nan) for name, one in vars(numbers).items()}
    return Preferences(**fields | {"response": numbers.response})


def families(
    preferred: Preferences,
    reached: Tensor | None = None,
    *,
    explained: float = EXPLAINED,
    colored: float = COLORED,
    oriented: float = ORIENTED,
    narrow: float = NARROW,
) -> tuple[str, ...]:
    """Names the family of each unit, by its numbers and not by its looks.

    A name says how a unit answers to gratings. It says what the unit does only if gratings explain
    a good part of that, which `reached` decides. The borders are conventions: units lie on both
    sides of each.

    Args:
        preferred: What the units answer to best.
        reached: (units,) the most that something other than gratings, such as the best natural
            patch, is known to give each unit above plain gray (`gray_values`). Without it nothing
            is asked of the gratings.
        explained: Part of `reached` that a unit's best grating must give for the unit to have a
            name.
        colored: Share of color above which a unit is one of color.
        oriented: Selectivity from which a unit is oriented.
        narrow: Octaves of breadth below which an oriented unit of light is a grating.

    Returns:
        One of `FAMILIES` per unit, or `NONE` if it prefers no grating, or `BEYOND` if its best
        grating gives too small a part of what it is known to reach.
    """
    most = torch.zeros_like(preferred.response) if reached is None else reached
    names = []
    for beyond, color, selectivity, breadth in zip(
        (preferred.response < explained * most).tolist(),
        preferred.color.tolist(),
        preferred.selectivity.tolist(),
        preferred.breadth.tolist(),
        strict=True,
    ):
        if math.isnan(color):
            names.append(NONE)
        elif beyond:
            names.append(BEYOND)
        elif color > colored:
            names.append("color edge" if selectivity >= oriented else "color patch")
        elif selectivity >= oriented:
            names.append("grating" if breadth < narrow else "edge or bar")
        else:
            names.append("spot or check")
    return tuple(names)


def orientation_distance(one: Tensor, other: Tensor) -> Tensor:
    """Returns the angles between orientations, in degrees from 0 to 90."""
    return 90 - ((one - other) % 180 - 90).abs()


def _vector(curve: Tensor, angles: Tensor) -> Tensor:
    """(units,) mean of (units, orientations) answers as a complex number at twice the angle."""
    turns = torch.polar(torch.ones_like(angles), 2 * torch.deg2rad(angles))
    return (curve * turns).sum(1) / curve.sum(1).clamp(min=torch.finfo().tiny)


def _hue(axis: Tensor, phase: Tensor, phases: int) -> Tensor:
    """(units,) hue at the crest nearest to the center; NaN if the center is between two crests."""
    crest = phase / phases
    half_turn = ((crest > 0.25) & (crest < 0.75)).float() * 180
    # Phases a quarter of a cycle from a crest, or less than half a step beside that.
    between = (4 * phase % (2 * phases) - phases).abs() < 2
    return torch.where(between, torch.nan, axis + half_turn)


def _breadth(curve: Tensor, frequencies: Sequence[float]) -> Tensor:
    """Octaves from the best of (units, frequencies) answers down to where they fall to half."""
    octaves = [math.log2(f) if f > 0 else -math.inf for f in frequencies]
    breadths = []
    for row in curve.tolist():
        top = max(row)
        best = row.index(top)
        below = [i for i in range(best) if row[i] < HALF * top and octaves[i] > -math.inf]
        if not below:
            breadths.append(math.inf)
            continue
        low, high = below[-1], below[-1] + 1
        part = (HALF * top - row[low]) / (row[high] - row[low])
        breadths.append(octaves[best] - octaves[low] - part * (octaves[high] - octaves[low]))
    return torch.tensor(breadths)
