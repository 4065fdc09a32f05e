"""A network as featviz sees it: named layers, units, receptive fields, and the values inside.

The caller's module is read, never changed. All work happens on a private view of it: a copy of the
structure that shares the weights, frozen, in evaluation mode, with in-place operations off.
"""

import copy
import difflib
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import overload

import torch
from torch import Tensor, nn

from featviz.network.classes import class_index
from featviz.network.graph import ReceptiveField, receptive_fields
from featviz.network.passes import LayerRef, run_to, run_until
from featviz.network.tracing import sole_readers

IMAGENET_MEAN = (0.485, 0.456, 0.406)
"""Mean of the red, green and blue values in [0, 1]. Source: torchvision's reference training."""

IMAGENET_STD = (0.229, 0.224, 0.225)
"""Their standard deviation. Source: torchvision's reference training."""

PROBE_SIZE = 224
"""Side in pixels of the image that asks a network for its shapes: ImageNet's crop."""

AFTER_RELU = ":relu"
"""Suffix of a layer's name that asks for the value after the ReLU."""

OUTPUT = "output"
"""The layer name of what the whole module returns."""

PASS = 2**20
"""Pixels that go through a network at a time, unless the caller says otherwise: 64 images of 128 px
or 20 of 224. The first layers of VGG16 then take half a GB."""


class UnknownLayerError(ValueError):
    """A layer's name that the network doesn't have."""


class UnknownUnitError(ValueError):
    """A unit's number that the layer doesn't have."""


