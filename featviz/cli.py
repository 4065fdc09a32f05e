"""The command line: `featviz layers|render|attribute|microscope`.

Results go to files and to standard output, everything else to standard error. Exit codes: 0 done,
1 it could not be done (one sentence says why), 2 it was asked for wrongly, 130 stopped by Ctrl-C.
Heavy imports wait until a command runs, so that help is there at once.
"""

from __future__ import annotations

import json
import sys
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from featviz.microscope import Microscope
    from featviz.network import Network
    from featviz.objectives import Objective

FORMATS = (".png", ".webp")
"""Kinds of pictures that can be written."""

PHOTO_SIDE = 224
"""Side in pixels that a photograph is cut to for attribution: ImageNet's crop."""

_BAR = "{desc:<8}{percentage:3.0f} % |{bar}| {elapsed}, {remaining} left"

SITE_PAGE = Path("site/microscope.html")
"""Where `make site` puts the microscope's page."""

_network = click.option(
    "--network", "name", default="alexnet", show_default=True, help="A bundled network."
)
_seed = click.option("--seed", default=0, show_default=True, help="Where randomness comes from.")
_json = click.option(
    "--json", "as_json", is_flag=True, help="Machine-readable, on standard output."
)


def main() -> None:
    """Runs the command line and ends the process."""
    try:
        code = cli(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        _say("Stopped. What was done is kept where the command keeps it.")
        code = 130
    except (ValueError, OSError, UserWarning) as error:
        _say(f"featviz: {error}")
        code = 1
    sys.exit(code)


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Every command explains itself: featviz render --help",
)
@click.version_option(package_name="featviz")
def cli() -> None:
    """See what a convolutional network has learned. Works offline."""


@cli.command(short_help="Lists the layers of a network.")
@click.argument("network", default="alexnet")
@_json
def layers(network: str, as_json: bool) -> None:
    """Lists the layers of NETWORK: units, and what one unit sees.

    \b
    Examples:
      featviz layers alexnet
      featviz layers squeezenet --json
    """
    net = _load(network)
    rows = [_described(net, layer) for layer in net.layers]
    if as_json:
        click.echo(json.dumps(rows))
        return
    width = max(len(layer) for layer in net.layers)
    click.echo(f"{'layer':<{width}}  units  sees px  every px")
    for row in rows:
        sees, stride = row["field"] or "all", row["stride"] or "-"
        click.echo(f"{row['layer']:<{width}}  {row['units']:>5}  {sees:>7}  {stride:>8}")


@cli.command(short_help="Finds the images that excite units most.")
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="The picture.")
@click.option("--grid", type=click.IntRange(1), metavar="COLUMNS", help="Pictures to a row.")
@click.option("--steps", type=click.IntRange(1), help="Steps of ascent, if not the recipe's.")
@click.option("--size", type=click.IntRange(1), help="Side of each picture in pixels.")
@_seed
@_network
@click.option("--device", default="auto", show_default=True, help="auto, cuda, mps or cpu.")
@_json
def render(
    specs: tuple[str, ...],
    output: Path,
    grid: int | None,
    steps: int | None,
    size: int | None,
    seed: int,
    name: str,
    device: str,
    as_json: bool,
) -> None:
    """Finds the image that excites each SPEC most and writes them to one file.

    \b
    A SPEC is
      conv5:12             a channel;  conv5:12@center  one neuron;  conv5:*  a layer
      "0.5*conv4:1 - conv4:2"          sums;  logit:281  a class (squeezenet)

    \b
    Examples:
      featviz render conv5:12 -o unit.png
      featviz render conv3:1 conv3:2 conv3:3 conv3:4 --grid 2 --steps 64 -o four.webp
      featviz render -o not.png -- -conv5:12
    """
    _check_format(output)
    from featviz.ascent import maximize
    from featviz.figures import save
    from featviz.notation import parse

    net = _load(name)
    wanted = [parse(spec) for spec in specs]
    found = maximize(net, wanted, size=size, steps=steps, seed=seed, device=device)
    if found.interrupted:
        raise KeyboardInterrupt
    save(found.images.numpy(), output, columns=grid)
    _say(f"Wrote {output}")
    if as_json:
        values = zip(specs, found.values.tolist(), strict=True)
        told = [{"spec": spec, "value": value} for spec, value in values]
        side = list(found.images.shape[-2:])
        click.echo(json.dumps({"file": str(output), "size": side, "seed": seed, "images": told}))


@cli.command(short_help="Maps which places of a photo speak for a target.")
@click.argument("photo")
@click.option("--layer", required=True, help="Where to look: conv3, conv3:relu, image.")
@click.option("--target", help="What is explained: a SPEC as in render, or the name of a class.")
@click.option("--method", default="gradcam", show_default=True, help="See featviz.attribution.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The map over the photo.")
@_seed
@_network
@_json
def attribute(
    photo: str,
    layer: str,
    target: str | None,
    method: str,
    output: Path | None,
    seed: int,
    name: str,
    as_json: bool,
) -> None:
    """Maps which places of PHOTO (a sample's name or a file) speak for a target.

    \b
    Examples:
      featviz attribute chelsea --layer conv5 --target conv5:12 --method activation -o cat.png
      featviz attribute my.jpg --network squeezenet --layer features.12 --target tabby --json
    """
    if output is None and not as_json:
        raise click.UsageError("Nothing to write: give -o FILE, --json, or both.")
    if output is not None:
        _check_format(output)
    from featviz import photos
    from featviz.attribution import attribute as explain
    from featviz.figures import overlaid, save

    net = _load(name)
    image = photos.load(photo, PHOTO_SIDE).image
    found = explain(net, image, _target(target), layer, method, seed=seed)
    if output is not None:
        save(overlaid(image.numpy(), found.map.numpy()), output)
        _say(f"Wrote {output}")
    if as_json:
        told = {
            "layer": layer,
            "method": method,
            "target": target,
            "value": found.value,
            "center": list(found.center()),
            "map": found.map.tolist(),
        }
        click.echo(json.dumps(told))


