"""Two images under one slider."""

from numpy.typing import ArrayLike

from featviz.figures._figure import Figure, required_alt, tag, text
from featviz.figures._images import img, pixels

# Images are shown at most this many times their size: beyond it they only blur.
MOST_ENLARGED = 2.5


def compare(
    left: ArrayLike,
    right: ArrayLike,
    left_label: str,
    right_label: str,
    *,
    id: str,
    alt: str,
    caption: str = "",
    width: str = "body",
) -> Figure:
    """Lay two images of one size over each other and wipe between them with a slider.

    Args:
        left: (3,H,W) in [0,1], seen left of the slider.
        right: (3,H,W) in [0,1], seen right of it.
        left_label: What the left image is.
        right_label: What the right image is.
        id: Anchor of the figure, without ``fig-``.
        alt: What both images show.
        caption: Says what to look at.
        width: Named width.

    Raises:
        ValueError: If the images differ in size.
    """
    required_alt(alt, id)
    a, b = pixels(left, "left")[0], pixels(right, "right")[0]
    if a.shape != b.shape:
        raise ValueError(
            f"left is {a.shape[1]} x {a.shape[0]} px, right is {b.shape[1]} x {b.shape[0]} px: "
            "images under one slider have one size."
        )
    sides = "".join(
        tag("div", img(picture, f"{label}: {alt}"), tag("span", text(label), cls="fv-wipe__label"),
            cls=f"fv-wipe__{side}")
        for picture, label, side in ((a, left_label, "left"), (b, right_label, "right"))
    )  # fmt: skip
    body = tag("div", sides, cls="fv-wipe", style=f"--fv-most:{MOST_ENLARGED * a.shape[1]:.0f}px")
    return Figure("fv-wipe", id, body, caption, width, {"left": left_label, "right": right_label})
