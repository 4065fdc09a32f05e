"""The number format of a network's pass: the one asked for, if the network can compute in it."""

from weakref import WeakKeyDictionary

import torch
from torch import nn

from featviz.ascent.device import find_precision
from featviz.network.network import Network, private_view
from featviz.network.passes import complaint, own_mode
from featviz.network.record import noise

_obstacles: WeakKeyDictionary[Network, dict[tuple[torch.dtype, torch.device], str]] = (
    WeakKeyDictionary()
)


def suiting_precision(network: Network, name: str, device: torch.device) -> torch.dtype:
    """Returns the number format in which a network runs.

    "auto" falls back to float32 where a pass in the other format fails, and on processors for
    networks with depthwise convolutions, which bfloat16 slows down by a sixth to a half. That is
    decided by the modules and not by a clock, so that pictures are the same in every run.

    Args:
        network: The network.
        name: One of `device.PRECISIONS`.
        device: Where it will run.

    Raises:
        ValueError: There is no format of that name, or the network can't compute in it.
    """
    dtype = find_precision(name, device)
    if dtype == torch.float32:
        return dtype
    obstacle = _obstacle(network, dtype, device)
    if name == "auto":
        slower = device.type == "cpu" and any(map(_is_depthwise, network.module.modules()))
        return torch.float32 if obstacle or slower else dtype
    if obstacle:
        raise ValueError(
            f"{network.name} can't compute in {name} ({obstacle}); say precision='float32', "
            "or 'auto', which falls back to it."
        )
    return dtype


def _is_depthwise(module: nn.Module) -> bool:
    return isinstance(module, nn.Conv2d) and module.groups == module.in_channels > 1


@own_mode()
def _obstacle(network: Network, dtype: torch.dtype, device: torch.device) -> str:
    """Why a pass of the network and its gradient fail in a format; empty if they don't."""
    known = _obstacles.setdefault(network, {})
    if (dtype, device) not in known:
        known[dtype, device] = _tried(network, dtype, device)
    return known[dtype, device]


def _tried(network: Network, dtype: torch.dtype, device: torch.device) -> str:
    side = network.record.size
    if side is None:
        return ""  # it fails in float32 too
    view = private_view(network).to(device, dtype)
    if network.takes_channels_last:
        view.to(memory_format=torch.channels_last)
    images = noise(view, len(network.mean), side).to(dtype).requires_grad_()
    try:
        value = network.resolve("output").read(view(images.clone()))
        (slope,) = torch.autograd.grad(value.float().sum(), images)
    except Exception as error:  # the module's own code may raise anything
        return complaint(error)
    return "" if value.isfinite().all() and slope.isfinite().all() else "it gives no finite numbers"
