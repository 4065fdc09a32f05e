"""The record of a network: what one probing pass says of the sizes it takes and of its modules."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from featviz.network.passes import complaint, device_of, private_copy
from featviz.network.returned import UNCLEAR, scores, units_axis

SIZES = (224, 32, 28, 64, 96, 128, 256, 299, 160, 192, 384, 48, 512)
"""Sides in pixels that are tried, in this order, where a network doesn't say which it takes:
ImageNet's crop, CIFAR's and MNIST's images, and what else is common."""

DECLARED = ("image_size", "img_size", "input_size")
"""Attributes by which modules and their configurations say which size they take."""

CONFIGURATIONS = ("config", "pretrained_cfg", "default_cfg")
"""Attributes that hold a configuration: Hugging Face's and timm's."""

STEADY = 1e-3
"""Share of an answer's largest value by which two answers to one image may differ: far above what
rounding does."""

IMAGES = 2
"""Images of the probing pass: two, so that the dimension that counts them can be told."""


@dataclass
class Record:
    """What a network does with images of one size.

    Attributes:
        size: Side in pixels of square images that it takes; None if it took none that was tried.
        runs: Dotted name of each module that runs -> how often, in the order of their first run.
        axes: Dotted name -> the dimension that counts its units, or why there is none.
        obstacle: What the network said to the last size, if it took none.
    """

    size: int | None = None
    runs: dict[str, int] = field(default_factory=dict)
    axes: dict[str, int | str] = field(default_factory=dict)
    obstacle: str = ""


def probe(module: nn.Module, channels: int, size: int | None) -> Record:
    """Makes a network's record.

    Args:
        module: The network's module; it stays as it is.
        channels: How many channels its images have.
        size: Side in pixels that the caller says it takes; without it `SIZES` are tried.

    Returns:
        The record. If the network takes no size, it holds what ran before the network failed.
    """
    view = private_copy(module)
    farthest = Record()
    for side in [size] if size is not None else dict.fromkeys([*_declared_sizes(module), *SIZES]):
        record = _pass(view, channels, side)
        if not record.obstacle:
            _clear_up(view, channels, record)
            return record
        if len(record.runs) >= len(farthest.runs):
            farthest = record
    return farthest


def axis_of(view: nn.Module, source: str, channels: int, size: int) -> int | str:
    """Finds which dimension counts the units of one value, as `units_axis` does.

    Args:
        view: A private view with a module for the value.
        source: That module's dotted name.
        channels: How many channels the images have.
        size: Side in pixels of images that the network takes.
    """
    record = _pass(view, channels, size)
    _clear_up(view, channels, record)
    return record.axes.get(source, 1)


def is_steady(module: nn.Module, channels: int, record: Record) -> bool:
    """Whether what a network says of an image is the same beside another image and beside itself.

    Args:
        module: The network's module; it stays as it is.
        channels: How many channels its images have.
        record: Its record; without a size, or units in its output, nothing is known against it.
    """
    if record.size is None or isinstance(record.axes.get("", ""), str):
        return True
    view = private_copy(module)
    images = noise(view, channels, record.size)
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        answers = [scores(view(batch)) for batch in (images.clone(), images[:1].repeat(2, 1, 1, 1))]
    first, second = (answer[0].float() for answer in answers if answer is not None)
    return bool((first - second).abs().max() <= STEADY * first.abs().max())


def takes_channels_last(module: nn.Module, channels: int, record: Record) -> bool:
    """Whether a network takes images and weights with channels last in memory.

    Code that calls `view` on a map, as many do before their classifier, fails there.

    Args:
        module: The network's module; it stays as it is.
        channels: How many channels its images have.
        record: Its record; without a size nothing speaks for it.
    """
    if record.size is None:
        return False
    view = private_copy(module).to(memory_format=torch.channels_last)
    images = noise(view, channels, record.size)
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            view(images.contiguous(memory_format=torch.channels_last))
    except Exception:  # the module's own code may raise anything
        return False
    return True


