"""Two images under one slider."""

from collections.abc import Sequence

from numpy.typing import ArrayLike

from featviz.figures._figure import Figure, expect_length, required_alt, tag, text
from featviz.figures._files import Pixels, pixels
from featviz.figures._images import img

MOST_ENLARGED = 2.5
"""Images are shown at most this many times their size: beyond it they only blur."""


def compare(
    left: ArrayLike,
    right: ArrayLike | Sequence[ArrayLike],
    left_label: str,
    right_label: str | Sequence[str],
    *,
    id: str,
    alt: str,
    caption: str = "",
    width: str = "body",
) -> Figure:
    """Lays two images of one size over each other; a slider wipes between them.

    Args:
        left: (3,H,W) in [0,1], seen left of the slider.
        right: (3,H,W) in [0,1], seen right of it, or several of them to choose from.
        left_label: What the left image is.
        right_label: What the right image is, or one label for each of several.
        id: Anchor of the figure, without `fig-`.
        alt: What both images show.
        caption: Says what to look at.
        width: Named width.

    Raises:
        ValueError: If the images differ in size, or labels and images in number.
    """
    required_alt(alt, id)
    labels = [right_label] if isinstance(right_label, str) else list(right_label)
    first, others = pixels(left, "left")[0], pixels(right, "right")  # type: ignore[arg-type]
    expect_length("right_label", labels, len(others), "right images")
    if first.shape != others[0].shape:
        raise ValueError(
            f"left is {first.shape[1]} x {first.shape[0]} px, right is {others.shape[2]} x "
            f"{others.shape[1]} px: images under one slider have one size."
        )
    sides = _side("left", first, left_label, alt) + "".join(
        _side("right", other, label, alt) for other, label in zip(others, labels, strict=True)
    )
    style = f"--fv-most:{MOST_ENLARGED * first.shape[1]:.0f}px"
    tools = tag("div", cls="fv-tools") if len(labels) > 1 else ""
    body = tools + tag("div", sides, cls="fv-wipe", style=style)
    return Figure("fv-wipe", id, body, caption, width, {"left": left_label, "right": labels})


def _side(side: str, picture: Pixels, label: str, alt: str) -> str:
    name = tag("span", text(label), cls="fv-wipe__label")
    return tag("div", img(picture, f"{label}: {alt}"), name, cls=f"fv-wipe__{side}")