class Network:
    """A convolutional network with named layers.

    `"conv5"` names the value that the convolution gives, before its ReLU; `"conv5:relu"` the value
    after it. Every module can also be named by its dotted name in the caller's module.

    Args:
        module: Any module that takes normalized images (N, 3, H, W).
        mean: Per-channel mean that the module expects to be subtracted from images in [0, 1].
        std: Per-channel standard deviation to divide by.
        layers: Short names -> dotted module names. Without it, every convolution is a layer under
            its dotted name.
        name: What to call the network in messages and captions.
        classes: Names of the classes that the module's output scores, if it is a classifier.
    """

    def __init__(
        self,
        module: nn.Module,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
        layers: Mapping[str, str] | None = None,
        *,
        name: str | None = None,
        classes: Sequence[str] = (),
    ) -> None:
        self.module = module
        self.mean = tuple(mean)
        self.std = tuple(std)
        self.name = name or type(module).__name__
        self.classes = tuple(classes)
        self._modules = {key: child for key, child in module.named_modules() if key}
        self._layers = dict(layers) if layers is not None else _convolutions(self._modules)
        for short, dotted in self._layers.items():
            if dotted not in self._modules:
                raise UnknownLayerError(
                    f"layer {short!r} stands for module {dotted!r}, which {self.name} lacks; "
                    f"list its modules with dict(module.named_modules())"
                )
        self._shapes: dict[str, torch.Size] = {}
        self._first: dict[str, bool] = {}

    @property
    def layers(self) -> tuple[str, ...]:
        """The short names of the layers, shallow to deep."""
        return tuple(self._layers)

    def resolve(self, layer: str) -> LayerRef:
        """Finds the module behind a layer's name.

        Args:
            layer: A short name, a dotted module name or `"output"`, with or without `":relu"`.

        Returns:
            The resolved name.

        Raises:
            UnknownLayerError: The network has no such layer.
        """
        base = layer.removesuffix(AFTER_RELU)
        relu = base != layer
        if base == OUTPUT:
            return LayerRef(layer, "", relu)
        dotted = self._layers.get(base, base)
        if dotted in self._modules:
            return LayerRef(layer, dotted, relu)
        known = dict.fromkeys([*self._layers, *self._modules])
        near = difflib.get_close_matches(base, known, n=3, cutoff=0.5)
        hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else "."
        raise UnknownLayerError(
            f"{self.name} has no layer {base!r}{hint} Its layers are {', '.join(self._layers)} "
            f"(network.layers), and dotted module names work too."
        )

    def units(self, layer: str) -> int:
        """Returns how many units (channels) a layer has.

        Args:
            layer: The layer's name.

        Raises:
            UnknownLayerError: The network has no such layer.
        """
        module = self._modules.get(self.resolve(layer).module)
        if isinstance(module, nn.Conv2d):
            return module.out_channels
        if isinstance(module, nn.Linear):
            return module.out_features
        return self.shape(layer, PROBE_SIZE)[0]

    def check_unit(self, layer: str, unit: int) -> None:
        """Raises UnknownUnitError, with what is valid, if the layer has no such unit."""
        count = self.units(layer)
        if not 0 <= unit < count:
            raise UnknownUnitError(
                f"{layer} of {self.name} has units 0 to {count - 1}, not {unit}; "
                f"network.units({layer!r}) gives their number."
            )

    def class_index(self, wanted: str | int) -> int:
        """Returns the index of a class.

        Args:
            wanted: Its name as in `classes`, in any letter case where that leaves one, or its
                index.

        Raises:
            ValueError: The network has no such class, or no classifier.
        """
        return class_index(self.name, self.classes, wanted)

    def shape(self, layer: str, size: int | tuple[int, int]) -> torch.Size:
        """Returns the shape of a layer's value for one image, without the batch.

        Args:
            layer: The layer's name.
            size: Side of the image in pixels, or (height, width).

        Raises:
            UnknownLayerError: The network has no such layer.
            ValueError: The network can't take an image of that size.
        """
        height, width = size if isinstance(size, tuple) else (size, size)
        key = f"{self.resolve(layer).module}/{height}/{width}"
        if key not in self._shapes:
            image = torch.full((1, 3, height, width), 0.5, device=self._device)
            self._shapes[key] = activations(self, image, layer).shape[1:]
        return self._shapes[key]

    def receptive_field(self, layer: str) -> ReceptiveField:
        """Returns the input pixels that a unit of the layer can see.

        Args:
            layer: The layer's name.

        Raises:
            UnknownLayerError: The network has no such layer.
            ValueError: A unit of the layer sees the whole image, or its geometry isn't known.
        """
        field = self._fields.get(self.resolve(layer).module)
        if field is None:
            raise ValueError(
                f"{layer} of {self.name} has no receptive field in pixels: "
                f"its units see the whole image, or its geometry isn't known to featviz."
            )
        return field

    def reads_image(self, layer: str) -> bool:
        """Whether the layer's module is a convolution that takes the normalized image itself."""
        name = self.resolve(layer).module
        if not isinstance(self._modules.get(name), nn.Conv2d):
            return False
        if name not in self._first:
            image = torch.zeros((1, 3, PROBE_SIZE, PROBE_SIZE), device=self._device)
            with torch.no_grad():
                self._first[name] = run_until(self.view(), image, name) is image
        return self._first[name]

    @cached_property
    def sole_readers(self) -> dict[str, str]:
        """Dotted names of modules whose value goes to one other module only -> that one's name."""
        return sole_readers(self.view())

    @property
    def fingerprint(self) -> str:
        """The sha256 of weights, structure and normalization, as 64 hexadecimal digits."""
        digest = hashlib.sha256(f"{self.module!r}{self.mean}{self.std}{self._layers}".encode())
        for key, value in sorted(self.module.state_dict().items()):
            digest.update(f"{key}{value.dtype}{tuple(value.shape)}".encode())
            digest.update(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy())
        return digest.hexdigest()

    def normalize(self, images: Tensor) -> Tensor:
        """Maps images (N, 3, H, W) in [0, 1] to what the module takes."""
        mean = images.new_tensor(self.mean).view(3, 1, 1)
        std = images.new_tensor(self.std).view(3, 1, 1)
        return (images - mean) / std

    def to(self, device: str | torch.device) -> "Network":
        """Returns the network with its weights on a device, frozen; this one stays where it is.

        Everything is computed where the images are; a network that is there already saves time.

        Args:
            device: "cuda" or "cpu", say.
        """
        moved = _copied(self.module).to(device)
        return Network(
            moved, self.mean, self.std, self._layers, name=self.name, classes=self.classes
        )

    def view(self) -> nn.Module:
        """Makes a private copy of the module to work on.

        Returns:
            A module with the same structure that shares the weights' memory; frozen, in evaluation
            mode, in-place operations off. What is done to its structure leaves the caller's alone.
        """
        view = _copied(self.module).eval()
        for child in view.modules():
            if getattr(child, "inplace", False):
                setattr(child, "inplace", False)  # noqa: B010 - not every module has the attribute
            # The caller's own hooks watch the caller's passes, not ours. Those before a pass stay:
            # pruning and weight norm compute the weights there.
            child._forward_hooks.clear()
            child._backward_hooks.clear()
        return view

    @cached_property
    def _fields(self) -> dict[str, ReceptiveField | None]:
        return receptive_fields(self.module)

    @property
    def _device(self) -> torch.device:
        parameter = next(self.module.parameters(), None)
        return torch.device("cpu") if parameter is None else parameter.device

    def __repr__(self) -> str:
        return f"Network({self.name}: {', '.join(self.layers)})"


