"""What is asked of one network: a row of the table of networks that work."""

import copy
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import captum.attr
import torch
from torch import Tensor, nn

import featviz as fv
from featviz.ascent.recipes import NATURAL_ADAM, STANDARD
from featviz.attribution.attribute import attribute
from featviz.measures import pictures
from featviz.microscope.build import Microscope
from featviz.microscope.views import GRAY_BELOW, VIEWS
from featviz.store import Store

STEPS = 8
"""Steps of each ascent."""

CLIMB = replace(STANDARD, transforms=(), optimizer=replace(NATURAL_ADAM, rate=0.05))
"""How pictures climb: what a network of random weights answers depends more on the frame and on
what shakes an image than on the image, and long steps leap over what is there to be climbed."""

ASKED = range(3)
"""Units, and classes, whose median counts: not every random unit has a summit within reach."""

UNITS = 4
"""Units that the microscope is built of."""

VIEW_SIDE, VIEW_STEPS = 32, 2
"""The microscope's pictures here: smaller and sooner done than its own."""

CLASSES = range(8)
"""Classes whose maps are compared until one is not empty."""

ROUNDING = 1e-4
"""Part of the largest value by which two computations of the same may differ."""

WHOLE = "whole image"
"""What stands in place of a field in pixels."""


@dataclass(frozen=True)
class Row:
    """What a network does. A check's cell is empty if it holds, or says what doesn't.

    Attributes:
        name: The network.
        size: Side in pixels of the images that it was given.
        layers: How many named layers it has.
        field: Receptive field of the last convolution, in pixels or `WHOLE`; or why there is none.
        activations: Values of a shallow, a middle and a deep layer equal those of a plain hook.
        ascent: Channels of the last convolution rise above their start, and none stays gray.
        gradcam: The map of a class in the last convolution equals captum's.
        logit: Classes do.
        microscope: Four units have all views, none gray.
        untouched: The module is what it was.
    """

    name: str
    size: int
    layers: int
    field: int | str
    activations: str
    ascent: str
    gradcam: str
    logit: str
    microscope: str
    untouched: str


CHECKS = ("activations", "ascent", "gradcam", "logit", "microscope", "untouched")
"""The columns that hold or don't."""


def row(network: fv.Network) -> Row:
    """Tries everything on a network."""
    before = _state(network.module)
    last = last_convolution(network)
    cells = {
        "activations": _said(_activations, network),
        "ascent": _said(_rises, network, [fv.Channel(last, unit) for unit in ASKED]),
        "gradcam": _said(_gradcam, network, last),
        "logit": _said(_rises, network, [fv.Logit(index) for index in ASKED]),
        "microscope": _said(_microscope, network, last),
    }
    field = _field(network, last)
    touched = "" if _equal(before, _state(network.module)) else "the module has changed"
    layers = len(network.layers)
    return Row(network.name, network.size, layers, field, untouched=touched, **cells)


def last_convolution(network: fv.Network) -> str:
    """The dotted name of the convolution that runs last."""
    modules = dict(network.module.named_modules())
    return [name for name in network.record.runs if isinstance(modules[name], nn.Conv2d)][-1]


def _said(check: Callable[..., str], *arguments: object) -> str:
    """What a check says, or what is raised instead."""
    try:
        return check(*arguments)
    except Exception as error:  # a row must say of any network what doesn't work
        return f"{type(error).__name__}: {error}"


def _images(network: fv.Network, count: int) -> Tensor:
    stream = torch.Generator().manual_seed(1)
    return torch.rand(count, 3, network.size, network.size, generator=stream)


def _field(network: fv.Network, layer: str) -> int | str:
    try:
        return network.receptive_field(layer).size
    except ValueError as error:
        return WHOLE if "see the whole image" in str(error) else str(error)


