"""The figure of the reader's own photo: complete with a sample, alive once the reader acts."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from featviz.figures._color import Scale, overlay, shared_scale
from featviz.figures._figure import Figure, required_alt, tag, text
from featviz.figures._files import Pixels, pixels
from featviz.figures._images import Sprite, img, mosaic, resize
from featviz.figures._microscope import tile_pixels

SHOWN = 448
"""Side in pixels at which a photo is shown: twice what the network sees of it."""

SAMPLE_QUALITY = 78
"""WebP quality of a sample photo, which is shown large."""

TILE_SIDE = 48
"""Side in pixels of a unit's picture: with all 1,152 of them the page is to stay under 4 MB."""

TILE_QUALITY = 40
"""AVIF quality of the sheets of units: 310 kB in all, a third of WebP's bytes at the same look."""

COLUMNS = 16
"""Units to a row of a sheet."""

_THUMBNAIL, _MAP = 56, 112
# Stops of the color scale that the script is told.
_STOPS = 17


@dataclass(frozen=True)
class Sample:
    """A photo that the page offers.

    Args:
        name: Lower-case letters, digits and hyphens; a link's state.
        label: What it shows, for readers.
        file: The photo as `encode` gives it.
    """

    name: str
    label: str
    file: bytes


@dataclass(frozen=True, eq=False)
class PhotoLayer:
    """What is shown of one layer for the first sample.

    Args:
        layer: Its name.
        sees: Side of its receptive field, in pixels of what the network sees.
        stride: Way from one place to the next, in pixels.
        start: Middle of the first place, in pixels.
        pictures: (U,3,H,W) uint8, what excites each unit of the layer.
        map: (h,w) what the layer answers at each place.
        units: (k,) its strongest units, strongest first.
        scores: (k,) how unusual their values are, in standard deviations.
    """

    layer: str
    sees: int
    stride: int
    start: float
    pictures: NDArray[np.uint8]
    map: ArrayLike
    units: Sequence[int]
    scores: Sequence[float]


def encode(image: ArrayLike) -> bytes:
    """Encodes a sample photo as the page carries it.

    Args:
        image: (3,S,S) in [0,1].

    Returns:
        A WebP file; what is measured of a sample is measured of this.
    """
    buffer = io.BytesIO()
    Image.fromarray(pixels(image)[0]).save(buffer, "WEBP", quality=SAMPLE_QUALITY)
    return buffer.getvalue()


def photo_figure(
    samples: Sequence[Sample],
    layers: Sequence[PhotoLayer],
    *,
    side: int,
    id: str,
    alt: str,
    caption: str = "",
    microscope: str = "",
    circuits: str = "",
) -> Figure:
    """Lets a photo of the reader's run through the network, in the page.

    Without scripts the first sample stands beside each layer's map and strongest units.

    Args:
        samples: Photos to begin with; the first is the one that is measured in `layers`.
        layers: From shallow to deep.
        side: Side in pixels of what the network sees of a photo.
        id: Anchor of the figure, without `fig-`.
        alt: What the figure shows.
        caption: Says what to look at.
        microscope: Address of the page of all units; no links without it.
        circuits: Address of a page with a place for each unit's circuit, `#conv5-12`; no links
            without it.

    Returns:
        The figure.
    """
    first = samples[0]
    photo = _decode(first.file)
    rows = "".join(_row(layer, index, photo) for index, layer in enumerate(layers))
    source = f"data:image/webp;base64,{_text(first.file)}"
    picture = tag("img", src=source, alt=first.label, width=SHOWN, height=SHOWN)
    heading = tag("p", "Strongest units in the whole photo", cls="fv-photo__heading")
    still = tag(
        "div",
        tag("div", picture, cls="fv-photo__stage"),
        tag("div", heading, tag("div", rows, cls="fv-photo__rows")),
        cls="fv-photo__still",
    )
    body = tag(
        "div",
        tag("div", cls="fv-photo__entry"),
        still,
        cls="fv-photo",
        role="group",
        aria_label=required_alt(alt, id),
    )
    payload = {
        "side": side, "shown": SHOWN,
        "samples": [_told(sample) for sample in samples],
        "layers": [_layer(layer) for layer in layers],
        "colors": Scale(0, 1, False).colors(np.linspace(0, 1, _STOPS)).tolist(),
        "count": len(layers[0].units), "microscope": microscope, "circuits": circuits,
    }  # fmt: skip
    # A picture beside the page would close the canvas it is drawn on: the script is given its text.
    parts = {sample.name: _text(sample.file) for sample in samples}
    return Figure("fv-photo", id, body, caption, "page", payload, parts)


def _text(file: bytes) -> str:
    return base64.b64encode(file).decode("ascii")


def _decode(file: bytes) -> Pixels:
    return np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))


def _told(sample: Sample) -> dict[str, str]:
    thumbnail = resize(_decode(sample.file), _THUMBNAIL)
    return {"name": sample.name, "label": sample.label, "thumbnail": _avif(thumbnail)}


def _avif(picture: Pixels) -> str:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "AVIF", quality=TILE_QUALITY)
    return f"data:image/avif;base64,{_text(buffer.getvalue())}"


def _layer(layer: PhotoLayer) -> dict[str, Any]:
    """What the element is told of a layer."""
    count = len(layer.pictures)
    sheet = _avif(mosaic(tile_pixels(layer.pictures, TILE_SIDE), COLUMNS, fill=0))
    sprite = Sprite(sheet, COLUMNS, -(-count // COLUMNS), TILE_SIDE, TILE_SIDE, count)
    return {
        "layer": layer.layer, "sees": layer.sees, "stride": layer.stride, "start": layer.start,
        "sprite": {**sprite.shape(), "source": sprite.uri},
    }  # fmt: skip


def _row(layer: PhotoLayer, index: int, photo: Pixels) -> str:
    """A layer's map and its strongest units."""
    values = np.asarray(layer.map, np.float64)
    small = overlay(resize(photo, _MAP), values, shared_scale([values]))
    tiles = tile_pixels(layer.pictures[list(layer.units)], TILE_SIDE)
    units = [
        tag(
            "li",
            img(tile, f"What excites {layer.layer}:{unit} most"),
            tag("span", text(f"{layer.layer}:{unit}")),
            tag("span", text(signed(score)), cls="fv-photo__score"),
            cls="fv-photo__unit",
        )
        for tile, unit, score in zip(tiles, layer.units, layer.scores, strict=True)
    ]
    return tag(
        "div",
        tag("div", img(small, f"Where {layer.layer} answers"), cls="fv-photo__map"),
        tag("p", tag("strong", text(layer.layer)), f" sees {layer.sees} px", cls="fv-photo__name"),
        tag("ol", *units, cls="fv-photo__units"),
        cls="fv-photo__row",
        style=f"--fv-color:var(--fv-layer-{index + 1})",
    )


def signed(score: float) -> str:
    """Writes how unusual a value is, as the page's script does."""
    sign = "\N{MINUS SIGN}" if score < 0 else "+"
    return f"{sign}{abs(score):.1f}"
