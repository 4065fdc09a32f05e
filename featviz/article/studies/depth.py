"""Chapter 6: shallow and deep on equal terms, in numbers, beside a network that learned nothing."""

import math
from collections.abc import Callable
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from featviz import photos
from featviz.article.bridge.values import Values
from featviz.article.studies.microscope import scope
from featviz.article.studies.shared import (
    PER_LAYER,
    SEED,
    alexnet,
    evenly,
    maximize,
    plain,
    shared_channels,
    shared_neurons,
)
from featviz.ascent.recipes import STANDARD, Adam, Recipe
from featviz.ascent.score import evaluate
from featviz.figures import Figure, Series, compare, curves, dots, grid, table
from featviz.images.fourier import Fourier, radial_frequencies
from featviz.measures.statistics import Interval, difference, interval
from featviz.microscope import findings
from featviz.microscope.build import Microscope
from featviz.microscope.findings import SEARCHED
from featviz.microscope.views import NEURON
from featviz.network.controls import initialized, shuffled
from featviz.network.network import Network
from featviz.network.values import activations
from featviz.objectives.resemblance import Resemblance

DRAWS = 5
"""How often each network that has learned nothing is drawn, for activity."""

ANGLES = (0, 5, 10, 15, 20, 30, 45, 60, 90)
"""Degrees that an image is turned by."""

REMEMBERED = "chelsea"
"""The photograph that is rebuilt from each layer."""

CANVAS = 160
"""Side in pixels of the rebuilt photograph."""

REBUILD = Recipe(Fourier(decay=1.0), (), Adam(rate=0.1, momentum=(0.9, 0.999), tail=0.5), 160)
"""How a photograph is rebuilt: no transforms, as every pixel has its place."""


CONTROLS: dict[str, Callable[[Network, int], Network]] = {
    "shuffled": shuffled,
    "initialized": initialized,
}
"""Networks that have learned nothing: numbers of the same sizes, and the architecture by itself."""


@cache
def control() -> Network:
    """Returns AlexNet with every weight tensor shuffled: the same numbers, nothing learned."""
    return shuffled(alexnet(), SEED)


def inversion() -> Figure:
    """One photograph, rebuilt from what each layer has kept of it."""
    photo = photos.load(REMEMBERED, CANVAS).image
    layers = alexnet().layers
    rows = [[photo, *_rebuilt(net)] for net in (alexnet(), control())]
    left = {name: _left_over(net) for name, net in (("ours", alexnet()), ("twin", control()))}
    return grid(
        ["AlexNet", "shuffled weights"],
        ["photo", *layers],
        rows,
        id="inversion",
        alt="A cat, and the images that each layer cannot tell from it: nearly the photograph at conv1, "
        "a cat-like arrangement of textures at conv5",
        caption="Each image gives its layer <strong>nearly the same values as the photograph</strong> does: "
        f"they differ by {left['ours'].min():.0%} to {left['ours'].max():.0%} of their length. "
        "Conv1 keeps almost everything; deeper layers keep what kind of thing is where, and let go of exact edges "
        "and colors. Below, the same for a network with shuffled weights, where "
        f"{left['twin'].min():.0%} to {left['twin'].max():.0%} are left: what is missing there was lost by random "
        "filters, pooling and striding, or not found by ascent. From conv3 on AlexNet still gives a face, the other noise. "
        f"Photograph: {photos.load(REMEMBERED).attribution}.",
    )


def overlaid() -> Figure:
    """The photograph and what a layer has kept of it, under one slider."""
    layers = alexnet().layers
    return compare(
        photos.load(REMEMBERED, CANVAS).image,
        list(_rebuilt(alexnet())),
        "photograph",
        layers,
        id="overlaid",
        alt="a tabby cat's face",
        caption="<strong>Hold the two against each other.</strong> Choose a layer and move the edge: left is the photograph, "
        "right what the layer cannot tell from it. Follow the outline of the eye from conv1 to conv5.",
    )


