"""Exact shortcuts through a network's private view. Each fits, or stands aside.

1. The last convolution needn't run. An objective that is linear in a convolution's value is linear
   in what goes into that convolution, so its gradient there is a constant: it is computed once, and
   each step ends one layer earlier.
2. A convolution with few channels and a large stride is slow on a processor. Rearranged from space
   to depth it is the same sum as a convolution with stride 1 and many channels.
3. A batch norm with its statistics fixed scales and shifts what the convolution before it gives.
   Other weights of that convolution do the same.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeGuard
from weakref import WeakKeyDictionary

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from featviz.network.graph import Graph
from featviz.network.network import Network
from featviz.network.passes import private_copy, run_to
from featviz.network.receptive_fields import pair
from featviz.network.record import noise
from featviz.network.returned import LayerRef

FEW_CHANNELS = 4
"""Input channels up to which a convolution starves a processor's vector units of work: an image's,
with or without transparency. (AVX-512 handles 16 float32 at once.)"""

WORDS = {2: torch.int16, 4: torch.int32, 8: torch.int64, 16: torch.complex128}
"""A format of numbers for each size in bytes, to move values without looking at them."""

LARGEST_WORD = max(WORDS)
"""In bytes."""

ROUNDING = 1e-4
"""Part of their norm by which two computations of the same values may differ."""

_foldable: WeakKeyDictionary[Network, dict[tuple[str, frozenset[LayerRef]], bool]] = (
    WeakKeyDictionary()
)
"""Weights, and which layers keep their values where a network of these has batch norms folded."""


def space_to_depth(view: nn.Module) -> None:
    """Replaces a view's strided convolutions over few channels by equal, faster ones.

    Args:
        view: A network's private view; changed in place.
    """
    fitting = [module for module in view.modules() if _fits(module)]
    _replace(view, {conv: SpaceToDepthConv(conv) for conv in fitting})


def fold_batch_norms(view: nn.Module, network: Network, refs: Sequence[LayerRef]) -> None:
    """Lets a view's convolutions do what the batch norms behind them do.

    What a graph doesn't show (a module that is kept in a list, a branch on a bias) may make folding
    wrong, so it is tried once on a copy, and left where a value changes.

    Args:
        view: A private view of the network; changed in place.
        network: The network.
        refs: The layers that will be read.
    """
    if not any(_is_fixed(module) for module in view.modules()):
        return
    known, read = _foldable.setdefault(network, {}), (network.weights, frozenset(refs))
    if read not in known:
        known[read] = _tried(view, network, refs)
    if known[read]:
        _fold(view, network.graph)


def _tried(view: nn.Module, network: Network, refs: Sequence[LayerRef]) -> bool:
    """Whether folding leaves the values of layers as they are, on noise of the network's size."""
    side = network.record.size
    if side is None:
        return False
    plain, trial = private_copy(view), private_copy(view)
    images = network.normalize(noise(view, len(network.mean), side))
    try:
        _fold(trial, network.graph)
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            before, after = (run_to(one, images, refs) for one in (plain, trial))
        return all(_alike(after[name], value) for name, value in before.items())
    except Exception:  # the module's own code may raise anything
        return False


def _fold(view: nn.Module, graph: Graph) -> None:
    folded: dict[nn.Module, nn.Module] = {}
    for name, conv in view.named_modules():
        norm = view.get_submodule(graph.only_reader(name))
        if type(conv) is nn.Conv2d and is_affine(conv) and _is_fixed(norm):
            folded[conv], folded[norm] = fuse_conv_bn_eval(conv, norm), FoldedNorm(norm)
    _replace(view, folded)


def _alike(one: Tensor, other: Tensor) -> bool:
    """Whether two computations of a value differ by no more than rounding does."""
    return bool((one - other).norm() <= ROUNDING * other.norm())


class FoldedNorm(nn.BatchNorm2d):
    """A batch norm whose work the convolution before it does.

    It has all attributes of the norm that it replaces: networks read them.

    Args:
        norm: The batch norm.
    """

    def __init__(self, norm: nn.BatchNorm2d) -> None:
        nn.Module.__init__(self)
        vars(self).update(vars(norm))

    def forward(self, input: Tensor) -> Tensor:
        return input


def is_affine(module: nn.Module) -> TypeGuard[nn.Conv2d]:
    """Whether a module is known to give a linear function of its input, plus a constant."""
    return (
        isinstance(module, nn.Conv2d)
        and _is_plain(module, nn.Conv2d)
        and type(module)._conv_forward is nn.Conv2d._conv_forward
    )