def _activations(network: fv.Network) -> str:
    names = [network.layers[round(part * (len(network.layers) - 1))] for part in (0, 0.5, 1)]
    images, module = _images(network, 2), copy.deepcopy(network.module)
    theirs: dict[str, Tensor] = {}

    def keep(name: str, _module: nn.Module, _inputs: object, value: object) -> None:
        tensor = value if isinstance(value, Tensor) else value[0]
        theirs[name] = tensor.clone()  # what comes behind may change it in place

    for name in names:
        part = module.get_submodule(network.dotted[name])
        part.register_forward_hook(partial(keep, name))
    with torch.no_grad():
        module(network.normalize(images))
    for name, ours in fv.activations(network, images, names).items():
        value = theirs[name] if theirs[name].shape == ours.shape else theirs[name].movedim(-1, 1)
        if not _alike(ours, value):
            return f"the values of {name} are others"
    return ""


def _rises(network: fv.Network, objectives: list[fv.Objective]) -> str:
    result = fv.maximize(
        network, objectives, size=network.size, steps=STEPS, recipe=CLIMB, frames=(0,),
        progress=False,
    )  # fmt: skip
    # Both in full precision: what bfloat16 rounds may pass for a rise.
    rises = result.values - result.frame_values[0] - ROUNDING * result.values.abs()
    if not rises.median() > 0:
        return "the pictures don't excite it more than the noise at their start"
    gray = (pictures.contrast(result.images) < GRAY_BELOW).any()
    return "a picture is gray" if gray else ""


def _gradcam(network: fv.Network, layer: str) -> str:
    photo, module = _images(network, 1)[0], copy.deepcopy(network.module)
    for part in module.modules():
        if getattr(part, "inplace", False):
            part.inplace = False  # captum's hooks hand on what the module behind would overwrite
    explain = captum.attr.LayerGradCam(module, module.get_submodule(layer))
    # As our passes lay images out: what convolutions round is seen where large terms cancel.
    images = network.normalize(photo[None]).contiguous(memory_format=torch.channels_last)
    for target in CLASSES:
        inputs = images.clone().requires_grad_()
        theirs = explain.attribute(inputs, target=target, relu_attributions=True)[0, 0].detach()
        ours = attribute(network, photo, fv.Logit(target), layer, "gradcam").map
        if not _alike(ours, theirs):
            return "the map is another"
        if theirs.any():
            return ""
    return "the maps are empty"


def _microscope(network: fv.Network, layer: str) -> str:
    views = [
        replace(view, side=view.side and min(view.side, VIEW_SIDE), steps=VIEW_STEPS)
        for view in VIEWS
    ]
    with tempfile.TemporaryDirectory() as folder:
        scope = Microscope(network, store=Store(folder), views=views)
        scope.build([layer], range(UNITS))
        for view in scope.views(layer):
            result = scope.pictures(layer, view, range(UNITS))
            if (result.contrast < GRAY_BELOW).any():
                return f"a picture of the view {view.name} is gray"
    return ""


def _alike(one: Tensor, other: Tensor) -> bool:
    if one.shape != other.shape:
        return False
    return bool((one - other).abs().max() <= ROUNDING * other.abs().max())


def _state(module: nn.Module) -> tuple[object, ...]:
    """All that a caller may notice of a module."""
    flags = [
        (name, part.training, getattr(part, "inplace", None), len(part._forward_hooks),
         len(part._forward_pre_hooks), len(part._backward_hooks), sorted(vars(part)))
        for name, part in module.named_modules()
    ]  # fmt: skip
    needs = [(name, value.requires_grad, value.grad) for name, value in module.named_parameters()]
    return flags, needs, {name: value.clone() for name, value in module.state_dict().items()}


def _equal(one: tuple[object, ...], other: tuple[object, ...]) -> bool:
    (*plain, values), (*others, tensors) = one, other
    same = values.keys() == tensors.keys()
    return plain == others and same and all(values[key].equal(tensors[key]) for key in values)
