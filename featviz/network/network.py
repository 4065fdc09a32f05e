"""A network as featviz sees it: named layers, units, receptive fields, and the values inside.

The caller's module is read, never changed. All work happens on a private view of it: a copy of the
structure that shares the weights, frozen, in evaluation mode, with in-place operations off where
nobody else reads what they change.
"""

import difflib
import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from featviz.network.classes import class_index, plain_index
from featviz.network.fingerprint import Weights, code_of, own_code, own_values, plain_print
from featviz.network.graph import CALLS, Graph
from featviz.network.inputs import check_size, gray
from featviz.network.measured_fields import followed_fields, measured_field
from featviz.network.passes import (
    CHANNELS_LAST,
    OverwritingReLU,
    TooSmallError,
    complaint,
    device_of,
    own_mode,
    private_copy,
    run_to,
    run_until,
)
from featviz.network.receptive_fields import ReceptiveField, known_fields
from featviz.network.record import (
    Record,
    axis_of,
    gives_same,
    is_steady,
    kept_bytes,
    noise,
    probe,
    takes_channels_last,
)
from featviz.network.returned import LayerRef, Output
from featviz.network.settings import (
    check_kind,
    check_names,
    check_normalization,
    check_side,
    check_weights,
    convolutions,
    image_channels,
)

IMAGENET_MEAN = (0.485, 0.456, 0.406)
"""Mean of the red, green and blue values in [0, 1]. Source: torchvision's reference training."""

IMAGENET_STD = (0.229, 0.224, 0.225)
"""Their standard deviation. Source: torchvision's reference training."""

PROBE_SIZE = 224
"""Side in pixels of the image that asks a network for its shapes: ImageNet's crop."""

AFTER_RELU = ":relu"
"""Suffix of a layer's name that asks for the value after its activation, mostly a ReLU."""

CALL = "#"
"""Stands between a module's name and the number of one of its calls, from 1."""

OUTPUT = "output"
"""The layer name of what the whole module returns."""


class UnknownLayerError(ValueError):
    """A layer's name that the network doesn't have."""


class UnknownUnitError(ValueError):
    """A unit's number that the layer doesn't have."""


