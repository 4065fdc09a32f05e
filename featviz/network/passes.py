"""Passes through a private view of a module that go no further than they must."""

import copy
import pickle
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from types import FunctionType
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from featviz.network.returned import LayerRef


class _Arrival(Exception):
    """Ends a forward pass once every value asked for is there."""


CHANNELS_LAST = "_takes_channels_last"
"""Attribute of a network's private views that says whether they take images so."""

VIEWED = "view size is not compatible"
"""What torch says where `view` would have to copy."""

KINDS = ("cpu", "cuda", "mps")
"""Kinds of devices that networks run on."""

REWRITES = "_changes_what_others_read"
"""Attribute of modules in private views that work in place there too."""

_alone = threading.RLock()
"""Held by the thread that works: torch.fx changes `nn.Module` for all threads while it traces, and
torch's global random stream is one for all."""


@contextmanager
def own_mode() -> Iterator[None]:
    """Works with gradients, in full float32 and repeatably, whatever modes the caller has set.

    Threads wait for each other. The caller's modes come back. PyTorch has those of number formats
    and of cuDNN once for all threads: they change for the caller's other threads as well, while
    this lasts.
    """
    with own_formats(), torch.inference_mode(False), torch.enable_grad(), ExitStack() as modes:
        for kind in filter(torch.is_autocast_enabled, KINDS):
            modes.enter_context(torch.autocast(kind, enabled=False))
        yield


@contextmanager
def own_formats() -> Iterator[None]:
    """The part of `own_mode` that is the process's, and not each thread's own."""
    with _alone, _repeatable():
        yield


@contextmanager
def _repeatable() -> Iterator[None]:
    """Keeps the hardware from rounding float32 to 11 bits (TF32) or 8, and from varying its sums.

    Graphics cards do both in convolutions unless they are told not to. On an H100 (PyTorch 2.11)
    AlexNet's values were off by 2e-4 to 5e-4 of the largest where full float32 is by 1e-6 to 2e-6,
    and two runs of ascent ended in different pictures.
    """
    backends: Any = torch.backends
    cudnn, products, cpu = backends.cudnn, backends.cuda.matmul, backends.mkldnn
    # From the general to the special: what still differs once the more general is set was set by
    # the caller; what doesn't follows the more general, and must go on doing so.
    formats = (backends, cudnn, products, cudnn.conv, cudnn.rnn, cpu, cpu.matmul, cpu.conv, cpu.rnn)
    switches: list[tuple[Any, str, object]] = [(of, "fp32_precision", "ieee") for of in formats]
    switches += [(cudnn, "deterministic", True), (cudnn, "benchmark", False)]
    with ExitStack() as back:
        for owner, name, value in switches:
            before = getattr(owner, name)
            if before != value:
                back.callback(setattr, owner, name, before)
                setattr(owner, name, value)
        default = torch.get_default_dtype()
        if default != torch.float32:
            back.callback(torch.set_default_dtype, default)
            torch.set_default_dtype(torch.float32)
        yield


class TooSmallError(ValueError):
    """An image that ends before a layer."""


def complaint(error: Exception) -> str:
    """Returns what a module's own code raised, in one line; a bare assertion has its type alone."""
    return f"{type(error).__name__}: {error}".split("\n")[0]


def widened(value: Tensor) -> Tensor:
    """Returns a tensor in double, so that a sum's order is lost in rounding to float32 again.

    Sums of float32 round by the number of threads, and on graphics cards by chance. Apple's have no
    double, and get the tensor as it is.
    """
    return value if value.device.type == "mps" else value.double()


def device_of(module: nn.Module) -> torch.device:
    """Returns where a module's weights are; the processor for one without any."""
    return next((value.device for value in module.parameters()), torch.device("cpu"))


def ordinary(value: Tensor) -> Tensor:
    """Returns a tensor that gradients may be computed with; one of inference mode is copied."""
    return value.clone() if value.is_inference() else value


