"""Where a unit answers strongest on photographs, and what of each photograph it sees there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from featviz.network.ablation import Photographs, batches
from featviz.network.network import Network, field_of
from featviz.network.padding import places_inside
from featviz.network.values import activations

PASS = 2**19
"""Pixels of views that go through a network at a time: 19 fields of conv5."""


@dataclass(frozen=True, eq=False)
class Peaks:
    """The strongest place of each unit on each photograph.

    Attributes:
        values: (photographs, units) what the unit gives there, before its activation.
        rows: (photographs, units) the place's row in the layer's map.
        columns: (photographs, units) its column.
    """

    values: Tensor
    rows: Tensor
    columns: Tensor


@dataclass(frozen=True, eq=False)
class Views:
    """What units see at their strongest places.

    Attributes:
        images: (N, 3, side, side) cut-outs in which the place of each sees what it saw in the
            photograph; whole photographs if a unit sees as much.
        units: (N,) which unit each is for.
        rows: (N,) the place's row in the layer's map of the view.
        columns: (N,) its column.
    """

    images: Tensor
    units: Tensor
    rows: Tensor
    columns: Tensor

    def read(self, value: Tensor) -> Tensor:
        """Returns each view's unit at its place, (N,), of a layer's value (N, units, h, w)."""
        each = torch.arange(len(value), device=value.device)
        if value.ndim == 2:
            return value[each, self.units]
        return value[each, self.units, self.rows, self.columns]

    def parts(self) -> Iterator["Views"]:
        """Yields views that go through a network together."""
        width = max(1, PASS // self.images[0, 0].numel()) if len(self.images) else 1
        for first in range(0, len(self.images), width):
            rows = slice(first, first + width)
            yield Views(self.images[rows], self.units[rows], self.rows[rows], self.columns[rows])


def find_peaks(network: Network, layer: str, images: Photographs) -> Peaks:
    """Finds the strongest place of each unit of a layer on each photograph.

    Places whose field reaches over the border don't compete, unless there are no others.

    Args:
        network: The network.
        layer: The layer's name.
        images: Photographs.

    Returns:
        The peaks.

    Raises:
        ValueError: There is no photograph.
    """
    parts = [_peaks(network, layer, batch) for batch in batches(images)]
    if not parts:
        raise ValueError("there are no photographs to look at: give at least one.")
    return Peaks(*(torch.cat(column).cpu() for column in zip(*parts, strict=True)))


def _peaks(network: Network, layer: str, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    values = activations(network, images, layer)
    if values.ndim == 2:
        nothing = torch.zeros_like(values, dtype=torch.long)
        return values, nothing, nothing
    rows, columns = (
        _inside(network, layer, count, size)
        for count, size in zip(values.shape[2:], images.shape[2:], strict=True)
    )
    part = values[:, :, rows.start : rows.stop, columns.start : columns.stop]
    peaks, places = part.flatten(2).max(2)
    return peaks, places // len(columns) + rows.start, places % len(columns) + columns.start


def _inside(network: Network, layer: str, count: int, size: int) -> range:
    """The places along an axis whose field lies inside the photograph; all if none does."""
    field = field_of(network, layer)
    return (field and places_inside(field, count, size)) or range(count)


def strongest_photographs(peaks: Peaks, units: Sequence[int], count: int) -> Tensor:
    """Returns the photographs (units, count) on which units are strongest, strongest first."""
    order = peaks.values[:, list(units)].sort(dim=0, descending=True, stable=True).indices
    return order[:count].T


def cut_views(
    network: Network,
    layer: str,
    images: Sequence[Tensor],
    peaks: Peaks,
    units: Sequence[int],
    chosen: Tensor,
) -> Views:
    """Cuts out of photographs what units see at their strongest places.

    Args:
        network: The network.
        layer: The layer's name.
        images: The photographs of the peaks, (3, H, W) each.
        peaks: Where the units are strongest.
        units: Which units.
        chosen: (units, n) which photographs, for each unit.

    Returns:
        The views, n for each unit, one unit's after the other's. Photographs that are too small to
        hold a whole field are seen whole, and then all must have one size.
    """
    pairs = [
        (unit, index) for unit, row in zip(units, chosen.tolist(), strict=True) for index in row
    ]
    cuts = [
        _cut(network, layer, images[at], int(peaks.rows[at, unit]), int(peaks.columns[at, unit]))
        for unit, at in pairs
    ]
    views, rows, columns = zip(*cuts, strict=True)
    owners = torch.tensor([unit for unit, _ in pairs])
    return Views(torch.stack(views), owners, torch.tensor(rows), torch.tensor(columns))


def _cut(
    network: Network, layer: str, image: Tensor, row: int, column: int
) -> tuple[Tensor, int, int]:
    """The part of an image around a place's field, and the place in that part's map."""
    field = field_of(network, layer)
    if field is None:
        return image, row, column
    side = field.canvas()
    place = places_inside(field, row + column + side, side)[0]
    top, left = ((at - place) * field.stride for at in (row, column))
    if min(top, left) < 0 or max(top + side - image.shape[1], left + side - image.shape[2]) > 0:
        return image, row, column
    return image[:, top : top + side, left : left + side], place, place
