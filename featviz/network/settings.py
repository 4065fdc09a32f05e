"""What a network is made with: which modules, numbers and names will do."""

import math
from collections.abc import Mapping
from numbers import Integral

from torch import nn

RESERVED = ("image", "output", "logit", "diversity", "penalty")
"""Names that mean something else than a layer, there or in the text form of objectives."""

UNDRAWN = (2, 4)
"""Numbers of channels that images of another kind than color and gray have."""

NOT_READ = {
    "torch.jit": "is scripted, so that its layers can't be read; give the module it was made from",
    "torch.ao.nn.quantized": "is quantized, so that it has no gradients; give the float module",
}
"""Where kinds of modules are defined that can't be worked with -> what to say of them."""


def check_kind(module: nn.Module, name: str) -> None:
    """Raises a ValueError if a module is of a kind that can't be worked with."""
    for child in module.modules():
        for home, obstacle in NOT_READ.items():
            if any(kind.__module__.startswith(home) for kind in type(child).__mro__):
                raise ValueError(f"{name} {obstacle}.")


def check_side(size: int | None) -> None:
    """Raises a ValueError if the size that a network is said to take is no number of pixels."""
    if size is not None and (not isinstance(size, Integral) or size < 1):
        raise ValueError(
            f"size is the side of square images in pixels, a whole number from 1, not {size!r}."
        )


def check_names(layers: Mapping[str, str], name: str) -> None:
    """Raises a ValueError if a layer is called what stands for something else."""
    for short in RESERVED:
        if short in layers:
            raise ValueError(
                f"a layer of {name} is called {short!r}, which stands for something else; "
                f"name its layers yourself, with layers={{'own_name': {layers[short]!r}}} say."
            )


def check_normalization(
    mean: tuple[float, ...], std: tuple[float, ...], channels: int, name: str
) -> None:
    """Raises a ValueError if a normalization doesn't fit the images that a network takes."""
    if channels not in (1, 3):
        raise ValueError(
            f"{name} takes images of {channels} channels, and only color and gray can be drawn; "
            "wrap it in a module that makes its channels out of red, green and blue."
        )
    if channels == 1 < max(len(mean), len(std)):
        raise ValueError(
            f"{name} takes images of one channel, so mean and std are one number each, "
            f"(0.1307,) and (0.3081,) for MNIST, not {mean} and {std}."
        )
    for what, values in (("mean", mean), ("std", std)):
        if len(values) not in (1, 3) or not all(map(math.isfinite, values)):
            raise ValueError(f"{what} is three numbers, for red, green and blue, not {values}.")
    if min(std) <= 0:
        raise ValueError(f"std is what images are divided by, above 0, not {std}.")


def check_weights(module: nn.Module, name: str) -> None:
    """Raises a ValueError if a weight would make every value NaN."""
    for key, value in module.named_parameters():
        if not value.is_meta and not value.detach().isfinite().all():
            raise ValueError(f"{key} of {name} has weights that are NaN or infinite.")
    for key, buffer in module.named_buffers():  # infinite ones are masks
        if not buffer.is_meta and buffer.isnan().any():
            raise ValueError(f"{key} of {name} has values that are NaN.")


def image_channels(module: nn.Module, gray: bool = False) -> int:
    """Returns how many channels a network's images have, by its convolutions.

    Args:
        module: The network.
        gray: Which it is in doubt: one channel, or three.
    """
    channels = [part.in_channels for part in module.modules() if isinstance(part, nn.Conv2d)]
    if gray and 1 in channels:
        return 1
    if not channels or 3 in channels:
        return 3
    # Larger numbers are those of blocks of pixels, or of a convolution that isn't the first.
    return 1 if 1 in channels else channels[0] if channels[0] in UNDRAWN else 3


def convolutions(module: nn.Module) -> dict[str, str]:
    """Returns the dotted names of a module's convolutions, as the names of layers."""
    return {
        name: name for name, part in module.named_modules() if name and isinstance(part, nn.Conv2d)
    }
