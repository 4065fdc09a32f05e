"""Commands about every unit."""

from __future__ import annotations

import json
import re
import sys
import webbrowser
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from featviz.cli import cluster, common

if TYPE_CHECKING:
    from featviz.microscope.build import Microscope
    from featviz.network.network import Network

SITE_PAGE = Path("site/microscope.html")
"""Where `make site` puts the microscope's page."""

_RANGE = re.compile(r"(\d+)(?:-(\d+))?")
_BAR = "{desc:<8}{percentage:3.0f} % |{bar}| {elapsed}, {remaining} left"


@click.group()
def microscope() -> None:
    """Every unit of every layer, in every view."""


@microscope.command()
@click.option("--layers", metavar="LAYERS", multiple=True, help="Some of them: conv1,conv5.")
@click.option("--units", metavar="UNITS", multiple=True, help="Some of each layer: 0-9,12.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Also write a page of its own here.",
)
@common.photos
@cluster.options
@common.device
@common.seed
@common.network
def build(
    layers: tuple[str, ...],
    units: tuple[str, ...],
    jobs: int,
    scheduler: str | None,
    part: str | None,
    out: Path | None,
    folder: Path | None,
    device: str,
    seed: int,
    request: common.Request,
) -> None:
    """Makes every picture that is not there yet; a killed build goes on where it was.

    Pictures are kept in the platform's cache folder, or in the one that FEATVIZ_CACHE names. The
    site takes them from there. Builds on many machines share the work if they share that folder: by
    --scheduler, or each with its own --part. What a page shows beside pictures is found out when
    --out makes it, in a last build without --part.

    \b
    Examples:
      featviz microscope build
      featviz microscope build --layers conv1,conv2 --units 0-15 --out few
      featviz microscope build --scheduler tcp://head:8786
      featviz microscope build --part 3/16
      featviz microscope build --photos my_photos --out mine
      featviz microscope build --network squeezenet --layers features.0 --out squeeze
      featviz microscope build --network my_module.py:make_model --out mine
    """
    from featviz import photos
    from featviz.microscope.build import Microscope

    mine = cluster.part(part)
    photographs = None if folder is None else list(photos.folder(folder))
    net = common.load(request)
    scope = Microscope(net, seed=seed, photographs=photographs, device=device)
    names, some = _choice(net, layers, units)
    if out is not None and mine in (None, (1, 1)):
        out.mkdir(parents=True, exist_ok=True)  # what can't be made is told before the work
    with cluster.executor(scheduler) as executor:
        _with_bars(scope, names, some, jobs=jobs, executor=executor, part=mine)
    if mine not in (None, (1, 1)):
        if out is not None:
            common.say("A part makes no page: build without --part when all parts are there.")
        return
    if out is not None:
        from featviz.figures.standalone import write_page
        from featviz.microscope import findings
        from featviz.microscope.page import show

        common.say("Showing gratings and photographs to every layer.")
        for layer in names:
            findings.find_all(scope, layer, some)
        page = write_page(show(scope, names, some), out, f"The microscope: {net.name}")
        common.say(f"Open {page.resolve()}")


@microscope.command()
@click.option("--layers", metavar="LAYERS", multiple=True, help="Some of them: conv1,conv5.")
@click.option("--units", metavar="UNITS", multiple=True, help="Some of each layer: 0-9,12.")
@common.device
@common.seed
@common.as_json
@common.network
def status(
    layers: tuple[str, ...],
    units: tuple[str, ...],
    device: str,
    seed: int,
    as_json: bool,
    request: common.Request,
) -> None:
    """Tells which pictures are there, which are missing, and which are damaged.

    \b
    Examples:
      featviz microscope status
      featviz microscope status --network squeezenet --layers features.0 --json
    """
    from featviz.microscope.build import Microscope
    from featviz.microscope.status import find_status

    net = common.load(request)
    rows = find_status(Microscope(net, seed=seed, device=device), *_choice(net, layers, units))
    if as_json:
        click.echo(json.dumps([asdict(row) for row in rows]))
        return
    width = max(len("layer"), *(len(row.layer) for row in rows))
    click.echo(f"{'layer':<{width}}  {'view':<10}{'there':>8}{'missing':>9}{'damaged':>9}")
    for row in rows:
        numbers = f"{row.there:>8,}{row.missing:>9,}{row.damaged:>9,}"
        click.echo(f"{row.layer:<{width}}  {row.view:<10}{numbers}")


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
    if unit and f'"{slug(unit)}"' not in page.read_text("utf-8", errors="replace"):
        raise click.UsageError(f"{page} shows no unit {unit!r}; name one as in conv5:12.")
    address = page.resolve().as_uri() + (f"#{slug(unit)}" if unit else "")
    click.echo(address)
    if not only_print:
        webbrowser.open(address)


def _choice(
    network: Network, layers: Sequence[str], units: Sequence[str]
) -> tuple[list[str], list[int] | None]:
    """Reads which layers and which of their units are meant."""
    names = [name.strip() for name in ",".join(layers).split(",")] if layers else network.layers
    return list(names), _numbers(",".join(units)) if units else None


def _with_bars(
    scope: Microscope, names: Sequence[str], units: Sequence[int] | None, **how: Any
) -> None:
    """Builds, with a bar for each layer."""
    from tqdm import tqdm

    bars: dict[str, tqdm[Any]] = {}

    def report(layer: str, count: int) -> None:
        if layer not in bars:
            total = scope.work(layer, units, how["part"])
            bars[layer] = tqdm(total=total, desc=layer, bar_format=_BAR, file=sys.stderr)
        bars[layer].update(count)
        if bars[layer].n >= bars[layer].total:
            bars[layer].close()

    try:
        scope.build(names, units, report=report, **how)
    except KeyboardInterrupt:
        common.say("What is done is kept; the next build goes on from there.")
        raise
    finally:
        for bar in bars.values():
            bar.close()


def _numbers(text: str) -> list[int]:
    """Reads "0-9,12"."""
    numbers: list[int] = []
    for part in text.split(","):
        ends = _RANGE.fullmatch(part.strip())
        span = range(int(ends[1]), int(ends[2] or ends[1]) + 1) if ends else range(0)
        if not span:
            raise click.UsageError(f"Units are numbers and ranges such as 0-9,12, not {text!r}.")
        numbers += span
    return numbers