class Network:
    """A convolutional network with named layers.

    `"conv5"` names the value that the convolution gives, before its ReLU; `"conv5:relu"` the value
    after it, or after whatever activation the network has there, behind batch norm. Every module
    can also be named by its dotted name in the caller's module.

    Everything is computed in float32, whatever the module's own number format, but for what
    `maximize` is asked to do in another.

    Args:
        module: Any module that takes normalized images (N, 3, H, W), or (N, 1, H, W) of gray. It
            may return a tensor or what holds one: of a mapping or dataclass the `logits` or `out`
            are taken, else the first tensor.
        mean: Per-channel mean that the module expects to be subtracted from images in [0, 1]; one
            number if it is the same for all channels, or there is but one.
        std: Per-channel standard deviation to divide by.
        layers: Short names -> dotted module names. Without it, every convolution that runs is a
            layer under its dotted name.
        name: What to call the network in messages and captions.
        classes: Names of the classes that the module's output scores, if it is a classifier.
        size: Side in pixels of the square images that the module was made for. Without it, what
            the module or its configuration says, or the first of the common sizes that it takes.
        output: Takes the scores (N, classes) out of what the module returns, if they aren't where
            they are looked for.

    Raises:
        UnknownLayerError: `layers` names a module that isn't there.
        ValueError: The mean or standard deviation isn't one number per channel, a standard
            deviation isn't above 0, a weight is no finite number, a layer has a name that means
            something else, the size is no number of pixels, or the module is scripted, quantized or
            takes neither color nor gray.
    """

    def __init__(
        self,
        module: nn.Module,
        mean: float | Sequence[float] = IMAGENET_MEAN,
        std: float | Sequence[float] = IMAGENET_STD,
        layers: Mapping[str, str] | None = None,
        *,
        name: str | None = None,
        classes: Sequence[str] = (),
        size: int | None = None,
        output: Output | None = None,
    ) -> None:
        self.module = module
        self.name = name or type(module).__name__
        self.classes = tuple(classes)
        self._modules = {key: child for key, child in module.named_modules() if key}
        check_kind(module, self.name)
        check_side(size)
        lists = [_numbers(values) for values in (mean, std)]
        channels = image_channels(module, gray=len(lists[0]) == 1)
        self.mean, self.std = (
            tuple(values) * (channels if len(values) == 1 else 1) for values in lists
        )
        if not isinstance(layers, Mapping | None):
            raise ValueError(
                "layers are short names -> dotted module names, {'conv5': 'features.10'} say, not "
                f"{layers!r}."
            )
        self._layers = None if layers is None else dict(layers)
        self._size, self._output = size, output
        check_normalization(self.mean, self.std, channels, self.name)
        check_weights(module, self.name)
        for short, dotted in (self._layers or {}).items():
            if dotted not in self._modules:
                raise UnknownLayerError(
                    f"layer {short!r} stands for module {dotted!r}, which {self.name} lacks; "
                    f"list its modules with dict(module.named_modules())"
                )
        check_names(convolutions(module) if self._layers is None else self._layers, self.name)
        self._shapes: dict[str, torch.Size] = {}
        self._axes: dict[str, int | str] = {}
        self._weights = Weights(module)

    @cached_property
    @own_mode()
    def record(self) -> Record:
        """What a probing pass says of the network: the size it takes, and what its modules do."""
        return probe(self.module, len(self.mean), self._size)

    @property
    def size(self) -> int:
        """Side in pixels of the square images that the network was made for, or takes at least.

        Raises:
            ValueError: It took no image of the sizes that were tried.
        """
        if self.record.size is None:
            words = "that size" if self._size else "the usual sizes"
            raise ValueError(
                f"{self.name} takes no image of {words} ({self.record.obstacle}); say which it "
                "takes, with featviz.Network(module, size=...)."
            )
        return self.record.size

    @cached_property
    @own_mode()
    def is_steady(self) -> bool:
        """Whether what the network says of an image depends on that image alone.

        It doesn't where batch norm has no running statistics, or dropout is always on.
        """
        return is_steady(self.module, len(self.mean), self.record)

    @cached_property
    @own_mode()
    def takes_channels_last(self) -> bool:
        """Whether the network's pass takes images and weights with channels last in memory."""
        return takes_channels_last(self.module, len(self.mean), self.record)

    @cached_property
    @own_mode()
    def kept_bytes(self) -> float:
        """How much a pass in float32 keeps for its gradient, in bytes per pixel of its images."""
        return kept_bytes(self.module, len(self.mean), self.record.size)

    @cached_property
    def dotted(self) -> dict[str, str]:
        """The short names of the layers -> dotted names of their modules, shallow to deep."""
        if self._layers is not None:
            return self._layers
        there = convolutions(self.module)
        if self.record.obstacle:
            return there  # which of them run isn't known
        return {name: name for name in self.record.runs if name in there}

    @property
    def layers(self) -> tuple[str, ...]:
        """The short names of the layers, shallow to deep."""
        return tuple(self.dotted)

    def resolve(self, layer: str) -> LayerRef:
        """Finds the module behind a layer's name.

        Args:
            layer: A short name, a dotted module name or `"output"`, with or without `":relu"`. One
                call of a module that runs more than once is `"name#1"`, `"name#2"` and so on.

        Returns:
            The resolved name.

        Raises:
            UnknownLayerError: The network has no such layer.
            ValueError: Its module runs more than once, or `":relu"` asks for an activation that
                isn't there.
        """
        if not isinstance(layer, str):
            raise UnknownLayerError(
                f"a layer of {self.name} is called by its name, "
                f"{next(iter(self.dotted), OUTPUT)!r} say (network.layers), not {layer!r}."
            )
        name = layer.removesuffix(AFTER_RELU)
        relu = name != layer
        base, separator, call = name.partition(CALL)
        dotted = "" if base == OUTPUT else self.dotted.get(base, base)
        known = dotted in self._modules or name == OUTPUT
        if known and (not separator or (call.isdecimal() and int(call))):
            source = self.graph.source(layer, dotted, int(call or 0), activated=relu)
            self._check_runs(layer, dotted)
            rectified = relu or self.graph.rectifies(source)
            output = None if dotted or relu else self._output
            return LayerRef(layer, dotted, rectified, source, self._axis(layer, source), output)
        names = dict.fromkeys([*self.dotted, *self._modules])
        near = difflib.get_close_matches(base, names, n=3, cutoff=0.5)
        hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else "."
        raise UnknownLayerError(
            f"{self.name} has no layer {name!r}{hint} Its layers are {', '.join(self.dotted)} "
            f"(network.layers), and dotted module names work too."
        )

    def _check_runs(self, layer: str, dotted: str) -> None:
        """Refuses what would be one run of several, where they can't be told apart."""
        if self.graph.obstacle and dotted and self.record.runs.get(dotted, 0) > 1:
            raise ValueError(
                f"{dotted} runs {self.record.runs[dotted]} times in a pass, so {layer} names no "
                f"value of it, and its runs can't be told apart, because {self.graph.obstacle}."
            )

    def _axis(self, layer: str, source: str) -> int:
        """Which dimension of a layer's value counts its units."""
        if isinstance(self._modules.get(source), nn.Conv2d):
            return 1
        if not source and self._output is not None:
            return 1
        if source not in self._axes:
            own = source.startswith(CALLS) and self.record.size is not None
            self._axes[source] = (
                axis_of(exposed_view(self, {source}), source, len(self.mean), self.size)
                if own
                else self.record.axes.get(source, 1)
            )
        axis = self._axes[source]
        if isinstance(axis, str):
            raise ValueError(f"the value of {layer} has no units that could be told: {axis}.")
        return axis

    def units(self, layer: str) -> int:
        """Returns how many units (channels) a layer has.

        Args:
            layer: The layer's name.

        Raises:
            UnknownLayerError: The network has no such layer.
        """
        module = self._modules.get(self.resolve(layer).module)
        if isinstance(module, nn.Conv2d) and type(module).forward is nn.Conv2d.forward:
            return module.out_channels
        if isinstance(module, nn.Linear):
            return module.out_features
        return self.shape(layer, self.size)[0]

    def class_index(self, wanted: str | int) -> int:
        """Returns the index of a class.

        Args:
            wanted: Its name as in `classes`, in any letter case where that leaves one, or its
                index.

        Raises:
            ValueError: The network has no such class, or no classifier.
        """
        if self.classes or isinstance(wanted, str):
            index = class_index(self.name, self.classes, wanted)
        else:
            index = plain_index(wanted)
        shape = self.shape(OUTPUT, self.size)
        if not self.classes and len(shape) > 1:
            return class_index(self.name, (), wanted)  # a map, and no word that it scores classes
        if not 0 <= index < shape[0]:
            raise ValueError(
                f"{self.name} scores classes 0 to {shape[0] - 1}, not {wanted!r}"
                + (f", though {len(self.classes)} are named." if self.classes else ".")
            )
        return index

    @own_mode()
    def shape(self, layer: str, size: int | tuple[int, int]) -> torch.Size:
        """Returns the shape of a layer's value for one image, without the batch.

        Args:
            layer: The layer's name.
            size: Side of the image in pixels, or (height, width).

        Raises:
            UnknownLayerError: The network has no such layer.
            ValueError: The network can't take an image of that size.
        """
        height, width = check_size(size)
        ref = self.resolve(layer)
        key = f"{ref.source}/{height}/{width}"
        if key not in self._shapes:
            image = torch.full((1, 3, height, width), 0.5, device=device_of(self.module))
            with torch.no_grad():
                view = private_view(self, [ref])
                try:
                    value = run_to(view, self.normalize(image), [ref])[layer]
                except TooSmallError:
                    raise
                except Exception as error:  # the module's own code may raise anything
                    raise ValueError(
                        f"{self.name} takes no image of {width} x {height} px as far as {layer}: "
                        f"{complaint(error)}"
                    ) from error
            self._shapes[key] = value.shape[1:]
        return self._shapes[key]

    @own_mode()
    def receptive_field(self, layer: str) -> ReceptiveField:
        """Returns the input pixels that a unit of the layer can see.

        Where the network's geometry isn't known they are measured, which takes a few passes.

        Args:
            layer: The layer's name.

        Raises:
            UnknownLayerError: The network has no such layer.
            ValueError: A unit of the layer sees the whole image, or not everywhere equally much.
        """
        ref = self.resolve(layer)
        if ref.source not in self._fields:
            # What geometry says stands; the pass adds to it.
            fields = followed_fields(self.graph, len(self.mean))
            self._fields.update(fields | self._fields)
        if ref.source not in self._fields:
            self._fields[ref.source] = self._measure(ref)
        field = self._fields[ref.source]
        if isinstance(field, str):
            raise ValueError(f"{layer} of {self.name} has no receptive field in pixels: {field}.")
        return field

    @cached_property
    @own_mode()
    def graph(self) -> Graph:
        """How the network's modules are wired: its pass, traced once, and tried."""
        view, size = private_copy(self.module), self.record.size
        # PyTorch's own modules do the same while they are traced. A trace lacks the hooks before
        # the pass of the outermost module alone.
        plain = not own_code(view) and not view._forward_pre_hooks
        images = None if plain or size is None else noise(view, len(self.mean), size)
        return Graph(view, images)

    @cached_property
    @own_mode()
    def rewriting(self) -> tuple[str, ...]:
        """The dotted names of modules that change, in place, what others read as well."""
        names = [
            name
            for name, part in self._modules.items()
            if getattr(part, "inplace", False) and not self.graph.reads_alone(name)
        ]
        surely = [name for name in names if self.graph.is_read_later(name)]
        if surely == names or self.record.size is None:
            return tuple(surely)
        # The graph doesn't show what goes by two names, nor code that it can't follow.
        some, every = private_copy(self.module, surely), private_copy(self.module, names)
        images = noise(some, len(self.mean), self.record.size)
        return tuple(surely if gives_same(some, every, images, rounding=0) else names)

    @property
    def weights(self) -> str:
        """The sha256 of the weights, as 64 hexadecimal digits."""
        return self._weights.digest()

    @property
    def fingerprint(self) -> str:
        """The sha256 of what decides the network's values, as 64 hexadecimal digits.

        That is its weights, its modules as they print themselves, its normalization, its layers'
        names, its pass as torch.fx traces it, and the methods and the plain attributes of modules
        that aren't PyTorch's. The weights are read again when PyTorch has counted a change of them,
        which it doesn't do for changes through `tensor.data`.
        """
        code = self.graph.module.code if self.graph.module is not None else ""
        parts = [
            self.mean,
            self.std,
            self.dotted,
            plain_print(self.module),
            code,
            own_code(self.module),
            own_values(self.module),
            *self.rewriting,
            *([] if self._output is None else [code_of(self._output)]),
        ]
        return hashlib.sha256(f"{parts}{self.weights}".encode()).hexdigest()

    def normalize(self, images: Tensor) -> Tensor:
        """Maps images (N, 3, H, W) in [0, 1] to what the module takes; (N, 1, H, W) of gray."""
        mean = images.new_tensor(self.mean).view(-1, 1, 1)
        std = images.new_tensor(self.std).view(-1, 1, 1)
        return ((gray(images) if len(self.mean) == 1 else images) - mean).div_(std)

    def to(self, device: str | torch.device) -> "Network":
        """Returns the network with its weights on a device, frozen; this one stays where it is.

        Everything is computed where the images are; a network that is there already saves time.

        Args:
            device: "cuda" or "cpu", say.
        """
        copy = private_copy(self.module, self.rewriting)
        return self.around(copy.to(device), self.name)

    def around(self, module: nn.Module, name: str) -> "Network":
        """Returns a network of the same settings around another module of the same structure.

        Args:
            module: The module.
            name: What to call the network.
        """
        return Network(
            module,
            self.mean,
            self.std,
            self._layers,
            name=name,
            classes=self.classes,
            size=self._size,
            output=self._output,
        )

    @cached_property
    def _fields(self) -> dict[str, ReceptiveField | str]:
        return known_fields(self.graph)

    def _measure(self, ref: LayerRef) -> ReceptiveField | str:
        if ref.module and not self.graph.obstacle and not self.graph.runs(ref.module):
            return "the network never runs it"
        view = private_view(self, [ref]).to("cpu", torch.float64)
        return measured_field(view, ref, len(self.mean))

    def __getstate__(self) -> dict[str, object]:
        # The graph is traced again where it is needed: what torch.fx makes can't be pickled.
        return {key: value for key, value in vars(self).items() if key != "graph"}

    def __repr__(self) -> str:
        return f"Network({self.name}: {', '.join(self.layers)})"


