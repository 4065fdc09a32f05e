"""The built site, opened from disk in a browser that has no network."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sites import API, ROOT, SOURCE

SITE = ROOT / "site"

OPENED = (f"{API}index.html", f"{API}figures.html", f"{SOURCE}attribution_controls.html")
"""Of the reference's and the source's pages those that stand for the others where pages are opened
in a browser: the list and the longest."""


def pages() -> list[str]:
    """Name the site's pages by their sources, so that tests are known before the build."""
    docs = ROOT / "docs"
    sources = [*docs.rglob("*.py"), *docs.rglob("*.md")]
    names = [path.relative_to(docs).with_suffix(".html").as_posix() for path in sources]
    studies = (ROOT / "featviz" / "article" / "studies").glob("[!_]*.py")
    return sorted([*names, *(f"{SOURCE}{path.stem}.html" for path in studies)])


def browser_pages() -> list[str]:
    """Name the pages that are opened in a browser one by one."""
    return [name for name in pages() if not name.startswith((API, SOURCE)) or name in OPENED]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "page_name" in metafunc.fixturenames:
        names = browser_pages() if "visit" in metafunc.fixturenames else pages()
        metafunc.parametrize("page_name", names)
    if "scheme" in metafunc.fixturenames:
        metafunc.parametrize("scheme", ["light", "dark"])


@pytest.fixture(scope="session")
def page_names() -> list[str]:
    return pages()


@pytest.fixture(scope="session")
def site() -> Path:
    """Build the site as `make site` does; pages whose code has not changed are not run again."""
    jobs = os.environ.get("JOBS", "2")
    # Pages would make what they show of the microscope side by side, some of it twice.
    for command in (["featviz", "microscope", "build", "--jobs", jobs], ["mkdocs", "build"]):
        process = subprocess.run(
            [sys.executable, "-m", *command],
            check=False,
            cwd=ROOT,
            env={**os.environ, "NO_MKDOCS_2_WARNING": "true"},
            capture_output=True,
            text=True,
        )
        assert process.returncode == 0, process.stdout + process.stderr
    return SITE


class Visit:
    """One page in the browser, with everything it asked for and complained about.

    Args:
        browser: Playwright's browser.
        path: The page.
        **context: Options of the browser context, such as the viewport.
    """

    def __init__(self, browser: object, path: Path, **context: object) -> None:
        context = {
            "viewport": {"width": 1280, "height": 900},
            "offline": True,
            **context,
        }
        self.context = browser.new_context(**context)
        self.page = self.context.new_page()
        self.requests: list[str] = []
        self.failures: list[str] = []
        self.errors: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("requestfailed", lambda request: self.failures.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._console)
        self.page.goto(path.as_uri())
        self.page.wait_for_load_state("load")

    def _console(self, message: object) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def load_images(self) -> None:
        """Load lazy images too, as a reader does who scrolls to the end."""
        self.page.evaluate(
            """async () => {
              for (const image of document.images) {
                image.loading = "eager";
                await image.decode().catch(() => {});
              }
            }"""
        )

    def close(self) -> None:
        self.context.close()


@pytest.fixture
def visit(browser: object, site: Path) -> Iterator[object]:
    """Open pages of the site by name; they are closed after the test."""
    visits: list[Visit] = []

    def open_page(name: str, **context: object) -> Visit:
        visits.append(Visit(browser, site / name, **context))
        return visits[-1]

    yield open_page
    for one in visits:
        one.close()
