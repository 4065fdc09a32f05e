"""The microscope: all units of all layers as sheets, and everything known of the one looked at."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from featviz.figures._figure import Figure, expect_length, required_alt, slug, tag, text
from featviz.figures._files import Pixels
from featviz.figures._images import data_uri, sprite
from featviz.figures._sheets import grid_style, rounded

TILE_SIDE = 64
"""Side in pixels of a unit on its layer's sheet, which a page shows at 48 and a telephone at 37."""

TILE_QUALITY = 78
"""WebP quality of the sheet."""

COLUMNS = 16
"""Units to a row."""

CARD_QUALITY = 72
"""WebP quality of a unit's card: its pictures are looked at one at a time, and 1,152 of them
have to fit on a site that is passed on as a whole."""

CARD_WIDTH = 304
"""Width in pixels that a card's pictures are shelved to."""

GAP = 4
"""Pixels between a card's pictures, so that one's colors do not bleed into the next."""

SMALLEST = 64
"""Side in pixels below which pictures are enlarged by whole pixels."""


@dataclass(frozen=True, eq=False)
class MicroscopeLayer:
    """All that is shown of one layer; the first dimension is its units throughout.

    Args:
        layer: Its name.
        units: The units' indices.
        views: Name -> pictures (N,K,3,H,W) uint8; the first view's first picture is the sheet's.
        sees: Receptive field in pixels; 0 if a unit sees the whole image.
        uses: Side in pixels of the part of the field that units use.
        values: Measure -> (N,) numbers; NaN where a unit has none.
        families: (N,) names of kinds.
        kin: (N,k) units of this layer that look most alike.
        before: Layer that is read; "" for none.
        wired: (N,k) units of it with the largest weights, falling.
        weights: (N,k) these weights.
        notes: View -> (N,) a sentence for each unit.
        fields: Views that show the part of the field in use, whatever size they are drawn at.
    """

    layer: str
    units: Sequence[int]
    views: Mapping[str, NDArray[np.uint8]]
    sees: int = 0
    uses: int = 0
    values: Mapping[str, ArrayLike] = field(default_factory=dict)
    families: Sequence[str] = ()
    kin: ArrayLike | None = None
    before: str = ""
    wired: ArrayLike | None = None
    weights: ArrayLike | None = None
    notes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    fields: Sequence[str] = ()


@dataclass(frozen=True)
class Choice:
    """One entry of a filter.

    Args:
        label: What is chosen.
        either: Lists of which one must hold; each of (measure, low, high) that must all hold, low
            included.
    """

    label: str
    either: Sequence[Sequence[tuple[str, float, float]]]


def microscope(
    layers: Sequence[MicroscopeLayer],
    *,
    id: str,
    alt: str,
    caption: str = "",
    width: str = "page",
    titles: Mapping[str, str] | None = None,
    filters: Mapping[str, Sequence[Choice]] | None = None,
    circuits: str = "",
) -> Figure:
    """Shows all units as sheets, with a panel for the one looked at.

    Each unit has its own address, `#conv5-12`, with scripts and without.

    Args:
        layers: From shallow to deep.
        id: Anchor of the figure, without `fig-`.
        alt: What the figure shows.
        caption: Says what to look at.
        width: Named width.
        titles: View -> what stands above its pictures.
        filters: Name -> its choices.
        circuits: Address of a page where each unit's circuit has the unit's own address; "" for
            none.

    Raises:
        ValueError: If what is said of a layer does not match its units.
    """
    if not layers:
        raise ValueError("layers is empty: give at least one MicroscopeLayer.")
    sections, entries, parts = [], [], {}
    for layer in layers:
        shape, section = _sheet(layer, alt)
        packing = Packing.of(layer.views)
        entries.append(_layer(layer, shape, packing))
        sections.append(section)
        parts[slug(layer.layer)] = _part(layer, packing)
    body = tag(
        "div",
        tag("div", cls="fv-tools fv-micro__tools"),
        tag("div", *sections, cls="fv-micro__stage"),
        tag("div", cls="fv-micro__panel"),
        cls="fv-micro",
        role="group",
        aria_label=required_alt(alt, id),
    )
    payload = {
        "layers": entries,
        "titles": dict(titles or {}),
        "circuits": circuits,
        "filters": {
            name: [{"label": choice.label, "tests": choice.either} for choice in choices]
            for name, choices in (filters or {}).items()
        },
    }
    return Figure("fv-microscope", id, body, caption, width, payload, parts)


def address(layer: str, unit: int) -> str:
    """Names the place of a unit on the microscope's page: `conv5-12`."""
    return slug(f"{layer}:{unit}")


