"""The bridge: mkdocs-jupyter finds, runs and caches the pages; MkDocs renders them as its own.

mkdocs-jupyter writes a notebook as finished HTML, past MkDocs' Markdown, link checks and search.
Here its rendering is the executed notebook itself, from which the page's Markdown is made anew.
Four of its internals are touched, all in `_take_over` and `_run`: the template folder, the cache
key, `page.render`, and the cache folder. `tests/article/test_bridge.py` holds them. Pages run one
by one; `featviz.article.compute` lets them find in the store what they show.
"""

from __future__ import annotations

import logging
import os
import posixpath
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import mkdocs_jupyter.config
import mkdocs_jupyter.plugin
import yaml  # type: ignore[import-untyped]
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.livereload import LiveReloadServer
from mkdocs.plugins import CombinedEvent, event_priority
from mkdocs.structure.files import Files
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page

from featviz.article.bridge import (
    assets,
    bibliography,
    cache,
    citations,
    figures,
    formulas,
    notebook,
)
from featviz.article.bridge.execution import PageRun, log, told
from featviz.article.bridge.glossary import Glossary
from featviz.article.bridge.outputs import anchors
from featviz.article.bridge.swap import Swap
from featviz.figures.standalone import to_files

_HERE = Path(__file__).parent
# Where things are, in the folder of pages.
_CHAPTERS = "chapters/"  # the numbered ones
_REFERENCES = "references.bib"
_BIBLIOGRAPHY = "reference/bibliography.md"
_GLOSSARY = "reference/glossary.md"
_CITATION = "CITATION.cff"  # beside mkdocs.yml
# Their messages tell a reader of the build's log nothing that ours do not.
_CHATTY = ("traitlets", "mkdocs.mkdocs-jupyter", "mkdocs.plugins.mkdocs_jupyter")
_MAP = "sitemap.xml"
# Of the reference's pages search reads names and what they say first: every page loads its index.
_API = "reference/api/"
_ENTRY = re.compile(r"(<h[1-6]\b.*?</h[1-6]>)(?:(?!<h[1-6]\b).)*?(<p>.*?</p>)", re.DOTALL)
# A link of an output to another page's source becomes a link to the page, as MkDocs does in prose.
_SOURCE_LINK = re.compile(r'(<a\b[^>]*href="(?![a-z]+:)[^"#]+)\.(?:py|md)(?=["#])')


