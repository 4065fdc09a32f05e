"""The glossary's words explain themselves where a page first uses them."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from html.parser import HTMLParser

import markdown

# An entry: a heading with an id, and further forms of the word if it has any; then its definition.
_ENTRY = re.compile(
    r"^### (?P<name>[^{\n]+?) \{#(?P<id>[\w-]+)(?: data-forms=\"(?P<forms>[^\"]*)\")?\}\n+"
    r"(?P<said>(?:(?!#).+\n?)+)",
    re.MULTILINE,
)
_PARAGRAPH = re.compile(r"^<p>(.*)</p>$", re.DOTALL)
_LINK = re.compile(r"</?a\b[^>]*>")

# Text is prose within these elements, unless it is within one of those.
_PROSE = {"p", "li", "dd", "blockquote"}
_NO_PROSE = {
    *("a", "abbr", "button", "code", "div", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "nav"),
    *("pre", "script", "style", "sup", "svg", "table", "template"),
}
_VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}


@dataclass(frozen=True)
class Term:
    """A word of the glossary.

    Args:
        id: Its place in the glossary.
        forms: How it may be written; the plural in s needs no mention.
        said: Its definition, as HTML without links.
    """

    id: str
    forms: tuple[str, ...]
    said: str


class Glossary:
    """The terms, and a way to find them in prose.

    Args:
        source: The glossary's Markdown.
    """

    def __init__(self, source: str) -> None:
        self.terms = [
            Term(
                match["id"],
                (match["name"], *filter(None, (match["forms"] or "").split(", "))),
                _definition(match["said"]),
            )
            for match in _ENTRY.finditer(source)
        ]
        self._by_form = {form.lower(): term for term in self.terms for form in term.forms}
        longest_first = sorted(self._by_form, key=lambda form: (-len(form), form))
        words = "|".join(re.escape(form).replace(r"\ ", r"\s+") for form in longest_first)
        self._word = re.compile(rf"(?<![\w-])(?:{words})(?:s)?(?![\w-])", re.IGNORECASE)

    def mark(self, content: str, href: str) -> str:
        """Let the first use of each term show its definition.

        Args:
            content: A page's HTML.
            href: The glossary's address, seen from the page.

        Returns:
            The HTML with a card at the first use of each term in prose: not in headings, links,
            code, tables or captions.
        """
        if not self.terms:
            return content
        used: set[str] = set()
        pieces, end = [], 0
        for start, stop in _prose(content):
            for match in self._word.finditer(content, start, stop):
                term = self._term(match[0])
                if term is None or term.id in used:
                    continue
                used.add(term.id)
                pieces += [content[end : match.start()], _card(term, match[0], href)]
                end = match.end()
        return "".join([*pieces, content[end:]])

    def _term(self, word: str) -> Term | None:
        form = " ".join(word.lower().split())
        return self._by_form.get(form) or self._by_form.get(form.removesuffix("s"))


def _definition(source: str) -> str:
    made = markdown.markdown(" ".join(source.split()))
    paragraph = _PARAGRAPH.match(made)
    return _LINK.sub("", paragraph[1] if paragraph else made)


def _card(term: Term, word: str, href: str) -> str:
    # The card lies within the text, so that it needs no script; styles hide it until it is asked
    # for, and set it over the column.
    return (
        f'<span class="term"><a href="{html.escape(href)}#{term.id}" '
        f'aria-describedby="term-{term.id}">{word}</a>'
        f'<span class="term-card" id="term-{term.id}" role="tooltip" data-search-exclude>'
        f"{term.said}</span></span>"
    )


def _prose(content: str) -> list[tuple[int, int]]:
    walk = _Walk(content)
    walk.feed(content)
    walk.close()
    return walk.spans


class _Walk(HTMLParser):
    """Finds where the prose of a page is."""

    def __init__(self, content: str) -> None:
        super().__init__(convert_charrefs=False)
        self.spans: list[tuple[int, int]] = []
        self._lines = [0]  # where each line begins
        for line in content.split("\n"):
            self._lines.append(self._lines[-1] + len(line) + 1)
        self._open: list[tuple[str, bool | None]] = []  # None: no prose in here, however deep

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _VOID:
            return
        prose = self._open[-1][1] if self._open else False
        formula = "arithmatex" in (dict(attrs).get("class") or "")
        if tag in _NO_PROSE or formula:
            prose = None
        elif prose is False:
            prose = tag in _PROSE
        self._open.append((tag, prose))

    def handle_endtag(self, tag: str) -> None:
        for index in reversed(range(len(self._open))):
            if self._open[index][0] == tag:
                del self._open[index:]
                return

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1][1]:
            line, column = self.getpos()
            start = self._lines[line - 1] + column
            self.spans.append((start, start + len(data)))
