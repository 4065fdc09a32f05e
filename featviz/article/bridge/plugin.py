"""The bridge: mkdocs-jupyter finds, runs and caches the pages; MkDocs renders them as its own.

mkdocs-jupyter writes a notebook as finished HTML, past MkDocs' Markdown, link checks and search.
Here its rendering is what the page's cells have shown, from which the page's Markdown is made anew.
Four of its internals are touched, all in `_take_over` and `on_nav`: the template folder, the cache
key, `page.render`, and the cache folder. `tests/article/test_bridge.py` holds them.
"""

from __future__ import annotations

import base64
import itertools
import json
import logging
import os
import re
import shutil
import string
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import jinja2
import mkdocs_jupyter.config
import mkdocs_jupyter.plugin
import yaml  # type: ignore[import-untyped]
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.plugins import event_priority
from mkdocs.structure.files import Files
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page
from mkdocs.utils import CountHandler, get_relative_url
from mkdocs.utils.meta import get_data

from featviz.article.bridge import (
    assets,
    bibliography,
    cache,
    figures,
    formulas,
    networks,
    notebook,
    photographs,
    sources,
)
from featviz.article.bridge.execution import PageRun, Run, log, run_pages
from featviz.article.bridge.glossary import Glossary
from featviz.article.bridge.swap import Swap
from featviz.article.live import assets as live

_TEMPLATES = Path(__file__).parent / "templates"
# Where things are, in the folder of pages.
_CHAPTERS = "chapters/"  # the numbered ones; those that mkdocs.yml calls appendices have letters
_REFERENCES = "references.bib"
_BIBLIOGRAPHY = "reference/bibliography.md"
_NETWORKS = "reference/networks.json"  # beside the page that shows it
_GLOSSARY = "reference/glossary.md"
_PHOTOGRAPHS = "reference/photographs.md"
_CITATION = "CITATION.cff"  # beside mkdocs.yml
_FIGURES = "assets/figures"  # in the site
# Where the pages of those names shall have their lists.
_WORKS = "<p>{{ bibliography }}</p>"
_CREDITS = "<p>{{ photographs }}</p>"
# Of works with more authors than this a footnote names the first few; the bibliography names all.
_MOST_AUTHORS = 5
# Their messages tell a reader of the build's log nothing that ours do not.
_CHATTY = ("traitlets", "mkdocs.mkdocs-jupyter", "mkdocs.plugins.mkdocs_jupyter")
# Of the reference's pages search reads names and what they say first: every page loads its index.
_API = "reference/api/"
_ENTRY = re.compile(r"(<h[1-6]\b.*?</h[1-6]>)(?:(?!<h[1-6]\b).)*?(<p>.*?</p>)", re.DOTALL)
# What of a page keeps its lines as they are, and the space that all else can do without.
_VERBATIM = re.compile(
    r"(<(?:pre|script|style|textarea)\b.*?</(?:pre|script|style|textarea)>)", re.DOTALL
)
_INDENTATION = re.compile(r"\n\s+")
_ID = re.compile(r'\sid="([\w.:-]+)"')


