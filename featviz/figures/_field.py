"""Receptive fields, drawn to scale on a photograph."""

from collections.abc import Sequence
from dataclasses import dataclass

from numpy.typing import ArrayLike

from featviz.figures._figure import Figure, required_alt, tag, text
from featviz.figures._files import pixels
from featviz.figures._images import img

# Smaller squares, in photo pixels, are named beside instead of inside them.
_NAMED_INSIDE = 30


@dataclass(frozen=True)
class Field:
    """The part of the photo that one unit of a layer sees.

    Args:
        layer: Name of the layer.
        size: Side of the square, in photo pixels.
        stride: Distance between neighboring units, in photo pixels.
        note: What is told of the layer behind its size, without a full stop; its stride if empty.
    """

    layer: str
    size: int
    stride: int = 1
    note: str = ""


def receptive_field(
    photo: ArrayLike,
    fields: Sequence[Field | tuple[str, int] | tuple[str, int, int]],
    *,
    id: str,
    alt: str,
    caption: str = "",
    width: str = "middle",
    center: tuple[float, float] | None = None,
) -> Figure:
    """Draws the receptive field of one unit per layer to scale on a photo.

    A slider chooses the layer; a click or the arrow keys move the unit by its stride. Without
    scripts all squares are shown, nested and labeled.

    Args:
        photo: (3,H,W) in [0,1], at the resolution the network sees.
        fields: From shallow to deep; tuples (layer, size) or (layer, size, stride) do as well.
        id: Anchor of the figure, without `fig-`.
        alt: What the photo shows and where the squares are.
        caption: Says what to look at.
        width: Named width.
        center: (x, y) of the unit in photo pixels; the middle without it.

    Raises:
        ValueError: If there is no field, or one is not positive.
    """
    picture = pixels(photo, "photo")[0]
    height, wide = picture.shape[:2]
    items = [f if isinstance(f, Field) else Field(*f) for f in fields]
    if not items:
        raise ValueError("fields is empty: give one receptive field per layer.")
    for item in items:
        if item.size < 1 or item.stride < 1:
            raise ValueError(
                f"Field of {item.layer!r} has size {item.size} and stride {item.stride}: both are "
                "at least 1 pixel."
            )
    x, y = center or (wide / 2, height / 2)
    squares = "".join(
        _square(item, index, (x, y), wide, height) for index, item in enumerate(items)
    )
    lines = tag(
        "svg", squares, viewBox=f"0 0 {wide} {height}", cls="fv-field__lines", aria_hidden="true"
    )
    stage = tag("div", img(picture, required_alt(alt, id)), lines, cls="fv-field__stage")
    side = tag("div", _legend(items), cls="fv-field__side")
    body = tag("div", stage, side, cls="fv-field", style=f"--fv-ratio:{wide / height:.4f}")
    payload = {
        "width": wide,
        "height": height,
        "center": [x, y],
        "fields": [
            {"layer": i.layer, "size": i.size, "stride": i.stride, "note": i.note} for i in items
        ],
    }
    return Figure("fv-field", id, body, caption, width, payload)


def _legend(fields: Sequence[Field]) -> str:
    lines = [
        tag(
            "li",
            tag("strong", text(field.layer)),
            text(f" {field.size} px" + (f": {field.note}" if field.note else "")),
            style=f"--fv-color:var(--fv-layer-{index % 5 + 1})",
        )
        for index, field in enumerate(fields)
    ]
    return tag("ul", *lines, cls="fv-plain fv-field__legend")


def _square(item: Field, index: int, center: tuple[float, float], wide: int, high: int) -> str:
    """One field's square and name, in photo pixels."""
    x, y = center
    left, top = x - item.size / 2, y - item.size / 2
    color = f"--fv-color:var(--fv-layer-{index % 5 + 1})"
    rect = tag("rect", x=left, y=top, width=item.size, height=item.size)
    # Inside the lower right corner where the name fits, beside the square where it does not.
    if item.size < _NAMED_INSIDE:
        name = tag("text", text(item.layer), x=left + item.size + 3, y=y + 3)
    else:
        right, bottom = min(left + item.size, wide), min(top + item.size, high)
        name = tag("text", text(item.layer), text_anchor="end", x=right - 3, y=bottom - 4)
    return tag("g", rect, name, style=color, data_layer=index)
