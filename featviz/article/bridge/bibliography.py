"""The works that the article cites, read from one BibTeX file, become footnotes of its pages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pybtex.backends.plaintext import Backend
from pybtex.database import Entry, Person, parse_file
from pybtex.exceptions import PybtexError
from pybtex.richtext import Text
from pybtex.style.names.plain import NameStyle

# Found by name, as pybtex offers to, it would be looked for among all installed packages each time.
_TEXT = Backend()

# Where a work of each type was published; the first field that is there is shown.
_VENUES = ("journal", "booktitle", "institution", "howpublished")

_DEFINITION = re.compile(r"^\[\^(?P<key>[\w:.-]+)\]:", re.MULTILINE)
_MARK = re.compile(r"(?<!\\)\[\^(?P<key>[\w:.-]+)\]")
_CODE = re.compile(r"(`+)[^`].*?\1", re.DOTALL)


@dataclass(frozen=True)
class Work:
    """A publication.

    Args:
        key: What pages call it.
        authors: Their names, abbreviated, in order.
        title: Its title.
        venue: Where it was published, or "".
        year: When.
        link: The shown name of a copy, or "".
        address: Its address.
    """

    key: str
    authors: tuple[str, ...]
    title: str
    venue: str
    year: str
    link: str
    address: str


def read(path: str | Path) -> dict[str, Work]:
    """Read a BibTeX file.

    Args:
        path: The file.

    Returns:
        The works by their keys, in alphabetical order of authors, then by year.

    Raises:
        ValueError: If it is no BibTeX, or a work has no author, title or year.
    """
    try:
        entries = parse_file(str(path), bib_format="bibtex").entries
    except PybtexError as error:
        raise ValueError(f"{Path(path).name} is not valid BibTeX: {error}") from None
    order = sorted(entries.items(), key=lambda item: _place(*item))
    return {key: _work(key, entry) for key, entry in order}


def cite(markdown: str, works: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """Append the footnotes of the works that a page cites.

    Args:
        markdown: A page. A footnote that it defines itself is a note, not a work.
        works: What can be cited, each as one line of HTML.

    Returns:
        The page with footnotes at its end, and the keys of the works, as the text reaches them.

    Raises:
        ValueError: If a footnote is neither defined by the page nor a work.
    """
    text = _CODE.sub("", markdown)
    own = {match["key"] for match in _DEFINITION.finditer(text)}
    marks = dict.fromkeys(match["key"] for match in _MARK.finditer(_DEFINITION.sub("", text)))
    keys = tuple(key for key in marks if key not in own)
    unknown = [key for key in keys if key not in works]
    if unknown:
        names = ", ".join(sorted({*own, *works})) or "none"
        raise ValueError(f"footnote [^{unknown[0]}] has no definition; known: {names}")
    notes = [f"[^{key}]: {works[key]}" for key in keys]
    return "\n\n".join([markdown.rstrip(), *notes]) + "\n", keys


def _place(key: str, entry: Entry) -> tuple[list[str], str, str]:
    people = entry.persons.get("author", [])
    names = [_plain(" ".join(person.last_names)).casefold() for person in people]
    return names, entry.fields.get("year", ""), key


def _work(key: str, entry: Entry) -> Work:
    fields = {name.lower(): _plain(value) for name, value in entry.fields.items()}
    people = entry.persons.get("author", [])
    there = {*fields, *(["author"] if people else [])}
    for field in ("author", "title", "year"):
        if field not in there:
            raise ValueError(
                f"the work {key!r} has no {field}; every work needs author, title, year"
            )
    venue = next((fields[name] for name in _VENUES if name in fields), "")
    if entry.type == "techreport" and "number" in fields:
        venue = f"{venue}, technical report {fields['number']}"
    names = tuple(map(_name, people))
    return Work(key, names, fields["title"], venue, fields["year"], *_link(fields))


def _link(fields: dict[str, str]) -> tuple[str, str]:
    if "doi" in fields:
        return f"doi:{fields['doi']}", f"https://doi.org/{fields['doi']}"
    if "eprint" in fields:
        return f"arXiv:{fields['eprint']}", f"https://arxiv.org/abs/{fields['eprint']}"
    url = fields.get("url", "")
    return urlsplit(url).netloc, url


def _plain(latex: str) -> str:
    return str(Text.from_latex(latex).render(_TEXT))


def _name(person: Person) -> str:
    name = NameStyle().format(person, abbr=True).format().render(_TEXT)
    # A name must not be broken after its initials.
    return str(name).replace(" ", "\N{NO-BREAK SPACE}").replace("~", "\N{NO-BREAK SPACE}")
