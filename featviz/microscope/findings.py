"""What is known of units beside their pictures: tuning, activity, patches, kin, wiring."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from featviz import photos
from featviz.ascent.effective_field import used_field
from featviz.ascent.plan import suiting_side
from featviz.measures import activity, patches, tuning
from featviz.measures.activity import measure_activity
from featviz.measures.gratings import Gratings
from featviz.measures.tallies import Activity
from featviz.measures.tuning import Preferences, Tuning
from featviz.measures.weights import input_weights, module_read
from featviz.microscope.build import Microscope
from featviz.microscope.views import NEURON, side
from featviz.network.network import PROBE_SIZE, Network, check_units, field_of
from featviz.network.padding import unpadded_places
from featviz.network.values import activations
from featviz.photos import Photo
from featviz.store import Arrays, fingerprint

PATCHES = 4
"""Natural patches per unit."""

PATCH_SIDE = 72
"""Largest side in pixels of a patch that is kept; larger fields are reduced to it."""

COARSE = Gratings(
    hues=3, orientations=12, frequencies=(0.0, 0.02, 0.04, 0.08, 0.16, 0.32), phases=4
)
"""Gratings for units that see more than `FINE_BELOW`: 1,152 instead of 11,088, because each costs
up to ten times as much."""

FINE_BELOW = 64
"""Receptive field in pixels up to which units are shown all gratings."""

KIN = 6
"""Units named as the most alike."""

ACTIVITY = ("share", "mean", "peak")
"""What is kept of a layer's `Activity`, in its order."""

WIRED = 4
"""Units of the layer before that are named for a unit, and as many against it."""

# Each layer of each network is shown the same photographs: they are fitted and hashed once. What
# changes a photograph's pixels in place goes unseen.
_FITTED: WeakKeyDictionary[Photo, dict[int, Photo]] = WeakKeyDictionary()
_FINGERPRINTS: WeakKeyDictionary[Photo, str] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class Patches:
    """The photographs' strongest places for each unit.

    Attributes:
        images: (units, count, 3, side, side) uint8, reduced to `PATCH_SIDE`.
        values: (units, count) what the unit answers, strongest first.
        photos: (units, count) indices into `names`.
        places: (units, count, 2) row and column in the layer's map.
        names: The photographs searched.
    """

    images: NDArray[np.uint8]
    values: NDArray[np.float64]
    photos: NDArray[np.int64]
    places: NDArray[np.int64]
    names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Wiring:
    """The units of the layer before with the largest weights to each unit.

    Attributes:
        before: The layer that is read.
        units: (units, k) of it, those for first.
        weights: (units, k) as `measures.input_weights` has them, falling.
    """

    before: str
    units: NDArray[np.int64]
    weights: NDArray[np.float32]


def find_all(scope: Microscope, layer: str, units: Sequence[int] | None = None) -> None:
    """Finds out what a page shows of a layer beside its pictures, and keeps it in the store.

    Args:
        scope: The network and the store.
        layer: The layer's name.
        units: Which units' patches and lookalikes; without it all. Tuning comes with one pass for
            the whole layer, activity with one for all layers, as do patches of all units.
    """
    find_tuning(scope, layer)
    find_activity(scope, layer)
    find_patches(scope, layer, units=units)
    find_lookalikes(scope, layer, units)


def credits_line(photographs: Sequence[Photo]) -> str:
    """Returns photographs' credits in one line; nothing of those without."""
    return "; ".join(
        f"{photo.name}: {photo.credit}, {photo.license}" for photo in photographs if photo.credit
    )


def find_tuning(scope: Microscope, layer: str) -> Tuning | None:
    """Returns how a layer's units answer to gratings; None if they see the whole image."""
    net = scope.network
    if side(net, layer, NEURON) is None:
        return None
    fine = net.receptive_field(layer).size <= FINE_BELOW
    gratings = tuning.without_color(net, Gratings() if fine else COARSE)
    spec = {"network": net.fingerprint, "layer": layer, "gratings": gratings}
    arrays = scope.store.arrays(
        spec,
        lambda: {"r": tuning.measure_tuning(net, layer, gratings).responses.numpy()},
        tuning.__name__,
    )
    return Tuning(layer, gratings, torch.from_numpy(arrays["r"]))


def find_preferences(scope: Microscope, layer: str) -> Preferences | None:
    """Returns what a layer's units prefer among gratings; None if they see the whole image."""
    responses = find_tuning(scope, layer)
    return None if responses is None else tuning.preferences(responses)


def find_best_values(
    scope: Microscope, layer: str, units: Sequence[int] | None = None
) -> Tensor | None:
    """Returns what units' best natural patches give them above plain gray, (N,).

    Args:
        scope: The network and the store.
        layer: The layer's name.
        units: Which units; without it all.

    Returns:
        The values; None if no photograph holds a whole field of the layer.
    """
    best = find_patches(scope, layer, units=units)
    if best is None:
        return None
    gray = tuning.gray_values(scope.network, layer)
    return torch.from_numpy(best.values[:, 0]) - (gray if units is None else gray[list(units)])