@cache
def _rebuilt(net: Network) -> Tensor:
    """(layers, 3, CANVAS, CANVAS) the photograph, rebuilt from each layer of a network."""
    photo = photos.load(REMEMBERED, CANVAS).image
    targets = activations(net, photo, net.layers)
    wanted = [Resemblance(layer, targets[layer][0]) for layer in net.layers]
    return maximize(wanted, net=net, size=CANVAS, recipe=REBUILD).images


def _left_over(net: Network) -> Tensor:
    """(layers,) distance of the rebuilt photograph's values from the photograph's, by their length."""
    photo = photos.load(REMEMBERED, CANVAS).image
    targets = activations(net, photo, net.layers)
    distances = [
        (activations(net, image, layer) - targets[layer]).norm() / targets[layer].norm()
        for layer, image in zip(net.layers, _rebuilt(net), strict=True)
    ]
    return torch.stack(distances)


def detail() -> Figure:
    """How fine the channels' pictures are."""
    layers = alexnet().layers
    values = {"AlexNet": alexnet(), "shuffled weights": control()}
    return dots(
        layers,
        {
            name: [_fineness(net, layer).tolist() for layer in layers]
            for name, net in values.items()
        },
        "mean frequency, cycles per pixel",
        id="detail",
        alt="Dots per layer: the mean frequency of the channels' pictures",
        caption=f"How fine the pictures of {PER_LAYER} channels per layer are: the mean spatial frequency of their "
        "brightness, weighted by amplitude. One dot is one channel; bars mark the median, lines the middle half. "
        "Neither network's pictures grow coarser with depth: that is not learned.",
    )


def exaggeration() -> Figure:
    """How far synthetic images exceed the best natural ones."""
    layers = alexnet().layers
    return dots(
        layers,
        {"neurons": [_exaggeration(layer) for layer in layers]},
        "synthetic over best natural activation",
        id="exaggeration",
        alt="Dots per layer on a logarithmic scale: the ratio grows with depth",
        caption="How far a neuron's synthetic image takes it above its value for plain gray, divided by how far the best place of "
        f"{len(SEARCHED)} photographs does; all neurons of each layer, images of the microscope, {NEURON.steps} steps of ascent. "
        "Bars mark the median, lines the middle half. "
        "<strong>The deeper the layer, the further its favorite image lies from photographs.</strong>",
        log_y=True,
    )


def turning() -> Figure:
    """What a turn leaves of a neuron's answer to its own favorite image."""
    layers = alexnet().layers
    series = {}
    left = [100 * _turned(layer)[:, ANGLES.index(45)].mean().item() for layer in layers]
    for layer in layers:
        kept = 100 * _turned(layer)
        bounds = [interval(column) for column in kept.T.tolist()]
        series[layer] = Series(
            ANGLES,
            [bound.mean for bound in bounds],
            [bound.low for bound in bounds],
            [bound.high for bound in bounds],
        )
    return curves(
        series,
        "turned by, degrees",
        "activation left, %",
        id="turning",
        alt="Lines falling with the angle, one per layer",
        caption=f"Each of {PER_LAYER} neurons per layer looks at its own favorite image while that is turned. "
        "Lines are means, bands their 95% intervals over neurons. "
        f"<strong>No layer ignores a turn</strong>: at 45° between {min(left):.0f} and {max(left):.0f}% "
        "of the answer are left, in shallow and in deep layers alike.",
    )


