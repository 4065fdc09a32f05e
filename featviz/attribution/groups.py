"""What a layer says of a photo in terms of its units: the strongest, the decisive, and groups."""

from dataclasses import dataclass

import torch
from sklearn.decomposition import NMF
from torch import Tensor

from featviz.attribution.attribute import as_objective
from featviz.attribution.probe import Probe, check_photo
from featviz.network.inputs import Images, check_images
from featviz.network.network import AFTER_RELU, Network
from featviz.network.passes import own_mode
from featviz.network.values import activations
from featviz.objectives.algebra import Objective
from featviz.objectives.units import Direction

ROUNDS = 1000
"""Most rounds of the factorization: five times scikit-learn's default, which layers of a hundred
units and more exceed."""


@dataclass(frozen=True, eq=False)
class Strongest:
    """The strongest units at each place of a photo: a semantic dictionary.

    Attributes:
        layer: The layer.
        units: (h, w, k) indices of units, strongest first.
        values: (h, w, k) their values.
    """

    layer: str
    units: Tensor
    values: Tensor


@dataclass(frozen=True, eq=False)
class Groups:
    """Units that answer together, found by non-negative matrix factorization.

    Attributes:
        layer: The layer.
        maps: (N, groups, h, w) how strongly each group answers at each place of each photo.
        directions: (groups, units) each group's units, as vectors of length 1.
        explained: Share of the layer's squared activation that the groups make up, 0 to 1.
    """

    layer: str
    maps: Tensor
    directions: Tensor
    explained: float

    @property
    def objectives(self) -> tuple[Direction, ...]:
        """One objective per group, before the ReLU, to visualize it with `maximize`."""
        layer = self.layer.removesuffix(AFTER_RELU)
        return tuple(Direction(layer, tuple(vector)) for vector in self.directions.tolist())


def strongest(network: Network, photo: Images, layer: str, count: int = 5) -> Strongest:
    """Finds the strongest units at each place of a photo.

    Source: C. Olah et al., "The Building Blocks of Interpretability", Distill 2018, section "What
    does the network see?".

    Args:
        network: The network.
        photo: (3, H, W) in [0, 1].
        layer: The layer's name.
        count: How many units per place.

    Returns:
        The units and their values.

    Raises:
        ValueError: An unknown layer, one without a map, a photo too small for the network, or more
            units asked for than the layer has.
    """
    units = network.units(layer)
    if not 1 <= count <= units:
        raise ValueError(f"{layer} of {network.name} has {units} units, so count is 1 to {units}.")
    check_photo(network, photo)
    value = activations(network, photo, layer)[0]
    if value.ndim != 3:
        raise ValueError(f"{layer} of {network.name} has no map whose places have strongest units.")
    values, indices = value.topk(count, dim=0)
    return Strongest(layer, indices.permute(1, 2, 0).cpu(), values.permute(1, 2, 0).cpu())


@own_mode()
def channel_attribution(
    network: Network, photo: Images, objective: Objective | str | int, layer: str
) -> Tensor:
    """Tells how much each unit of a layer speaks for an objective: gradient times value, summed.

    Source: C. Olah et al., "The Building Blocks of Interpretability", Distill 2018, section "How
    are concepts assembled?".

    Args:
        network: The network.
        photo: (3, H, W) in [0, 1].
        objective: An objective or its text form, or the name or index of a class.
        layer: A layer that the objective depends on.

    Returns:
        (units,) signed, to first order in the objective's unit.

    Raises:
        ValueError: As `featviz.attribution.attribute.attribute` does.
    """
    probe = Probe(network, check_images(photo), as_objective(network, objective), layer)
    parts = (probe.slope * probe.value)[0]
    return parts.reshape(len(parts), -1).sum(1).cpu()


def find_groups(
    network: Network, photos: Images, layer: str, count: int = 6, seed: int = 0
) -> Groups:
    """Factorizes a layer's values on photos into a few groups of units that answer together.

    Source: D. Lee, H. Seung, "Learning the parts of objects by non-negative matrix factorization",
    Nature 1999; for networks Olah et al., "The Building Blocks of Interpretability", Distill 2018,
    section "Making things human-scale".

    Args:
        network: The network.
        photos: (N, 3, H, W) in [0, 1]; the groups are shared by all of them.
        layer: The layer's name; its values are rectified.
        count: How many groups.
        seed: Where the starting point's randomness comes from.

    Returns:
        The groups, the largest first.

    Raises:
        ValueError: An unknown layer, one without a map, or more groups than it has units or places.
    """
    value = activations(network, photos, layer).relu().cpu()
    if value.ndim != 4:
        raise ValueError(f"{layer} of {network.name} has no map whose places could be grouped.")
    number, units, height, width = value.shape
    places = number * height * width
    if not 1 <= count <= min(units, places):
        raise ValueError(
            f"{layer} of {network.name} has {units} units at {places} places of these photos, so "
            f"count is 1 to {min(units, places)}."
        )
    table = value.permute(0, 2, 3, 1).reshape(-1, units)
    model = NMF(count, init="nndsvda", random_state=seed, max_iter=ROUNDS, tol=1e-3)
    amounts = torch.from_numpy(model.fit_transform(table.numpy())).float()
    vectors = torch.from_numpy(model.components_).float()
    lengths = vectors.norm(dim=1).clamp(min=torch.finfo().tiny)
    amounts = amounts * lengths
    order = amounts.square().sum(0).argsort(descending=True)
    maps = amounts[:, order].view(number, height, width, count).permute(0, 3, 1, 2)
    rest = (table - amounts @ (vectors / lengths[:, None])).square().sum()
    share = 1 - (rest / table.square().sum().clamp(min=torch.finfo().tiny)).item()
    return Groups(layer, maps.contiguous(), (vectors / lengths[:, None])[order], share)
