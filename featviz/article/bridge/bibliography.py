"""The works that the article cites, read from one BibTeX file."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pybtex.backends.plaintext import Backend
from pybtex.database import Entry, Person, parse_file
from pybtex.exceptions import PybtexError
from pybtex.richtext import Text
from pybtex.style.names.plain import NameStyle

# Of longer lists of authors a footnote names the first three; the bibliography names all.
MOST_AUTHORS = 5
FIRST_AUTHORS = 3

# Found by name, as pybtex offers to, it would be looked for among all installed packages each time.
_TEXT = Backend()

# Where a work of each type was published; the first field that is there is shown.
_VENUES = ("journal", "booktitle", "institution", "howpublished")


class WorkError(ValueError):
    """The BibTeX file cannot be read, or says too little about a work."""


@dataclass(frozen=True)
class Work:
    """A publication.

    Args:
        key: What pages call it.
        authors: Their names, abbreviated, in order.
        title: Its title.
        venue: Where it was published, or "".
        year: When.
        link: The shown name and the address of a copy; empty texts if there is none.
    """

    key: str
    authors: tuple[str, ...]
    title: str
    venue: str
    year: str
    link: tuple[str, str]

    def html(self, most_authors: int | None = None) -> str:
        """Write the work as one line of HTML, whose parts a style may set apart.

        Args:
            most_authors: If there are more authors than this, name the first few.
        """
        names: Sequence[str] = self.authors
        if most_authors is not None and len(names) > most_authors:
            names = [*names[:FIRST_AUTHORS], "et\N{NO-BREAK SPACE}al"]
        name, address = self.link
        title = self.title if self.title[-1] in "?!." else f"{self.title}."
        where = ", ".join(filter(None, [self.venue, self.year]))
        parts = [
            f'<span class="work-authors">{html.escape(", ".join(names))}.</span>',
            f"<cite>{html.escape(title)}</cite>",
            f'<span class="work-venue">{html.escape(where)}.</span>',
        ]
        if address:
            parts.append(f'<a href="{html.escape(address)}">{html.escape(name)}</a>')
        return f'<span class="work">{" ".join(parts)}</span>'


def read(path: str | Path) -> dict[str, Work]:
    """Read a BibTeX file.

    Args:
        path: The file.

    Returns:
        The works by their keys, in alphabetical order of authors, then by year.

    Raises:
        WorkError: If it is no BibTeX, or a work has no author, title or year.
    """
    try:
        entries = parse_file(str(path), bib_format="bibtex").entries
    except PybtexError as error:
        raise WorkError(f"{Path(path).name} is not valid BibTeX: {error}") from None
    order = sorted(entries.items(), key=lambda item: _place(*item))
    return {key: _work(key, entry) for key, entry in order}


def _place(key: str, entry: Entry) -> tuple[list[str], str, str]:
    people = entry.persons.get("author", [])
    names = [_plain(" ".join(person.last_names)).casefold() for person in people]
    return names, entry.fields.get("year", ""), key


def _work(key: str, entry: Entry) -> Work:
    people = entry.persons.get("author", [])
    for field, there in (
        ("author", people),
        *((name, name in entry.fields) for name in ("title", "year")),
    ):
        if not there:
            raise WorkError(
                f"the work {key!r} has no {field}; every work needs author, title, year"
            )
    fields = {name.lower(): _plain(value) for name, value in entry.fields.items()}
    venue = next((fields[name] for name in _VENUES if name in fields), "")
    if entry.type == "techreport" and "number" in fields:
        venue = f"{venue}, technical report {fields['number']}"
    return Work(
        key, tuple(map(_name, people)), fields["title"], venue, fields["year"], _link(fields)
    )


def _link(fields: dict[str, str]) -> tuple[str, str]:
    if "doi" in fields:
        return f"doi:{fields['doi']}", f"https://doi.org/{fields['doi']}"
    if "eprint" in fields:
        return f"arXiv:{fields['eprint']}", f"https://arxiv.org/abs/{fields['eprint']}"
    url = fields.get("url", "")
    return url.partition("://")[2].partition("/")[0], url


def _plain(latex: str) -> str:
    return str(Text.from_latex(latex).render(_TEXT))


def _name(person: Person) -> str:
    name = NameStyle().format(person, abbr=True).format().render(_TEXT)
    # A name must not be broken after its initials.
    return str(name).replace(" ", "\N{NO-BREAK SPACE}").replace("~", "\N{NO-BREAK SPACE}")