@own_mode()
def private_copy(module: nn.Module, rewriting: Iterable[str] = ()) -> nn.Module:
    """Makes a private copy of a module to work on.

    Args:
        module: The module; it stays as it is.
        rewriting: Dotted names of modules that work in place here and in copies of the copy.

    Returns:
        A module with the same structure; frozen, in evaluation mode, other in-place operations
        off. It is in float32 and shares the weights' memory where they are. What is done to its
        structure leaves the module's alone.

    Raises:
        ValueError: The module holds something that can't be copied.
    """
    memo: dict[int, object] = {
        id(p): nn.Parameter(ordinary(p).detach(), requires_grad=False) for p in module.parameters()
    }
    for child in module.modules():
        # What pruning and weight norm have computed last is no leaf, and so can't be copied.
        # A pass may change what isn't registered, which a view would do to the caller's.
        memo |= {id(t): t.detach().clone() for t in vars(child).values() if isinstance(t, Tensor)}
        # Data may be large, and are read only.
        memo |= {id(a): a for a in vars(child).values() if isinstance(a, np.ndarray)}
        # A module has a dozen tables of hooks, all of them empty as a rule, and slow to copy.
        memo |= {id(d): OrderedDict() for d in vars(child).values() if _is_empty(d)}
    try:
        view = copy.deepcopy(module, memo).eval().float()
    except (TypeError, RuntimeError, NotImplementedError, pickle.PicklingError) as error:
        raise ValueError(
            f"{type(module).__name__} can't be copied, because {error}; all work is done on a "
            "copy, so take what can't be (locks, open files, threads) out of the module."
        ) from error
    for child in view.modules():
        if isinstance(vars(child).get("forward"), FunctionType):
            raise ValueError(
                f"the forward of {type(child).__name__} was replaced by a function, which runs the "
                "caller's own module and not a copy of it; make it a method of a subclass."
            )
        if getattr(child, "inplace", False) and REWRITES not in vars(child):
            setattr(child, "inplace", False)  # noqa: B010 - not every module has the attribute
        # The caller's own hooks watch the caller's passes, not ours. Those before a pass stay:
        # pruning and weight norm compute the weights there.
        child._forward_hooks.clear()
        child._backward_hooks.clear()
        child._backward_pre_hooks.clear()
        if type(child) is nn.DataParallel:
            cast(Any, child).__class__ = _Alone
    for name in rewriting:
        vars(view.get_submodule(name)).update({"inplace": True, REWRITES: True})
    return view


class _Alone(nn.Module):
    """What spread batches over graphics cards, as its module alone; its names stay."""

    def _get_name(self) -> str:
        return nn.DataParallel.__name__

    def forward(self, *arguments: Any, **options: Any) -> Any:
        return self.get_submodule("module")(*arguments, **options)


class OverwritingReLU(nn.ReLU):
    """A ReLU that works in place, except on what was made in inference mode, where it may not."""

    def forward(self, input: Tensor) -> Tensor:
        return F.relu(input, inplace=not input.is_inference())


def _is_empty(value: object) -> bool:
    return type(value) is OrderedDict and not value


def run_to(
    view: nn.Module,
    inputs: Tensor,
    refs: Sequence[LayerRef],
    relu: Callable[[Tensor], Tensor] | None = None,
) -> dict[str, Tensor]:
    """Runs a view on normalized images as far as the deepest layer asked for, and no further.

    What is read is safe from later in-place operations.

    Args:
        view: A private view made for these layers.
        inputs: Normalized images (N, 3, H, W).
        refs: The layers to read.
        relu: What to give for layers that end in a ReLU, from the values before it, in place of the
            network's own.

    Returns:
        Layer name, as the caller wrote it -> value (N, units, h, w), connected to the inputs.

    Raises:
        ValueError: The images are too small for the network, or it never runs a layer.
    """
    readers = {ref.source: ref for ref in refs}
    swaps = {ref.source for ref in refs if ref.relu and relu is not None}
    values: dict[str, Tensor] = {}
    after_relu: dict[str, Tensor] = {}

    def recorder(name: str, ref: LayerRef) -> Callable[..., Any]:
        def hook(module: nn.Module, arguments: tuple[Tensor, ...], result: Any) -> Any:
            if relu is not None and name in swaps and type(module) is nn.ReLU:
                after_relu.setdefault(name, ref.read(relu(arguments[0])))
            value, whole = ref.read(result), isinstance(result, Tensor)
            values.setdefault(name, value if whole else value.clone())
            if len(values) == len(readers):
                raise _Arrival
            return result.clone() if whole else None

        return hook

    with large_enough(inputs, ", ".join(ref.name for ref in refs)), ExitStack() as hooks:
        for name, ref in readers.items():
            handle = view.get_submodule(name).register_forward_hook(recorder(name, ref))
            hooks.callback(handle.remove)
        last = inputs.device.type == "cpu" and getattr(view, CHANNELS_LAST, False)
        try:
            # In float32 a processor's convolutions take half to nine tenths of the time so.
            _run(view, inputs, torch.channels_last if last else torch.preserve_format)
        except RuntimeError as error:
            if not (last and VIEWED in str(error)):
                raise
            # A map of the network's own size may be viewed, and a larger one not.
            values.clear()
            after_relu.clear()
            _run(view, inputs, torch.preserve_format)
    names = [ref.name for ref in refs if ref.source not in values]
    if names:
        raise ValueError(f"the network has {', '.join(names)} but never runs it.")
    return {
        ref.name: (after_relu if ref.relu and ref.source in after_relu else values)[ref.source]
        for ref in refs
    }


def _run(view: nn.Module, inputs: Tensor, layout: torch.memory_format) -> None:
    """Runs a view until a hook ends it, on a copy of the images: a network may change them."""
    with suppress(_Arrival):
        view(inputs.clone(memory_format=layout))


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
    values: list[Tensor] = []

    def stop(_module: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        values.append(arguments[0])
        raise _Arrival

    handle = view.get_submodule(module).register_forward_pre_hook(stop)
    try:
        view(inputs.clone())
    except _Arrival:
        return values[0]
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
        raise TooSmallError(
            f"an image of {width} x {height} px is too small to reach {target}: {error}"
        ) from error
