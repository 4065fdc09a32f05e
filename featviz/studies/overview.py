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
        caption=f"What {PER_LAYER} neurons of each layer want to see, <strong>shallow to deep</strong>. "
        "Each image was found by gradient ascent from noise and fills the neuron's receptive field. "
        "Read it from top to bottom: edges and color, then textures, then patterns, then things that "
        "look like parts of animals and objects. Point at a tile or walk with the arrow keys; "
        "<em>to scale</em> shows how small the first fields are. The units are spread evenly over "
        "each layer; nobody picked them.",
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
        caption="The <strong>same units as channels</strong>: now the image should excite the unit at "
        "every position at once, on 128 × 128 pixels, with the same steps and seed for all layers. "
        "What a neuron wanted once is repeated into a texture; the deeper the layer, the larger and "
        "the less regular the repeated piece.",
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
