"""A network without some of its units: they give one value, whatever the image."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from featviz.network.graph import CALLS
from featviz.network.inputs import Images, check_images
from featviz.network.network import Network, check_units
from featviz.network.passes import device_of, own_mode, private_copy
from featviz.network.returned import LayerRef
from featviz.network.values import activations

MODES = ("mean", "zero", "resample")
"""What units may give in place of their own values."""

Photographs = Images | Sequence[Images]
"""A batch of images (N, 3, H, W) in [0, 1], or a sequence of images (3, H, W) of any sizes."""


@own_mode()
def ablate(
    network: Network,
    units: Mapping[str, Sequence[int]],
    mode: str = "mean",
    *,
    images: Photographs | None = None,
    seed: int = 0,
) -> Network:
    """Returns a network in which some units no longer tell anything about the image.

    Each of them gives, at every place, what it gives in the mean over all places of photographs
    ("mean"), nothing ("zero"), or what it gives for one of the photographs ("resample"), whose maps
    are stretched to the size of the image's. What is read at the layer is the ablated value.

    Args:
        network: The network; it stays as it is.
        units: Layer -> units. "conv4:relu" sets the value after the activation, "conv4" the one
            before it.
        mode: One of `MODES`.
        images: Photographs; not needed for "zero".
        seed: Which of the photographs is taken, for "resample".

    Returns:
        A network of the same layers and classes.

    Raises:
        UnknownLayerError: The network has no such layer.
        UnknownUnitError: A layer has no such unit.
        ValueError: Another mode, no photographs where they are needed, or a value that can't be
            set, because several calls of one module share it.
    """
    if mode not in MODES:
        raise ValueError(f"mode is one of {', '.join(MODES)}, not {mode!r}.")
    for layer, numbers in units.items():
        check_units(network, layer, numbers)
    named = {layer: list(numbers) for layer, numbers in units.items() if len(numbers)}
    values = _stand_ins(network, named, mode, images, seed)
    module = private_copy(network.module, network.rewriting)
    for layer, numbers in named.items():
        ref = network.resolve(layer)
        target = module.get_submodule(_place(network, ref))
        _replace(target, ref, numbers, values[layer], network.shape(layer, network.size))
    count = sum(map(len, named.values()))
    return network.around(module.to(device_of(module)), f"{network.name} without {count} units")


def mean_values(network: Network, layers: Sequence[str], images: Photographs) -> dict[str, Tensor]:
    """Returns the means of layers' values over all places of photographs.

    Args:
        network: The network.
        layers: The layers' names.
        images: Photographs; each counts the same, whatever its size.

    Returns:
        Layer -> (units,).

    Raises:
        ValueError: There is no photograph.
    """
    parts = [activations(network, batch, list(layers)) for batch in batches(images)]
    if not parts:
        raise ValueError("there are no photographs to average over: give at least one.")
    return {
        layer: torch.cat(
            [part[layer].reshape(*part[layer].shape[:2], -1).mean(2) for part in parts]
        ).mean(0)
        for layer in layers
    }


def batches(images: Photographs) -> Iterator[Tensor]:
    """Yields photographs as batches (N, 3, H, W): those of one size that follow each other.

    Args:
        images: The photographs.
    """
    if not isinstance(images, Sequence):
        images = check_images(images)
        yield from [images] if len(images) else []
        return
    for _, group in groupby(map(check_images, images), key=lambda batch: batch.shape[1:]):
        yield torch.cat(list(group))


def single(images: Photographs) -> list[Tensor]:
    """Returns photographs one by one, (3, H, W) each."""
    return [image for batch in batches(images) for image in batch]


def _stand_ins(
    network: Network,
    units: Mapping[str, Sequence[int]],
    mode: str,
    images: Photographs | None,
    seed: int,
) -> dict[str, Tensor]:
    """What each layer's units give in place of their values: (units,) or (units, h, w)."""
    if mode == "zero":
        return {layer: torch.zeros(len(numbers)) for layer, numbers in units.items()}
    if images is None or not len(list(batches(images))):
        raise ValueError(f"mode {mode!r} takes values from photographs: give some as images.")
    if mode == "mean":
        means = mean_values(network, list(units), images)
        return {layer: mean[list(units[layer])] for layer, mean in means.items()}
    each = single(images)
    drawn = torch.randint(len(each), (), generator=torch.Generator().manual_seed(seed))
    values = activations(network, each[int(drawn)], list(units))
    return {layer: value[0, list(units[layer])] for layer, value in values.items()}