def private_view(
    network: Network, refs: Sequence[LayerRef] = (), *, in_place: bool = False
) -> nn.Module:
    """Makes a private copy of a network's module to work on.

    Args:
        network: The network.
        refs: The layers that will be read in it.
        in_place: Whether ReLUs overwrite convolutions' values that nobody else reads: for passes
            without gradients that `run_to` reads, which take a tenth less time so.

    Returns:
        A module with the same values and weights; frozen, in evaluation mode, other in-place
        operations off, and with a module for the `source` of each layer.
    """
    sources = {ref.source for ref in refs}
    if any(source.startswith(CALLS) for source in sources):
        view = exposed_view(network, sources)
    else:
        view = private_copy(network.module, network.rewriting)
    vars(view)[CHANNELS_LAST] = network.takes_channels_last
    for name in network.graph.sole_rectifiers if in_place else ():
        # In its place and not instead of it: the module may have a second name.
        view.get_submodule(name).__class__ = OverwritingReLU
    return view


@own_mode()
def exposed_view(network: Network, sources: Collection[str] = ()) -> nn.Module:
    """Makes a private view of a network's graph, with the weights as they are now.

    Args:
        network: The network; torch.fx can follow it.
        sources: As of `Graph.exposed`.
    """
    graph = network.graph
    assert graph.module is not None
    # It holds the tensors that it was traced with, or last asked with.
    graph.module.load_state_dict(network.module.state_dict(), strict=False, assign=True)
    return graph.exposed(sources, network.rewriting)


