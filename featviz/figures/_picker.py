"""The picker: one choice of a photo or a unit that drives all figures of a page."""

from collections.abc import Sequence
from dataclasses import dataclass

from numpy.typing import ArrayLike

from featviz.figures._figure import expect_length, slug, tag, text
from featviz.figures._files import pixels
from featviz.figures._images import img, resize

SIDE = 96
"""Side in pixels of the pictures: shown at half of it, sharp on dense screens."""


@dataclass(frozen=True)
class Picker:
    """A strip of pictures with names; one per page, and no figure: it has no number or caption."""

    html: str

    def _repr_html_(self) -> str:
        return self.html


def picker(
    kind: str, images: ArrayLike | Sequence[ArrayLike], labels: Sequence[str], *, title: str
) -> Picker:
    """Offers photos or units; every figure of the page that knows the picked one shows it.

    The choice is part of the address (`?photo=coffee`). Figures take part by the labels of their
    units or photos, or by their argument `subjects`. Once the strip has left the screen it stays
    at the lower edge, until it is closed, as long as a figure that takes part is in view. Without
    scripts it is a strip of pictures.

    Args:
        kind: What is picked, in one word: `"photo"` or `"unit"`.
        images: (N,3,H,W) in [0,1], or N images of any sizes.
        labels: One per image; figures are told `slug(label)`.
        title: What stands before the strip.

    Returns:
        The strip.

    Raises:
        ValueError: If images and labels differ in number.
    """
    pictures = [resize(pixels(image, "images")[0], SIDE) for image in images]  # type: ignore[union-attr]
    expect_length("labels", labels, len(pictures), "images")
    items = [
        tag("li", img(picture, label, lazy=False), tag("span", text(label)), data_pick=slug(label))
        for picture, label in zip(pictures, labels, strict=True)
    ]
    strip = tag("nav", tag("span", text(title), cls="fv-picker__title"), tag("ul", *items),
                cls="fv fv-picker", aria_label=f"Pick a {kind} for all figures")  # fmt: skip
    return Picker(tag("fv-picker", strip, data_kind=slug(kind)))