def kept_bytes(module: nn.Module, channels: int, size: int | None) -> float:
    """Measures how much a pass keeps for its gradient.

    Args:
        module: The network's module; it stays as it is.
        channels: How many channels its images have.
        size: Side in pixels of images that it takes.

    Returns:
        Bytes per pixel of the images, without the weights; 0 where there is no size to measure at.
    """
    if size is None:
        return 0.0
    view, storages = private_copy(module), dict[int, int]()

    def note(value: Tensor) -> Tensor:
        storages[value.untyped_storage().data_ptr()] = value.untyped_storage().nbytes()
        return value

    images = noise(view, channels, size).requires_grad_()
    keeping = torch.autograd.graph.saved_tensors_hooks(note, lambda value: value)
    with keeping, torch.random.fork_rng(devices=[]):
        answer = view(images.clone())
    for value in [*view.parameters(), *view.buffers()]:
        storages.pop(value.untyped_storage().data_ptr(), None)
    del answer  # kept until here, so that no two values lay in one place
    return sum(storages.values()) / (IMAGES * size**2)


def gives_same(one: nn.Module, other: nn.Module, images: Tensor, rounding: float = STEADY) -> bool:
    """Whether two modules give the same scores, but for rounding.

    Args:
        one: A private view.
        other: Another.
        images: Normalized images (N, 3, H, W).
        rounding: By what part of the largest score they may differ.
    """
    answers = []
    for view in (one, other):
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            answers.append(scores(view(images.clone())))
    first, second = (torch.zeros(()) if one is None else one.float() for one in answers)
    if first.shape != second.shape:
        return False
    finite = first[first.isfinite()].abs()
    most = rounding * finite.max().item() if finite.numel() else 0.0
    return torch.allclose(first, second, rtol=0, atol=most, equal_nan=True)


def noise(view: nn.Module, channels: int, side: int) -> Tensor:
    """Returns the images of noise (IMAGES, channels, side, side) of a probing pass of a view."""
    shape = (IMAGES, channels, side, side)
    return torch.rand(shape, generator=torch.Generator().manual_seed(0)).to(device_of(view))


def _declared_sizes(module: nn.Module) -> Iterator[int]:
    """The sizes that a module says it takes."""
    holders = [module, *(getattr(module, name, None) for name in CONFIGURATIONS)]
    for holder in holders:
        for name in DECLARED:
            value = holder.get(name) if isinstance(holder, dict) else getattr(holder, name, None)
            value = value[-1] if isinstance(value, tuple | list) and value else value
            if isinstance(value, int) and value > 0:
                yield value


def _pass(view: nn.Module, channels: int, side: int) -> Record:
    """One pass of two images of noise, as far as the network goes."""
    record = Record(side)
    images = noise(view, channels, side)
    with ExitStack() as hooks, torch.no_grad(), torch.random.fork_rng(devices=[]):
        for name, child in view.named_modules():
            hooks.callback(child.register_forward_hook(_noter(record, name)).remove)
        try:
            view(images)
        except Exception as error:  # the module's own code may raise anything
            record.size, record.obstacle = None, complaint(error)
    return record


def _noter(record: Record, name: str) -> Any:
    def note(module: nn.Module, _arguments: object, result: Any) -> None:
        record.runs[name] = record.runs.get(name, 0) + 1
        value = scores(result)
        if isinstance(value, Tensor):
            record.axes.setdefault(name, units_axis(module, value, IMAGES))
        else:
            record.axes.setdefault(name, f"it is {type(result).__name__}, with no tensor in it")

    return note


def _clear_up(view: nn.Module, channels: int, record: Record) -> None:
    """Asks once more, at twice the size, where one size leaves the units' dimension open.

    There may be as many units as a map has rows: at one of two sizes.
    """
    unclear = {name: axis for name, axis in record.axes.items() if axis in (UNCLEAR, -1)}
    if unclear and record.size is not None:
        again = _pass(view, channels, 2 * record.size).axes
        for name, axis in unclear.items():
            clear = again.get(name)
            record.axes[name] = clear if clear in (1, -1) else axis or 1