class Warnings(logging.Handler):
    """Counts what a strict build does not let pass."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += 1


class Bridge:
    """Turns executed pages into native MkDocs pages, in a site that changes all at once."""

    def __init__(self) -> None:
        self._command = "build"
        self._swap: Swap | None = None
        self._warnings = Warnings()

    def on_startup(self, *, command: Literal["build", "gh-deploy", "serve"], dirty: bool) -> None:
        """Remember whether a site is built or only shown."""
        self._command = command
        if command == "serve":  # a watched folder must not change because a page imports it
            os.environ["PYTHONDONTWRITEBYTECODE"] = "1"

    @event_priority(100)
    def on_config(self, config: MkDocsConfig) -> MkDocsConfig:
        """Take over mkdocs-jupyter, and build beside the site's place."""
        self._root = Path(config.config_file_path).parent if config.config_file_path else Path.cwd()
        self._docs = Path(config.docs_dir)
        self._jupyter = config.plugins.get("mkdocs-jupyter")
        if self._jupyter is None:
            raise PluginError("featviz needs the plugin mkdocs-jupyter: list it in mkdocs.yml")
        self._take_over()
        glossary = self._docs / _GLOSSARY
        self._glossary = Glossary(glossary.read_text("utf-8") if glossary.is_file() else "")
        config.markdown_extensions.append(self._glossary)
        for name in _CHATTY:
            logging.getLogger(name).setLevel(logging.ERROR)
        if not config.site_url:  # a map of the site needs its address, and changes every day
            config.theme.static_templates.discard(_MAP)
        self._warnings.count = 0
        logging.getLogger("mkdocs").addHandler(self._warnings)
        if self._command != "serve":
            self._swap = Swap(Path(config.site_dir))
            self._swap.prepare()
            config.site_dir = str(self._swap.building)
        return config

    def _take_over(self) -> None:
        assert self._jupyter is not None
        folder = self._root / self._jupyter.config["cache_dir"]
        self._jupyter.config["cache_dir"] = str(folder)
        cache.drop_broken(folder)
        library = cache.library_digest()
        self._kept: dict[str, Path] = {}

        def key(path: str, options: Any, execute: bool) -> str:
            uri = Path(path).relative_to(self._docs).as_posix()
            name = cache.page_key(path, uri, options, execute, library)
            self._kept[uri] = cache.run_of(folder, name)
            return name

        mkdocs_jupyter.config.settings.templates_dir = str(_HERE / "templates")
        mkdocs_jupyter.plugin._compute_cache_key = key
        PageRun.folder = self._root

    def on_files(self, files: Files, *, config: MkDocsConfig) -> Files:
        """Add the styles and scripts to the site."""
        self._files = files
        unused = files.get_file_from_path(_MAP)
        if unused is not None and _MAP not in config.theme.static_templates:
            files.remove(unused)  # the theme's template of it, which would be copied as it is
        assets.add(files, config)
        return files

    def on_nav(self, nav: Navigation, *, config: MkDocsConfig, files: Files) -> Navigation:
        """Learn the order of the pages and the works."""
        self._pages = list(nav.pages)
        self._chapters = [one for one in self._pages if one.file.src_uri.startswith(_CHAPTERS)]
        citation = self._root / _CITATION
        said = citation.read_text(encoding="utf-8") if citation.is_file() else "{}"
        self._citation: dict[str, Any] = yaml.safe_load(said)
        self._articles: dict[str, notebook.Article] = {}
        self._figures: dict[str, dict[str, str]] = {}
        self._cited: dict[str, tuple[str, ...]] = {}
        references = self._docs / _REFERENCES
        with _on_page(_REFERENCES):
            self._works = bibliography.read(references) if references.is_file() else {}
        return nav

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
            self._glossary.page = ""
            if uri not in (_GLOSSARY, _BIBLIOGRAPHY):
                here = posixpath.dirname(uri) or "."
                self._glossary.page = posixpath.relpath(_GLOSSARY, here)
            page.meta.setdefault("hide", ["navigation", "toc"])  # its contents lie beside its text
            if uri == _BIBLIOGRAPHY:
                works = citations.bibliography(self._works.values())
                markdown = markdown.replace(citations.PLACE, works)
            markdown, self._cited[uri] = citations.cite(markdown, self._works)
            return markdown

    def _run(self, page: Page, config: MkDocsConfig, files: Files) -> notebook.Article:
        uri = page.file.src_uri
        kept, start = self._kept[uri], time.monotonic()
        PageRun.files, PageRun.address = cache.files_of(kept), assets.figure_address(page.url)
        fresh = not kept.exists()
        log.info("%s: %s", uri, "running" if fresh else "no code has changed, nothing to run")
        try:
            with told(uri):
                page.render(config, files)
        finally:
            del page.__dict__["render"]  # from here on the page is MkDocs' own
        if fresh:
            log.info("%s: done after %.0f s", uri, time.monotonic() - start)
        return notebook.article(str(page.file.abs_src_path), notebook.executed(page.content or ""))

    @event_priority(100)
    def on_page_content(self, html: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
        """Put figures in their places, number them, typeset formulas."""
        uri = page.file.src_uri
        address = assets.figure_address(page.url)

        def write(name: str, content: bytes) -> str:
            assets.add_figure_file(self._files, config, name, content)
            return f"{address}/{name}"

        with _on_page(uri):
            made = self._articles.get(uri)
            if made:
                assets.add_figure_files(self._files, config, cache.files_of(self._kept[uri]))
                made.outputs = [_SOURCE_LINK.sub(r"\1.html", one) for one in made.outputs]
                inside = {name for one in made.outputs for name in anchors(one)}
                page.present_anchor_ids = {*(page.present_anchor_ids or ()), *inside}
                html = to_files(made.splice(html), write)
            chapter = f"{self._chapters.index(page) + 1}." if page in self._chapters else ""
            html, numbers = figures.number(figures.hasten(html), chapter)
            self._figures[page.url] = numbers
            page.present_anchor_ids = {*(page.present_anchor_ids or ()), *numbers}
            return formulas.typeset(html).replace(
                f'<details class="{notebook.CODE_CLASS}"',
                f'<details class="{notebook.CODE_CLASS}" data-search-exclude',
            )

    @event_priority(100)  # before search reads the page
    def _index(self, context: Any, *, page: Page, config: MkDocsConfig, nav: Navigation) -> Any:
        """Let search read the text and the captions only."""
        self._content = page.content or ""
        page.content = figures.captions(self._content)
        if page.file.src_uri.startswith(_API):
            page.content = "".join(map("".join, _ENTRY.findall(page.content)))
        return context

    @event_priority(-100)  # after it has
    def _furnish(self, context: Any, *, page: Page, config: MkDocsConfig, nav: Navigation) -> Any:
        """Every page is rendered by now: write references over pages, and tell the templates."""
        uri = page.file.src_uri
        sources = {file.url: file.src_uri for file in self._files.documentation_pages()}
        with _on_page(uri):
            page.content = figures.refer(self._content, page.url, self._figures, sources)
            if uri == _BIBLIOGRAPHY:
                citers = citations.citers(self._pages, self._cited, page.url)
                page.content = citations.name_citers(page.content, citers)
        made = self._articles.get(uri)
        environment = made.environment if made and made.outputs else None
        article = {"chapters": self._chapters, "citation": self._citation}
        return {**context, **article, "environment": environment}

    on_page_context = CombinedEvent(_index, _furnish)

    def on_post_page(self, output: str, *, page: Page, config: MkDocsConfig) -> str:
        """Let the page be seen before its scripts are there."""
        return assets.defer(output)

    @event_priority(-1000)  # the last to write has written
    def on_post_build(self, *, config: MkDocsConfig) -> None:
        """Put the new site in the place of the old one, unless a warning fails the build."""
        assert self._jupyter is not None
        cache.drop_unused(Path(self._jupyter.config["cache_dir"]))
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
        server.watch(str(_HERE.parents[1]))
        return server


@contextmanager
def _on_page(uri: str) -> Iterator[None]:
    """Let every complaint say which page it is about."""
    try:
        yield
    except ValueError as error:
        raise PluginError(f"{uri}: {error}") from error
