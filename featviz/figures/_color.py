"""Numbers to color: two scales, overlays on photographs, and the bar that explains them."""

from dataclasses import dataclass

import numpy as np
from matplotlib import colormaps
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from featviz.figures._figure import number, tag, text
from featviz.figures._files import Pixels, pixels

SEQUENTIAL = "inferno"
"""Perceptually uniform and dark at zero."""

DIVERGING = "RdBu_r"
"""Blue for evidence against, red for evidence in favor, near white at zero."""

# Color stops of a color bar's gradient: more are not visible over 200 px.
_BAR_STOPS = 17
# Blend weight of the map at its top value, and the strength up to which the photo is left alone:
# the dark half of a sequential scale would lie on everything as a purple wash.
_OVERLAY_TOP = 0.85
_OVERLAY_FROM = 0.25
# Part of the photo's own color kept under the map: color there would be read as the map's.
_PHOTO_COLOR = 0.25
# Fraction of the values that may lie beyond the top of a shared scale: single hot pixels of one
# map would otherwise darken all others.
_OUTLIERS = 0.002


@dataclass(frozen=True)
class Scale:
    """One mapping from values to colors, shared by all maps of a figure.

    Args:
        low: Value of the first color.
        high: Value of the last color.
        signed: Whether the scale is diverging around zero.
    """

    low: float
    high: float
    signed: bool

    def unit(self, values: ArrayLike) -> NDArray[np.float64]:
        """Values as positions in [0, 1] on the scale."""
        span = (self.high - self.low) or 1.0
        return np.clip((np.asarray(values, np.float64) - self.low) / span, 0, 1)

    def colors(self, values: ArrayLike) -> Pixels:
        """Colors (..., 3) uint8 of the values."""
        table = colormaps[DIVERGING if self.signed else SEQUENTIAL]
        rgba = np.asarray(table(self.unit(values), bytes=True), np.uint8)
        return np.ascontiguousarray(rgba[..., :3])

    def strength(self, values: ArrayLike) -> NDArray[np.float64]:
        """How far each value is from saying nothing, in [0, 1]."""
        unit = self.unit(values)
        return np.abs(unit * 2 - 1) if self.signed else unit


def shared_scale(maps: list[NDArray[np.float64]], limit: float | None = None) -> Scale:
    """Chooses one scale for all maps: from zero, or symmetric around zero if any value is negative.

    Args:
        maps: Maps of any shapes.
        limit: Largest magnitude of the scale; by default nearly the largest of all values.

    Raises:
        ValueError: The limit is not above zero.
    """
    if limit is not None and not limit > 0:
        raise ValueError(f"the limit of a scale is a magnitude above 0, not {limit!r}.")
    values = np.concatenate([m.ravel() for m in maps])
    signed = bool((values < 0).any())
    top = limit if limit is not None else float(np.quantile(np.abs(values), 1 - _OUTLIERS))
    top = top or 1.0
    return Scale(-top if signed else 0.0, top, signed)


def upsample(values: ArrayLike, height: int, width: int) -> NDArray[np.float64]:
    """Enlarges a map bilinearly to (height, width)."""
    picture = Image.fromarray(np.asarray(values, np.float32))
    return np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR), np.float64)


def overlay(photo: Pixels, values: ArrayLike, scale: Scale) -> Pixels:
    """Lays a low-resolution map over a photo so that the photo stays visible.

    The photo loses most of its color; the map's weight grows with the value's strength, on a
    sequential scale from a quarter of it on.

    Args:
        photo: (H,W,3) uint8.
        values: (h,w) map of any resolution.
        scale: The figure's scale.

    Returns:
        (H,W,3) uint8.
    """
    height, width = photo.shape[:2]
    large = upsample(values, height, width)
    color = scale.colors(large).astype(np.float64)
    base: NDArray[np.float64] = photo.astype(np.float64)
    gray = base @ np.array([0.299, 0.587, 0.114])  # luma weights, ITU-R BT.601
    base = _PHOTO_COLOR * base + (1 - _PHOTO_COLOR) * gray[..., None]
    silent = 0.0 if scale.signed else _OVERLAY_FROM
    weight = _OVERLAY_TOP * ((scale.strength(large) - silent) / (1 - silent)).clip(min=0)[..., None]
    blend: Pixels = (base * (1 - weight) + color * weight + 0.5).astype(np.uint8)
    return blend


def overlaid(
    photo: ArrayLike, values: ArrayLike, limit: float | None = None
) -> NDArray[np.float64]:
    """Lays one map over one photo.

    Args:
        photo: (3,H,W) in [0,1].
        values: (h,w) map of any resolution.
        limit: Largest magnitude of the scale; by default nearly the map's own.

    Returns:
        (3,H,W) in [0,1].
    """
    array = np.asarray(values, np.float64)
    blend = overlay(pixels(photo, "photo")[0], array, shared_scale([array], limit))
    return blend.transpose(2, 0, 1) / 255


def color_bar(scale: Scale, name: str) -> str:
    """The scale as a gradient with its numbers."""
    stops = scale.colors(np.linspace(scale.low, scale.high, _BAR_STOPS))
    gradient = ",".join(f"#{r:02x}{g:02x}{b:02x}" for r, g, b in stops.tolist())
    middle = (scale.low + scale.high) / 2
    ticks = "".join(tag("span", text(number(v))) for v in (scale.low, middle, scale.high))
    return tag(
        "div",
        tag("span", text(name), cls="fv-bar__name"),
        tag("span", cls="fv-bar__colors", style=f"background:linear-gradient(90deg,{gradient})"),
        tag("span", ticks, cls="fv-bar__ticks"),
        cls="fv-bar",
    )
