"""Passes through a module that go no further than they must."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class LayerRef:
    """A layer's name, resolved.

    Attributes:
        name: The name as the caller wrote it, `"conv5:relu"` say.
        module: Dotted name of the module that computes it; "" for the network's output.
        relu: Whether the value is rectified.
    """

    name: str
    module: str
    relu: bool


class _Reached(Exception):
    """Ends a forward pass once every value asked for is there."""


@contextmanager
def recording(view: nn.Module, modules: Iterable[str]) -> Iterator[dict[str, Tensor]]:
    """Records what modules return, and ends the pass when all of them have.

    The pass runs inside the `with` block. What is recorded is safe from later in-place operations.

    Args:
        view: A network's private view.
        modules: Dotted names of the modules to record.

    Yields:
        A dict that the pass fills: module name -> its value.
    """
    values: dict[str, Tensor] = {}
    wanted = set(modules)

    def recorder(name: str) -> object:
        def hook(_module: nn.Module, _inputs: object, value: Tensor) -> Tensor:
            values.setdefault(name, value)
            if len(values) == len(wanted):
                raise _Reached
            return value.clone()

        return hook

    handles = [
        view.get_submodule(name).register_forward_hook(recorder(name))  # type: ignore[arg-type]
        for name in wanted
    ]
    try:
        yield values
    except _Reached:
        pass
    finally:
        for handle in handles:
            handle.remove()


def run_to(
    view: nn.Module,
    inputs: Tensor,
    refs: Sequence[LayerRef],
    relu: Callable[[Tensor], Tensor] = torch.relu,
) -> dict[str, Tensor]:
    """Runs a view on normalized images as far as the deepest layer asked for, and no further.

    Args:
        view: A network's private view.
        inputs: Normalized images (N, 3, H, W).
        refs: The layers to read.
        relu: How to rectify the values of layers that ask for it.

    Returns:
        Layer name, as the caller wrote it -> value (N, units, h, w), connected to the inputs.

    Raises:
        ValueError: The images are too small for the network, or it never runs a layer.
    """
    inner = {ref.module for ref in refs if ref.module}
    needs_output = any(not ref.module for ref in refs)
    with (
        large_enough(inputs, ", ".join(ref.name for ref in refs)),
        recording(view, [*inner, ""] if needs_output or not inner else inner) as values,
    ):
        view(inputs)
    missing = [ref.name for ref in refs if ref.module not in values]
    if missing:
        raise ValueError(f"the network has {', '.join(missing)} but never runs it.")
    return {ref.name: relu(values[ref.module]) if ref.relu else values[ref.module] for ref in refs}


def run_until(view: nn.Module, inputs: Tensor, module: str) -> Tensor:
    """Runs a view on normalized images up to a module, which no longer runs.

    Args:
        view: A network's private view.
        inputs: Normalized images (N, 3, H, W).
        module: Dotted name of the module.

    Returns:
        What the module would have been given, connected to the inputs.

    Raises:
        ValueError: The network never runs the module.
    """
    arrived: list[Tensor] = []

    def stop(_module: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        arrived.append(arguments[0])
        raise _Reached

    handle = view.get_submodule(module).register_forward_pre_hook(stop)
    try:
        view(inputs)
    except _Reached:
        return arrived[0]
    finally:
        handle.remove()
    raise ValueError(f"the network has {module} but never runs it.")


@contextmanager
def large_enough(inputs: Tensor, target: str) -> Iterator[None]:
    """Turns torch's complaint about images that are too small into a ValueError, one sentence.

    Args:
        inputs: The images (N, 3, H, W).
        target: What they are too small to reach.
    """
    try:
        yield
    except RuntimeError as error:
        if "too small" not in str(error) and "size can't be greater" not in str(error):
            raise
        height, width = inputs.shape[-2:]
        raise ValueError(
            f"an image of {width} x {height} px is too small to reach {target}: {error}"
        ) from error
