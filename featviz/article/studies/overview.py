"""The overview: the whole story in two ladders."""

from featviz.article.bridge.values import Values
from featviz.article.studies.shared import (
    PER_LAYER,
    alexnet,
    channel,
    evenly,
    in_field,
    shared_channels,
    shared_neurons,
    unit_link,
)
from featviz.figures import Figure, Rung, ladder


def neurons() -> Figure:
    """One neuron's favorite image per unit, as large as what it sees."""
    net = alexnet()
    rungs = []
    for layer in net.layers:
        labels = [f"{layer}:{unit}" for unit in evenly(layer)]
        images = in_field(layer, shared_neurons(layer).images)
        links = [unit_link(layer, unit, root="") for unit in evenly(layer)]
        rungs.append(Rung(layer, net.receptive_field(layer).size, images, labels, links))
    return ladder(
        rungs,
        id="neurons",
        alt="Five rows of images, from striped patches of 11 pixels at conv1 to intricate shapes of "
        "163 pixels at conv5",
        caption="The <strong>same units as neurons</strong>: now one place of the map counts, and the image fills "
        "the part of the neuron's field that it uses. <em>True to scale</em> outlines the whole field around it. Deep down, "
        "the neuron wants one of what the channel repeats; in conv2 it can be another image, because "
        "overlapping fields want different things of the same pixel. conv1 reads the image itself: its picture is its filter, "
        "with each octave brought to the energy that the bound allows.",
        width="page",
    )


def channels() -> Figure:
    """What a whole channel wants: the same units, everywhere in the image at once."""
    net = alexnet()
    rungs = []
    for layer in net.layers:
        labels = [str(channel(layer, unit)) for unit in evenly(layer)]
        images = shared_channels(layer).images
        links = [unit_link(layer, unit, root="") for unit in evenly(layer)]
        rungs.append(Rung(layer, net.receptive_field(layer).size, images, labels, links))
    return ladder(
        rungs,
        id="channels",
        alt="Five rows of textures: stripes at conv1, weaves at conv2, repeated curls and eyes at "
        "conv3 and conv4, repeated parts at conv5",
        caption=f"What {PER_LAYER} channels of each layer want to see, <strong>shallow to deep</strong>. "
        "Each image was found by gradient ascent from noise, with the same steps and seed for all layers. "
        "Read it from top to bottom: stripes and color; weaves and checks; repeated curls and rings; parts set in a "
        "texture; heads and things. conv3 and conv4 differ least. Point at a tile or walk with the arrow keys; <em>true to "
        "scale</em> leaves of each texture what one unit sees. The units are spread evenly over each layer; nobody picked "
        "them. conv1 is asked behind its ReLU, because before it the mean's best image is a pattern of the stride, and "
        "climbs by steps along the plain gradient.",
        width="page",
    )


def numbers() -> Values:
    """The counts and sizes that the text quotes."""
    net = alexnet()
    fields = {layer: net.receptive_field(layer).size for layer in net.layers}
    return Values(
        layers=len(net.layers),
        units=f"{sum(net.units(layer) for layer in net.layers):,}",
        shown=PER_LAYER,
        first_field=fields["conv1"],
        last_field=fields["conv5"],
    )
