"""The overview: the whole story in two ladders."""

from featviz.figures import Figure, Rung, ladder
from featviz.site.values import Values
from featviz.studies.bench import (
    PER_LAYER,
    alexnet,
    evenly,
    in_field,
    shared_channels,
    shared_neurons,
    unit_link,
)


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
        "that neuron's receptive field. <em>True to scale</em> shows how small the first fields are. Deep down, "
        "the neuron wants one of what the channel repeats; in conv1 and conv2 it can be another image, because "
        "overlapping fields want different things of the same pixel. Every pixel of conv1 goes to one end of its "
        "range, even where its weight is nearly zero; hence the speckled corners.",
        width="page",
    )


def channels() -> Figure:
    """What a whole channel wants: the same units, everywhere in the image at once."""
    net = alexnet()
    rungs = []
    for layer in net.layers:
        labels = [f"{layer}:{unit}" for unit in evenly(layer)]
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
        "texture; heads and things. conv3 and conv4 differ least. Point at a tile or walk with the arrow keys. The "
        "units are spread evenly over each layer; nobody picked them.",
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
