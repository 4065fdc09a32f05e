"""What modules return, brought to the one form that everything else takes, and back.

That form is (N, units, ...): images first, then units, then places if there are any.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from torch import Tensor, nn

SCORES = ("logits", "out")
"""Keys under which outputs of several values hold the scores: Hugging Face's, and torchvision's for
segmentation."""

Output = Callable[[Any], Tensor]
"""Takes the scores out of what a network returns."""


@dataclass(frozen=True)
class LayerRef:
    """A layer's name, resolved.

    Attributes:
        name: The name as the caller wrote it, `"conv5:relu"` say.
        module: Dotted name of the layer's module; "" for the network's output.
        relu: Whether the value is the one behind an activation.
        source: Dotted name of the module, in a private view, that gives the value: the activation's
            own, for instance.
        axis: Which dimension of the value counts the units: 1, or the last, -1.
        output: Takes the value out of what the module returns; without it the scores, or the first
            tensor, are taken.
    """

    name: str
    module: str
    relu: bool
    source: str
    axis: int = 1
    output: Output | None = None

    def read(self, result: Any) -> Tensor:
        """Takes the value (N, units, ...) out of what the module returns.

        Args:
            result: A tensor, or a structure that holds one.

        Raises:
            ValueError: There is no tensor in it.
        """
        value = self.output(result) if self.output is not None else scores(result)
        if not isinstance(value, Tensor):
            raise ValueError(f"{self.name} gives {type(result).__name__}, with no tensor in it.")
        if value.ndim == 1:
            return value[:, None]
        return value if self.axis == 1 else value.movedim(self.axis, 1)

    def put(self, result: Any, value: Tensor) -> Any:
        """Returns what goes on from the module with another value in its place.

        Args:
            result: What the module returned.
            value: (N, units, ...), of the shape that `read` gives.

        Raises:
            ValueError: The value stands in a structure that can't be made again.
        """
        replacement = value if self.axis == 1 else value.movedim(1, self.axis)
        return replacement if isinstance(result, Tensor) else self._exchange(result, replacement)

    def _exchange(self, result: Any, replacement: Tensor) -> Any:
        old = scores(result)
        if type(result) in (tuple, list):
            return type(result)(replacement if part is old else part for part in result)
        if type(result) is dict:
            return {key: replacement if part is old else part for key, part in result.items()}
        raise ValueError(
            f"{self.name} gives {type(result).__name__}, whose values can be read and not put."
        )


def scores(result: Any) -> Tensor | None:
    """Finds the tensor that is meant in what a module returns.

    Args:
        result: A tensor, mapping, dataclass, tuple or list, or a nest of them.

    Returns:
        What stands under a key of `SCORES`, else the first tensor; None if there is none.
    """
    if isinstance(result, Tensor):
        return result
    return next((value for part in _parts(result) if (value := scores(part)) is not None), None)


def _parts(result: Any) -> Iterator[Any]:
    """The parts of a structure, those that hold scores first."""
    if is_dataclass(result) and not isinstance(result, Mapping):
        result = {field.name: getattr(result, field.name) for field in fields(result)}
    if isinstance(result, Mapping):
        yield from (result[key] for key in SCORES if key in result)
        yield from result.values()
    elif isinstance(result, tuple | list):
        yield from result


FIRST = (nn.Conv1d, nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm1d, nn.BatchNorm2d, nn.MaxPool2d)
"""Kinds of modules that count units in dimension 1."""

LAST = (nn.Linear, nn.LayerNorm, nn.LSTM, nn.GRU, nn.MultiheadAttention)
"""Kinds of modules that count units in the last dimension."""

UNCLEAR = 0
"""In place of an axis: more than one fits."""


def units_axis(module: nn.Module, value: Tensor, images: int) -> int | str:
    """Finds which dimension of a module's value counts its units.

    Maps of square images are square, so the dimension that differs is that of the units. Values of
    three dimensions are tokens.

    Args:
        module: The module.
        value: Its value for square images.
        images: How many there were.

    Returns:
        1 or -1; `UNCLEAR` if all sides are equal; or what is wrong with the value.
    """
    if value.ndim == 0 or len(value) != images:
        return f"it has shape {tuple(value.shape)} for {images} images, which don't come first"
    plain = getattr(type(module), "forward", None)
    if value.ndim < 3 or any(plain is kind.forward for kind in FIRST):
        return 1
    if value.ndim == 3:
        return -1
    if any(plain is kind.forward for kind in LAST):
        return -1 if value.ndim == 4 and _is_last_alone(module) else 1
    if value.ndim > 4:
        return 1
    first, middle, last = value.shape[1:]
    if first == middle == last:
        return UNCLEAR
    return -1 if first == middle else 1


def _is_last_alone(module: nn.Module) -> bool:
    return not isinstance(module, nn.LayerNorm) or len(module.normalized_shape) == 1
