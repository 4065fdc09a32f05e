"""A network's private view as a function of one photo, with the value of one layer in hand."""

from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from featviz.network.inputs import Images, check_images
from featviz.network.network import Network, private_view
from featviz.network.passes import ordinary, run_to
from featviz.network.returned import LayerRef
from featviz.objectives.algebra import IMAGE, Objective


class Probe(nn.Module):
    """Scores normalized images by an objective, and lets one layer's value be read and replaced.

    The view is a copy: hooks stay on it, and neither in-place operations nor what is done to the
    layer's value reach the caller's module.

    Args:
        network: The network.
        photo: (3, H, W) in [0, 1].
        objective: What is explained.
        layer: Where it is explained; `"image"` is the photo itself, normalized.

    Attributes:
        inputs: (1, 3, H, W) the photo, normalized.
        value: (1, units, h, w) what the layer says of it.
        score: The objective on the photo.
        module: Where the layer's value passes by, (N, units, h, w), whatever its module returns;
            None for the image.
        target: Dotted name of the module in `view` that gives the layer's value; "" for the image.

    Raises:
        ValueError: The photo, the objective or the layer don't fit each other.
    """

    def __init__(self, network: Network, photo: Tensor, objective: Objective, layer: str) -> None:
        super().__init__()
        self.inputs = check_photo(network, photo)
        objective.check(network)
        self.objective = objective
        self.layer = layer
        self.refs = [network.resolve(name) for name in sorted(objective.layers - {IMAGE})]
        self.mean = photo.new_tensor(network.mean).view(-1, 1, 1)
        self.std = photo.new_tensor(network.std).view(-1, 1, 1)
        own = [] if layer == IMAGE else [network.resolve(layer)]
        self.view = private_view(network, [*self.refs, *own]).to(photo.device)
        self.target = own[0].source if own else ""
        self.module = _value_place(self.view.get_submodule(self.target), own[0]) if own else None
        if own and not self.target:
            raise ValueError(
                f"the output of {network.name} has no places, so it has no map; "
                f"its layers are {', '.join(network.layers)}."
            )
        # Nothing else reaches the score, so what comes before the layer may run for one image only.
        self._is_gate = IMAGE not in objective.layers and network.graph.is_gate(
            self.target, {ref.source for ref in self.refs}
        )
        with torch.enable_grad():
            self._ends = self._pass()
        value, score = self._ends
        if not (score.requires_grad and value.requires_grad):
            raise ValueError(_no_connection(network, objective, layer))
        self.value = value.detach()
        self.score = score.item()

    @cached_property
    def slope(self) -> Tensor:
        """(1, units, h, w) the score's gradient with respect to the value."""
        value, score = self._ends
        return torch.autograd.grad(score.sum(), value)[0]

    def forward(self, inputs: Tensor) -> Tensor:
        """Scores normalized images: (N, 3, H, W) -> (N, 1); gradients end at the layer's value."""
        values = run_to(self.view, inputs, self.refs) if self.refs else {}
        if IMAGE in self.objective.layers:
            values[IMAGE] = inputs * self.std + self.mean
        return self.objective(values)[:, None]

    def score_of(self, values: Tensor) -> Tensor:
        """Scores the photo with the layer's value replaced: (N, units, h, w) -> (N,)."""
        if self.module is None:
            own: Tensor = self(values)
            return own[:, 0]
        handle = self.module.register_forward_hook(lambda *_: values.clone())
        try:
            copies = 1 if self._is_gate else len(values)
            scores: Tensor = self(self.inputs.expand(copies, -1, -1, -1))
            return scores[:, 0]
        finally:
            handle.remove()

    def baseline(self) -> Tensor:
        """Returns the layer's value (1, units, h, w) for a photo of nothing but the mean color."""
        if self.module is None:
            return torch.zeros_like(self.inputs)
        with torch.no_grad():
            return self._pass(torch.zeros_like(self.inputs))[0]

    def slopes(self, values: Tensor) -> Tensor:
        """Returns the score's gradients at other values of the layer, of the values' shape."""
        with torch.enable_grad():
            leaf = values.detach().requires_grad_()
            return torch.autograd.grad(self.score_of(leaf).sum(), leaf)[0]

    def _pass(self, inputs: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The layer's value and the score, connected if one depends on the other."""
        inputs = (self.inputs if inputs is None else inputs).detach()
        if self.module is None:
            return inputs, self(inputs.requires_grad_())
        values: list[Tensor] = []

        def keep(_module: nn.Module, _inputs: object, value: Tensor) -> Tensor:
            values.append(value)
            return value.clone()  # in-place operations behind the layer spare the value

        handle = self.module.register_forward_hook(keep)
        try:
            score = self(inputs)
        finally:
            handle.remove()
        # A pass that was begun in vain runs the layer once more: the last value is the score's.
        return (values or [inputs.new_zeros(())])[-1], score


def check_photo(network: Network, photo: Images) -> Tensor:
    """Returns one photo, normalized as (1, 3, H, W), or says why it can't be explained.

    Args:
        network: The network.
        photo: (3, H, W) in [0, 1].

    Raises:
        ValueError: It is no image, or more than one.
    """
    images = check_images(photo)
    if len(images) != 1:
        raise ValueError(f"one photo at a time is explained, not {len(images)}.")
    return network.normalize(images)


class _Leaf(nn.Module):
    """Hands a value on as one where gradients end: what comes before keeps nothing for them."""

    def forward(self, value: Tensor) -> Tensor:
        has_gradient = torch.is_grad_enabled() and value.is_floating_point()
        return ordinary(value).detach().requires_grad_(has_gradient)


def _value_place(module: nn.Module, ref: LayerRef) -> nn.Module:
    """Lets the value of a view's module pass by a leaf, in the form (N, units, ...)."""
    place, own = _Leaf(), module.forward

    def forward(*arguments: Any, **options: Any) -> Any:
        result = own(*arguments, **options)
        return ref.put(result, place(ref.read(result)))

    vars(module)["forward"] = forward
    return place


def _no_connection(network: Network, objective: Objective, layer: str) -> str:
    sources = {network.resolve(name).source for name in objective.layers - {IMAGE}}
    modules = network.graph.before(sources)
    before = [name for name, module in network.dotted.items() if module in modules]
    there = f"choose among {', '.join(before)}" if before else "'image' comes before everything"
    return (
        f"the objective {objective} can't be explained in {layer}, which comes after what it "
        f"reads ({', '.join(sorted(objective.layers))}) or beside it; {there}."
    )
