"""Cards: a picture, a number and a way on, several side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

from numpy.typing import ArrayLike

from featviz.figures import Figure
from featviz.figures._figure import tag, text
from featviz.figures._files import pixels
from featviz.figures._images import img


@dataclass(frozen=True)
class Card:
    """One picture, one number, one link.

    Args:
        title: What the card is about; it is the link's text.
        link: Where it leads.
        number: The number, with its unit.
        note: What the number is, with the markup of a caption.
        image: (3,H,W) in [0,1].
        alt: What the picture shows.
    """

    title: str
    link: str
    number: str
    note: str
    image: ArrayLike
    alt: str


def cards(entries: Sequence[Card], *, id: str, caption: str) -> Figure:
    """Lays cards out side by side, or below each other where there is no room.

    Args:
        entries: The cards in reading order.
        id: Anchor of the figure, without `fig-`.
        caption: Says what to look at.

    Returns:
        The figure; it needs no script.
    """
    items = [
        tag(
            "li",
            img(pixels(card.image, f"picture of {card.title!r}")[0], card.alt),
            tag("strong", text(card.number)),
            tag("span", card.note),
            tag("a", text(card.title), href=card.link),
        )
        for card in entries
    ]
    return Figure("fv-cards", id, tag("ul", *items, cls="cards"), caption, "page")
