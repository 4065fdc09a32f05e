"""What stands around the text: the way through the chapters, and the contents."""

from __future__ import annotations

import html
import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass

# Footnotes come at the end of what MkDocs makes of a page.
_FOOTNOTES = '<div class="footnote">'
_OPENING = re.compile(r"\s*(?:<h1\b.*?</h1>\s*(?:<p\b.*?</p>)?)?", re.DOTALL)


@dataclass(frozen=True)
class Stop:
    """One page on the way through the article.

    Args:
        title: Its name.
        url: Its address in the site.
        description: One sentence on it, or "".
        chapter: Its number; 0 for the page that the chapters start from.
    """

    title: str
    url: str
    description: str
    chapter: int


@dataclass(frozen=True)
class Heading:
    """A heading that the contents list.

    Args:
        title: HTML of the heading.
        href: Where it is, seen from the page.
        inside: The headings below it.
        current: Whether this is the page that is being read.
    """

    title: str
    href: str
    inside: tuple[Heading, ...] = ()
    current: bool = False


def relative(url: str, base: str) -> str:
    """Write an address of the site as seen from a page.

    Args:
        url: Where to, from the site's root.
        base: The page's own address, from the site's root.
    """
    return posixpath.relpath(url or ".", posixpath.dirname(base) or ".")


def furnish(content: str, top: str, contents: str, bottom: str, end: str) -> str:
    """Put the furniture around a page's text.

    Args:
        content: The page's HTML.
        top: Goes after the heading and the first paragraph.
        contents: Goes first; the style sets it beside the text.
        bottom: Goes after the text and before the footnotes.
        end: Goes last.
    """
    match = _OPENING.match(content)
    cut = match.end() if match else 0
    text, mark, footnotes = content[cut:].rpartition(_FOOTNOTES)
    if not mark:
        text, footnotes = footnotes, ""
    parts = [contents, content[:cut], top, text, bottom, mark + footnotes, end]
    return "\n".join(filter(None, parts))


def thread_top(stops: Sequence[Stop], here: int) -> str:
    """Say where the reader is among the chapters, with a way to every other one.

    Args:
        stops: The pages in reading order.
        here: Which of them this is.
    """
    count = max(stop.chapter for stop in stops)
    chapter = stops[here].chapter
    where = f"Chapter {chapter} of {count}" if chapter else f"Overview of {count} chapters"
    steps = "".join(
        _step(stop, stops[here].url, number == here) for number, stop in enumerate(stops)
    )
    return (
        f'<nav class="thread" aria-label="Chapters" data-search-exclude>'
        f'<p class="thread-where">{where}</p><ol class="thread-steps">{steps}</ol></nav>'
    )


def _step(stop: Stop, base: str, current: bool) -> str:
    name = html.escape(stop.title)
    if not stop.chapter:
        kind, shown, label = "start", name, ""
    else:
        label = f"Chapter {stop.chapter}: {name}"
        kind, shown, label = "step", str(stop.chapter), f' title="{label}" aria-label="{label}"'
    if current:
        return f'<li><a class="{kind} here" aria-current="page" href="#"{label}>{shown}</a></li>'
    href = html.escape(relative(stop.url, base))
    return f'<li><a class="{kind}" href="{href}"{label}>{shown}</a></li>'


def thread_bottom(before: Stop | None, after: Stop | None, base: str) -> str:
    """Offer the page before and the page after.

    Args:
        before: The page before, if any.
        after: The page after, if any.
        base: The address of the page itself.
    """
    cards = [
        _card(stop, base, kind)
        for stop, kind in ((before, "previous"), (after, "next"))
        if stop is not None
    ]
    if not cards:
        return ""
    inside = "".join(cards)
    return f'<nav class="onward" aria-label="Continue" data-search-exclude>{inside}</nav>'


def _card(stop: Stop, base: str, kind: str) -> str:
    href = html.escape(relative(stop.url, base))
    number = f", chapter {stop.chapter}" if stop.chapter else ""
    said = f'<span class="onward-text">{html.escape(stop.description)}</span>'
    return (
        f'<a class="onward-{kind}" rel="{kind[:4]}" href="{href}">'
        f'<span class="onward-kind">{kind.capitalize()}{number}</span>'
        f'<span class="onward-title">{html.escape(stop.title)}</span>'
        f"{said if stop.description else ''}</a>"
    )


def contents(headings: Sequence[Heading]) -> str:
    """List what is on the page, and its neighbors if it belongs to a section.

    Args:
        headings: The entries.
    """
    if not headings:
        return ""
    return (
        '<nav class="contents" aria-label="Contents" data-search-exclude>'
        f'<p class="contents-title">Contents</p>{_list(headings)}</nav>'
    )


def _list(headings: Sequence[Heading]) -> str:
    items = []
    for heading in headings:
        current = ' aria-current="page"' if heading.current else ""
        items.append(
            f'<li><a href="{html.escape(heading.href)}"{current}>{heading.title}</a>'
            f"{_list(heading.inside) if heading.inside else ''}</li>"
        )
    return f"<ul>{''.join(items)}</ul>"
