"""The bridge: mkdocs-jupyter finds, runs and caches the pages; MkDocs renders them as its own.

mkdocs-jupyter writes a notebook as finished HTML, past MkDocs' Markdown, link checks and search.
Here its rendering is the executed notebook itself, from which the page's Markdown is made anew.
Four of its internals are touched, all in `_take_over` and `_run`: the template folder, the cache
key, `page.render`, and the cache folder. `tests/test_bridge.py` holds them.
"""

from __future__ import annotations

import logging
import posixpath
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import mkdocs_jupyter.config
import mkdocs_jupyter.plugin
from mkdocs.config import config_options
from mkdocs.config.base import Config
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.livereload import LiveReloadServer
from mkdocs.plugins import BasePlugin, event_priority
from mkdocs.structure.files import Files
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page
from nbclient.exceptions import CellExecutionError, DeadKernelError

from featviz.site import assets, cache, citations, figures, math, notebook
from featviz.site.execute import Run, page_run, plain
from featviz.site.outputs import anchors, to_files
from featviz.site.progress import log
from featviz.site.surroundings import Surroundings
from featviz.site.swap import Swap

_HERE = Path(__file__).parent
# Their messages tell a reader of the build's log nothing that ours do not.
_CHATTY = ("traitlets", "mkdocs.mkdocs-jupyter", "mkdocs.plugins.mkdocs_jupyter")
# A link of an output to another page's source becomes a link to the page, as MkDocs does in prose.
_SOURCE_LINK = re.compile(r'(<a\b[^>]*href="(?![a-z]+:)[^"#]+)\.(?:py|md)(?=["#])')


class Options(Config):  # type: ignore[no-untyped-call]
    """What mkdocs.yml may say under `featviz`."""

    chapters = config_options.Type(str, default="chapters/")
    references = config_options.Type(str, default="references.md")


