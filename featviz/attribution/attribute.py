"""Attribution: which places of a photo, at which depth, speak for an objective.

Maps come back raw. A map alone has no scale that another map shares; `one_scale` gives several maps
one, so that layers can be compared.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import SupportsIndex

import torch
import torch.nn.functional as F
from PIL.Image import Image, fromarray
from torch import Tensor

from featviz.attribution.cams import CAMS, cam
from featviz.attribution.gradients import gradient, integrated, occlusion
from featviz.attribution.probe import Probe, check_photo
from featviz.network.inputs import Images, check_images, check_size
from featviz.network.network import Network
from featviz.network.passes import own_mode
from featviz.network.values import activations
from featviz.objectives.algebra import Objective, weighted_terms
from featviz.objectives.text import as_objectives
from featviz.objectives.units import Channel, Direction, Diversity, Logit, Neuron

METHODS = ("activation", *CAMS, "gradient", "integrated", "occlusion")
"""What `attribute` knows."""


@dataclass(frozen=True, eq=False)
class Attribution:
    """One map and what it is a map of.

    Attributes:
        map: (h, w) float32 on the CPU, raw, in the layer's own resolution.
        layer: Where the objective was explained.
        method: One of `METHODS`.
        objective: What was explained; None for the strength of a whole layer.
        value: The objective on the photo; None without an objective.
        change: What an integrated map sums to: the objective on the photo less that on a photo of
            the mean color; None for other methods.
        photo: (3, H, W) on the CPU, what was explained; None where a map stands for itself.
    """

    map: Tensor = field(repr=False)
    layer: str
    method: str
    objective: Objective | None
    value: float | None
    change: float | None = None
    photo: Tensor | None = field(default=None, repr=False)

    def resize(self, size: int | tuple[int, int] | None = None) -> Tensor:
        """Returns the map at another resolution, bilinearly.

        Args:
            size: (height, width) in pixels, or the side of a square; without it the photo's.

        Returns:
            (height, width) values in the map's own unit.

        Raises:
            ValueError: There is neither a size nor a photo, or it is no size.
        """
        if size is None:
            size = (self._photo().shape[1], self._photo().shape[2])
        sides = check_size(size, "a map")
        return F.interpolate(
            self.map[None, None], sides, mode="bilinear", align_corners=False, antialias=True
        )[0, 0]

    def overlay(self, limit: float | None = None) -> Image:
        """Lays the map over the photo, which keeps little of its color.

        Dark means nothing; in maps with signs, red speaks for the objective and blue against it.

        Args:
            limit: Magnitude that gets the strongest color; without it nearly the map's largest.
                Maps that `one_scale` has made comparable want one limit.

        Returns:
            A picture of the photo's size, to be shown or saved.

        Raises:
            ValueError: The map comes without a photo, or the limit is not above zero.
        """
        from featviz.figures._color import overlaid  # not before: matplotlib comes with it

        picture = overlaid(self._photo().numpy(), self.map.numpy(), limit)
        return fromarray((picture.transpose(1, 2, 0) * 255).round().astype("uint8"))

    def _photo(self) -> Tensor:
        if self.photo is None:
            raise ValueError(f"this map of {self.layer} comes without a photo.")
        return self.photo

    def _repr_png_(self) -> bytes | None:
        if self.photo is None:
            return None
        buffer = io.BytesIO()
        self.overlay().save(buffer, "PNG")
        return buffer.getvalue()

    def center(self) -> tuple[float, float]:
        """Returns the center of mass of what speaks for the objective.

        Returns:
            (row, column) as shares of the photo's height and width, from its top left corner; the
            middle if nothing speaks for it.
        """
        mass = self.map.clamp(min=0).double()
        if not mass.sum() > 0:
            return 0.5, 0.5
        share = mass / mass.sum()
        rows, columns = (torch.arange(size) + 0.5 for size in share.shape)
        return (
            (share.sum(1) * rows).sum().item() / len(rows),
            (share.sum(0) * columns).sum().item() / len(columns),
        )


@own_mode()
def attribute(
    network: Network,
    photo: Images,
    objective: Objective | str | int | None,
    layer: str,
    method: str = "gradcam",
    *,
    seed: int = 0,
) -> Attribution:
    """Maps which places of a layer speak for an objective on a photo.

    Args:
        network: The network; it comes back as it was.
        photo: (3, H, W) in [0, 1]; a NumPy array, of bytes too, or a picture of Pillow's does as
            well. The work is done on its device.
        objective: An objective or its text form; the name or index of a class stands for its
            `Logit`. With the method `"activation"`, None maps how strongly the whole layer answers.
        layer: Where to look: a layer that the objective depends on. `"conv3"` is the value before
            the ReLU, `"conv3:relu"` after it, `"image"` the photo's pixels (for
            gradient, integrated and occlusion).
        method: One of `METHODS`.
        seed: Where the noise of the methods that use noise comes from.

    Returns:
        The map.

    Raises:
        ValueError: An unknown method, layer, unit or class; a layer that the objective doesn't
            depend on; a photo too small for the network; a class of a network without one.

    Warns:
        UserWarning: An integrated map doesn't sum to its `change`, by more than 1 %.
    """
    if method not in METHODS:
        raise ValueError(
            f"there is no method {method!r}; there are {', '.join(METHODS)} "
            "(featviz.attribution.METHODS)."
        )
    photo = check_images(photo)
    target = None if objective is None else as_objective(network, objective)
    if method == "activation":
        return _activation(network, photo, target, layer)
    if target is None:
        raise ValueError(
            f"{method} explains an objective, Channel('conv5', 12) say; none is given."
        )
    if any(isinstance(term, Diversity) for _, term in weighted_terms(target)):
        raise ValueError(
            f"{target} compares images with each other, and one photo is alone: leave the "
            "diversity out."
        )
    probe = Probe(network, photo, target, layer)
    _check_places(network, layer, probe.value)
    change = None
    if method == "gradient":
        map = gradient(probe)
    elif method == "integrated":
        map, change = integrated(probe)
    elif method == "occlusion":
        map = occlusion(probe)
    else:
        map = cam(probe, method, seed)
    return Attribution(
        map.float().cpu(), layer, method, target, probe.score, change, _one_photo(photo)
    )


def as_objective(network: Network, target: Objective | str | int) -> Objective:
    """Reads what is to be explained.

    Args:
        network: The network.
        target: An objective or its text form, or the name or index of a class.

    Raises:
        ValueError: The network can't answer it, or the text can't be read.
    """
    found = as_objectives(network, Logit(target) if isinstance(target, SupportsIndex) else target)
    if len(found) != 1:
        raise ValueError(f"one objective is explained at a time, not {len(found)}.")
    return found[0]


def one_scale(maps: Sequence[Attribution]) -> tuple[Attribution, ...]:
    """Brings maps of several photos and layers to one scale, on which layers can be compared.

    Layers answer in units of their own, and one map's brightest place says nothing about another's.
    So all maps of one layer and method are divided by one number: their mean magnitude over all the
    photos given. A value of 3 then means "three times what this layer says of a place on average",
    at every depth, and a photo that leaves a layer cold stays dark.

    Args:
        maps: Maps to be seen together: for each layer those of all the photos. Maps that show the
            same layer by different methods are scaled apart.

    Returns:
        The same maps in the same order, rescaled with their `change`; signs and zeros stay.
    """
    maps = tuple(maps)
    groups: dict[tuple[str, str], list[Tensor]] = {}
    for one in maps:
        groups.setdefault((one.layer, one.method), []).append(one.map.abs().flatten())
    means = {key: torch.cat(parts).mean().item() or 1.0 for key, parts in groups.items()}

    def scaled(one: Attribution) -> Attribution:
        mean = means[one.layer, one.method]
        change = None if one.change is None else one.change / mean
        return replace(one, map=one.map / mean, change=change)

    return tuple(map(scaled, maps))


def _check_places(network: Network, layer: str, value: Tensor) -> None:
    if value.ndim != 4:
        raise ValueError(
            f"{layer} of {network.name} has no places, so it has no map; "
            f"its layers are {', '.join(network.layers)}."
        )


def _activation(
    network: Network, photo: Tensor, objective: Objective | None, layer: str
) -> Attribution:
    """A layer's values themselves: of one unit, along a direction, or the length over all units."""
    check_photo(network, photo)
    value = activations(network, photo, layer)
    _check_places(network, layer, value)
    if objective is None:
        return Attribution(
            value.norm(dim=1)[0].cpu(), layer, "activation", None, None, photo=_one_photo(photo)
        )
    if not isinstance(objective, Channel | Neuron | Direction) or objective.layer != layer:
        raise ValueError(
            f"an activation map of {layer} shows a Channel or a Direction of {layer}, or with None "
            f"the whole layer; {objective} is none of these."
        )
    if isinstance(objective, Direction):
        map = torch.einsum("uhw,u->hw", value[0], value.new_tensor(objective.vector))
    else:
        map = value[0, objective.unit]
    score = objective({layer: value}).item()
    return Attribution(map.cpu(), layer, "activation", objective, score, photo=_one_photo(photo))


def _one_photo(photo: Tensor) -> Tensor:
    """The photo (3, H, W) for the eye, whether it came alone or as a batch of one."""
    return photo.detach().float().cpu().view(photo.shape[-3:])
