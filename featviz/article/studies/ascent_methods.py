"""Gradient ascent: methods of climbing compared, one improvement at a time."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

import torch
from torch import Tensor

from featviz import photos
from featviz.article.bridge.values import Values
from featviz.article.studies.bounds import quoted
from featviz.article.studies.shared import alexnet, evenly, maximize
from featviz.ascent.recipes import (
    HIGHEST,
    KERAS,
    LUCID,
    STANDARD,
    Adam,
    Recipe,
)
from featviz.ascent.score import evaluate
from featviz.figures import Figure, Picker, methods, picker
from featviz.images.fourier import Fourier
from featviz.images.pixels import Pixels, UnboundedPixels
from featviz.images.transforms import LUCID as LUCID_TRANSFORMS
from featviz.measures import pictures
from featviz.measures.statistics import Interval, interval
from featviz.network.network import Network
from featviz.objectives.units import Channel

STEPS = STANDARD.steps
"""Steps that every method of a comparison gets."""

SUBJECTS = tuple(
    Channel(layer, unit) for layer in ("conv3", "conv5") for unit in evenly(layer)[1:6:2]
)
"""Channels that the methods are compared on: from the units of the overview, by their place."""

SIDE = 128
"""Side in pixels of the images that are compared: Lucid's."""

CONTRAST = 0.2
"""RMS contrast that all images of a comparison are brought to before they are scored and shown:
contrast alone buys activation, and this is near to what the bound leaves."""

BORDER = 2
"""Positions the Keras example leaves out along the border, "to avoid border artifacts"."""

METHODS = {
    "Keras example": (
        replace(KERAS, steps=STEPS),
        "Pixels without bounds, steps of one length along the gradient; shown after stretching.",
    ),
    "+ bounded pixels, Adam": (
        Recipe(Pixels("sigmoid"), (), Adam(0.05), STEPS),
        "A sigmoid keeps every pixel between black and white.",
    ),
    "+ random transforms": (
        Recipe(Pixels("sigmoid"), LUCID_TRANSFORMS, Adam(0.05), STEPS),
        "Before each step the image is padded, shifted, zoomed and turned a little.",
    ),
    "+ Fourier basis": (
        Recipe(Fourier(decay=1.0, decorrelate=False), LUCID_TRANSFORMS, Adam(0.05), STEPS),
        "Steps are taken in the spectrum, low frequencies first.",
    ),
    "+ decorrelated color": (
        replace(LUCID, steps=STEPS),
        "Colors mix as they do in photographs. This is Lucid's method.",
    ),
    "+ featviz's steps": (
        replace(HIGHEST, steps=STEPS),
        "Less momentum, a steeper spectrum, shifts and full changes in turn, a falling step size: "
        "the recipe for the highest score where contrast is free.",
    ),
    "+ the photographs' bound": (
        STANDARD,
        "No octave of the spectrum may hold more than twice its energy in photographs. This is the default.",
    ),
}
"""The ladder of methods: name -> (recipe, what it changes)."""

BOUNDED, MOVED, *_, BEFORE, LAST = list(METHODS)[1:]
"""Rows of the ladder: without and with transforms, without and with the photographs' bound."""


def numbers() -> Values:
    """What the text quotes of these methods."""
    outcomes = {name: _outcome(recipe) for name, (recipe, _) in METHODS.items()}
    scores = {name: score.mean().item() for name, (_, score) in outcomes.items()}
    # What the same pictures give when they are not moved.
    unmoved = {
        name: evaluate(alexnet(), SUBJECTS, outcomes[name][0]).mean().item()
        for name in (BOUNDED, MOVED)
    }
    free, bound = _own(replace(HIGHEST, steps=STEPS)), _own(STANDARD)
    return Values(
        unmoved_gain=f"{unmoved[BOUNDED] / unmoved[MOVED]:.1f}",
        moved_share=f"{scores[BOUNDED] / scores[MOVED]:.0%}",
        subjects=len(SUBJECTS),
        basis_gain=_gain("+ Fourier basis", MOVED),
        color_gain=_gain("+ decorrelated color", "+ Fourier basis"),
        default_gain=_gain(LAST, MOVED),
        bound_gain=_gain(LAST, BEFORE),
        lucid_gain=_gain(LAST, "+ decorrelated color"),
        price=f"{free[0] / bound[0]:.1f}",
        free_contrast=f"{free[1]:.2f}",
        bound_contrast=f"{bound[1]:.2f}",
        photo_contrast=f"{photograph_contrast():.2f}",
    )