def field_of(network: Network, layer: str) -> ReceptiveField | None:
    """Returns a layer's receptive field; None if its units see the whole image."""
    try:
        return network.receptive_field(layer)
    except ValueError:
        return None


def _numbers(values: Any) -> list[float]:
    plain = values.tolist() if hasattr(values, "tolist") else values
    return [float(value) for value in ([plain] if isinstance(plain, int | float) else plain)]


def check_unit(network: Network, layer: str, unit: int) -> None:
    """Raises UnknownUnitError, with what is valid, if a layer has no such unit."""
    check_units(network, layer, [unit])


def check_units(network: Network, layer: str, units: Iterable[int]) -> None:
    """Raises UnknownUnitError, with what is valid, if a layer lacks one of some units."""
    count = network.units(layer)
    for unit in units:
        if not 0 <= unit < count:
            raise UnknownUnitError(
                f"{layer} of {network.name} has units 0 to {count - 1}, not {unit}; "
                f"network.units({layer!r}) gives their number."
            )


def is_activated(network: Network, layer: str) -> bool:
    """Whether a layer has a value after an activation, `"name:relu"`."""
    network.resolve(layer)
    try:
        network.resolve(layer + AFTER_RELU)
    except ValueError:
        return False
    return True


def reads_image(network: Network, layer: str) -> bool:
    """Whether a layer's module is a convolution that takes the normalized image itself."""
    name = network.resolve(layer).module
    if not isinstance(network.module.get_submodule(name), nn.Conv2d):
        return False
    if not network.graph.obstacle:
        return network.graph.reads_image(name)
    view = private_copy(network.module)
    images = noise(view, len(network.mean), network.size)
    with torch.no_grad():
        return run_until(view, images, name).equal(images)