@overload
def activations(
    network: Network, images: Tensor, layers: str, *, batch: int | None = None
) -> Tensor: ...


@overload
def activations(
    network: Network,
    images: Tensor,
    layers: list[str] | tuple[str, ...],
    *,
    batch: int | None = None,
) -> dict[str, Tensor]: ...


def activations(
    network: Network,
    images: Tensor,
    layers: str | list[str] | tuple[str, ...],
    *,
    batch: int | None = None,
) -> Tensor | dict[str, Tensor]:
    """Computes the values of layers for a batch of images.

    Args:
        network: The network.
        images: (N, 3, H, W) or one image (3, H, W), floats in [0, 1].
        layers: Names, or one; `"conv5"` is the value before the ReLU, `"conv5:relu"` after it.
        batch: Images per pass, if not as many as `PASS` pixels hold. It bounds the memory and
            leaves the values alone; 1 x 1 convolutions and dense layers may round otherwise.

    Returns:
        Layer name -> value (N, units, h, w), without gradients, on the images' device; for one name
        the value itself.

    Raises:
        UnknownLayerError: The network has no such layer.
        ValueError: The images have another shape or type, or are too small for the network.
    """
    images = check_images(images)
    names = [layers] if isinstance(layers, str) else layers
    refs = [network.resolve(layer) for layer in names]
    view = network.view().to(images.device)
    found: list[dict[str, Tensor]] = []
    with torch.no_grad():
        for rows in passes(images, batch):
            inputs = network.normalize(images[rows])
            if len(inputs) == 1 < len(images):
                # A batch of one takes other kernels than larger ones, with other roundings.
                pair = run_to(view, inputs.expand(2, -1, -1, -1), refs)
                found.append({name: value[:1] for name, value in pair.items()})
            else:
                found.append(run_to(view, inputs, refs))
    values = {name: torch.cat([part[name] for part in found]) for name in names}
    return values[layers] if isinstance(layers, str) else values


def passes(images: Tensor, batch: int | None = None) -> Iterator[slice]:
    """Cuts a batch of images into those that go through a network at a time.

    Args:
        images: (N, 3, H, W).
        batch: Images per pass; without it as many as `PASS` pixels hold.

    Yields:
        Rows of `images`; one pass of none for no images.

    Raises:
        ValueError: Fewer than one image per pass.
    """
    if batch is not None and batch < 1:
        raise ValueError(f"batch is a whole number of images, at least 1, not {batch!r}.")
    width = batch or max(1, PASS // max(1, images.shape[-2] * images.shape[-1]))
    for first in range(0, max(1, len(images)), width):
        yield slice(first, first + width)


def check_images(images: Tensor) -> Tensor:
    """Returns a batch of images as (N, 3, H, W), or says what is wrong with it.

    Args:
        images: (N, 3, H, W) or (3, H, W), floats in [0, 1].

    Raises:
        ValueError: Another shape, integers, or values out of [0, 1].
    """
    batch = images[None] if images.ndim == 3 else images
    if batch.ndim != 4 or batch.shape[1] != 3:
        raise ValueError(f"images have shape (N, 3, H, W) or (3, H, W), not {tuple(images.shape)}.")
    if not batch.is_floating_point():
        raise ValueError(f"images are floats in [0, 1], not {batch.dtype}; divide bytes by 255.")
    if batch.numel() and not (batch.min() >= 0 and batch.max() <= 1):
        low, high = batch.min().item(), batch.max().item()
        raise ValueError(f"images have values in [0, 1], not from {low:.3g} to {high:.3g}.")
    return batch


def _convolutions(modules: Mapping[str, nn.Module]) -> dict[str, str]:
    return {name: name for name, module in modules.items() if isinstance(module, nn.Conv2d)}


def _copied(module: nn.Module) -> nn.Module:
    """Copies a module's structure; the copy shares the weights' memory, frozen."""
    shared: dict[int, object] = {
        id(p): nn.Parameter(p.detach(), requires_grad=False) for p in module.parameters()
    }
    for child in module.modules():
        # What pruning and weight norm have computed last is no leaf, and so can't be copied.
        shared |= {id(t): t.detach() for t in vars(child).values() if isinstance(t, Tensor)}
    return copy.deepcopy(module, shared)