def _own(recipe: Recipe) -> tuple[float, float]:
    """Mean robust score and mean contrast of the subjects' images as the recipe leaves them."""
    images = _images(recipe)
    scores = pictures.robust_values(alexnet(), SUBJECTS, images)
    return scores.mean().item(), pictures.contrast(images).mean().item()


@cache
def photograph_contrast() -> float:
    """Returns the median contrast of the sample photographs, in crops of `SIDE` px."""
    crops = []
    for name in photos.samples():
        image = photos.load(name).image
        down, across = (size // SIDE * SIDE for size in image.shape[1:])
        crops.append(image[:, :down, :across].unfold(1, SIDE, SIDE).unfold(2, SIDE, SIDE))
    flat = torch.cat([crop.permute(1, 2, 0, 3, 4).flatten(0, 1) for crop in crops])
    return pictures.contrast(flat).median().item()


def unit_picker() -> Picker:
    """The strip that picks one of the units for all figures."""
    labels = [str(unit) for unit in SUBJECTS]
    return picker("unit", _images(STANDARD), labels, title="Follow one unit:")


def _images(recipe: Recipe) -> Tensor:
    """The subjects' images by one method, as it leaves them."""
    keras = isinstance(recipe.image, UnboundedPixels)
    units = [replace(unit, border=BORDER) if keras else unit for unit in SUBJECTS]
    return pictures.to_bytes(maximize(units, size=SIDE, recipe=recipe).images)


def _outcome(recipe: Recipe) -> tuple[Tensor, Tensor]:
    """The subjects' images by one method, at the same contrast, and their robust values."""
    return _at_contrast(_images(recipe), SUBJECTS)


def _at_contrast(images: Tensor, units: Sequence[Channel]) -> tuple[Tensor, Tensor]:
    images = pictures.to_bytes(pictures.at_contrast(images, torch.full((len(images),), CONTRAST)))
    return images, pictures.robust_values(alexnet(), units, images)


LOOPED = slice(None, None, 2)
"""Which of the subjects the page's own loop climbs for: it runs anew whenever the page does."""


def two_loops(climb: Callable[[Network, str, int], Tensor]) -> Figure:
    """Pictures of the page's own loop beside the library's, at the same contrast.

    Args:
        climb: The page's loop: network, name of the layer and unit to a picture (3, SIDE, SIDE).
    """
    units = SUBJECTS[LOOPED]
    raw = torch.stack([climb(alexnet(), unit.layer, unit.unit) for unit in units])
    outcomes = [
        _at_contrast(images, units)
        for images in (pictures.to_bytes(raw), _images(STANDARD)[LOOPED])
    ]
    return methods(
        ["fifteen lines", "featviz"],
        [str(unit) for unit in units],
        [list(images) for images, _ in outcomes],
        [scores.tolist() for _, scores in outcomes],
        id="two-loops",
        alt="The same three channels twice: harsh pictures of fine texture above, softer ones with large shapes below",
        caption=f"<strong>Look for the same motif in both rows</strong>: the loop above and the library's, with {STEPS} "
        "steps each and at the same contrast. The number is the activation under random shifts, zooms and turns.",
        width="middle",
        score_name="robust activation",
    )


def method_ladder() -> Figure:
    """Every method on the same units, seed, number of steps and contrast."""
    outcomes = [_outcome(recipe) for recipe, _ in METHODS.values()]
    return methods(
        list(METHODS),
        [str(unit) for unit in SUBJECTS],
        [list(images) for images, _ in outcomes],
        [scores.tolist() for _, scores in outcomes],
        id="methods",
        alt="Seven methods in rows, six units in columns: noise at the top, fur, eyes and domes at the bottom",
        caption="<strong>Read a column downward</strong>: transforms clear the noise, the Fourier basis fills large areas, "
        f"the bound turns patterns into surfaces. {STEPS} steps, one seed, RMS contrast {CONTRAST}; the number is the "
        "activation under random changes, its bar a part of the column's largest, orange below zero.",
        notes=[note for _, note in METHODS.values()],
        score_name="robust activation",
        subjects=[str(unit) for unit in SUBJECTS],
    )


def _gain(method: str, other: str) -> str:
    """How many times another method's score a method reaches: the geometric mean over units."""
    scores = [_outcome(METHODS[name][0])[1] for name in (method, other)]
    ratio = interval((scores[0] / scores[1]).log())
    mean, low, high = (math.exp(end) for end in (ratio.mean, ratio.low, ratio.high))
    return quoted(Interval(mean, low, high, ratio.count), 2)
