"""Circuits: which units a unit is made of, column by column, from any unit to any other."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from featviz.figures._circuit_wiring import CircuitLayer, Wiring, check, find
from featviz.figures._figure import Figure, number, required_alt, slug, tag, text
from featviz.figures._images import img, sprite
from featviz.figures._microscope import COLUMNS, TILE_QUALITY, tile_pixels

WIDEST, THINNEST = 6.0, 0.8
"""Width in px of the line with the largest weight between two columns, and of a very weak one."""

FAINTEST = 0.25
"""Opacity of a line of nearly no weight; the strongest have 0.9."""

LEVELS = 127
"""Weights of kernels are whole numbers up to this, as shares of the largest of their kernel."""

WEIGHT_LEVELS = 32767
"""Weights of lines are whole numbers up to this, as shares of the largest of their layer."""

MILLE = 1000
"""Parts of a unit's value are whole numbers of so many."""

THROUGH = "-through"
"""Suffix of the part with weights that lead through layers between: larger, and asked for later."""


def circuit_columns(
    layers: Sequence[CircuitLayer],
    *,
    start: str,
    id: str,
    alt: str,
    caption: str = "",
    width: str = "page",
    link: str = "",
) -> Figure:
    """Shows what a unit is made of, one column per layer, and lets readers walk to any other unit.

    Pictures of units are joined by lines: as wide as their weights, warm and whole where they
    excite, blue and dashed where they inhibit. A unit that is pressed becomes the one taken apart,
    and the page's address names it, `#conv5-12`. Without scripts it is the circuit of `start`.

    Args:
        layers: From shallow to deep; each reads the one before it.
        start: The unit that is shown at first, as `conv5:12`.
        id: Anchor of the figure, without `fig-`.
        alt: What the figure shows.
        caption: Says what to look at.
        width: Named width.
        link: Address of a page where units have places, such as the microscope's; "" for none.

    Returns:
        The figure.

    Raises:
        ValueError: If the layers' columns, weights or kernels don't fit their units, or there is no
            unit `start`.
    """
    for before, layer in zip([None, *layers], layers, strict=False):
        check(layer, before)
    depth, unit = find(layers, start)
    drawing = _Drawing(layers, link)
    stage = tag(
        "div", drawing.lines(depth, unit, alt, id), *drawing.columns(depth, unit),
        cls="fv-circuit__stage",
        style=f"--fv-columns:{len(layers)};--fv-rows:{drawing.wiring.rows}",
    )  # fmt: skip
    body = tag(
        "div",
        tag("div", cls="fv-tools fv-circuit__tools"),
        tag("div", tag("div", stage, cls="fv-circuit__frame"), _key(), cls="fv-circuit__drawing"),
        tag("div", drawing.words(depth, unit), cls="fv-circuit__panel"),
        cls="fv-circuit",
        role="group",
        aria_label=required_alt(alt, id),
    )
    payload = {
        "rows": drawing.wiring.rows,
        "start": slug(start),
        "link": link,
        "layers": [drawing.outline(index) for index in range(len(layers))],
    }
    parts: dict[str, Any] = {}
    for index, layer in enumerate(layers):
        parts[slug(layer.layer)] = drawing.kernels(index)
        parts[f"{slug(layer.layer)}{THROUGH}"] = drawing.through(index)
    return Figure("fv-circuit", id, body, caption, width, payload, parts)


def _key() -> str:
    """What the lines mean."""
    kinds = (("excites", "up"), ("inhibits", "down"))
    items = [
        tag("span", name, cls=f"fv-circuit__kind fv-circuit__kind--{way}") for name, way in kinds
    ]
    return tag("p", *items, cls="fv-circuit__key")


