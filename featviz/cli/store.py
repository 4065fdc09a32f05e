"""Commands about the results that are kept."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from featviz.cli import common

_MB = 1_000_000


@click.group()
def store() -> None:
    """The results that are kept: pictures, patches, what the article has computed.

    They lie in the platform's cache folder, or in the one that FEATVIZ_CACHE names.
    """


@store.command()
@common.as_json
def du(as_json: bool) -> None:
    """Tells how much there is, by what has computed it.

    \b
    Examples:
      featviz store du
    """
    from featviz.store import Store
    from featviz.upkeep import usage

    place = Store()
    rows = usage(place)
    if as_json:
        click.echo(json.dumps([asdict(row) for row in rows]))
        return
    click.echo(f"{'entries':>9}{'MB':>9}{'outdated':>10}  computed by")
    for row in rows:
        click.echo(f"{row.entries:>9,}{row.bytes / _MB:>9.1f}{row.outdated:>10,}  {row.code}")
    total, size = sum(row.entries for row in rows), sum(row.bytes for row in rows)
    click.echo(f"{total:>9,}{size / _MB:>9.1f}{sum(r.outdated for r in rows):>10,}  {place.folder}")


@store.command()
@click.option("--days", default=0.0, help="Only what is older.")
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted.")
def prune(days: float, dry_run: bool) -> None:
    """Deletes what no code that is installed here asks for any more.

    That are results of other versions of the code, and of its libraries. What another kind of
    processor has made stays.

    \b
    Examples:
      featviz store prune --dry-run
      featviz store prune --days 30
    """
    from featviz.store import Store
    from featviz.upkeep import prunable

    count = size = 0
    for entry in prunable(Store(), days):
        if not dry_run:
            entry.path.unlink(missing_ok=True)
        count, size = count + 1, size + entry.bytes
    verb = "would be deleted" if dry_run else "deleted"
    click.echo(f"{count:,} files of {size / _MB:.1f} MB {verb}.")


@store.command()
@click.option("--delete", is_flag=True, help="Delete what is damaged, so that it is made again.")
def verify(delete: bool) -> None:
    """Reads every result, and names those whose checksum doesn't match.

    \b
    Examples:
      featviz store verify
      featviz store verify --delete
    """
    from featviz.store import Store
    from featviz.upkeep import damaged

    count = 0
    for entry, what in damaged(Store()):
        count += 1
        click.echo(f"{entry.path}: {what}")
        if delete:
            entry.path.unlink(missing_ok=True)
    if count and not delete:
        raise OSError(f"{count} results are damaged; --delete deletes them.")
    common.say("Every result is sound." if not count else f"{count} deleted.")