def find_families(
    scope: Microscope, layer: str, units: Sequence[int] | None = None
) -> tuple[str, ...]:
    """Returns the names of units' families, as far as gratings explain what photographs do to them.

    Args:
        scope: The network and the store.
        layer: The layer's name.
        units: Which units; without it all.

    Returns:
        One of `measures.tuning`'s names per unit; nothing if photographs can't tell how much
        gratings explain, as none holds a whole field of the layer.
    """
    answers, best = find_preferences(scope, layer), find_best_values(scope, layer, units)
    if answers is None or best is None:
        return ()
    if units is not None:
        answers = Preferences(**{name: one[list(units)] for name, one in vars(answers).items()})
    return tuning.families(answers, best)


def find_activity(scope: Microscope, layer: str) -> Activity | None:
    """Returns how busy a layer's units are on photographs; None if they see more than one."""
    net = scope.network
    size = suiting_side(net, [layer], PROBE_SIZE)
    if not _holds_field(net, layer, size):
        return None
    fitted = [_fitted(photo, size) for photo in scope.photographs]
    layers = [one for one in net.layers if _holds_field(net, one, size)]
    if layer not in layers:  # named as its module
        layers = [layer]
    spec = {
        "network": net.fingerprint,
        "layers": layers,
        "photos": list(map(photo_fingerprint, fitted)),
    }

    def make() -> dict[str, NDArray[np.float32]]:
        found = measure_activity(net, layers, [photo.image for photo in fitted])
        return {
            f"{one}/{name}": getattr(found[one], name).numpy()
            for one in layers
            for name in ACTIVITY
        }

    result = scope.store.arrays(spec, make, activity.__name__)
    return Activity(*(torch.from_numpy(result[f"{layer}/{name}"]) for name in ACTIVITY))


def _holds_field(network: Network, layer: str, size: int) -> bool:
    """Whether photographs of a size reach a layer, and hold a whole field of its units."""
    if suiting_side(network, [layer], size) != size:
        return False
    try:
        return bool(unpadded_places(network, layer, size))
    except ValueError:  # units see the whole image
        return False


def find_patches(
    scope: Microscope, layer: str, units: Sequence[int] | None = None
) -> Patches | None:
    """Returns the natural patches that excite a layer's units most; None where no field fits.

    Where all units are wanted, one search serves all layers that the same photographs are searched
    for.

    Args:
        scope: The network, the store and the photographs that are searched.
        layer: The layer's name.
        units: Which units, in what order; without it all.

    Raises:
        UnknownUnitError: The layer has no such unit.
    """
    net = scope.network
    if side(net, layer, NEURON) is None:
        return None
    samples = _searched(scope, layer)
    if not samples:
        return None
    numbers = list(map(int, range(net.units(layer)) if units is None else units))
    check_units(net, layer, numbers)
    about = {
        "network": net.fingerprint,
        "count": PATCHES,
        "photos": list(map(photo_fingerprint, samples)),
    }
    data = scope.store.arrays(
        {**about, "layer": layer, "side": PATCH_SIDE, "units": numbers},
        lambda: _cut(
            net, layer, samples, _places(scope, layer, samples, about, units is None), numbers
        ),
        __name__,
    )
    names = tuple(photo.name for photo in samples)
    return Patches(data["images"], data["values"], data["photos"], data["places"], names)


def _searched(scope: Microscope, layer: str) -> tuple[Photo, ...]:
    """Photographs as they are, or of the one size that a network takes; none if no field fits."""
    net = scope.network
    field = field_of(net, layer)
    if field is None:  # units see the whole image, or the name alone says no layer
        return ()
    odd = 2 * PROBE_SIZE + 1  # no network is made for it
    size = suiting_side(net, [layer], odd)
    samples = scope.photographs
    if size != odd:
        samples = tuple(_fitted(photo, size) for photo in samples)
    return samples if any(patches.holds_field(field, photo) for photo in samples) else ()


def _places(
    scope: Microscope,
    layer: str,
    samples: tuple[Photo, ...],
    about: dict[str, object],
    together: bool,
) -> Arrays:
    """Where photographs excite a layer's units most, searched together with other layers or not.

    Returns:
        "values", "photos" and "places" (units, PATCHES) and (..., 2), strongest first; photos are
        numbered, and -1 where there are fewer.
    """
    net = scope.network
    layers = [one for one in net.layers if together and _searched(scope, one) == samples]
    if layer not in layers:  # or named as its module
        layers = [layer]

    def make() -> Arrays:
        numbered = (replace(photo, name=str(at)) for at, photo in enumerate(samples))
        arrays: Arrays = {}
        for one, examples in patches.find_places(net, layers, numbered, PATCHES).items():
            shape = net.units(one), PATCHES
            values, photo, places = np.zeros(shape), np.full(shape, -1), np.zeros((*shape, 2), int)
            for unit, ones in examples.found.items():
                for at, example in enumerate(ones):
                    values[unit, at], photo[unit, at] = example.value, int(example.photo)
                    places[unit, at] = example.position
            arrays |= {f"{one}/values": values, f"{one}/photos": photo, f"{one}/places": places}
        return arrays

    arrays = scope.store.arrays({**about, "layers": layers}, make, patches.__name__)
    return {name: arrays[f"{layer}/{name}"] for name in ("values", "photos", "places")}