@dataclass(frozen=True)
class Packing:
    """Where a unit's pictures lie on its card, the same for all units of a layer."""

    width: int
    height: int
    places: Mapping[str, Sequence[tuple[int, int, int, int]]]
    scales: Mapping[str, int]

    @classmethod
    def of(cls, views: Mapping[str, NDArray[np.uint8]]) -> "Packing":
        """Puts pictures of given sizes on shelves, one after the other."""
        x = y = shelf = 0
        right = 0
        places: dict[str, list[tuple[int, int, int, int]]] = {}
        scales = {}
        for name, pictures in views.items():
            copies, _, height, width = pictures.shape[1:]
            scale = max(1, SMALLEST // max(height, width))
            scales[name] = scale
            places[name] = []
            for _ in range(copies):
                if x and x + width * scale > CARD_WIDTH:
                    x, y, shelf = 0, y + shelf + GAP, 0
                places[name].append((x, y, width * scale, height * scale))
                shelf = max(shelf, height * scale)
                right = max(right, x + width * scale)
                x += width * scale + GAP
        return cls(right, y + shelf, places, scales)

    def card(self, views: Mapping[str, NDArray[np.uint8]], row: int) -> str:
        """One unit's pictures as a WebP data URI."""
        sheet = np.full((self.height, self.width, 3), 128, np.uint8)
        for name, pictures in views.items():
            for picture, (x, y, width, height) in zip(
                pictures[row], self.places[name], strict=True
            ):
                large = picture.transpose(1, 2, 0)
                large = large.repeat(self.scales[name], 0).repeat(self.scales[name], 1)
                sheet[y : y + height, x : x + width] = large
        return data_uri(sheet, lossless=False, quality=CARD_QUALITY)


def _sheet(layer: MicroscopeLayer, alt: str) -> tuple[dict[str, Any], str]:
    """The layer's sprite, and its section: a picture, over which lies a place for each unit."""
    first = next(iter(layer.views.values()))[:, 0]
    expect_length(f"units of {layer.layer}", layer.units, len(first), "pictures")
    mosaic = sprite(tile_pixels(first), COLUMNS, quality=TILE_QUALITY)
    names = f"all {len(first)} units of {layer.layer}, row by row, {mosaic.columns} to a row"
    places = "".join(f'<i id="{address(layer.layer, unit)}"></i>' for unit in layer.units)
    reach = f"each sees {layer.sees} px" if layer.sees else "each sees the whole image"
    head = tag(
        "p",
        tag("strong", text(layer.layer)),
        tag("span", text(f" {len(first)} units, {reach}")),
        cls="fv-micro__name",
    )
    sheet = tag(
        "div",
        # Scripts read sheets from disk as the reader comes near, browsers too many of them at once.
        tag("noscript", mosaic.img(f"{alt} Here {names}.")),
        tag("div", places, cls="fv-micro__places"),
        cls="fv-micro__sheet",
    )
    shape = {**mosaic.shape(), "source": mosaic.uri}
    return shape, tag("div", head, sheet, cls="fv-micro__layer", style=grid_style(mosaic))


def tile_pixels(pictures: NDArray[np.uint8], side: int = TILE_SIDE) -> Pixels:
    """Brings pictures (N,3,H,W) to the tiles (N,side,side,3) of a sheet."""
    size = (side, side)
    return np.stack(
        [
            np.asarray(Image.fromarray(p).resize(size, Image.Resampling.LANCZOS))
            for p in np.ascontiguousarray(pictures.transpose(0, 2, 3, 1))
        ]
    )


def _layer(layer: MicroscopeLayer, shape: dict[str, Any], packing: Packing) -> dict[str, Any]:
    """What the element is told of a layer at once."""
    return {
        "name": layer.layer,
        "part": slug(layer.layer),
        "units": list(layer.units),
        "sprite": shape,
        "before": layer.before,
        "places": packing.places,
        "sizes": {name: pictures.shape[-1] for name, pictures in layer.views.items()},
        "scales": packing.scales,
        "sees": layer.sees,
        "uses": layer.uses,
        "fields": list(layer.fields),
    }


def _part(layer: MicroscopeLayer, packing: Packing) -> dict[str, Any]:
    """What the element is told of a layer's units."""
    count = len(layer.units)
    lists: dict[str, Any] = {
        "families": list(layer.families),
        "kin": _rows(layer.kin),
        "wired": _rows(layer.wired),
        "weights": [rounded(row) for row in _rows(layer.weights, np.float64)],
    }
    values = {name: rounded(column) for name, column in layer.values.items()}
    for name, column in (lists | values | dict(layer.notes)).items():
        if column:
            expect_length(f"{name} of {layer.layer}", column, count, "units")
    with ThreadPoolExecutor() as pool:  # encoding leaves Python, so that threads share the work
        cards = list(pool.map(lambda row: packing.card(layer.views, row), range(count)))
    return {"cards": cards, "values": values, "notes": dict(layer.notes), **lists}


def _rows(table: ArrayLike | None, kind: type = np.int64) -> list[list[Any]]:
    return [] if table is None else np.asarray(table, kind).tolist()
