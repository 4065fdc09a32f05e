"""The small print of a page: how to cite it, compute it again, and use it for something else."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml  # type: ignore[import-untyped]
from pybtex.database import BibliographyData, Entry, Person

from featviz.article.bridge.notebook import CODE_CLASS


@dataclass(frozen=True)
class Imprint:
    """What CITATION.cff says about the whole.

    Args:
        software: The program's name.
        authors: Who made it.
        version: Which version this is.
        year: When that was released.
        license: What it may be used under.
    """

    software: str
    authors: tuple[str, ...]
    version: str
    year: str
    license: str


def imprint(path: Path) -> Imprint | None:
    """Read a file in the Citation File Format.

    Args:
        path: The file.

    Returns:
        What it says, or None if there is no such file.
    """
    if not path.is_file():
        return None
    said = yaml.safe_load(path.read_text(encoding="utf-8"))
    return Imprint(
        str(said["title"]).partition(":")[0],
        tuple(str(author["name"]) for author in said["authors"]),
        str(said["version"]),
        str(said["date-released"])[:4],
        str(said["license"]),
    )


@dataclass(frozen=True)
class Source:
    """What the appendix says about one page.

    Args:
        title: The page's title.
        part: What it is a part of: "chapter 4 of What has AlexNet learned?", or "".
        file: The name of its source, which lies beside it.
        environment: What it was computed with, as `environment.describe` says it.
        methods: The address of the page on methods, seen from this one, or "".
        library: The address of the page on using the library, or "".
    """

    title: str
    part: str
    file: str
    environment: Mapping[str, str]
    methods: str = ""
    library: str = ""


def appendix(source: Source, whole: Imprint | None) -> str:
    """Write a page's appendix.

    Args:
        source: The page.
        whole: What it belongs to; without it nothing is said on how to cite.
    """
    entries = [("Reproduce", _reproduce(source)), ("Reuse", _reuse(source, whole))]
    if whole is not None:
        entries.insert(0, ("Cite", _cite(source, whole)))
    inside = "".join(f"<dt>{name}</dt><dd>{said}</dd>" for name, said in entries)
    return (
        '<section class="appendix" id="appendix" aria-label="Appendix" data-search-exclude>'
        f"<dl>{inside}</dl></section>"
    )


def _cite(source: Source, whole: Imprint) -> str:
    part = f" ({html.escape(source.part)})." if source.part else ""
    stop = "" if part or source.title.endswith(("?", "!", ".")) else "."
    authors = html.escape(", ".join(whole.authors))
    return (
        f"{authors}. <cite>{html.escape(source.title)}</cite>{part or stop} "
        f"{html.escape(whole.software)} {whole.version}, {whole.year}."
        f'<details class="{CODE_CLASS}"><summary>BibTeX</summary>'
        f"<pre><code>{html.escape(bibtex(source, whole))}</code></pre></details>"
    )


def bibtex(source: Source, whole: Imprint) -> str:
    """Write the entry of a page.

    Args:
        source: The page.
        whole: What it belongs to.
    """
    part = f"{source.part[:1].upper()}{source.part[1:]}"
    entry = Entry(
        "misc",
        fields=[
            ("title", f"{{{source.title}}}"),
            ("year", whole.year),
            ("note", ", ".join(filter(None, [part, f"{whole.software} {whole.version}"]))),
        ],
        persons={"author": [Person(last=f"{{{name}}}") for name in whole.authors]},
    )
    key = f"{whole.software}-{Path(source.file).stem}"
    return str(BibliographyData(entries={key: entry}).to_string("bibtex")).strip()


def _reproduce(source: Source) -> str:
    facts = {name: html.escape(said) for name, said in source.environment.items()}
    said = ["<code>make site</code> computes every figure and number of this page again."]
    if facts:
        said.append(f"They were made with {facts['versions']} on {facts['machine']}.")
    if "passes" in facts:
        said.append(
            f"Networks ran in {facts['passes']}; randomness starts from seed {facts['seed']}."
        )
    if source.methods:
        said.append(f'<a href="{html.escape(source.methods)}">Methods</a> has the rest.')
    return " ".join(said)


def _reuse(source: Source, whole: Imprint | None) -> str:
    name = html.escape(source.file)
    said = [f'The source of this page: <a href="{name}" download>{name}</a>.']
    if source.library:
        href = html.escape(source.library)
        said.append(
            f'For another network, unit or photograph, <a href="{href}">use it as a library</a>.'
        )
    if whole is not None:
        said.append(
            f"Text, code and figures are under the {html.escape(whole.license)} license; weights "
            "and photographs under their own."
        )
    return " ".join(said)
