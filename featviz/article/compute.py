"""Fill the store side by side, before pages run one by one: `python -m featviz.article.compute`.

Executes the code of each page as plain Python. What it computes goes to the store, where the
page's own run finds it. Pages whose last run is kept, and which so need not run, are left out.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import click
from mkdocs.config import load_config

from featviz.article.bridge import cache

# Loop iterations for which a thread that waits keeps its processor. Spinning ones take it from
# whatever else runs: two pages side by side were measured to slow each other down tenfold.
_SPIN_COUNT = "2000"
# Seconds between two lines that say how far a page is.
_PERIOD = 10.0


def waiting(config_file: str) -> dict[str, Path]:
    """List the pages that must run.

    Args:
        config_file: The site's mkdocs.yml.

    Returns:
        Their sources by the names that messages call them.
    """
    config = load_config(config_file)
    options, docs = config.plugins["mkdocs-jupyter"].config, Path(config.docs_dir)
    folder, library = Path(config_file).parent / options["cache_dir"], cache.library_digest()
    return {
        uri: path
        for path in sorted(docs.rglob("*.py"))
        if (uri := path.relative_to(docs).as_posix())
        and not cache.run_of(folder, cache.page_key(path, uri, options, True, library)).exists()
    }


def execute(path: Path, label: str, folder: Path) -> float:
    """Execute the code of a page.

    Args:
        path: Its source.
        label: What to call it.
        folder: The folder that its code runs in.

    Returns:
        Seconds that it took.
    """
    os.chdir(folder)
    start = said = time.monotonic()
    names = {"__name__": "__main__"}
    code = [cell.source for cell in cache.cells(path) if cell.cell_type == "code"]
    for number, source in enumerate(code, start=1):
        if number == 1 or time.monotonic() - said > _PERIOD:
            said = time.monotonic()
            click.echo(f"{label}: cell {number} of {len(code)}, {said - start:.0f} s", err=True)
        exec(compile(source, f"{label}, cell {number}", "exec"), names)
    return time.monotonic() - start


@click.command()
@click.option("-j", "--jobs", default=2, show_default=True, help="Pages at a time, 1.5 GB each.")
@click.option("-f", "--config-file", default="mkdocs.yml", show_default=True, help="The site.")
def main(jobs: int, config_file: str) -> None:
    """Compute what the site's pages show, several pages at a time."""
    os.environ.setdefault("GOMP_SPINCOUNT", _SPIN_COUNT)
    folder, pages = Path(config_file).parent.resolve(), waiting(config_file)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=spawn, max_tasks_per_child=1) as pool:
        runs = {
            pool.submit(execute, path, f"[{number}/{len(pages)}] {uri}", folder): uri
            for number, (uri, path) in enumerate(pages.items(), start=1)
        }
        try:
            for run in as_completed(runs):
                click.echo(f"{runs[run]}: computed in {run.result():.0f} s", err=True)
        except BaseException:  # Ctrl-C too: leave no page running
            pool.shutdown(wait=False, cancel_futures=True)
            for child in multiprocessing.active_children():
                child.terminate()
            raise


if __name__ == "__main__":
    sys.exit(main())