@cli.group()
def microscope() -> None:
    """Every unit of every layer, in every view."""


@microscope.command()
@click.option("--layers", metavar="LAYERS", multiple=True, help="Some of them: conv1,conv5.")
@click.option("--units", metavar="UNITS", multiple=True, help="Some of each layer: 0-9,12.")
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(1), help="Processes.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Also write a page of its own here.",
)
@_seed
@_network
def build(
    layers: tuple[str, ...],
    units: tuple[str, ...],
    jobs: int,
    out: Path | None,
    seed: int,
    name: str,
) -> None:
    """Makes every picture that is not there yet; a killed build goes on where it was.

    Pictures are kept in the platform's cache folder, or in the one that FEATVIZ_CACHE names. The
    site takes them from there.

    \b
    Examples:
      featviz microscope build
      featviz microscope build --layers conv1,conv2 --units 0-15 --out few
      featviz microscope build --network squeezenet --layers features.0 --out squeeze
    """
    from featviz import findings
    from featviz.microscope import Microscope

    net = _load(name)
    scope = Microscope(net, seed=seed)
    chosen = ",".join(layers).split(",") if layers else list(net.layers)
    some = _numbers(",".join(units)) if units else None
    _with_bars(scope, chosen, some, jobs)
    if some is None or out is not None:
        _say("Showing gratings and photographs to every layer.")
        for layer in chosen:
            findings.everything(scope, layer)
    if out is not None:
        from featviz.site.standalone import write_page
        from featviz.studies.microscope import show

        page = write_page(show(scope, chosen, some), out, f"The microscope: {net.name}")
        _say(f"Open {page.resolve()}")


@microscope.command(name="open")
@click.argument("unit", required=False)
@click.option(
    "--page",
    type=click.Path(path_type=Path),
    default=SITE_PAGE,
    show_default=True,
    help="Which page.",
)
@click.option("--print", "only_print", is_flag=True, help="Print the address, open nothing.")
def open_page(unit: str | None, page: Path, only_print: bool) -> None:
    """Opens the microscope's page in a browser, at UNIT if one is given.

    \b
    Examples:
      featviz microscope open conv5:12
      featviz microscope open --page few/microscope.html
    """
    from featviz.figures import slug

    if not page.is_file():
        raise FileNotFoundError(
            f"there is no page {page}; `make site` builds the article's, and "
            "`featviz microscope build --out DIR` one of its own."
        )
    address = page.resolve().as_uri() + (f"#{slug(unit)}" if unit else "")
    click.echo(address)
    if not only_print:
        webbrowser.open(address)


def _with_bars(
    scope: Microscope, chosen: Sequence[str], units: Sequence[int] | None, jobs: int
) -> None:
    """Builds, with a bar for each layer."""
    from tqdm import tqdm

    bars: dict[str, tqdm[Any]] = {}

    def report(layer: str, done: int) -> None:
        if layer not in bars:
            total = scope.work(layer, units)
            bars[layer] = tqdm(total=total, desc=layer, bar_format=_BAR, file=sys.stderr)
        bars[layer].update(done)
        if bars[layer].n >= bars[layer].total:
            bars[layer].close()

    try:
        scope.build(chosen, units, jobs=jobs, report=report)
    finally:
        for bar in bars.values():
            bar.close()


def _load(name: str) -> Network:
    from featviz.zoo import load

    return load(name)


def _described(net: Network, layer: str) -> dict[str, Any]:
    try:
        field = net.receptive_field(layer)
    except ValueError:  # its units see the whole image
        return {"layer": layer, "units": net.units(layer), "field": None, "stride": None}
    return {
        "layer": layer,
        "units": net.units(layer),
        "field": field.size,
        "stride": field.stride,
    }


def _target(text: str | None) -> Objective | str | int | None:
    """A target as `featviz.attribute` takes it: an objective, a class by name or number, None."""
    if text is None or ":" not in text:
        return int(text) if text is not None and text.isdigit() else text
    from featviz.notation import parse

    return parse(text)


def _numbers(text: str) -> list[int]:
    """Reads "0-9,12"."""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        if not first.isdigit() or (last and not last.isdigit()):
            raise click.UsageError(f"Units are numbers and ranges such as 0-9,12, not {text!r}.")
        found += range(int(first), int(last or first) + 1)
    return found


def _check_format(output: Path) -> None:
    """Says that a picture can't be written before an ascent has been waited for."""
    if output.suffix.lower() not in FORMATS:
        raise click.UsageError(f"{output} ends in none of {', '.join(FORMATS)}.")
    if not output.absolute().parent.is_dir():
        raise click.UsageError(f"There is no folder {output.absolute().parent} to write to.")


def _say(text: str) -> None:
    click.echo(text, err=True)
