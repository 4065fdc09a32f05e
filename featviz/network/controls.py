"""Networks that have learned nothing, to hold findings against.

A shuffled network answers whether numbers of these sizes are enough for a finding, wherever they
stand: it suits a map that must not outlive what was learned. An initialized one answers what the
architecture does by itself, before any training: it suits whatever depends on how many units are
active, since layers of shuffled weights may be silent nearly everywhere, or nowhere.
"""

import copy
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from featviz.network.network import Network
from featviz.network.passes import device_of, own_mode


def shuffled(network: Network, seed: int, modules: Iterable[str] | None = None) -> Network:
    """Returns a network with shuffled weights: it has the same numbers and has learned nothing.

    Source: J. Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS 2018, section 4.1; with a
    permutation of each weight tensor in place of new random numbers, so that scales stay. Biases
    are shuffled too. Sums of such weights lean to one side, so that the layers of AlexNet are
    active at 43, 5, 19, 3 and 68 % of the positions of nine photographs (seed 0); with the biases
    in place it would be 42, 5, 19, 3 and 70 %. `initialized` has no such lean.

    Args:
        network: The network; it stays as it is.
        seed: Where the permutations come from.
        modules: Dotted names of the modules to shuffle; without it all.

    Returns:
        A network of the same layers and classes.

    Raises:
        ValueError: The network has no such module, or it has no weights.
    """
    generator = torch.Generator().manual_seed(seed)
    module = _copy(network)
    parts = [module] if modules is None else [_submodule(module, name) for name in modules]
    with torch.no_grad():
        for part in parts:
            for value in part.parameters():
                order = torch.randperm(value.numel(), generator=generator).to(value.device)
                value.copy_(value.flatten()[order].view_as(value))
    return network.around(module, f"{network.name}, shuffled")


@own_mode()
def initialized(network: Network, seed: int) -> Network:
    """Returns a network as PyTorch makes it before training: the architecture without the learning.

    Weights are drawn around 0, so that about half of all positions are active in every layer of
    AlexNet. They are drawn on the processor, by the modules' own `reset_parameters`.

    Args:
        network: The network; it stays as it is.
        seed: Where the initial weights come from.

    Returns:
        A network of the same layers and classes.

    Raises:
        ValueError: A parameter is drawn by no module's `reset_parameters`.
    """
    module = _copy(network).cpu()
    with torch.no_grad():
        for value in module.parameters():
            if value.is_floating_point():
                value.fill_(torch.nan)
    # The modules draw from the global generator only; it comes back as it was.
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(int(seed))  # graphics cards' streams stay as they are
        for child in module.modules():
            _call(child, "reset_parameters")
        # PyTorch's attention draws last, when its parts have been made.
        for child in reversed(list(module.modules())):
            _call(child, "_reset_parameters")
    for name, value in module.named_parameters():
        if value.isnan().any():
            raise ValueError(
                f"{name} of {network.name} is drawn by no reset_parameters, so it would stay as it "
                "was learned; `shuffled` is a control for every network."
            )
    return network.around(module.to(device_of(network.module)), f"{network.name}, untrained")


def _copy(network: Network) -> nn.Module:
    values = [value for child in network.module.modules() for value in vars(child).values()]
    # What pruning and weight norm have computed last is no leaf, and so can't be copied.
    inner = [value for value in values if isinstance(value, Tensor) and not value.is_leaf]
    return copy.deepcopy(network.module, {id(value): value.detach().clone() for value in inner})


def _call(module: nn.Module, method: str) -> None:
    if callable(reset := getattr(module, method, None)):
        reset()


def _submodule(module: nn.Module, name: str) -> nn.Module:
    part: nn.Module | None = dict(module.named_modules()).get(name)
    if part is None or next(part.parameters(), None) is None:
        raise ValueError(
            f"there is no module {name!r} with weights to shuffle; "
            f"list them with dict(network.module.named_modules())."
        )
    return part
