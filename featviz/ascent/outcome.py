"""Pictures that show nothing of what they were asked for, and are said to."""

import warnings
from collections.abc import Sequence

import torch
from torch import Tensor

from featviz.ascent.plan import Job
from featviz.ascent.recipes import Adam
from featviz.ascent.result import Maximization

GRAY = 5 / 255
"""Standard deviation of a picture's values below which it looks gray: five steps of a byte."""

LEAST_STEPS = 16
"""Steps after which a picture is judged; one of fewer is a test of something else."""

FAINT = 1e-6
"""Norm of the gradient below which Adam stands still: spread over the values of a picture, it is of
the size of the 1e-8 that Adam adds to each value's own."""

CLIP_SHARE = 0.2
"""Share of values at 0 or 1 above which a picture is said to be clipped."""

EDGE = 0.5 / 255
"""How near to 0 or 1 a value counts as clipped: what a byte rounds to its end."""

MOST_NAMES = 3
"""Objectives that a warning names."""


def warn_of_failures(
    result: Maximization, jobs: Sequence[Job], bounded: Sequence[bool], stacklevel: int
) -> None:
    """Warns of pictures that ended gray, never moved, or are clipped in large part.

    Args:
        result: The pictures.
        jobs: How they were made.
        bounded: For each whether its contrast tells nothing.
        stacklevel: As `warnings.warn`'s, counted from the caller of this function.
    """
    if result.interrupted or len(result.history) < LEAST_STEPS:
        return
    values = result.images.flatten(1)
    faint = torch.empty(len(result))
    for job in jobs:
        faint[job.rows] = FAINT if isinstance(job.recipe.optimizer, Adam) else 0.0
    still = result.gradients.nan_to_num(0).amax(0) <= faint
    free = ~torch.tensor(bounded)
    gray = (values.std(1) < GRAY) & ~still & free
    at_edge = ((result.images < EDGE) | (result.images > 1 - EDGE)) & (result.alpha == 1)
    clipped = (at_edge.flatten(1).float().mean(1) > CLIP_SHARE) & free
    for which, what in (
        (
            still,
            "stay as they began, because the objective hardly changes with them; weigh it more",
        ),
        (gray, "ended gray; more steps or a larger rate may help, or the unit answers to nothing"),
        (
            clipped,
            f"have more than {CLIP_SHARE:.0%} of their values at 0 or 1; a smaller rate may help",
        ),
    ):
        if which.any():
            message = (
                f"{int(which.sum())} of {len(result)} pictures ({_names(result, which)}) {what}."
            )
            warnings.warn(message, stacklevel=stacklevel + 1)


def _names(result: Maximization, which: Tensor) -> str:
    names = [str(result.objectives[row]) for row in which.nonzero()[:, 0].tolist()]
    return ", ".join(names[:MOST_NAMES]) + (", ..." if len(names) > MOST_NAMES else "")