class Bridge:
    """Turns executed pages into native MkDocs pages, in a site that changes all at once."""

    def on_startup(self, *, command: Literal["build", "gh-deploy", "serve"], dirty: bool) -> None:
        """Keep a watched folder from changing because a page imports it."""
        if command == "serve":
            os.environ["PYTHONDONTWRITEBYTECODE"] = "1"

    @event_priority(100)
    def on_config(self, config: MkDocsConfig) -> MkDocsConfig:
        """Take over mkdocs-jupyter, and build beside the site's place."""
        self._swap = Swap(Path(config.site_dir))
        self._swap.prepare()
        config.site_dir = str(self._swap.building)
        self._root = Path(config.config_file_path).parent if config.config_file_path else Path.cwd()
        self._docs = Path(config.docs_dir)
        self._jupyter = config.plugins["mkdocs-jupyter"]
        self._take_over()
        glossary = self._docs / _GLOSSARY
        self._glossary = Glossary(glossary.read_text("utf-8") if glossary.is_file() else "")
        config.markdown_extensions.append(self._glossary)
        for name in _CHATTY:
            logging.getLogger(name).setLevel(logging.ERROR)
        return config

    def _take_over(self) -> None:
        self._cache = self._root / self._jupyter.config["cache_dir"]
        self._jupyter.config["cache_dir"] = str(self._cache)
        library = cache.library_digest()
        self._caches: dict[str, Path] = {}

        def key(path: str, options: Any, execute: bool) -> str:
            uri = Path(path).relative_to(self._docs).as_posix()
            name = cache.page_key(path, uri, library)
            self._caches[uri] = mkdocs_jupyter.plugin._get_cache_path(self._cache, name)
            return name

        mkdocs_jupyter.config.settings.templates_dir = str(_TEMPLATES)
        mkdocs_jupyter.plugin._compute_cache_key = key
        PageRun.folder = self._root

    def on_files(self, files: Files, *, config: MkDocsConfig) -> Files:
        """Add styles, scripts, the live page's network, figures' source, and thumbnails."""
        assets.add(files, config)
        live.add(files, config)
        sources.add(files, config)
        if files.get_file_from_path(_PHOTOGRAPHS):
            photographs.add(files, config)
        return files

    def on_nav(self, nav: Navigation, *, config: MkDocsConfig, files: Files) -> Navigation:
        """Learn the order of the pages and the works, and run pages whose code has changed."""
        self._pages = list(nav.pages)
        self._label(config.extra.get("appendices", ()))
        citation = self._root / _CITATION
        text = citation.read_text(encoding="utf-8") if citation.is_file() else "{}"
        self._citation: dict[str, Any] = yaml.safe_load(text)
        self._figures: dict[str, dict[str, str]] = {}
        self._keys: dict[str, tuple[str, ...]] = {}
        references = self._docs / _REFERENCES
        with _on_page(_REFERENCES):
            self._works = bibliography.read(references) if references.is_file() else {}
        macros: Any = config.theme.get_env().get_template("partials/work.html").module
        self._notes = {key: macros.line(work, _MOST_AUTHORS) for key, work in self._works.items()}
        self._run(config, files)
        return nav

    def _label(self, appendices: Sequence[str]) -> None:
        """Number the chapters in the order of the navigation, and say so in its titles."""
        self._chapters = [one for one in self._pages if one.file.src_uri.startswith(_CHAPTERS)]
        self._labels: dict[str, str] = {}
        counts = {"chapter": map(str, itertools.count(1)), "appendix": iter(string.ascii_uppercase)}
        self._names = {}
        for page in self._chapters:
            kind = "appendix" if page.file.src_uri in appendices else "chapter"
            label = self._labels[page.url] = next(counts[kind])
            self._names[page.url] = f"{kind} {label}"
            page.title = f"{label} {page.title}"

    def _run(self, config: MkDocsConfig, files: Files) -> None:
        runs = []
        for file in files.documentation_pages():
            page = file.page or Page(None, file, config)
            self._jupyter.on_pre_page(page, config=config, files=files)
            if "render" in vars(page):
                path = self._caches[file.src_uri]
                cache.drop_broken(path)
                if path.exists():
                    log.info("%s: no code has changed, nothing to run", file.src_uri)
                address = get_relative_url(_FIGURES, page.url)
                runs.append(Run(page, cache.files_of(path), address))
        early = {uri: place for place, uri in enumerate(config.extra.get("early") or ())}
        runs.sort(key=lambda run: early.get(run.page.file.src_uri, len(early)))
        run_pages(runs, config.extra["jobs"], config, files)
        self._runs = {
            run.page.file.src_uri: json.loads(base64.b64decode(run.page.content or ""))
            for run in runs
        }

    @event_priority(100)  # before every plugin that reads Markdown: only now there is any
    def on_page_markdown(
        self, markdown: str, *, page: Page, config: MkDocsConfig, files: Files
    ) -> str:
        """Make the Markdown of a page that has run, and append what it cites."""
        uri = page.file.src_uri
        with _on_page(uri):
            if uri in self._runs:
                del page.__dict__["render"]  # from here on the page is MkDocs' own
                source = notebook.article(str(page.file.abs_src_path), uri, self._runs[uri])
                markdown, meta = get_data(source)
                page.meta.update(meta)
            if networks.PLACE in markdown:
                results = (self._docs / _NETWORKS).read_text("utf-8")
                markdown = markdown.replace(networks.PLACE, networks.table(results))
            apart = uri in (_GLOSSARY, _BIBLIOGRAPHY)
            self._glossary.page = "" if apart else get_relative_url(_GLOSSARY, uri)
            page.meta.setdefault("hide", ["navigation", "toc"])  # its contents lie beside its text
            markdown, self._keys[uri] = bibliography.cite(markdown, self._notes)
            return markdown

    @event_priority(100)
    def on_page_content(self, html: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
        """Put figures in their places, typeset formulas."""
        uri = page.file.src_uri
        with _on_page(uri):
            if uri in self._runs:
                html = notebook.splice(html, self._runs[uri]["outputs"])
            html = figures.hasten(html)
            page.present_anchor_ids = {*(page.present_anchor_ids or ()), *_ID.findall(html)}
            return formulas.typeset(html)

    def on_env(
        self, env: jinja2.Environment, *, config: MkDocsConfig, files: Files
    ) -> jinja2.Environment:
        """Write what leads over pages: all are rendered by now."""
        self._number()
        addresses = {file.url: file.src_uri for file in files.documentation_pages()}
        for page in (file.page for file in files.documentation_pages() if file.page):
            uri, content = page.file.src_uri, page.content or ""
            if uri == _BIBLIOGRAPHY:
                about = {"works": self._works.values(), "pages": self._pages, "cited": self._keys}
                template = env.get_template("partials/works.html")
                content = content.replace(_WORKS, template.render(about, page=page, base_url="."))
            elif uri == _PHOTOGRAPHS:
                template = env.get_template("partials/photographs.html")
                credits = template.render(photographs.describe(), page=page, base_url=".")
                content = content.replace(_CREDITS, credits)
            with _on_page(uri):
                page.content = figures.refer(
                    content, page.url, self._figures, addresses, self._names
                )
        return env

    def _number(self) -> None:
        """Number all figures; those outside of chapters are counted from page to page."""
        outside = 0
        for page in self._pages:
            label = self._labels.get(page.url)
            prefix, first = (f"{label}.", 1) if label else ("", outside + 1)
            with _on_page(page.file.src_uri):
                page.content, numbers = figures.number(page.content or "", prefix, first)
            self._figures[page.url] = numbers
            outside += 0 if label else len(numbers)

    @event_priority(100)  # before search reads the page
    def on_page_context(
        self, context: Any, *, page: Page, config: MkDocsConfig, nav: Navigation
    ) -> Any:
        """Let search read the text and the captions only, and tell the templates the rest."""
        text, run = page.content or "", self._runs.get(page.file.src_uri)
        page.content = figures.captions(text)
        if page.file.src_uri.startswith(_API):
            page.content = "".join(map("".join, _ENTRY.findall(page.content)))
        return {
            **context,
            "text": text,
            "chapters": self._chapters,
            "labels": self._labels,
            "names": self._names,
            "citation": self._citation,
            "environment": run["environment"] if run and any(run["outputs"]) else None,
        }

    def on_post_page(self, output: str, *, page: Page, config: MkDocsConfig) -> str:
        """Take out the indentation that the theme's templates leave, a part of a page's weight."""
        parts = _VERBATIM.split(output)
        parts[::2] = [_INDENTATION.sub("\n", part) for part in parts[::2]]
        return "".join(parts)

    @event_priority(-1000)  # the last to write has written
    def on_post_build(self, *, config: MkDocsConfig) -> None:
        """Put the new site in the place of the old one, unless a warning fails the build."""
        cache.drop_unused(self._cache)
        for uri in self._runs:
            files, there = cache.files_of(self._caches[uri]), Path(config.site_dir, _FIGURES)
            shutil.copytree(files, there, dirs_exist_ok=True)
        # Of a strict build MkDocs counts the warnings, and fails it only after this.
        handlers = logging.getLogger("mkdocs").handlers
        if any(isinstance(one, CountHandler) and one.get_counts() for one in handlers):
            log.info("The site at %s stays as it was.", self._swap.target)
            return
        self._swap.commit()
        log.info("The site is at %s", self._swap.target / "index.html")

    def on_build_error(self, *, error: Exception) -> None:
        """Leave the old site as it was."""
        self._swap.discard()


@contextmanager
def _on_page(uri: str) -> Iterator[None]:
    """Let every complaint say which page it is about."""
    try:
        yield
    except ValueError as error:
        raise PluginError(f"{uri}: {error}") from error