class SpaceToDepthConv(nn.Conv2d):
    """A strided convolution, computed with stride 1 on blocks of pixels turned into channels.

    It has all attributes of the convolution that it replaces: networks read them, to pad an image
    as TensorFlow does, or to standardize the weights.

    Args:
        conv: The convolution: square stride, zero padding in numbers, one group, no dilation.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        nn.Module.__init__(self)
        vars(self).update(vars(conv))
        self._parameters = dict(conv._parameters)
        self._side, self._kernel = conv.stride[0], pair(conv.kernel_size)
        self._padding = pair(conv.padding)
        self._blocks = tuple(-(-k // self._side) for k in self._kernel)
        (down, across), s = self._blocks, self._side
        whole = F.pad(
            conv.weight.detach(),
            (0, across * s - self._kernel[1], 0, down * s - self._kernel[0]),
        )
        blocks = whole.view(conv.out_channels, conv.in_channels, down, s, across, s)
        weight = blocks.permute(0, 1, 3, 5, 2, 4).reshape(conv.out_channels, -1, down, across)
        self.deep_weight = nn.Parameter(weight.contiguous(), requires_grad=False)

    def forward(self, images: Tensor) -> Tensor:
        s = self._side
        for size, pad, kernel in zip(images.shape[-2:], self._padding, self._kernel, strict=True):
            if size + 2 * pad < kernel:
                raise RuntimeError(
                    f"Kernel size can't be greater than actual input size: {kernel} over "
                    f"{size + 2 * pad} px, with padding."
                )
        rows, columns = (
            (size + 2 * pad - kernel) // s + blocks
            for size, pad, kernel, blocks in zip(
                images.shape[-2:], self._padding, self._kernel, self._blocks, strict=True
            )
        )
        (top, left), (height, width) = self._padding, images.shape[-2:]
        canvas = F.pad(images, (left, columns * s - left - width, top, rows * s - top - height))
        # Kernels for 16 bits add in one order by themselves.
        convolve = F.conv2d if canvas.dtype.itemsize == 2 else SameOrder.apply
        return convolve(Blocks.apply(canvas, s), self.deep_weight, self.bias)


class SameOrder(torch.autograd.Function):
    """A convolution without padding, whose gradient adds in one order; weights get no gradient.

    Without AVX-512 the order in which oneDNN's own padding adds float32 at the borders depends on
    the threads and on the batch (PyTorch 2.14). Zeros that are there already have one order.
    """

    @staticmethod
    def forward(ctx: Any, values: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(weight)
        return F.conv2d(values, weight, bias)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (weight,) = ctx.saved_tensors
        down, across = (side - 1 for side in weight.shape[2:])
        padded = F.pad(gradient, (across, across, down, down))
        return F.conv2d(padded, weight.flip(2, 3).transpose(0, 1)), None, None


class Blocks(torch.autograd.Function):
    """Turns blocks of pixels (N, C, R * s, K * s) into channels (N, C * s * s, R, K)."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, s: int) -> Tensor:
        count, channels, height, width = images.shape
        ctx.size = count, channels, height // s, s, width // s, s
        return _moved(images, ctx.size, (0, 2, 4, 1, 3, 5)).flatten(3).permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        count, channels, rows, s, columns, _ = ctx.size
        size = count, rows, columns, channels, s, s
        images = _moved(gradient.permute(0, 2, 3, 1), size, (0, 3, 1, 4, 2, 5))
        return images.reshape(count, channels, rows * s, columns * s), None


def _moved(values: Tensor, size: Sequence[int], order: Sequence[int]) -> Tensor:
    """Permutes values of a size, of which the last dimension stays the last.

    As many of its values as fit move as one number, which takes a third of the time.
    """
    word = math.gcd(size[-1], LARGEST_WORD // values.element_size())
    kind = WORDS[word * values.element_size()]
    parts = values.flatten().view(kind).view(*size[:-1], -1).permute(*order)
    result = values.new_empty(values.numel())
    result.view(kind).view(parts.shape).copy_(parts)
    return result.view(*parts.shape[:-1], size[-1])


def _replace(view: nn.Module, replacements: Mapping[nn.Module, nn.Module]) -> None:
    """Puts modules in the place of others, under every name that these have."""
    for parent in list(view.modules()):
        for name, child in parent._modules.items():
            if child is not None and child in replacements:
                parent._modules[name] = replacements[child]


def _is_plain(module: nn.Module, kind: type[nn.Module]) -> bool:
    """Whether a module computes what its kind in torch computes, from attributes that stay."""
    return (
        isinstance(module, kind)
        and type(module).forward is kind.forward
        and "forward" not in vars(module)
        # Pruning and weight norm set weights before each pass.
        and not module._forward_pre_hooks
    )


def _is_fixed(norm: nn.Module) -> TypeGuard[nn.BatchNorm2d]:
    return (
        type(norm) is nn.BatchNorm2d
        and _is_plain(norm, nn.BatchNorm2d)
        and norm.running_mean is not None
        and not norm.training
    )


def _fits(conv: nn.Module) -> TypeGuard[nn.Conv2d]:
    return (
        is_affine(conv)
        and conv.in_channels <= FEW_CHANNELS
        and conv.stride[0] == conv.stride[1] > 1
        and conv.groups == 1
        and conv.dilation == (1, 1)
        and conv.padding_mode == "zeros"
        and not isinstance(conv.padding, str)
    )


class ConstantGradient:
    """An objective behind an affine module: a weighted sum of what goes into the module.

    Args:
        score: (M, ...) value of the module -> (N,) objective of the first, linear in that value.
        module: The affine module.
        inputs: (M, ...) one input of the module, for its shape.
    """

    def __init__(
        self, score: Callable[[Tensor], Tensor], module: nn.Module, inputs: Tensor
    ) -> None:
        zero = torch.zeros_like(inputs, dtype=torch.float32, requires_grad=True)
        with torch.enable_grad():
            offset = score(module(zero))
            (weights,) = torch.autograd.grad(offset.sum(), zero)
        # As a network's values: where the two differ, every pass back leaps through memory.
        self.weights = weights.contiguous(memory_format=torch.channels_last)
        self.offset = offset.detach()

    def __call__(self, inputs: Tensor) -> Tensor:
        """Scores what goes into the module: (M, ...) -> (N,)."""
        parts = (inputs.float() * self.weights).permute(0, 2, 3, 1)
        return parts.flatten(1).sum(1)[: len(self.offset)] + self.offset