def _fitted(photo: Photo, side: int) -> Photo:
    sizes = _FITTED.setdefault(photo, {})
    if side not in sizes:
        sizes[side] = photos.fitted(photo, side)
    return sizes[side]


def photo_fingerprint(photo: Photo) -> str:
    """Returns the fingerprint of a photograph's pixels, which are hashed once."""
    if photo not in _FINGERPRINTS:
        _FINGERPRINTS[photo] = fingerprint(photo.image.numpy())
    return _FINGERPRINTS[photo]


def _cut(
    net: Network, layer: str, samples: Sequence[Photo], found: Arrays, units: Sequence[int]
) -> Arrays:
    """Cuts the places of units out of photographs: as many of each as all of them have."""
    count = int((found["photos"][units] >= 0).sum(1).min())
    values, numbers, places = (
        found[name][units][:, :count] for name in ("values", "photos", "places")
    )
    core = used_field(net, layer)
    images = np.zeros((len(units), count, 3, *2 * [min(core.size, PATCH_SIDE)]), np.uint8)
    for number in np.unique(numbers):
        pixels = patches.pixels_seen(net, samples[number])
        for unit, at in np.argwhere(numbers == number):
            box = patches.field_box(core, *places[unit, at].tolist())
            images[unit, at] = _thumbnail(patches.cut(pixels, box))
    return {"images": images, "values": values, "photos": numbers, "places": places}


def _thumbnail(patch: Tensor) -> NDArray[np.uint8]:
    if patch.shape[-1] > PATCH_SIDE:
        small = F.interpolate(
            patch[None].float(), PATCH_SIDE, mode="bilinear", align_corners=False, antialias=True
        )
        patch = small[0].round().clamp(0, 255).to(torch.uint8)
    levels: NDArray[np.uint8] = patch.numpy()
    return levels


def find_wiring(network: Network, layer: str) -> Wiring | None:
    """Returns which units a layer reads with the largest weights; None if it reads no named layer.

    Args:
        network: The network.
        layer: A convolution.
    """
    before = layer_before(network, layer)
    if before is None:
        return None
    weights = input_weights(network, layer)
    count = min(WIRED, weights.shape[1] // 2)
    order = weights.argsort(1, descending=True)
    picks = torch.cat([order[:, :count], order[:, order.shape[1] - count :]], 1)
    return Wiring(before, picks.numpy(), weights.gather(1, picks).numpy())


def layer_before(network: Network, layer: str) -> str | None:
    """Returns the layer whose units a convolution reads, as `measures.module_read` finds it.

    Args:
        network: The network.
        layer: The layer's name.

    Returns:
        Its name; None if it reads the image, several layers at once, or what has no name.
    """
    names = {module: name for name, module in network.dotted.items()}
    own = network.resolve(layer).module
    module = network.module.get_submodule(own)
    if not isinstance(module, nn.Conv2d) or module.groups != 1:
        return None
    before = names.get(module_read(network, layer)[0])
    same = before is not None and network.units(before) == module.in_channels
    return before if same else None


def find_lookalikes(
    scope: Microscope, layer: str, units: Sequence[int] | None = None
) -> NDArray[np.int64]:
    """Returns the units whose pictures look most like each unit's to the layer itself.

    Each channel picture is shown to the layer, and what the layer's units answer after their ReLU
    is averaged over all places. Pictures are alike if they raise the same units above the average
    over all pictures: by the cosine of these answers.

    Args:
        scope: The network and the store.
        layer: The layer's name.
        units: Which units; without it all.

    Returns:
        (N, up to `KIN`) units, the most alike first.
    """
    numbers = list(map(int, range(scope.network.units(layer)) if units is None else units))
    spec = {**scope.base, "layer": layer, "units": numbers, "view": scope.channel}
    return scope.store.arrays(spec, lambda: {"kin": _nearest(scope, layer, numbers)}, __name__)[
        "kin"
    ]


def _nearest(scope: Microscope, layer: str, numbers: Sequence[int]) -> NDArray[np.int64]:
    net = scope.network
    levels = scope.pictures(layer, scope.channel, numbers).images[:, 0]
    pictures = torch.from_numpy(levels).float() / 255
    answers = activations(net, pictures, layer).relu()
    answers = answers.reshape(*answers.shape[:2], -1).mean(2)
    above = F.normalize(answers - answers.mean(0), dim=1)
    cosines = (above @ above.T).fill_diagonal_(-torch.inf)
    nearest = cosines.topk(min(KIN, len(numbers) - 1), dim=1).indices
    units: NDArray[np.int64] = np.array(numbers, np.int64)[nearest.numpy()]
    return units
