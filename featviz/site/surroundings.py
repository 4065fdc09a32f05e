"""Where a page stands among the others, and what is therefore put around its text."""

from __future__ import annotations

import html

from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page
from mkdocs.structure.toc import AnchorLink

from featviz.site import furniture
from featviz.site.furniture import Heading, Stop

# Below this number of entries a list of contents tells nothing that the page does not.
_FEWEST_HEADINGS = 2


class Surroundings:
    """The order of the pages.

    Args:
        nav: MkDocs' navigation.
        chapters: The folder whose pages are the numbered chapters.
    """

    def __init__(self, nav: Navigation, chapters: str) -> None:
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

    def put(self, content: str, page: Page, source: str) -> str:
        """Put around a page what belongs around it.

        Args:
            content: The page's HTML.
            page: The page.
            source: The name of its source, which lies beside it, or "".

        Returns:
            The HTML with its surroundings.
        """
        stops = [self._stop(one) for one in self._thread]
        top = ""
        if page in self._chapters:
            top = furniture.thread_top(stops, self._thread.index(page))
        before, after = self._neighbors(page)
        bottom = furniture.thread_bottom(before, after, page.url)
        if source:
            bottom = f"{furniture.source_note(source)}\n{bottom}"
        return furniture.furnish(content, top, furniture.contents(self._headings(page)), bottom)

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


def _entry(item: AnchorLink) -> Heading:
    return Heading(item.title, item.url)