def scorecard() -> Figure:
    """All measures in one table, with intervals and the control."""
    layers = alexnet().layers
    active = {layer: _active(alexnet(), layer) for layer in layers}
    drawn = {kind: {layer: _drawn(kind, layer) for layer in layers} for kind in CONTROLS}
    fine, mixed = ({la: 100 * _fineness(n, la) for la in layers} for n in (alexnet(), control()))
    ratios = {layer: np.median(_exaggeration(layer)) for layer in layers}

    def row(name: str, tell: Callable[[str], str]) -> tuple[str, ...]:
        return (name, *map(tell, layers))

    rows = [
        row("receptive field, px", lambda la: str(alexnet().receptive_field(la).size)),
        row("positions active, %", lambda la: _told(interval(active[la]))),
        *(
            row(f"positions active, %, {kind}", lambda la, of=of: _told(interval(of[la])))  # type: ignore[misc]
            for kind, of in drawn.items()
        ),
        row(
            "positions active, AlexNet less initialized",
            lambda la: _told(difference(active[la], drawn["initialized"][la])),
        ),
        row("frequency, cycles per 100 px", lambda la: _told(interval(fine[la]))),
        row("frequency, shuffled", lambda la: _told(interval(mixed[la]))),
        row("frequency, AlexNet less shuffled", lambda la: _told(difference(fine[la], mixed[la]))),
        row("left after a turn of 20°, %", lambda la: _told(interval(100 * _left(la)))),
        row("synthetic over natural, median", lambda la: f"{ratios[la]:.1f}"),
    ]
    return table(
        rows,
        ["measure", *layers],
        id="scorecard",
        alt="Table of measures per layer with intervals",
        caption="The scorecard. Numbers in brackets are 95% intervals: over units, and for the activity of the networks that learned nothing over "
        f"{DRAWS} draws of each; the shuffled network of the frequencies is one. <strong>Where the interval of a "
        "difference holds 0, what we see may be the architecture, not what was learned.</strong>",
        width="page",
    )


def untrained() -> Figure:
    """The control for the eye: the same pictures of a network that learned nothing."""
    layers = alexnet().layers
    rows = []
    for net in (alexnet(), control()):
        rows.append([shared_channels(layer, net).images[i] for layer in layers for i in (2, 6)])
    return grid(
        ["AlexNet", "shuffled weights"],
        [f"{layer}:{evenly(layer)[i]}" for layer in layers for i in (2, 6)],
        rows,
        id="untrained",
        alt="Ten channels' pictures of AlexNet above those of the same network with shuffled weights",
        caption="The same method on the same network with its weights shuffled. <strong>Whatever you can name in "
        "the lower row is in your eye or in the method</strong>, for nothing was learned there.",
    )


def numbers() -> Values:
    """What the text quotes."""
    ratios = {layer: np.median(_exaggeration(layer)) for layer in ("conv1", "conv5")}
    short, long = _longer("conv5")
    left = {layer: 100 * _left(layer).mean().item() for layer in ("conv2", "conv5")}
    active = {layer: _active(alexnet(), layer).mean().item() for layer in ("conv1", "conv5")}
    drawn = {
        kind: [_drawn(kind, layer).mean().item() for layer in alexnet().layers] for kind in CONTROLS
    }
    return Values(
        units=PER_LAYER,
        photographs=len(SEARCHED),
        ratio_first=f"{ratios['conv1']:.1f}",
        ratio_last=f"{ratios['conv5']:.1f}",
        ratio_steps=NEURON.steps,
        ratio_short=f"{short:.1f}",
        ratio_long=f"{long:.1f}",
        long_steps=STANDARD.steps,
        left_conv2=f"{left['conv2']:.0f}",
        left_conv5=f"{left['conv5']:.0f}",
        active_first=f"{active['conv1']:.0f}",
        active_last=f"{active['conv5']:.0f}",
        draws=DRAWS,
        shuffled_active=", ".join(f"{share:.0f}" for share in drawn["shuffled"]),
        initial_low=f"{min(drawn['initialized']):.0f}",
        initial_high=f"{max(drawn['initialized']):.0f}",
    )


