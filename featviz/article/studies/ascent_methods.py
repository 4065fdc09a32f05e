"""Gradient ascent: methods of climbing compared, one improvement at a time and each by itself."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from itertools import product

import torch
from torch import Tensor

from featviz import photos
from featviz.article.bridge.values import Values
from featviz.article.studies.shared import alexnet, evenly, maximize
from featviz.ascent.recipes import (
    HIGHEST,
    HIGHEST_ADAM,
    KERAS,
    LUCID,
    STANDARD,
    Adam,
    Recipe,
)
from featviz.figures import Figure, Picker, methods, picker, switches
from featviz.images.fourier import Fourier
from featviz.images.pixels import Pixels, UnboundedPixels
from featviz.images.transforms import LUCID as LUCID_TRANSFORMS
from featviz.measures import pictures
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
        "the recipe for the highest score.",
    ),
    "+ the photographs' bound": (
        STANDARD,
        "No octave of the spectrum may hold more energy than in photographs. This is the default.",
    ),
}
"""The ladder of methods: name -> (recipe, what it changes)."""


SWITCHES = {
    "bounded pixels, Adam": METHODS["+ bounded pixels, Adam"][1],
    "random transforms": METHODS["+ random transforms"][1],
    "Fourier basis": METHODS["+ Fourier basis"][1],
    "decorrelated color": "Colors mix as they do in photographs. It needs the Fourier basis.",
    "featviz's steps": "Less momentum, and steps that get shorter at the end.",
    "the photographs' bound": "No octave of the spectrum may hold more energy than in photographs, and the frame is "
    "lucid's. With it all is as featviz does it by default.",
}
"""What can be switched on and off by itself, and what it does."""


def _combinations() -> dict[tuple[bool, ...], Recipe]:
    """The switches' computed combinations; the Keras example has none of them."""
    combinations = {(False,) * len(SWITCHES): METHODS["Keras example"][0]}
    ours = {False: replace(STANDARD, optimizer=Adam(0.05)), True: STANDARD}
    for steady, jitter, (fourier, decorrelate) in product(
        (False, True), (False, True), ((False, False), (True, False), (True, True))
    ):
        recipe = Recipe(
            Fourier(decay=1.0, decorrelate=decorrelate) if fourier else Pixels("sigmoid"),
            LUCID_TRANSFORMS if jitter else (),
            _steps(steady),
            STEPS,
        )
        combinations[True, jitter, fourier, decorrelate, steady, False] = recipe
    return combinations | {(True, True, True, True, steady, True): ours[steady] for steady in ours}


def _steps(steady: bool) -> Adam:
    return HIGHEST_ADAM if steady else Adam(0.05)


def numbers() -> Values:
    """What the text quotes of these methods."""
    scores = {name: _outcome(recipe)[1].mean().item() for name, (recipe, _) in METHODS.items()}
    free, bound = _own(replace(HIGHEST, steps=STEPS)), _own(STANDARD)
    return Values(
        contrast=str(CONTRAST),
        color_change=f"{scores['+ decorrelated color'] / scores['+ Fourier basis'] - 1:+.0%}",
        bound_gain=f"{scores[LAST] / scores[BEFORE]:.2f}",
        lucid_gain=f"{scores[LAST] / scores['+ decorrelated color']:.2f}",
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


def combined() -> Figure:
    """The improvements, each to be switched on and off."""
    states = list(_combinations())
    outcomes = [_outcome(recipe) for recipe in _combinations().values()]
    means = {
        state: scores.mean().item() for state, (_, scores) in zip(states, outcomes, strict=True)
    }
    whole = means[True, True, True, True, True, False]
    without_transforms = means[True, False, True, True, True, False] / whole
    in_pixels = means[True, True, False, False, True, False] / whole
    bound = means[True, True, True, True, True, True] / whole
    return switches(
        list(SWITCHES),
        states,
        torch.stack([images for images, _ in outcomes]),
        [str(unit) for unit in SUBJECTS],
        torch.stack([scores for _, scores in outcomes]),
        id="combined",
        alt="Six units by every combination of the improvements",
        caption="<strong>Take one improvement away.</strong> Each can be switched by itself; what needs another switches it too. "
        f"Of the first five together, taking the transforms away leaves {without_transforms:.0%} of the units' mean robust activation, "
        f"and taking the Fourier basis and its colors away {in_pixels:.0%}; the bound makes {bound:.0%} of it. "
        "The bar compares with the best of the combinations for this unit.",
        notes=list(SWITCHES.values()),
        score_name="robust activation",
    )


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
        caption=f"<strong>The loop above, and the library's</strong>, with {STEPS} steps each and at the same contrast. Look for the "
        "same motif in both. What the second row has over the first is what the next section adds, one thing at a time.",
        width="middle",
        score_name="robust activation",
    )


LAST, BEFORE = list(METHODS)[-1], list(METHODS)[-2]
"""The ladder's last two rows, with the bound and without it."""


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
        caption=f"From the Keras example to featviz, each with <strong>{STEPS} steps, the same seed and the same "
        f"contrast</strong>: an RMS contrast of {CONTRAST}. The "
        "number is the channel's mean under random shifts, zooms and turns. Read a column downward: transforms clear the "
        "noise; the Fourier basis fills large areas; <strong>the bound turns patterns into surfaces</strong>.",
        notes=[note for _, note in METHODS.values()],
        score_name="robust activation",
        subjects=[str(unit) for unit in SUBJECTS],
    )
