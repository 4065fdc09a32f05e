"""Recipes: how to climb. A parameterization, transforms, an optimizer and a number of steps."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from featviz.images import Fourier, Parameterization, Pixels, UnboundedPixels
from featviz.transforms import LUCID as LUCID_TRANSFORMS
from featviz.transforms import STANDARD as STANDARD_TRANSFORMS
from featviz.transforms import Affine, Transform


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
        left = (steps - step) / max(1.0, self.tail * steps)
        return self.rate * min(1.0, left)


@dataclass(frozen=True)
class NormalizedGradient:
    """Steps of one length along the gradient.

    Source: F. Chollet, "Visualizing what convnets learn", Keras code examples, 2020.

    Attributes:
        rate: Length of a step, in the parameters' unit.
    """

    rate: float = 10.0

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
                length = gradient.flatten(1).norm(dim=1).clamp(min=torch.finfo().tiny)
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
    """

    image: Parameterization = field(default_factory=Fourier)
    transforms: tuple[Transform, ...] = STANDARD_TRANSFORMS
    optimizer: Adam | NormalizedGradient = field(default_factory=Adam)
    steps: int = 128

    def __post_init__(self) -> None:
        object.__setattr__(self, "transforms", tuple(self.transforms))  # a list can't be a key


STANDARD_ADAM = Adam(rate=0.35, momentum=(0.3, 0.999), tail=0.5)
"""How the default steps: less momentum than usual, because the objective changes every time."""

STANDARD = Recipe(optimizer=STANDARD_ADAM)
"""The default."""

NEURON = Recipe(transforms=(Affine(10.0, 0.9, 1.1, 2.0, 0),), optimizer=STANDARD_ADAM)
"""The default for neurons: no frame, which would move the neuron's place, and shifts that leave its
receptive field on the canvas."""

EXACT = Recipe(Pixels("clamp"), (), Adam(rate=0.1, momentum=(0.3, 0.999)), steps=32)
"""For objectives that are linear in the image: 32 steps of 0.1 take every pixel to its end."""

LUCID = Recipe(Fourier(decay=1.0), LUCID_TRANSFORMS, Adam(rate=0.05), steps=512)
"""Lucid's defaults. Source: lucid, `optvis/render.py`."""

KERAS = Recipe(UnboundedPixels(), (), NormalizedGradient(10.0), steps=30)
"""The algorithm of the Keras example. Source: F. Chollet, "Visualizing what convnets learn", Keras
code examples, 2020."""
