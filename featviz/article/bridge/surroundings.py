"""Where a page stands among the others, and what is therefore put around its text."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from pathlib import Path

from mkdocs.structure.files import Files
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page
from mkdocs.structure.toc import AnchorLink

from featviz.article.bridge import furniture
from featviz.article.bridge.appendix import Imprint, Source, appendix
from featviz.article.bridge.furniture import Heading, Stop

# Below this number of entries a list of contents tells nothing that the page does not.
_FEWEST_HEADINGS = 2


class Surroundings:
    """The order of the pages, and what they say about each other.

    Args:
        nav: MkDocs' navigation.
        files: The site's files.
        chapters: The folder whose pages are the numbered chapters.
        methods: The source of the page on methods.
        library: The source of the page on using the library.
        whole: What all pages belong to.
    """

    def __init__(
        self,
        nav: Navigation,
        files: Files,
        *,
        chapters: str,
        methods: str,
        library: str,
        whole: Imprint | None,
    ) -> None:
        self._files = files
        self._methods = methods
        self._library = library
        self._whole = whole
        self._pages = list(nav.pages)
        self._chapters = [page for page in self._pages if page.file.src_uri.startswith(chapters)]
        start = [page for page in self._pages if page.is_homepage]
        self._thread = [*start, *self._chapters]

    def chapter(self, page: Page) -> int:
        """Give the number of a chapter; 0 for every other page."""
        return self._chapters.index(page) + 1 if page in self._chapters else 0

    def prefix(self, page: Page) -> str:
        """Give what stands before the number of a page's figures."""
        chapter = self.chapter(page)
        return f"{chapter}." if chapter else ""

    def dress(self, page: Page) -> None:
        """Let the page be an article: its own contents beside the text, no side bars."""
        page.meta.setdefault("hide", ["navigation", "toc"])

    def citers(
        self, page: Page, cited: Mapping[str, Sequence[str]]
    ) -> dict[str, list[tuple[str, str]]]:
        """List the pages that cite each work.

        Args:
            page: The page that the list is for.
            cited: The works that each page cites, by the page's source.

        Returns:
            Title and address of the pages in reading order, by the work's key.
        """
        found: dict[str, list[tuple[str, str]]] = {}
        for one in self._pages:
            for key in cited.get(one.file.src_uri, ()):
                link = (str(one.title), furniture.relative(one.url, page.url))
                found.setdefault(key, []).append(link)
        return found

    def put(self, content: str, page: Page, run: Mapping[str, str] | None) -> str:
        """Put around a page what belongs around it.

        Args:
            content: The page's HTML.
            page: The page.
            run: What its figures were computed with; None for a page without any.

        Returns:
            The HTML with its surroundings.
        """
        stops = [self._stop(one) for one in self._thread]
        top = ""
        if page in self._chapters:
            top = furniture.thread_top(stops, self._thread.index(page))
        before, after = self._neighbors(page)
        bottom = furniture.thread_bottom(before, after, page.url)
        end = appendix(self._source(page, run), self._whole) if run is not None else ""
        contents = furniture.contents(self._headings(page))
        return furniture.furnish(content, top, contents, bottom, end)

    def _source(self, page: Page, run: Mapping[str, str]) -> Source:
        part, chapter = "", self.chapter(page)
        if chapter and self._thread[0] is not page:
            part = f"chapter {chapter} of {_heading(self._thread[0])}"
        return Source(
            _heading(page),
            part,
            Path(page.file.src_uri).name,
            run,
            methods=self._address(self._methods, page),
            library=self._address(self._library, page),
        )

    def _address(self, uri: str, page: Page) -> str:
        file = self._files.get_file_from_path(uri)
        return furniture.relative(file.url, page.url) if file is not None else ""

    def _neighbors(self, page: Page) -> tuple[Stop | None, Stop | None]:
        if page not in self._pages:
            return None, None
        here = self._pages.index(page)
        before = self._pages[here - 1] if here else None
        after = self._pages[here + 1] if here + 1 < len(self._pages) else None
        return (
            self._stop(before) if before is not None else None,
            self._stop(after) if after is not None else None,
        )

    def _stop(self, page: Page) -> Stop:
        said = str(page.meta.get("description") or "")
        return Stop(str(page.title), page.url, said, self.chapter(page))

    def _headings(self, page: Page) -> list[Heading]:
        inside = tuple(_entry(item) for top in page.toc for item in (top.children or ()))
        section = page.parent.children if page.parent is not None else []
        siblings = [one for one in section if isinstance(one, Page)]
        if len(siblings) > 1:
            return [
                Heading(
                    html.escape(str(one.title)),
                    furniture.relative(one.url, page.url),
                    inside if one is page else (),
                    one is page,
                )
                for one in siblings
            ]
        return list(inside) if len(inside) >= _FEWEST_HEADINGS else []


def _heading(page: Page) -> str:
    """Give the title that stands over a page; the navigation may name it more briefly."""
    return str(page.meta.get("title") or page.title)


def _entry(item: AnchorLink) -> Heading:
    return Heading(item.title, item.url)
