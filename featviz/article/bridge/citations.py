"""A page that cites a work gets its footnote; the bibliography says which pages cite it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence

from mkdocs.structure.pages import Page
from mkdocs.utils import get_relative_url

from featviz.article.bridge.bibliography import MOST_AUTHORS, Work

# What the bibliography's Markdown says where the list of works shall stand.
PLACE = "{{ bibliography }}"

_DEFINITION = re.compile(r"^\[\^(?P<key>[\w:.-]+)\]:", re.MULTILINE)
_MARK = re.compile(r"(?<!\\)\[\^(?P<key>[\w:.-]+)\]")
_CODE = re.compile(r"(`+)[^`].*?\1", re.DOTALL)
_CITERS = re.compile(r'<span data-cited="([^"]+)"></span>')


class CitationError(ValueError):
    """A page cites a work that nobody describes."""


def cite(markdown: str, works: Mapping[str, Work]) -> tuple[str, tuple[str, ...]]:
    """Append the footnotes of the works that a page cites.

    Args:
        markdown: A page. A footnote that it defines itself is a note, not a work.
        works: What can be cited.

    Returns:
        The page with footnotes at its end, and the keys of the works, as the text reaches them.

    Raises:
        CitationError: If a footnote is neither defined by the page nor a work.
    """
    text = _CODE.sub("", markdown)
    own = {match["key"] for match in _DEFINITION.finditer(text)}
    marks = dict.fromkeys(match["key"] for match in _MARK.finditer(_DEFINITION.sub("", text)))
    cited = tuple(key for key in marks if key not in own)
    unknown = [key for key in cited if key not in works]
    if unknown:
        known = ", ".join(sorted({*own, *works})) or "none"
        raise CitationError(f"footnote [^{unknown[0]}] has no definition; known: {known}")
    notes = [f"[^{key}]: {works[key].html(MOST_AUTHORS)}" for key in cited]
    return "\n\n".join([markdown.rstrip(), *notes]) + "\n", cited


def bibliography(works: Iterable[Work]) -> str:
    """List all works, with places for the pages that cite each.

    Args:
        works: In the order of the list.

    Returns:
        HTML whose items have the works' keys as their ids.
    """
    items = "\n".join(
        f'<li id="{html.escape(work.key)}">{work.html()} '
        f'<span data-cited="{html.escape(work.key)}"></span></li>'
        for work in works
    )
    return f'<ul class="works">\n{items}\n</ul>'


def citers(
    pages: Iterable[Page], cited: Mapping[str, Sequence[str]], url: str
) -> dict[str, list[tuple[str, str]]]:
    """List the pages that cite each work.

    Args:
        pages: The pages in reading order.
        cited: The works that each page cites, by the page's source.
        url: The address of the page that the list is for.

    Returns:
        Title and address of the pages by the work's key.
    """
    found: dict[str, list[tuple[str, str]]] = {}
    for page in pages:
        for key in cited.get(page.file.src_uri, ()):
            link = (str(page.title), get_relative_url(page.url, url))
            found.setdefault(key, []).append(link)
    return found


def name_citers(content: str, citers: Mapping[str, Iterable[tuple[str, str]]]) -> str:
    """Fill the places that `bibliography` left.

    Args:
        content: The page's HTML.
        citers: For each work, title and address of the pages that cite it.
    """

    def one(match: re.Match[str]) -> str:
        links = ", ".join(
            f'<a href="{html.escape(href)}">{html.escape(title)}</a>'
            for title, href in citers.get(html.unescape(match[1]), ())
        )
        return f'<span class="work-citers">Cited in {links}.</span>' if links else ""

    return _CITERS.sub(one, content)