class FeatvizPlugin(BasePlugin[Options]):  # type: ignore[no-untyped-call]
    """Turn executed pages into native MkDocs pages, in a site that changes all at once."""

    def __init__(self) -> None:
        self._command = "build"
        self._swap: Swap | None = None
        self._warnings = _Warnings()

    def on_startup(self, *, command: Literal["build", "gh-deploy", "serve"], dirty: bool) -> None:
        """Remember whether a site is built or only shown."""
        self._command = command

    @event_priority(100)
    def on_config(self, config: MkDocsConfig) -> MkDocsConfig:
        """Take over mkdocs-jupyter, name our files, and build beside the site's place."""
        self._root = Path(config.config_file_path).parent if config.config_file_path else Path.cwd()
        self._jupyter = config.plugins.get("mkdocs-jupyter")
        if self._jupyter is None:
            raise PluginError("featviz needs the plugin mkdocs-jupyter: list it in mkdocs.yml")
        self._take_over()
        for name in _CHATTY:
            logging.getLogger(name).setLevel(logging.ERROR)
        assets.announce(config)
        self._warnings.count = 0
        logging.getLogger("mkdocs").addHandler(self._warnings)
        if self._command != "serve":
            self._swap = Swap(Path(config.site_dir))
            self._swap.prepare()
            config.site_dir = str(self._swap.building)
        return config

    def _take_over(self) -> None:
        library = cache.library_digest()
        mkdocs_jupyter.config.settings.templates_dir = str(_HERE / "templates")
        mkdocs_jupyter.plugin._compute_cache_key = lambda path, options, execute: cache.page_key(
            path, options, execute, library
        )
        assert self._jupyter is not None
        folder = self._root / self._jupyter.config["cache_dir"]
        self._jupyter.config["cache_dir"] = str(folder)
        cache.drop_broken(folder)

    def on_files(self, files: Files, *, config: MkDocsConfig) -> Files:
        """Add the styles and scripts to the site."""
        self._files = files
        assets.add(files, config)
        return files

    def on_nav(self, nav: Navigation, *, config: MkDocsConfig, files: Files) -> Navigation:
        """Learn the order of the pages."""
        pages = [file.src_uri for file in files.documentation_pages()]
        self._order = [uri for uri in pages if self._is_run(uri)]
        self._around = Surroundings(nav, self.config.chapters)
        self._articles: dict[str, notebook.Article] = {}
        self._figures: dict[str, dict[str, str]] = {}
        references = Path(config.docs_dir) / self.config.references
        text = references.read_text(encoding="utf-8") if references.is_file() else ""
        self._references = citations.definitions(text)
        return nav

    def _is_run(self, uri: str) -> bool:
        file = self._files.get_file_from_path(uri)
        return file is not None and isinstance(file, mkdocs_jupyter.plugin.NotebookFile)

    @event_priority(100)  # before every plugin that reads Markdown: only now there is any
    def on_page_markdown(
        self, markdown: str, *, page: Page, config: MkDocsConfig, files: Files
    ) -> str:
        """Run the page, or read its last run, and give its Markdown."""
        uri = page.file.src_uri
        with _on_page(uri):
            if "render" in vars(page):
                made = self._run(page, config, files)
                page.meta.update(made.meta)
                self._articles[uri] = made
                markdown = made.markdown
            self._around.dress(page)
            return citations.cite(markdown, self._references)

    def _run(self, page: Page, config: MkDocsConfig, files: Files) -> notebook.Article:
        uri = page.file.src_uri
        place = f"[{self._order.index(uri) + 1}/{len(self._order)}]" if uri in self._order else ""
        run = Run(
            f"{place} {uri}".strip(),
            self._root,
            write_bytecode=self._command != "serve",
        )
        try:
            with page_run(run):
                page.render(config, files)
        except CellExecutionError as error:
            log.error("%s: its code raised\n%s", uri, plain(error.traceback))
            raise PluginError(f"{uri}: {error.ename}: {plain(error.evalue)}") from None
        except DeadKernelError:
            raise PluginError(
                f"{uri}: the page's Python died while it ran; out of memory is the usual reason"
            ) from None
        finally:
            del page.__dict__["render"]  # from here on the page is MkDocs' own
        if not run.executed:
            log.info("%s: no code has changed, nothing to run", run.label)
        return notebook.article(str(page.file.abs_src_path), notebook.executed(page.content or ""))

    @event_priority(100)
    def on_page_content(self, html: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
        """Put figures in their places, number them, typeset formulas."""
        uri = page.file.src_uri
        base = posixpath.dirname(page.url) or "."

        def write(name: str, content: bytes) -> str:
            return posixpath.relpath(assets.figure_file(self._files, config, name, content), base)

        with _on_page(uri):
            made = self._articles.get(uri)
            if made:
                made.outputs = [_SOURCE_LINK.sub(r"\1.html", one) for one in made.outputs]
                inside = {name for one in made.outputs for name in anchors(one)}
                page.present_anchor_ids = {*(page.present_anchor_ids or ()), *inside}
                html = to_files(made.splice(html), write)
            html, numbers = figures.number(html, self._around.prefix(page))
            self._figures[page.url] = numbers
            page.present_anchor_ids = {*(page.present_anchor_ids or ()), *numbers}
            return math.typeset(html).replace(
                f'<details class="{notebook.CODE_CLASS}"',
                f'<details class="{notebook.CODE_CLASS}" data-search-exclude',
            )

    @event_priority(100)  # before search reads the page
    def on_page_context(
        self, context: Any, *, page: Page, config: MkDocsConfig, nav: Navigation
    ) -> Any:
        """Every page is rendered by now: write references over pages, and the way between them."""
        uri = page.file.src_uri
        sources = {file.url: file.src_uri for file in self._files.documentation_pages()}
        with _on_page(uri):
            content = figures.refer(page.content or "", page.url, self._figures, sources)
            made = self._articles.get(uri)
            source = Path(uri).name if made and made.outputs else ""
            page.content = self._around.put(content, page, source)
        return context

    @event_priority(-1000)  # the last to write has written
    def on_post_build(self, *, config: MkDocsConfig) -> None:
        """Put the new site in the place of the old one, unless a warning fails the build."""
        if self._swap is None:
            return
        if config.strict and self._warnings.count:
            self._swap.discard()
            log.info("The site at %s stays as it was.", self._swap.target)
            return
        self._swap.commit()
        log.info("The site is at %s", self._swap.target / "index.html")

    def on_build_error(self, *, error: Exception) -> None:
        """Leave the old site as it was."""
        if self._swap is not None:
            self._swap.discard()

    def on_serve(self, server: LiveReloadServer, *, config: MkDocsConfig, builder: Any) -> Any:
        """Show the library's edits as well as the pages'."""
        server.watch(str(_HERE.parent))
        return server


class _Warnings(logging.Handler):
    """Counts what a strict build does not let pass."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += 1


@contextmanager
def _on_page(uri: str) -> Iterator[None]:
    """Let every complaint say which page it is about."""
    try:
        yield
    except ValueError as error:
        raise PluginError(f"{uri}: {error}") from error