def _place(network: Network, ref: LayerRef) -> str:
    """The dotted name of the module whose value, once set, sets the layer's."""
    graph = network.graph
    node = next((node for node in graph.nodes if graph.source_of(node) == ref.source), None)
    if node is not None and graph.rectifies(ref.source):
        # What goes into a ReLU comes out of it, since no stand-in of its values is below 0. So the
        # ReLU itself, of which ascent knows how to go through it, stays.
        before = node.all_input_nodes[0]
        if graph.callee(before) is not None and len(before.users) == 1:
            name = str(before.target)
            if graph.runs(name) == 1:
                return name
    if not ref.source.startswith(CALLS):
        return ref.source
    once = ref.module and graph.runs(ref.module) == 1
    if once and network.resolve(ref.module).source == ref.source:
        return ref.module
    raise ValueError(
        f"{ref.name} of {network.name} can't be ablated, because no module of its own gives its "
        "value; name the module that holds it, or the convolution before it."
    )


class _Ablation(nn.Module):
    """A module of which some units give set values. Its kind stays what it was.

    It is made of a module that is there, by `_replace`.
    """

    set_units: Tensor  # (units,), or (units, 1, 1): which units have set values
    set_values: Tensor  # the same shape, or (units, h, w): what they give
    ref: LayerRef

    def forward(self, *arguments: Any, **options: Any) -> Any:
        result = super().forward(*arguments, **options)
        # What torch.fx traces with stands for a tensor.
        if not isinstance(result, Tensor | fx.Proxy):
            return self.ref.put(result, self._set(self.ref.read(result)))
        if self.ref.axis == 1:
            return self._set(result)
        return self._set(result.movedim(-1, 1)).movedim(1, -1)

    def _set(self, value: Any) -> Any:
        return _exchange(value, self.set_units, self.set_values)

    def __reduce__(self) -> tuple[Any, ...]:
        # The class is made at run time, and so can't be found by its name.
        return _revive, (type(self).__mro__[2],), vars(self)


@fx.wrap  # one call in a traced pass, since the size of an image's maps is known in a pass alone
def _exchange(value: Tensor, units: Tensor, values: Tensor) -> Tensor:
    """Sets the values of units; maps are stretched to the size of the value's."""
    if values.ndim == 3 and values.shape[1:] != (1, 1):
        values = F.interpolate(values[None], value.shape[-2:])
    return torch.where(units, values, value)


def _ablated_kind(kind: type[nn.Module]) -> type[nn.Module]:
    return type(f"Ablated{kind.__name__}", (_Ablation, kind), {})


def _revive(kind: type[nn.Module]) -> nn.Module:
    made = _ablated_kind(kind)
    return made.__new__(made)


def _replace(
    module: nn.Module, ref: LayerRef, units: Sequence[int], values: Tensor, shape: Sequence[int]
) -> None:
    """Makes a module of a private copy give set values for some units.

    Args:
        module: The module; its class changes to one that is still of its kind.
        ref: The layer whose value it gives.
        units: The units.
        values: (units,), or (units, h, w).
        shape: That of the layer's value for one image.
    """
    ones = (1,) * (len(shape) - 1)
    places = values.shape[1:] if values.ndim == len(shape) else ones
    marks = torch.zeros((shape[0], *ones), dtype=torch.bool)
    table = torch.zeros((shape[0], *places))
    marks[list(units)] = True
    table[list(units)] = values.cpu().view(len(units), *places)
    if isinstance(module, _Ablation):
        before = module.set_values.cpu()
        if table.ndim == 3 and min(table[0].numel(), before[0].numel()) > 1:
            table = F.interpolate(table[None], before.shape[-2:])[0]
        table = torch.where(marks, table, before)
        marks = marks | module.set_units.cpu()
    else:
        module.__class__ = _ablated_kind(type(module))
    module.register_buffer("set_units", marks)
    module.register_buffer("set_values", table)
    vars(module)["ref"] = ref
