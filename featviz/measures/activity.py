"""How busy units are on photographs."""

from collections.abc import Sequence
from contextlib import closing

from torch import Tensor

from featviz.measures.surveyor import Surveyor
from featviz.measures.tallies import Activity
from featviz.network.inputs import check_images
from featviz.network.network import Network
from featviz.store import Store


def measure_activity(
    network: Network, layers: Sequence[str], images: Sequence[Tensor]
) -> dict[str, Activity]:
    """Measures how busy the units of layers are on photographs, in one pass of each photograph.

    Args:
        network: The network.
        layers: The layers' names, without ":relu".
        images: Photographs (3, H, W) in [0, 1], of any sizes; neighbors of one size are faster.

    Returns:
        Layer -> its activity, on the processor. Places whose field reaches over the border of the
        photograph don't count.

    Raises:
        ValueError: There is no photograph, or one holds no whole field of a layer, or is none.
    """
    if not images:
        raise ValueError("there are no photographs to measure: give at least one.")
    images = [check_images(image)[0] for image in images]
    surveyor = Surveyor(
        network,
        tuple(layers),
        size=None,
        count=1,
        correlations=False,
        device=str(images[0].device),
        store=Store(),
    )
    for height, width in {image.shape[-2:] for image in images}:
        for layer, places in surveyor.inside(height, width).items():
            if not all(places):
                raise ValueError(
                    f"a photo of {width} x {height} px holds no whole field of {layer}, whose "
                    f"units see {network.receptive_field(layer).size} px."
                )
    with closing(surveyor.tallied(enumerate(images))) as passes:
        for tallies, _ in passes:
            latest = tallies
    return {layer: tally.activity for layer, tally in latest.items()}
