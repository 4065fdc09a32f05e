"""Commands about some units: what layers there are, their images, what speaks for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from featviz.cli import common

if TYPE_CHECKING:
    from collections.abc import Sequence

    from featviz.ascent.result import Maximization
    from featviz.network.network import Network
    from featviz.objectives.algebra import Objective

LARGEST = 2048
"""Largest side in pixels of a picture that can be asked for: one takes about 2 GB to make."""

NEAR = 1000.0
"""How strongly an ascent holds on to its photo: a weight of `Resemblance`."""


@click.command(short_help="Lists the layers of a network.")
@click.argument("name", default="alexnet", metavar="[NETWORK]")
@common.weights
@common.as_json
def layers(request: common.Request, as_json: bool) -> None:
    """Lists the layers of NETWORK: units, and what one unit sees.

    \b
    NETWORK is
      alexnet  squeezenet                     bundled
      vgg16  resnet50  googlenet ...          torchvision's classifiers
      timm:legacy_xception                    timm's networks (featviz[timm])
      hf:microsoft/resnet-50  a/folder        Hugging Face's (featviz[huggingface])
      my_module.py:make_model                 what a function in a file returns

    \b
    Examples:
      featviz layers alexnet
      featviz layers squeezenet --json
      featviz layers vgg16 --download
      featviz layers resnet18 --weights my.safetensors
    """
    net = common.load(request)
    rows = [_row(net, layer) for layer in net.layers]
    if as_json:
        click.echo(json.dumps(rows))
        return
    width = max(map(len, ("layer", *net.layers)))
    click.echo(f"{'layer':<{width}}  units  sees px  every px")
    for row in rows:
        sees, stride = row["field"] or "all", row["stride"] or "-"
        click.echo(f"{row['layer']:<{width}}  {row['units']:>5}  {sees:>7}  {stride:>8}")


@click.command(short_help="Finds the images that excite units most.")
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="The picture.")
@click.option("--grid", type=click.IntRange(1), metavar="COLUMNS", help="Pictures to a row.")
@click.option("--steps", type=click.IntRange(1), help="Steps of ascent, if not the recipe's.")
@click.option("--size", type=click.IntRange(1, LARGEST), help="Side of each picture in pixels.")
@click.option("--highest", is_flag=True, help="Highest score, whatever the picture looks like.")
@click.option("--start", metavar="PHOTO", help="Start from a photo: what is seen in it?")
@click.option(
    "--near",
    type=click.FloatRange(0),
    help=f"With --start: how strongly the photo is held on to; {NEAR:g} without it.",
)
@common.seed
@common.network
@common.device
@common.as_json
def render(
    specs: tuple[str, ...],
    output: Path,
    grid: int | None,
    steps: int | None,
    size: int | None,
    highest: bool,
    start: str | None,
    near: float | None,
    seed: int,
    request: common.Request,
    device: str,
    as_json: bool,
) -> None:
    """Finds the image that excites each SPEC most and writes them to one file.

    \b
    A SPEC is
      conv5:12             a channel;  conv5:12@center  one neuron;  conv5:*  a layer
      "0.5*conv4:1 - conv4:2"          sums;  logit:espresso  a class (squeezenet)

    \b
    Examples:
      featviz render conv5:12 -o unit.png
      featviz render conv3:1 conv3:2 conv3:3 conv3:4 --grid 2 --steps 64 -o four.webp
      featviz render conv5:53 --start chelsea -o spotted.png
      featviz render -o not.png -- -conv5:12
      featviz render conv4_3:7 --network vgg16 --download -o vgg.png
    """
    common.check_output(output)
    if highest and start:
        raise click.UsageError("--highest starts from noise; leave it out, or --start.")
    if near is not None and not start:
        raise click.UsageError("--near holds on to a photo; name it with --start.")
    from featviz.ascent import recipes
    from featviz.ascent.climb import maximize
    from featviz.ascent.score import evaluate
    from featviz.objectives.text import as_objectives

    net = common.load(request)
    objectives = as_objectives(net, specs)
    options: dict[str, Any] = {"steps": steps, "seed": seed, "device": device}
    if start is None:
        recipe = recipes.HIGHEST if highest else None
        result = maximize(net, objectives, size=size, recipe=recipe, **options)
        values = result.values
    else:
        near = NEAR if near is None else near
        result = _accentuate(net, objectives, start, size or net.size, near, options)
        values = evaluate(net, objectives, result.images)
    if result.interrupted:
        common.say(f"{output} was not written: its pictures had not climbed to their end.")
        raise KeyboardInterrupt
    result.save(output, columns=grid)
    common.say(f"Wrote {output}")
    if as_json:
        entries = [
            {"spec": spec, "value": value}
            for spec, value in zip(specs, values.tolist(), strict=True)
        ]
        side = list(result.images.shape[-2:])
        click.echo(json.dumps({"file": str(output), "size": side, "seed": seed, "images": entries}))


def _accentuate(
    net: Network,
    objectives: Sequence[Objective],
    photo: str,
    side: int,
    near: float,
    options: dict[str, Any],
) -> Maximization:
    """What units see in a photograph: a climb that starts from it and is held near it."""
    from featviz import photos
    from featviz.ascent.climb import maximize
    from featviz.ascent.recipes import ACCENT
    from featviz.objectives.resemblance import Resemblance

    image = photos.load(photo, side).image
    targets = [objective + near * Resemblance("image", image) for objective in objectives]
    return maximize(net, targets, start=image, recipe=ACCENT, **options)


@click.command(short_help="Maps which places of a photo speak for a target.")
@click.argument("photo")
@click.option("--layer", required=True, help="Where to look: conv3, conv3:relu, image.")
@click.option("--target", help="What is explained: a SPEC as in render, or the name of a class.")
@click.option("--method", default="gradcam", show_default=True, help="See featviz.attribution.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The map over the photo.")
@click.option(
    "--size", type=click.IntRange(1), help="Side of the photo in pixels, if not what suits."
)
@common.seed
@common.network
@common.device
@common.as_json
def attribute(
    photo: str,
    layer: str,
    target: str | None,
    method: str,
    output: Path | None,
    size: int | None,
    seed: int,
    request: common.Request,
    device: str,
    as_json: bool,
) -> None:
    """Maps which places of PHOTO (a sample's name or a file) speak for a target.

    \b
    Examples:
      featviz attribute chelsea --layer conv3 --target conv5:53 -o cat.png
      featviz attribute my.jpg --network squeezenet --layer features.12 --target tabby --json
    """
    common.check_output(output, as_json=as_json)
    from featviz import photos
    from featviz.ascent.device import find_device
    from featviz.attribution.attribute import attribute as explain
    from featviz.figures import overlaid, save

    net = common.load(request)
    image = photos.load(photo, size or net.size).image
    objective = int(target) if target is not None and target.isdecimal() else target
    seen = image.to(find_device(device))
    attribution = explain(net, seen, objective, layer, method, seed=seed)
    if output is not None:
        save(overlaid(image.numpy(), attribution.map.numpy()), output)
        common.say(f"Wrote {output}")
    if as_json:
        record = {
            "layer": layer,
            "method": method,
            "target": target,
            "value": attribution.value,
            "center": list(attribution.center()),
            "map": attribution.map.tolist(),
        }
        click.echo(json.dumps(record))


def _row(net: Network, layer: str) -> dict[str, Any]:
    from featviz.network.network import field_of

    field = field_of(net, layer)
    return {
        "layer": layer,
        "units": net.units(layer),
        "field": field and field.size,
        "stride": field and field.stride,
    }
