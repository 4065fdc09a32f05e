"""What photographs do to the units of a layer, in sums that add up over any number of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Activity:
    """How busy units are on photographs.

    Attributes:
        share: (units,) part of all places where the unit passes its ReLU: is above 0 after it.
        mean: (units,) value after the ReLU, averaged over all places.
        peak: (units,) largest value before the ReLU.

    The ReLU is the activation that the network has behind the layer; if it has none, a plain one.
    """

    share: Tensor
    mean: Tensor
    peak: Tensor


@dataclass(frozen=True, eq=False)
class Tally:
    """What a number of photographs do to the units of a layer.

    Tallies of other photographs add up by `+`. Only places whose whole field lies inside the
    photograph count. Each photograph has one place for a unit, its strongest.

    Attributes:
        values: (units, count) float32, what the strongest places give, falling; -inf where there
            are fewer photographs.
        photos: (units, count) int64, numbers of their photographs, -1 where there are fewer.
        places: (units, count, 2) int64, their row and column in the layer's map.
        peak: (units,) float32, the largest value before the activation.
        positive: (units,) int64, at how many places the value after the activation is above 0.
        total: (units,) float64, the sum of these values.
        area: (1,) int64, how many places there were.
        seen: (1,) int64, how many photographs.
        means: (units,) float64, the sum over photographs of a unit's mean after the activation.
        products: (units, units) float64, the sum of products of these means; (0, 0) if they weren't
            asked for.
    """

    values: NDArray[np.float32]
    photos: NDArray[np.int64]
    places: NDArray[np.int64]
    peak: NDArray[np.float32]
    positive: NDArray[np.int64]
    total: Floats
    area: NDArray[np.int64]
    seen: NDArray[np.int64]
    means: Floats
    products: Floats

    def __add__(self, other: "Tally") -> "Tally":
        values = np.concatenate([self.values, other.values], 1)
        photos = np.concatenate([self.photos, other.photos], 1)
        places = np.concatenate([self.places, other.places], 1)
        # Of equal values the earlier photograph comes first, in whatever order tallies add up.
        order = np.lexsort((photos, -values), axis=1)[:, : self.values.shape[1]]
        sums = {name: getattr(self, name) + getattr(other, name) for name in _SUMS}
        return Tally(
            np.take_along_axis(values, order, 1),
            np.take_along_axis(photos, order, 1),
            np.take_along_axis(places, order[..., None], 1),
            np.maximum(self.peak, other.peak),
            **sums,
        )

    def shifted(self, first: int) -> "Tally":
        """Returns the tally with the numbers of photographs counted from another one."""
        return replace(self, photos=np.where(self.photos < 0, -1, self.photos + first))

    @property
    def activity(self) -> Activity:
        """How busy the units are."""
        area = int(self.area[0])
        return Activity(
            torch.from_numpy(self.positive / area).float(),
            torch.from_numpy(self.total / area).float(),
            torch.from_numpy(self.peak),
        )

    @property
    def correlation(self) -> Floats:
        """How alike units answer: Pearson's correlation (units, units) over photographs.

        What is correlated is a unit's mean value after its activation in each photograph. Of units
        that always answer the same it is NaN.

        Raises:
            ValueError: The products weren't asked for.
        """
        if not self.products.size:
            raise ValueError("no products were summed up: say correlations=True to `survey`.")
        count = int(self.seen[0])
        mean = self.means / count
        covariance = self.products / count - np.outer(mean, mean)
        spread = np.sqrt(np.diagonal(covariance).clip(min=0))
        with np.errstate(invalid="ignore", divide="ignore"):
            result: Floats = covariance / np.outer(spread, spread)
        return result


_SUMS = ("positive", "total", "area", "seen", "means", "products")


def no_photographs(units: int, count: int, *, correlations: bool) -> Tally:
    """Returns the tally of no photograph.

    Args:
        units: How many units the layer has.
        count: How many strongest places are kept.
        correlations: Whether products are summed up.
    """
    side = units if correlations else 0
    return Tally(
        np.full((units, count), -np.inf, np.float32),
        np.full((units, count), -1, np.int64),
        np.zeros((units, count, 2), np.int64),
        np.full(units, -np.inf, np.float32),
        np.zeros(units, np.int64),
        np.zeros(units),
        np.zeros(1, np.int64),
        np.zeros(1, np.int64),
        np.zeros(units),
        np.zeros((side, side)),
    )


def tally_pass(
    known: Tally,
    photos: Sequence[int],
    before: Tensor,
    after: Tensor,
    corner: tuple[int, int],
) -> Tally:
    """Tallies what one pass says of photographs.

    Args:
        known: The tally of some that come before them; what it has seen stronger places than is
            left out, as it would be when the two add up.
        photos: The N photographs' numbers, rising.
        before: (N, units, h, w) values before the activation, at the places that count.
        after: (N, units, h, w) values after it.
        corner: (row, column) of the first of these places in the layer's map.
    """
    images, units, height, width = before.shape
    count = known.values.shape[1]
    peaks = before.flatten(2).amax(2)  # in a third of the time of amax((2, 3))
    best, which = peaks.T.sort(dim=1, descending=True, stable=True)
    best = best[:, :count]
    answers = after.mean((2, 3)).cpu().double()
    # Floats add up three times faster than booleans, and ones exactly, up to 2^24 of them.
    above = torch.gt(after, 0, out=torch.empty_like(after, dtype=torch.float32)).sum((2, 3))
    fresh = no_photographs(units, count, correlations=False)
    # Where a place lies is looked up only for those that are among the strongest so far.
    lowest = torch.from_numpy(known.values[:, -1]).to(best.device)
    rows, slots = (best > lowest[:, None]).nonzero(as_tuple=True)
    images_of = which[rows, slots]
    at = before[images_of, rows].flatten(1).argmax(1).cpu().numpy()
    row, slot, image = (one.cpu().numpy() for one in (rows, slots, images_of))
    fresh.values[row, slot] = best[rows, slots].cpu().numpy()
    fresh.photos[row, slot] = np.array(photos)[image]
    fresh.places[row, slot] = np.stack([at // width + corner[0], at % width + corner[1]], 1)
    sums: dict[str, Any] = {
        "positive": above.long().sum(0),
        "total": answers.sum(0) * (height * width),
        "area": torch.tensor([images * height * width]),
        "seen": torch.tensor([images]),
        "means": answers.sum(0),
        "products": answers.T @ answers if known.products.size else torch.zeros(0, 0).double(),
    }
    sums = {name: value.cpu().numpy() for name, value in sums.items()}
    return replace(fresh, peak=peaks.amax(0).cpu().numpy(), **sums)
