"""The glossary's words explain themselves where a page first uses them."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element

from markdown import Markdown
from markdown.extensions import Extension
from markdown.treeprocessors import Treeprocessor

# An entry: a heading with an id, and further forms of the word if it has any; then its definition.
_ENTRY = re.compile(
    r"^### (?P<name>[^{\n]+?) \{#(?P<id>[\w-]+)(?: data-forms=\"(?P<forms>[^\"]*)\")?\}\n+"
    r"(?P<said>(?:(?!#).+\n?)+)",
    re.MULTILINE,
)
_MARKUP = re.compile(r"\[([^\]]*)\]\([^)]*\)|[*`]")

# Text is prose within these elements, unless it is within one of those.
_PROSE = {"p", "li", "dd"}
_APART = {
    *("a", "abbr", "code", "div", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "script"),
    *("sup", "table"),
}


class Glossary(Extension):  # type: ignore[misc]
    """Links the first use of each term in a page's prose; the theme shows the link's title.

    Args:
        source: The glossary's Markdown.

    Attributes:
        page: The glossary's source, seen from the page that is converted next; "" for no links.
    """

    def __init__(self, source: str) -> None:
        super().__init__()
        self.page = ""
        self.said: dict[str, str] = {}  # each definition, as text, by its place in the glossary
        self.place: dict[str, str] = {}  # by each form of the word, small
        for entry in _ENTRY.finditer(source):
            text = _MARKUP.sub(lambda match: match[1] or "", entry["said"]).replace("*", "")
            self.said[entry["id"]] = " ".join(text.split())
            for form in (entry["name"], *filter(None, (entry["forms"] or "").split(", "))):
                self.place[form.lower()] = self.place[f"{form}s".lower()] = entry["id"]
        longest_first = sorted(self.place, key=lambda form: (-len(form), form))
        words = "|".join(re.escape(form).replace(r"\ ", r"\s+") for form in longest_first)
        self.word = re.compile(rf"(?<![\w-])(?:{words})(?![\w-])", re.IGNORECASE)

    def extendMarkdown(self, md: Markdown) -> None:
        # After inline Markdown, and before MkDocs resolves links.
        md.treeprocessors.register(_Linker(md, self), "glossary", 5)


class _Linker(Treeprocessor):  # type: ignore[misc]
    def __init__(self, md: Markdown, glossary: Glossary) -> None:
        super().__init__(md)
        self._glossary = glossary

    def run(self, root: Element) -> None:
        self._places = set(self._glossary.said) if self._glossary.page else set()
        for child in root:
            self._walk(child, prose=False)

    def _walk(self, parent: Element, prose: bool) -> None:
        if not self._places or parent.tag in _APART or "arithmatex" in parent.get("class", ""):
            return
        prose = prose or parent.tag in _PROSE
        for before in (None, *parent):
            if before is not None:
                self._walk(before, prose)
            if prose and self._places:
                self._link(parent, before)

    def _link(self, parent: Element, before: Element | None) -> None:
        """Link the words of the text that follows a child, or precedes all of them."""
        text = (parent.text if before is None else before.tail) or ""
        for match in self._glossary.word.finditer(text):
            place = self._glossary.place[" ".join(match[0].lower().split())]
            if place not in self._places:
                continue
            self._places.remove(place)
            href, title = f"{self._glossary.page}#{place}", self._glossary.said[place]
            link = Element("a", {"class": "term", "href": href, "title": title})
            link.text, link.tail = match[0], text[match.end() :]
            if before is None:
                parent.text = text[: match.start()]
            else:
                before.tail = text[: match.start()]
            parent.insert(0 if before is None else [*parent].index(before) + 1, link)
            self._link(parent, link)
            return
