"""Layers by the names that people use: `conv4_3`, `mixed4c`, `layer3.5`, shallow to deep.

A layer is a block of the network as its papers draw it. Which modules those are is read off the
module's structure, so that it holds for networks that nobody has listed here; what they are called
stands in `NAMES`.
"""

import re
from collections.abc import Iterator

from torch import nn

from featviz.zoo.bundled import ALEXNET

STAGE = re.compile(r"(Model|Encoder|Stage|DenseBlock)$")
"""Ends of the names of classes that hold blocks in a row and are none themselves."""

NAMES = (
    (r"inception(\d[a-e])", r"mixed\1"),  # GoogLeNet, by Lucid's names
    (r"[Mm]ixed_(\d[a-e])", r"mixed\1"),  # Inception v3
    (r"Conv2d_(\d[ab])_\dx\d\.conv", r"conv\1"),
    (r"(conv\d)\.conv", r"\1"),
    (r"trunk_output\.block\d\.block(\d)-(\d+)", r"block\1.\2"),  # RegNet, whose names have hyphens
    (r"features\.(dense.*)", r"\1"),
    (r"(?:\w+\.)*?encoder\.(stages\..*)", r"\1"),  # transformers
    (r"\w+\.(embedder|embeddings)", r"\1"),
)
"""Dotted names, as patterns, and what is said in their place; the first that fits counts."""


def named_layers(module: nn.Module) -> dict[str, str]:
    """Names the layers of a network.

    Args:
        module: The network.

    Returns:
        Short names -> dotted module names, shallow to deep: as in the paper for AlexNet and VGG,
        else the blocks of the network.
    """
    kind = type(module).__name__
    if kind == "AlexNet":
        return dict(ALEXNET)
    if kind == "VGG":
        return _vgg_layers(module.get_submodule("features"))
    return {_short(name): name for name in _blocks(module)}


def _vgg_layers(features: nn.Module) -> dict[str, str]:
    """VGG's convolutions: conv4_3 is the third after the third pooling."""
    names: dict[str, str] = {}
    stage = place = 1
    for name, child in features.named_children():
        if isinstance(child, nn.MaxPool2d):
            stage, place = stage + 1, 1
        elif isinstance(child, nn.Conv2d):
            names[f"conv{stage}_{place}"] = f"features.{name}"
            place += 1
    return names


def _blocks(module: nn.Module, prefix: str = "") -> Iterator[str]:
    """The outermost modules that compute with convolutions in a way of their own.

    A convolution with nothing but normalization and an activation about it stands for itself, so
    that what is read is the value before the activation.
    """
    for name, child in module.named_children():
        parts = {
            key: part
            for key, part in child.named_modules(prefix=prefix + name)
            if isinstance(part, (nn.Conv2d, nn.Linear))
        }
        if not any(isinstance(part, nn.Conv2d) for part in parts.values()):
            continue
        if _holds_blocks(child):
            yield from _blocks(child, f"{prefix}{name}.")
        elif len(parts) == 1 and set(parts.values()) & {child, *child.children()}:
            yield from parts
        else:
            yield prefix + name


def _holds_blocks(module: nn.Module) -> bool:
    in_a_row = isinstance(module, (nn.ModuleList, nn.ModuleDict, nn.Sequential))
    plain = type(module).forward in (nn.Sequential.forward, nn.Module.forward)
    return (in_a_row and plain) or bool(STAGE.search(type(module).__name__))


def _short(name: str) -> str:
    for pattern, short in NAMES:
        if re.fullmatch(pattern, name):
            return re.sub(pattern, short, name)
    return name
