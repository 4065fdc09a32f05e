"""Recipes: how to climb. A parameterization, transforms, an optimizer and a number of steps."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from numbers import Integral

import torch
from torch import Tensor, nn

from featviz.images.fourier import Fourier
from featviz.images.natural import Natural
from featviz.images.pixels import Parameterization, Pixels, UnboundedPixels
from featviz.images.transforms import LUCID as LUCID_TRANSFORMS
from featviz.images.transforms import NARROW as NARROW_TRANSFORMS
from featviz.images.transforms import STANDARD as STANDARD_TRANSFORMS
from featviz.images.transforms import Affine, Transform
from featviz.network.passes import widened


@dataclass(frozen=True)
class Adam:
    """Adam, with a step size that falls to zero at the end.

    Source: D. Kingma, J. Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015.

    Attributes:
        rate: Step size, in the parameters' unit.
        momentum: Decay rates of the gradient's first and second moment.
        tail: Share of the steps, at the end, over which the step size falls to zero.
    """

    rate: float = 0.05
    momentum: tuple[float, float] = (0.9, 0.999)
    tail: float = 0.0

    def start(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Returns torch's optimizer for the parameters, uphill."""
        return torch.optim.Adam(
            parameters, lr=self.rate, betas=self.momentum, maximize=True, fused=True
        )

    def rate_at(self, step: int, steps: int) -> float:
        """Returns the step size of one of the steps."""
        rest = (steps - step) / max(1.0, self.tail * steps)
        return self.rate * min(1.0, rest)


def lengths(gradient: Tensor) -> Tensor:
    """Returns the length (N,) of each image's gradient, on CUDA's cards too alike in any batch."""
    rows = gradient.flatten(1)
    exact = rows if rows.device.type == "cpu" else widened(rows)
    length: Tensor = exact.norm(dim=1)
    return length.to(gradient.dtype)


@dataclass(frozen=True)
class NormalizedGradient:
    """Steps of one length along the gradient.

    Source: F. Chollet, "Visualizing what convnets learn", Keras code examples, 2020.

    Attributes:
        rate: Length of a step, in the parameters' unit. The example's is 10 in images from -1 to 1.
    """

    rate: float = 5.0

    def start(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Returns the optimizer for the parameters, uphill."""
        return _NormalizedGradient(parameters, {"lr": self.rate})

    def rate_at(self, step: int, steps: int) -> float:
        """Returns the length of one of the steps."""
        return self.rate


class _NormalizedGradient(torch.optim.Optimizer):
    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for parameter in group["params"]:
                gradient: Tensor = parameter.grad
                length = lengths(gradient).clamp(min=torch.finfo().tiny)
                shape = (-1,) + (1,) * (gradient.ndim - 1)
                parameter.add_(group["lr"] * gradient / length.view(shape))


@dataclass(frozen=True)
class Recipe:
    """How to climb.

    Attributes:
        image: The parameterization.
        transforms: What happens to the image before each step.
        optimizer: How to step.
        steps: How many steps to take.

    Raises:
        ValueError: There is nothing to climb with, or no step to take.
    """

    image: Parameterization = field(default_factory=Natural)
    transforms: tuple[Transform, ...] = STANDARD_TRANSFORMS
    optimizer: Adam | NormalizedGradient = field(default_factory=Adam)
    steps: int = 96

    def __post_init__(self) -> None:
        object.__setattr__(self, "transforms", tuple(self.transforms))  # a list can't be a key
        if not isinstance(self.image, Parameterization):
            raise ValueError(f"a recipe's image is Natural() or the like, not {self.image!r}.")
        for transform in self.transforms:
            if not callable(transform) or isinstance(transform, type):
                raise ValueError(f"a recipe's transforms are Transforms, not {transform!r}.")
        if not isinstance(self.steps, Integral) or self.steps < 1:
            raise ValueError(f"a recipe's steps are a whole number above 0, not {self.steps!r}.")


NATURAL_ADAM = Adam(rate=0.2, momentum=(0.3, 0.999), tail=0.5)
"""How the default steps: less momentum than usual, because the objective changes every time."""

STANDARD = Recipe(Natural(), STANDARD_TRANSFORMS, NATURAL_ADAM, steps=96)
"""The default: no octave of the spectrum holds more than twice what it holds in photographs."""

NEURON = Recipe(Natural(), (Affine(10.0, 0.9, 1.1, 2.0, 0),), NATURAL_ADAM, steps=96)
"""The default for neurons: no frame, which would move the neuron's place, and shifts that leave
what it uses on the canvas."""

STRIPES = Natural(energy=1.25)
"""For first layers: stripes and plain color are loud for their energy, so that they get less."""

LINEAR = Recipe(STRIPES, (), NormalizedGradient(3.0), steps=48)
"""The default for objectives that are linear in the image. Their gradient is one and the same
everywhere: nothing is to be shaken off by transforms, and steps must keep its proportions, which
Adam's do not. AlexNet's conv1 reaches 92 % of its closed form or more (`measures.bounded_optimum`).
"""

ACCENT = Recipe(
    Natural(), (Affine(5.0, 0.95, 1.05, 4.0, 0),), replace(NATURAL_ADAM, rate=0.05), steps=48
)
"""For a start from a photograph: small steps and small changes, so that things stay in their place.
Add a `resemblance.Resemblance` to the photograph to stay near it. Source of the idea: C. Hamblin et
al., "Feature Accentuation: Revealing 'What' Features Respond to in Natural Images", 2024."""

HIGHEST_ADAM = Adam(rate=0.35, momentum=(0.3, 0.999), tail=0.5)
"""How the recipes for the highest score step."""

HIGHEST = Recipe(Fourier(), NARROW_TRANSFORMS, HIGHEST_ADAM, steps=128)
"""For the highest score, whatever the picture looks like: contrast and color are not bounded, and
part of what it gains is bought with them."""

HIGHEST_NEURON = replace(HIGHEST, transforms=NEURON.transforms)
"""The same for neurons."""

EXACT = Recipe(Pixels("clamp"), (), Adam(rate=0.1, momentum=(0.3, 0.999)), steps=32)
"""The same for objectives that are linear in the image: 32 steps of 0.1 take every pixel to its
end, which is the exact maximum over all images."""

LUCID = Recipe(Fourier(decay=1.0), LUCID_TRANSFORMS, Adam(rate=0.05), steps=512)
"""Lucid's defaults. Source: lucid, `optvis/render.py`."""

KERAS = Recipe(UnboundedPixels(0.125, 0.15), (), NormalizedGradient(5.0), steps=30)
"""The algorithm of the Keras example, whose images are from -1 to 1: noise and steps are half of
its. Source: F. Chollet, "Visualizing what convnets learn", Keras code examples, 2020."""
