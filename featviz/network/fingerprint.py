"""What stands for a network in the names of results: its weights, its structure and its code."""

import hashlib
import inspect
import re
from collections.abc import Callable, Iterator
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, NoneType

import numpy as np
import torch
from torch import Tensor, nn

from featviz.network.passes import REWRITES

OWN = ("torch.", "featviz.network.")
"""Where the modules are defined whose code is no network's own."""

PLAIN = (bool, int, float, complex, str, bytes, NoneType, torch.dtype, np.generic)
"""Kinds of values that print themselves whole, and alike in every run."""

_KEPT = frozenset([*vars(nn.Module()), "inplace", REWRITES])
"""What every module keeps for itself, and what decides no values."""


class Weights:
    """The sha256 of a module's weights, which is computed again when they have changed.

    PyTorch counts the changes of a tensor. It does not see those that go through `tensor.data` or
    through a NumPy array of the same memory, and so neither does this.

    Args:
        module: The module.
    """

    def __init__(self, module: nn.Module) -> None:
        self._module = module
        # The tensors are kept so that no others can come to lie where they do.
        self._memo: tuple[object, list[Tensor], str] | None = None

    def digest(self) -> str:
        """Returns 64 hexadecimal digits."""
        state = sorted(_tensors(self._module), key=lambda pair: pair[0])
        if any(value.is_inference() for _, value in state):
            return _digest(state)  # such tensors don't count their changes
        marks = [(key, v.data_ptr(), v._version, v.dtype, v.shape, v.stride()) for key, v in state]
        if self._memo is None or self._memo[0] != marks:
            self._memo = (marks, [value for _, value in state], _digest(state))
        return self._memo[2]

    def __reduce__(self) -> tuple[type, tuple[nn.Module]]:
        return Weights, (self._module,)  # a copy's weights lie elsewhere


def _tensors(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """What a module computes with, saved with its state or not, under dotted names."""
    yield from module.named_parameters(remove_duplicate=False)
    yield from module.named_buffers(remove_duplicate=False)
    for name, part in module.named_modules():
        for key, value in vars(part).items():
            # Pruning and weight norm keep here what they have computed from others last.
            computed = hasattr(part, f"{key}_orig") or hasattr(part, f"{key}_v")
            if isinstance(value, Tensor) and _is_readable(value) and not computed:
                yield f"{name}.{key}", value


def _digest(state: list[tuple[str, Tensor]]) -> str:
    digest = hashlib.sha256()
    for key, value in state:
        digest.update(f"{key}{value.dtype}{tuple(value.shape)}".encode())
        numbers = value.detach().resolve_conj().resolve_neg().cpu().contiguous().view(-1)
        digest.update(numbers.view(torch.uint8).numpy().data)
    return digest.hexdigest()


def plain_print(module: nn.Module) -> str:
    """Returns a module as it prints itself, without what works in place: values are the same."""
    return re.sub(r"(, )?inplace=\w+", "", repr(module))


def own_code(module: nn.Module) -> str:
    """Writes down the code that a module's pass runs, as far as it is the module's own.

    Args:
        module: The module.

    Returns:
        For each class among its parts that isn't PyTorch's: what its methods do.
    """
    kinds = {kind for part in module.modules() for kind in type(part).__mro__[:-1]}
    own = {kind for kind in kinds if not kind.__module__.startswith(OWN)}
    return "\n".join(sorted(line for kind in own for line in _methods(kind)))


def own_values(module: nn.Module) -> str:
    """Writes down the plain values that the parts of a module hold which aren't PyTorch's.

    Args:
        module: The module.

    Returns:
        For each of these parts: numbers, texts, arrays, functions, classes, and collections of
        such. Of other objects, which may hold anything, their kind. What works in place is left
        out, as in `plain_print`.
    """
    seen: dict[int, tuple[int, object]] = {}
    return "\n".join(
        f"{name}.{key} {_value(value, seen)}"
        for name, part in module.named_modules()
        if not type(part).__module__.startswith(OWN)
        for key, value in sorted(vars(part).items())
        if key not in _KEPT and not isinstance(value, Tensor)
    )


def _value(value: object, seen: dict[int, tuple[int, object]]) -> str:
    """Writes down a value; what was seen before, perhaps around this one, by its number."""
    if isinstance(value, set | frozenset):  # without an order
        return f"{{{', '.join(sorted(_value(part, {}) for part in value))}}}"
    if isinstance(value, tuple):
        return f"({', '.join(_value(part, seen) for part in value)})"
    if isinstance(value, type | BuiltinFunctionType):
        return f"{value.__module__}.{value.__qualname__}"
    if isinstance(value, PLAIN):
        return repr(value)
    if id(value) in seen:
        return f"number {seen[id(value)][0]}"
    seen[id(value)] = len(seen), value  # kept, so that no other comes to lie there
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return f"{value.dtype} {value.shape} {hashlib.sha256(value.tobytes()).hexdigest()}"
    if isinstance(value, Tensor) and _is_readable(value):
        return _digest([("", value)])
    if isinstance(value, np.ndarray):
        return f"{value.shape} {_value(value.ravel().tolist(), seen)}"
    if isinstance(value, list):
        return f"[{', '.join(_value(part, seen) for part in value)}]"
    if isinstance(value, dict):
        return _value(list(value.items()), seen)
    if isinstance(value, FunctionType):
        held = [_held(cell) for cell in value.__closure__ or ()]
        return f"{code_of(value)} {_value((value.__defaults__, value.__kwdefaults__, held), seen)}"
    return type(value).__qualname__


def _is_readable(value: Tensor) -> bool:
    return value.layout is torch.strided and not value.is_meta


def _held(cell: CellType) -> object:
    """What a function holds of those around it; nothing where that isn't made yet."""
    try:
        return cell.cell_contents
    except ValueError:
        return None


def _methods(kind: type) -> Iterator[str]:
    for name, method in vars(kind).items():
        if isinstance(method, FunctionType):
            yield f"{kind.__qualname__}.{name} {_plain(inspect.unwrap(method).__code__)}"


def code_of(function: Callable[..., object]) -> str:
    """Writes down what a function's code does; a callable of another kind as it prints itself."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return repr(function) if code is None else repr(_plain(code))


def _plain(code: CodeType) -> tuple[object, ...]:
    """What code does, without where it is written."""
    constants = [_constant(one) for one in code.co_consts]
    return code.co_code.hex(), code.co_names, code.co_varnames, code.co_freevars, constants


def _constant(value: object) -> object:
    if isinstance(value, CodeType):
        return _plain(value)
    # The order of a set changes from run to run.
    return sorted(map(repr, value)) if isinstance(value, frozenset) else repr(value)
