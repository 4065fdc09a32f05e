"""How the pictures look, in numbers: contrast and color, and what another network recognizes."""

import statistics
import time
import warnings
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

import featviz as fv
from benchmarks.speed import channels
from featviz import photos
from featviz.ascent.effective_field import used_field
from featviz.ascent.recipes import HIGHEST, HIGHEST_NEURON, STANDARD
from featviz.measures import pictures
from featviz.measures.patches import find_examples
from featviz.measures.two_choice import seen_by, two_choice
from featviz.microscope.build import SEARCHED, Microscope
from featviz.microscope.findings import PATCH_SIDE, PATCHES
from featviz.microscope.views import CHANNEL, NEURON
from featviz.network.network import Network, reads_image

CROP = 128
"""Side in pixels of the crops of photographs that pictures are compared with."""

JUDGE_LAYERS = ("conv2", "conv3", "conv4", "conv5")
"""Layers whose pictures another network is asked about."""

JUDGE, EYE, JUDGE_SIDE = "squeezenet", "features.12", 128
"""The network, its last layer before the classes, and the side in pixels that it sees all at."""


def contrast_and_color(count: int) -> None:
    """Prints contrast, share of pixels at an end and saturation of the default's pictures."""
    print(
        "\nContrast (median), share of pixels at 0 or 1 and saturation (means) of default pictures"
    )
    print(f"{'':<30}{'contrast':>10}{'at an end':>11}{'saturation':>12}")
    crops = []
    for name in photos.samples():
        image = photos.load(name).image
        down, across = (side // CROP * CROP for side in image.shape[1:])
        tiles = image[:, :down, :across].unfold(1, CROP, CROP).unfold(2, CROP, CROP)
        crops.append(tiles.permute(1, 2, 0, 3, 4).flatten(0, 1))
    _look("photographs", torch.cat(crops))
    for network, every in ((fv.load("alexnet"), 1), (fv.load("squeezenet"), 6)):
        for layer in network.layers[::every]:
            total = network.units(layer)
            units = [index * total // count for index in range(count)]
            source = f"{layer}:relu" if reads_image(network, layer) else layer
            objectives = [fv.Channel(source, unit) for unit in units]
            result = fv.maximize(network, objectives, progress=False)
            _look(f"{network.name} {layer}", pictures.to_bytes(result.images))


def _look(name: str, images: Tensor) -> None:
    contrast = pictures.contrast(images).median().item()
    ends = ((images <= 0) | (images >= 1)).float().mean().item()
    colors = (images.amax(1) - images.amin(1)).mean().item()
    print(f"{name:<30}{contrast:>10.3f}{ends:>11.2%}{colors:>12.3f}", flush=True)


def recognition(network: Network) -> None:
    """Prints how often another network chooses a picture's photographs, before and now."""
    print(
        f"\n{JUDGE}'s right choices, %, all units; the default before this bound against today's,"
    )
    print(f"channels on the same canvas of {CROP} px")
    print(f"{'':<18}{'before':>8}{'today':>8}{'difference, 95 %':>26}")
    scope = Microscope(network)
    for layer in JUDGE_LAYERS:
        units = range(network.units(layer))
        field, part = network.receptive_field(layer), used_field(network, layer)
        patches = {side: _seen_patches(network, layer, side) for side in {field.size, part.size}}
        neurons = [fv.Neuron(layer, unit) for unit in units]
        whole = _climb(network, neurons, size=field.canvas(), recipe=HIGHEST_NEURON, steps=32)
        # On one canvas: the judge sees a larger one's patterns smaller.
        both = [fv.Channel(layer, unit) for unit in units]
        loud = _climb(network, both, size=CROP, recipe=HIGHEST, steps=CHANNEL.steps)
        calm = _climb(network, both, size=CROP, recipe=STANDARD, steps=CHANNEL.steps)
        # Today's neurons are the microscope's, from the store where they are there.
        middle = torch.from_numpy(scope.pictures(layer, NEURON).images[:, 0]).float() / 255
        first, end = field.span(network.shape(layer, field.canvas())[-1] // 2)
        whole = whole[..., first:end, first:end]
        for name, before, today in (
            ("neuron", (whole, field.size), (middle, part.size)),
            ("channel", (loud, field.size), (calm, part.size)),
        ):
            old, new = (
                two_choice(_features(pictures), patches[side]) for pictures, side in (before, today)
            )
            apart = 100 * (new - old)
            half = 1.96 * apart.std().item() / len(apart) ** 0.5
            middle_of = apart.mean().item()
            print(
                f"{layer} {name:<12}{100 * old.mean():>8.1f}{100 * new.mean():>8.1f}"
                f"{middle_of:>12.1f} ({middle_of - half:.1f} to {middle_of + half:.1f})",
                flush=True,
            )


def _climb(network: Network, objectives: Sequence[fv.Objective], **options: object) -> Tensor:
    parts = [
        fv.maximize(network, objectives[first : first + 64], progress=False, **options).images  # type: ignore[arg-type]
        for first in tqdm(range(0, len(objectives), 64), desc=str(objectives[0]), leave=False)
    ]
    return pictures.to_bytes(torch.cat(parts))


def _seen_patches(network: Network, layer: str, side: int) -> Tensor:
    """What the judge sees in the photographs' strongest patches, cut to a side: (units, D)."""
    photographs = [photos.load(name) for name in SEARCHED]
    examples = find_examples(network, layer, photographs, count=PATCHES, progress=False).found
    by_name = {photo.name: photo.image for photo in photographs}
    features = []
    for unit in range(network.units(layer)):
        boxes = [(by_name[one.photo], _middle(one.box, side)) for one in examples[unit]]
        patches = torch.stack([_cut(image, box, network.mean) for image, box in boxes])
        features.append(_features(patches).mean(0))
    return torch.stack(features)


def _middle(box: tuple[int, int, int, int], side: int) -> tuple[int, int, int]:
    top, left, bottom, _ = box
    rim = (bottom - top - side) // 2
    return top + rim, left + rim, side


def _cut(image: Tensor, box: tuple[int, int, int], color: Sequence[float]) -> Tensor:
    top, left, side = box
    patch = image.new_tensor(color).view(3, 1, 1).repeat(1, side, side)
    rows = slice(max(0, top), min(image.shape[1], top + side))
    columns = slice(max(0, left), min(image.shape[2], left + side))
    inside = image[:, rows, columns]
    down, across = rows.start - top, columns.start - left
    patch[:, down : down + inside.shape[1], across : across + inside.shape[2]] = inside
    return patch


def _features(images: Tensor) -> Tensor:
    """What the judge sees, through the same resolution for pictures and photographs."""
    for side in (min(PATCH_SIDE, images.shape[-1]), JUDGE_SIDE):
        images = F.interpolate(
            images, side, mode="bilinear", align_corners=False, antialias=True
        ).clamp(0, 1)
    return seen_by(fv.load(JUDGE), EYE, images)


def others(network: Network, count: int) -> None:
    """Prints scores, look and time of other libraries at their defaults, beside ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from benchmarks.others import LIBRARIES, Library  # they silence and seed the whole process
    print("\nOther libraries at their defaults; images scored at 128 px, clean / robust, medians")
    print(
        f"{'layer':<7}{'library':<22}{'units':>6}{'steps':>7}{'s/unit':>9}{'scores':>15}{'contrast':>10}"
    )
    ours = Library("featviz", STANDARD.steps, _default)
    for layer in ("conv2", "conv5"):
        units = channels(network, layer, count)
        objectives = [fv.Channel(layer, unit) for unit in units]
        for library in (ours, *LIBRARIES):
            runs = [library.visualize(network, layer, unit) for unit in units]
            images = pictures.to_bytes(torch.stack([_at(CROP, image) for image, _ in runs]))
            clean = fv.evaluate(network, objectives, images).median().item()
            robust = pictures.robust_values(network, objectives, images).median().item()
            seconds = statistics.median(seconds for _, seconds in runs)
            print(
                f"{layer:<7}{library.name:<22}{len(units):>6}{library.steps:>7}{seconds:>9.1f}"
                f"{f'{clean:.1f} / {robust:.1f}':>15}{pictures.contrast(images).median():>10.3f}",
                flush=True,
            )


def _default(network: Network, layer: str, unit: int) -> tuple[Tensor, float]:
    start = time.perf_counter()
    result = fv.maximize(network, fv.Channel(layer, unit), progress=False)
    return result.images[0], time.perf_counter() - start


def _at(side: int, image: Tensor) -> Tensor:
    picture = F.interpolate(image[None], side, mode="bilinear", antialias=True)[0]
    return picture.clamp(0, 1)  # rounding