class _Drawing:
    """The figure's pictures, lines and data."""

    def __init__(self, layers: Sequence[CircuitLayer], link: str) -> None:
        self.layers, self.link, self.wiring = layers, link, Wiring(layers)

    def lines(self, depth: int, unit: int, alt: str, id: str) -> str:
        """The lines behind the pictures, the widest at the back."""
        columns = self.wiring.units(depth, unit)
        paths = []
        for index, one, before, weight, share in sorted(
            self.wiring.joined(depth, unit), key=lambda line: -line[4]
        ):
            (x1, y1), (x2, y2) = (
                self.wiring.place(columns, *end) for end in ((index, one), (index - 1, before))
            )
            paths.append(
                tag(
                    "path", d=f"M{x1} {y1:g}C{x1 + 0.5} {y1:g} {x1 + 0.5} {y2:g} {x2} {y2:g}",
                    cls="fv-circuit__line" + " fv-circuit__line--down" * (weight < 0),
                    style=f"--fv-thick:{THINNEST + (WIDEST - THINNEST) * share:.2f}px;"
                    f"--fv-strong:{FAINTEST + (0.9 - FAINTEST) * share:.2f}",
                )
            )  # fmt: skip
        return tag(
            "svg", *paths, cls="fv-circuit__lines", aria_hidden="true", preserveAspectRatio="none",
            viewBox=f"0 0 {len(self.layers) - 1} {self.wiring.rows}",
        )  # fmt: skip

    def columns(self, depth: int, unit: int) -> list[str]:
        """The columns from the left, each with its layer's name."""
        drawn = self.wiring.units(depth, unit)
        return [
            self._column(index, drawn, unit if index == depth else None)
            for index in reversed(range(len(self.layers)))
        ]

    def _column(self, index: int, drawn: Mapping[int, list[int]], root: int | None) -> str:
        layer = self.layers[index]
        head = tag(
            "p", tag("strong", text(layer.layer)), f" {layer.sees} px", cls="fv-circuit__name"
        )
        units = drawn.get(index, [])
        tiles = []
        for unit, pixels in zip(
            units, tile_pixels(layer.images[units]) if units else (), strict=True
        ):
            place = slug(f"{layer.layer}:{unit}")
            picture = img(pixels, f"{layer.layer}:{unit}", lazy=False)
            tiles.append(
                tag(
                    "a" if self.link else "span", picture, tag("span", str(unit)),
                    cls="fv-circuit__unit" + " fv-circuit__unit--root" * (unit == root),
                    href=f"{self.link}#{place}" if self.link else None, data_unit=place,
                    style=f"--fv-y:{self.wiring.place(drawn, index, unit)[1]:g}",
                )
            )  # fmt: skip
        return tag(
            "div", head, *tiles, cls="fv-circuit__column", role="group",
            aria_label=f"{layer.layer}, sees {layer.sees} px",
            style=f"--fv-x:{len(self.layers) - 1 - index}",
        )  # fmt: skip

    def words(self, depth: int, unit: int) -> str:
        """What the lines of the first column say, for readers without scripts."""
        said: dict[int, list[str]] = {}
        for index, one, before, weight, _ in self.wiring.joined(depth, unit):
            if index == depth:
                said.setdefault(one, []).append(f"{before} ({'+' * (weight > 0)}{number(weight)})")
        if not said:
            return ""
        name = f"{self.layers[depth].layer}:{unit}"
        listed = ", ".join(said[unit])
        return tag(
            "p", tag("strong", text(name)), f" reads of {self.layers[depth - 1].layer}: {listed}."
        )

    def outline(self, index: int) -> dict[str, Any]:
        """What the element is told of a layer at once."""
        layer = self.layers[index]
        mosaic = sprite(tile_pixels(layer.images), COLUMNS, quality=TILE_QUALITY)
        told: dict[str, Any] = {
            "name": layer.layer,
            "part": slug(layer.layer),
            "units": len(layer.images),
            "sees": layer.sees,
            "sprite": {**mosaic.shape(), "source": mosaic.uri},
        }
        if index + 1 < len(self.layers):
            told["readers"] = _packed(self.wiring.readers[index], "<u2")
        if index:
            pairs = self.wiring.pairs[index]
            sums = layer.sums[pairs[:, 0], pairs[:, 1]]
            scale = np.abs(sums).max() or 1.0
            told |= {
                "circuit": [
                    _packed(layer.circuits[one.layer], "<u2") for one in self.layers[:index]
                ],
                "shares": [
                    _packed(np.round(MILLE * np.asarray(layer.shares[one.layer])), "<i2")
                    for one in self.layers[:index]
                ],
                "pairs": _packed(pairs, "<u2"),
                "weights": _packed(np.round(sums / scale * WEIGHT_LEVELS), "<i2"),
                "scale": float(f"{scale / WEIGHT_LEVELS:.6g}"),
            }
        return told

    def kernels(self, index: int) -> dict[str, Any] | None:
        """What the element is told of the kernels of a layer's lines; nothing of a first layer."""
        if not index:
            return None
        pairs = self.wiring.pairs[index]
        return _levels(np.asarray(self.layers[index].kernels)[pairs[:, 0], pairs[:, 1]])

    def through(self, index: int) -> list[dict[str, Any]]:
        """What the element is told of weights through layers, unit by unit, column by column."""
        layer = self.layers[index]
        return [
            _levels(np.concatenate(list(np.asarray(layer.expanded[one.layer]))))
            for one in self.layers[: max(0, index - 1)]
        ]


def _levels(kernels: NDArray[Any]) -> dict[str, Any]:
    """Kernels (n,h,w) as whole numbers, each as shares of its largest, and the largest of each."""
    tops = np.abs(kernels).max((1, 2))
    shares = kernels / np.where(tops > 0, tops, 1)[:, None, None]
    return {
        "size": list(kernels.shape[1:]),
        "levels": _packed(np.round(shares * LEVELS), "i1"),
        "tops": _packed(tops, "<f4"),
    }


def _packed(values: NDArray[Any], kind: str) -> str:
    """Numbers as base64 of their bytes."""
    return base64.b64encode(np.ascontiguousarray(values.astype(kind)).tobytes()).decode("ascii")
