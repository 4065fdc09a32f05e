"""A game of two choices: which photographs does this picture belong to?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from featviz.figures._figure import Figure, required_alt, tag, text
from featviz.figures._files import pixels
from featviz.figures._images import img, mosaic

SIDES = ("left", "right")
"""The two choices of each round."""


@dataclass(frozen=True, eq=False)
class Round:
    """One question.

    Attributes:
        picture: (3, H, W) in [0, 1].
        choices: Left and right, a square number of photographs (n, 3, h, w) each, alike.
        right: Which of the two belongs to the picture, 0 or 1.
        machine: Which of the two the machine chose.
        group: What rounds are counted by, such as a layer.
        names: Whose photographs the two are.
        link: Address of what the picture shows.
    """

    picture: ArrayLike
    choices: tuple[ArrayLike, ArrayLike]
    right: int
    machine: int
    group: str
    names: tuple[str, str]
    link: str

    def __post_init__(self) -> None:
        for name, one in (("right", self.right), ("machine", self.machine)):
            if one not in (0, 1):
                raise ValueError(f"{name} must be 0, the left choice, or 1, not {one!r}.")


def game(
    rounds: Sequence[Round],
    machine: str,
    *,
    id: str,
    alt: str,
    caption: str = "",
    width: str = "middle",
) -> Figure:
    """Asks the reader which photographs each picture belongs to, and keeps the score.

    Without its script it is the list of all questions, each with its answer folded away.

    Args:
        rounds: The questions, in their order.
        machine: The name of whom the reader plays against.
        id: Anchor of the figure, without `fig-`.
        alt: What the questions are.
        caption: Says what to look at.
        width: Named width.

    Raises:
        ValueError: If there is no round, or photographs that don't fill a square.
    """
    alt = required_alt(alt, id)
    if not rounds:
        raise ValueError("a game needs at least one round.")
    items = [_round(number + 1, one, machine) for number, one in enumerate(rounds)]
    payload = {
        "machine": machine,
        "rounds": [
            {"right": one.right, "machine": one.machine, "group": one.group} for one in rounds
        ],
    }
    table = tag("ol", *items, cls="fv-game", aria_label=alt)
    return Figure("fv-game", id, table, caption, width, payload)


def _round(number: int, one: Round, machine: str) -> str:
    picture = img(pixels(one.picture)[0], f"Round {number}: the picture", cls="fv-game__picture")
    sides = "".join(
        tag(
            "div",
            img(_square(photographs), f"Round {number}: the photographs on the {side}"),
            cls="fv-game__side",
        )
        for side, photographs in zip(SIDES, one.choices, strict=True)
    )
    answer = tag(
        "p",
        f"The picture is of {tag('a', text(one.names[one.right]), href=one.link)}: "
        f"{SIDES[one.right]}. On the other side are photographs of "
        f"{text(one.names[1 - one.right])}. {text(machine)} chose {SIDES[one.machine]}.",
        cls="fv-game__answer",
    )
    hidden = tag("details", tag("summary", "The answer"), answer)
    return tag("li", picture, sides, hidden, cls="fv-game__round")


def _square(photographs: ArrayLike) -> np.ndarray:
    """Photographs (n, 3, h, w) as one picture (H, W, 3), in as many rows as columns."""
    tiles = pixels(photographs)
    side = round(len(tiles) ** 0.5)
    if side**2 != len(tiles):
        raise ValueError(f"{len(tiles)} photographs don't fill a square; give 1, 4 or 9.")
    return mosaic(tiles, side)
