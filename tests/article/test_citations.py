"""Works and words: what a page cites, and what it need not explain."""

import re

import markdown
import pytest

from featviz.article.bridge import bibliography, citations
from featviz.article.bridge.bibliography import Work, WorkError
from featviz.article.bridge.glossary import Glossary
from tests.sites import ROOT

OLAH = Work("olah", ("C. Olah",), "Title?", "Distill", "2017", ("doi:1", "https://doi.org/1"))
GLOSSARY = Glossary(
    """
### Unit {#unit}

One map.

### Receptive field {#field data-forms="field, view"}

What a [unit](#unit)
*sees* <now>.
"""
)


@pytest.fixture
def write(tmp_path):
    def to_file(text):
        (tmp_path / "some.bib").write_text(text, encoding="utf-8")
        return tmp_path / "some.bib"

    return to_file


def test_bibtex_is_read_with_its_accents_and_in_order(write):
    works = bibliography.read(
        write(
            r"@article{b, author={Zeiler, Matthew D. and Fergus, Rob}, title={T}, year=2014,"
            r" journal={ECCV}, eprint={1311.2901}}"
            r"@techreport{a, author={B{\"o}hle, Moritz}, title={{Some \& Title}}, year={2021},"
            r" institution={MPI}, number={7}}"
        )
    )
    assert list(works) == ["a", "b"]
    assert works["a"].authors == ("M.\xa0Böhle",)
    assert works["a"].title == "Some & Title"
    assert works["a"].venue == "MPI, technical report 7"
    assert works["b"].authors == ("M.\xa0D.\xa0Zeiler", "R.\xa0Fergus")
    assert works["b"].link == ("arXiv:1311.2901", "https://arxiv.org/abs/1311.2901")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("@misc{a, title={T}, year={1}}", "the work 'a' has no author"),
        ("@misc{a, author={A, B}, title={T}}", "the work 'a' has no year"),
        ("@misc{a, author=", r"some\.bib is not valid BibTeX"),
    ],
)
def test_an_incomplete_work_is_refused_by_name(write, text, message):
    with pytest.raises(WorkError, match=message):
        bibliography.read(write(text))


def test_the_works_of_the_article_can_be_read():
    works = bibliography.read(ROOT / "docs" / "references.bib")
    assert works["olah2017"].html().startswith('<span class="work"><span class="work-authors">C.')
    assert all(work.venue or work.link[1] for work in works.values())


def test_every_identifier_says_whether_it_was_checked_and_the_page_does_not():
    text = (ROOT / "docs" / "references.bib").read_text()
    entries = re.findall(r"(?:^% (\w+): (\w+).*\n)?^@\w+\{(\w+),\n([^@]*)^}", text, re.MULTILINE)
    works = bibliography.read(ROOT / "docs" / "references.bib")
    assert {key for *_, key, _ in entries} == set(works)
    for verdict, field, key, fields in entries:
        named = re.findall(r"^  (doi|eprint|url|number) ", fields, re.MULTILINE)
        assert ([field] if verdict in ("checked", "unchecked") else []) == named, key
        assert "checked" not in works[key].html()


def test_long_lists_of_authors_are_cut_in_footnotes_only():
    many = Work("k", tuple("ABCDEF"), "T", "V", "2000", ("", ""))
    assert "A, B, C, et\xa0al.</span>" in many.html(most_authors=5)
    assert "A, B, C, D, E, F.</span>" in many.html()


def test_a_citation_becomes_a_footnote_and_a_note_stays_one():
    page, keys = citations.cite("A[^olah]: b[^own].\n\n[^own]: Note.", {"olah": OLAH})
    assert keys == ("olah",)
    assert page.count("[^own]:") == 1
    assert '[^olah]: <span class="work">' in page
    assert "<cite>Title?</cite>" in page


def test_footnotes_in_code_are_no_citations():
    assert citations.cite("`[^no]` and\n```\n[^neither]\n```\n", {})[1] == ()


def test_an_uncited_work_is_listed_without_pages():
    content = citations.bibliography([OLAH])
    assert "Cited in" not in citations.name_citers(content, {})
    assert 'href="a.html">A &amp; B</a>.' in citations.name_citers(
        content, {"olah": [("A & B", "a.html")]}
    )


def with_terms(content):
    GLOSSARY.page = "g.md"
    return markdown.markdown(content, extensions=[GLOSSARY, "md_in_html", "tables"])


def test_terms_are_marked_in_prose_once():
    html = with_terms("Units, a unit and *receptive\nfields*; a view.\n\n- Unit & <b>field</b>")
    assert html.count('class="term"') == 2
    assert html.startswith('<p><a class="term" href="g.md#unit" title="One map.">Units</a>, a unit')
    assert (
        '<em><a class="term" href="g.md#field" title="What a unit sees &lt;now&gt;.">receptive\n'
        "fields</a></em>; a view."
    ) in html
    assert "<li>Unit &amp; <b>field</b></li>" in html


@pytest.mark.parametrize(
    "content",
    [
        "## Unit",
        "[a unit](x)",
        "`unit`",
        '<figure markdown="block"><figcaption markdown="block">unit</figcaption></figure>',
        "united, sub-unit, units-per-layer",
        "a | b\n--|--\nunit | b",
    ],
)
def test_terms_are_not_marked_elsewhere(content):
    assert "term" not in with_terms(content)
