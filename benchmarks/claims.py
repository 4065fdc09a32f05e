"""Claims that are right or wrong: every unit alive, conv1 exact, the same bits in any batch."""

import torch
from tqdm import tqdm

import featviz as fv
from featviz.ascent.recipes import EXACT
from featviz.measures import pictures
from featviz.microscope.views import GRAY_BELOW
from featviz.network.network import Network


def alive(network: Network) -> None:
    """Prints how many units' images are gray."""
    print("\nGray images after the default number of steps")
    for kind, spec in (("channels", fv.Channel), ("center neurons", fv.Neuron)):
        gray = total = 0
        for layer in network.layers:
            objectives = [spec(layer, unit) for unit in range(network.units(layer))]
            for first in tqdm(range(0, len(objectives), 64), desc=f"{kind} {layer}", leave=False):
                images = fv.maximize(network, objectives[first : first + 64], progress=False).images
                gray += int((pictures.contrast(images) < GRAY_BELOW).sum())
            total += len(objectives)
        print(f"{kind:<16}{gray} of {total:,}", flush=True)


def exact(network: Network) -> None:
    """Prints what part of conv1's exact maximum the recipe for it reaches."""
    neurons = [fv.Neuron("conv1", unit) for unit in range(network.units("conv1"))]
    result = fv.maximize(network, neurons, recipe=EXACT, progress=False)
    images = pictures.to_bytes(result.images)
    weights = network.module.get_parameter("features.0.weight").detach()
    slope = weights / weights.new_tensor(network.std).view(3, 1, 1)
    floor = network.module.get_parameter("features.0.bias").detach()
    floor = floor - (slope * slope.new_tensor(network.mean).view(3, 1, 1)).flatten(1).sum(1)
    share = fv.evaluate(network, neurons, images) / (floor + slope.clamp(min=0).flatten(1).sum(1))
    print(f"\nconv1 neurons reach {share.min():.4%} of the exact maximum for the worst filter")


def same_bits(network: Network) -> None:
    """Prints whether an image depends on its batch."""
    print("\nOther batches and orders give")
    for kind, spec in (("channels", fv.Channel), ("center neurons", fv.Neuron)):
        objectives = [spec("conv5", unit) for unit in range(9)]
        whole = fv.maximize(network, objectives, steps=16, progress=False).images
        for name, batch in (("alone", 1), ("in fours", 4)):
            other = fv.maximize(network, objectives[::-1], steps=16, batch=batch, progress=False)
            same = torch.equal(whole, other.images.flip(0))
            print(f"{kind:<16}{name:<10}{'the same bits' if same else 'OTHER BITS'}", flush=True)
