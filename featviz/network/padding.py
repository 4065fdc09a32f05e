"""Which places of a layer's map have their whole receptive field inside the image."""

from featviz.network.network import Network
from featviz.network.receptive_fields import ReceptiveField


def unpadded_places(network: Network, layer: str, size: int) -> range:
    """Returns the positions along one axis whose receptive field lies inside the image.

    Args:
        network: The network.
        layer: The layer's name.
        size: Side of the image in pixels.

    Returns:
        Their indices; all other positions see zero padding.
    """
    return places_inside(network.receptive_field(layer), network.shape(layer, size)[-1], size)


def places_inside(field: ReceptiveField, count: int, size: int) -> range:
    """Returns which positions along one axis have their whole field inside the image.

    Args:
        field: The receptive field.
        count: Positions along the axis.
        size: Pixels of the image along it.

    Returns:
        Their indices; none if the image holds no whole field.
    """
    inside = [at for at in range(count) if field.span(at)[0] >= 0 and field.span(at)[1] <= size]
    return range(inside[0], inside[-1] + 1) if inside else range(0)
