"""Commands about every unit."""

from __future__ import annotations

import re
import sys
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from featviz.cli import common

if TYPE_CHECKING:
    from featviz.microscope.build import Microscope

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
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(1), help="Processes.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Also write a page of its own here.",
)
@common.seed
@common.network
def build(
    layers: tuple[str, ...],
    units: tuple[str, ...],
    jobs: int,
    out: Path | None,
    seed: int,
    request: common.Request,
) -> None:
    """Makes every picture that is not there yet; a killed build goes on where it was.

    Pictures are kept in the platform's cache folder, or in the one that FEATVIZ_CACHE names. The
    site takes them from there.

    \b
    Examples:
      featviz microscope build
      featviz microscope build --layers conv1,conv2 --units 0-15 --out few
      featviz microscope build --network squeezenet --layers features.0 --out squeeze
      featviz microscope build --network my_module.py:make_model --out mine
    """
    from featviz.microscope import findings
    from featviz.microscope.build import Microscope

    net = common.load(request)
    scope = Microscope(net, seed=seed)
    names = [name.strip() for name in ",".join(layers).split(",")] if layers else list(net.layers)
    some = _numbers(",".join(units)) if units else None
    _with_bars(scope, names, some, jobs)
    if some is None or out is not None:
        common.say("Showing gratings and photographs to every layer.")
        for layer in names:
            findings.find_all(scope, layer, some)
    if out is not None:
        from featviz.figures.standalone import write_page
        from featviz.microscope.page import show

        page = write_page(show(scope, names, some), out, f"The microscope: {net.name}")
        common.say(f"Open {page.resolve()}")


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


def _with_bars(
    scope: Microscope, names: Sequence[str], units: Sequence[int] | None, jobs: int
) -> None:
    """Builds, with a bar for each layer."""
    from tqdm import tqdm

    bars: dict[str, tqdm[Any]] = {}

    def report(layer: str, count: int) -> None:
        if layer not in bars:
            total = scope.work(layer, units)
            bars[layer] = tqdm(total=total, desc=layer, bar_format=_BAR, file=sys.stderr)
        bars[layer].update(count)
        if bars[layer].n >= bars[layer].total:
            bars[layer].close()

    try:
        scope.build(names, units, jobs=jobs, report=report)
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
