"""Figures are numbered, and the text points to them by name."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

_FIGURE = re.compile(r'<figure\b[^>]*\bid="(?P<id>fig-[\w-]+)".*?</figure>', re.DOTALL)
_ANY_FIGURE = re.compile(r"<figure\b.*?</figure>", re.DOTALL)
_CAPTION = re.compile(r"<figcaption\b[^>]*>")
_TEMPLATE = re.compile(r"<template\b.*?</template>", re.DOTALL)
# Pictures that a reader may see before scrolling; more of them would hold up each other.
_AT_ONCE = 8

_IMAGE = re.compile(r"<img\b[^>]*>")
_LOADING = re.compile(r'\sloading="[^"]*"')
_HIDDEN = re.compile(r"\shidden\b(?!-)")
_CHAPTER = re.compile(r'<a href="(?P<page>[^"#:]+)"></a>')
_REFERENCE = re.compile(r'<a href="(?P<page>[^"#]*)#(?P<id>fig-[\w-]+)"></a>')


def number(content: str, chapter: str, first: int = 1) -> tuple[str, dict[str, str]]:
    """Number the figures of a page.

    Args:
        content: The page's HTML.
        chapter: What stands before the number: "4." for chapter four, or nothing.
        first: The number of the page's first figure.

    Returns:
        The HTML with a label at the head of each caption, and the number by the figure's id.

    Raises:
        ValueError: If two figures of the page have the same id.
    """
    numbers: dict[str, str] = {}

    def one(figure: re.Match[str]) -> str:
        name = figure["id"]
        if name in numbers:
            raise ValueError(f"two figures have the id {name!r}; give each its own")
        numbers[name] = f"{chapter}{len(numbers) + first}"
        label = f'<a class="figure-number" href="#{name}">Figure {numbers[name]}</a> '
        return _CAPTION.sub(lambda tag: tag[0] + label, figure[0], 1)

    return _FIGURE.sub(one, content), numbers


def hasten(content: str) -> str:
    """Let the first pictures of the first figure load at once; all others wait until they are near.

    Args:
        content: The page's HTML.

    Returns:
        The HTML with `loading` set accordingly; what is hidden at first waits in any case. Text
        goes before pictures: on a telephone the first figure lies below what is seen first.
    """
    first = _FIGURE.search(content)
    start, end = first.span() if first else (0, 0)
    slots = iter(range(_AT_ONCE))

    def one(match: re.Match[str]) -> str:
        bare = _LOADING.sub("", match[0])
        in_first = start <= match.start() < end and not _HIDDEN.search(bare)
        if in_first and next(slots, None) is not None:
            return bare.replace("<img", '<img fetchpriority="low"', 1)
        return bare.replace("<img", '<img loading="lazy"', 1)

    return _IMAGE.sub(one, content)


def captions(content: str) -> str:
    """Leave of each figure its caption alone, which is what a search shall find.

    Args:
        content: The page's HTML.
    """

    def one(figure: re.Match[str]) -> str:
        parts = _CAPTION.split(figure[0], 1)[1:]
        return f"<p>{''.join(parts).partition('</figcaption>')[0]}</p>"

    return _TEMPLATE.sub("", _ANY_FIGURE.sub(one, content))


def refer(
    content: str,
    url: str,
    figures: Mapping[str, Mapping[str, str]],
    sources: Mapping[str, str],
    chapters: Mapping[str, str],
) -> str:
    """Write the number into each link that has no text and leads to a figure or a chapter.

    Args:
        content: The page's HTML.
        url: The page's address in the site.
        figures: For each page's address, the number of each of its figures.
        sources: For each page's address, the name of its source, for messages.
        chapters: For each chapter's address, what the text calls it.

    Returns:
        The HTML with "Figure 4.2" or "chapter 4" in every such link.

    Raises:
        ValueError: If a figure does not exist, or the page is no chapter.
    """

    def absolute(page: str) -> str:
        return posixpath.normpath(posixpath.join(posixpath.dirname(url), page))

    def one(match: re.Match[str]) -> str:
        page = absolute(match["page"]) if match["page"] else posixpath.normpath(url)
        there = figures.get(page, {})
        if match["id"] not in there:
            names = ", ".join(sorted(there)) or "none"
            name = sources.get(page, page)
            raise ValueError(f"no figure {match['id']!r} on {name}; its figures: {names}")
        href = f"{match['page']}#{match['id']}"
        return f'<a class="figure-reference" href="{href}">Figure {there[match["id"]]}</a>'

    def other(match: re.Match[str]) -> str:
        page = absolute(match["page"])
        if page not in chapters:
            raise ValueError(f"{sources.get(page, page)} is no chapter: give the link a text")
        return f'<a href="{match["page"]}">{chapters[page]}</a>'

    return _CHAPTER.sub(other, _REFERENCE.sub(one, content))