@cache
def _fineness(net: Network, layer: str) -> Tensor:
    """(PER_LAYER,) mean frequency of the channels' pictures in cycles per pixel."""
    gray = shared_channels(layer, net).images.mean(1)
    amplitude = torch.fft.rfft2(gray - gray.mean((1, 2), keepdim=True)).abs()
    frequency = radial_frequencies(*gray.shape[-2:])
    mean: Tensor = (amplitude * frequency).sum((1, 2)) / amplitude.sum((1, 2))
    return mean


@cache
def _exaggeration(layer: str) -> NDArray[np.float64]:
    """(units,) synthetic over best natural activation, both less that for plain gray.

    Without gray a bias, which any image gets, would count for both.
    """
    return _above_gray(layer, scope().pictures(layer, NEURON).values[:, 0])


def _above_gray(layer: str, reached: NDArray[np.float32]) -> NDArray[np.float64]:
    found = findings.find_patches(scope(), layer)
    assert found is not None  # every layer sees less than the sample photographs show
    gray = plain(layer).numpy().astype(np.float64)
    return (reached - gray) / (found.values[:, 0] - gray)


def _longer(layer: str) -> tuple[float, float]:
    """Medians of the ratio of the units that all chapters share: as above, and at default steps."""
    units, reached = evenly(layer), scope().pictures(layer, NEURON).values[:, 0]
    longer = reached.copy()
    longer[units] = shared_neurons(layer).values.numpy()
    short, long = (np.median(_above_gray(layer, one)[units]) for one in (reached, longer))
    return float(short), float(long)


@cache
def _turned(layer: str) -> Tensor:
    """(PER_LAYER, angles) share of each neuron's activation that turning its image leaves."""
    net = alexnet()
    found = shared_neurons(layer)
    wanted, images = found.objectives, found.images
    values = [
        evaluate(net, wanted, _turn(images, angle, _middle(net, layer, images))) for angle in ANGLES
    ]
    return torch.stack(values, 1) / values[0][:, None]


def _middle(net: Network, layer: str, images: Tensor) -> float:
    """Where the central unit's field has its middle, in pixels."""
    field = net.receptive_field(layer)
    return field.start + field.stride * (net.shape(layer, images.shape[-1])[-1] // 2)


def _turn(images: Tensor, degrees: float, middle: float) -> Tensor:
    """Turns images around a point on their diagonal; mid-gray comes in from outside."""
    size = images.shape[-1]
    offset = (2 * middle + 1) / size - 1
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    # p -> R (p - c) + c, in coordinates from -1 to 1
    shift = [offset - (cosine - sine) * offset, offset - (sine + cosine) * offset]
    place = torch.tensor([[cosine, -sine, shift[0]], [sine, cosine, shift[1]]])
    grid_ = F.affine_grid(place.expand(len(images), 2, 3), list(images.shape), align_corners=False)
    return F.grid_sample(images - 0.5, grid_, align_corners=False) + 0.5


def _left(layer: str) -> Tensor:
    """(PER_LAYER,) share of the activation left after a turn of 20 degrees."""
    return _turned(layer)[:, ANGLES.index(20)]


@cache
def _active(net: Network, layer: str) -> Tensor:
    """(units,) percent of a layer's positions at which each unit is active."""
    found = findings.find_activity(Microscope(net), layer)
    assert found is not None  # every layer sees less than a photograph
    percent: Tensor = 100 * found.share
    return percent


@cache
def _drawn(kind: str, layer: str) -> Tensor:
    """(DRAWS,) percent of a layer's positions that are active, in networks that learned nothing."""
    return torch.stack([_active(net, layer).mean() for net in _draws(kind)])


@cache
def _draws(kind: str) -> tuple[Network, ...]:
    return tuple(CONTROLS[kind](alexnet(), SEED + draw) for draw in range(DRAWS))


def _told(found: Interval) -> str:
    digits = 0 if abs(found.mean) >= 10 else 1
    told = f"{found.mean:.{digits}f} ({found.low:.{digits}f} to {found.high:.{digits}f})"
    return told.replace("-", "\N{MINUS SIGN}")
