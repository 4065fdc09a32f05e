"""torchvision's classifiers, with the weights that it publishes or a file of one's own."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn
from torchvision import models
from torchvision.models import WeightsEnum

from featviz.network.network import Network
from featviz.zoo import files
from featviz.zoo.layers import named_layers
from featviz.zoo.sources import Request
from featviz.zoo.weights import WeightsError

_HALF = (0.5, 0.5, 0.5)


@dataclass(frozen=True)
class _Difference:
    """What is done for some architectures when they are loaded, as torchvision does it.

    Attributes:
        options: What their constructors are told.
        heads: Parts that only training runs, which are taken off.
        normalization: Mean and standard deviation, if not those of the published weights.
        old_names: A pattern of names in older files, and what such names are now.
        sized: Whether the constructor must know the size of the images.
        meta: Whether they can be constructed without memory.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    heads: tuple[str, ...] = ()
    normalization: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    old_names: tuple[str, str] | None = None
    sized: bool = False
    meta: bool = True


_DIFFERENCES: Mapping[str, _Difference] = MappingProxyType(
    {
        # torchvision turns ImageNet's normalization into that of .5 by a step of the module. The
        # two steps are one, and without theirs the first convolution reads the image.
        "googlenet|inception_v3": _Difference(
            options={"init_weights": False, "transform_input": False},
            heads=("aux1", "aux2", "AuxLogits"),
            normalization=(_HALF, _HALF),
        ),
        "densenet.*": _Difference(
            old_names=(r"(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\..*)", r"\1\2")
        ),
        "vit_.*": _Difference(sized=True),
        "regnet_.*": _Difference(meta=False),  # its widths are computed with tensors
    }
)
"""Architectures, as patterns, that differ from the others; in all else they are alike."""


def names() -> tuple[str, ...]:
    """Returns the names of torchvision's classifiers."""
    return tuple(models.list_models(module=models))


def load(request: Request) -> Network:
    """Loads one of torchvision's classifiers.

    Args:
        request: Its name is torchvision's.

    Raises:
        WeightsError: Its weights aren't there, or aren't its own.
    """
    version, path = _weights(request)
    differs = next(
        (one for names, one in _DIFFERENCES.items() if re.fullmatch(names, request.name)),
        _Difference(),
    )
    state = files.read(path)
    if differs.old_names:
        state = {re.sub(*differs.old_names, key): value for key, value in state.items()}
    module = _construct(request.name, version, differs, state)
    files.fill(module, state, path)
    for head in differs.heads:
        if hasattr(module, head):
            setattr(module, head, None)
            module.aux_logits = False  # type: ignore[assignment]
    preset = version.transforms()
    mean, std = differs.normalization or (tuple(preset.mean), tuple(preset.std))
    classes = version.meta["categories"] or ()
    if len(classes) != len(state[_last(module)]):
        classes = ()
    layers = named_layers(module)
    return Network(module.eval(), mean, std, layers, name=request.name, classes=classes)


def _weights(request: Request) -> tuple[WeightsEnum, Path]:
    """Which of the published weights are meant, or come closest, and their file."""
    versions = {one.name: one for one in models.get_model_weights(request.name)}
    version = models.get_model_weights(request.name).DEFAULT
    if request.file:
        same = [one for one in versions.values() if files.cached(one.url).name == request.file.name]
        if same:
            return same[0], files.published(same[0].url, folder=request.file.parent)
        return version, request.file
    if request.weights and not request.folder:
        if str(request.weights) not in versions:
            raise WeightsError(
                f"there is no file or folder {str(request.weights)!r} of weights, and those "
                f"published for {request.name} are called {' and '.join(versions)}."
            )
        version = versions[str(request.weights)]
    try:
        path = files.published(version.url, download=request.download, folder=request.folder)
    except WeightsError as error:
        others = [name for name, one in versions.items() if files.cached(one.url).exists()]
        if request.weights or version.name in others or not others:
            raise
        hint = f"torch's cache has weights={others[0]!r}"
        raise type(error)(f"{str(error).removesuffix('.')}; {hint}.") from error
    return version, path


def _construct(
    name: str, version: WeightsEnum, differs: _Difference, state: Mapping[str, Tensor]
) -> nn.Module:
    """The architecture with as many classes, and as many heads, as there are weights for."""
    options = dict(differs.options)
    if differs.sized:
        options["image_size"] = version.meta["min_size"][0]
    if differs.heads:
        options["aux_logits"] = any(key.partition(".")[0] in differs.heads for key in state)
    module = _build(name, differs, options)
    last = _last(module)
    if last in state and len(state[last]) != len(module.state_dict()[last]):
        module = _build(name, differs, {**options, "num_classes": len(state[last])})
    return module


def _build(name: str, differs: _Difference, options: Mapping[str, Any]) -> nn.Module:
    # No time and no memory for random numbers that are replaced at once.
    with torch.device("meta" if differs.meta else "cpu"):
        module: nn.Module = models.get_model(name, weights=None, **options)
    return module


def _last(module: nn.Module) -> str:
    """The name of the weights that score the classes."""
    return [key for key, value in module.state_dict().items() if value.ndim > 1][-1]
