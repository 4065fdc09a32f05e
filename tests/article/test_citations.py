"""Works and words: what a page cites, and what it need not explain."""

from types import SimpleNamespace

import markdown
import pytest
from jinja2 import Environment, FileSystemLoader

from featviz.article.bridge import bibliography
from featviz.article.bridge.bibliography import Work
from featviz.article.bridge.glossary import Glossary
from tests.sites import ROOT

OLAH = Work("olah", ("C. Olah",), "Title?", "Distill", "2017", "doi:1", "https://doi.org/1")
THEME = Environment(loader=FileSystemLoader(ROOT / "featviz" / "article" / "theme"))
THEME.filters["url"] = lambda address: address
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
    assert works["b"].link == "arXiv:1311.2901"
    assert works["b"].address == "https://arxiv.org/abs/1311.2901"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("@misc{a, title={T}, year={1}}", "the work 'a' has no author"),
        ("@misc{a, author={A, B}, title={T}}", "the work 'a' has no year"),
        ("@misc{a, author=", r"some\.bib is not valid BibTeX"),
    ],
)
def test_an_incomplete_work_is_refused_by_name(write, text, message):
    with pytest.raises(ValueError, match=message):
        bibliography.read(write(text))


def line(work, most=9):
    return THEME.get_template("partials/work.html").module.line(work, most)


def test_the_works_of_the_article_can_be_read():
    result = bibliography.read(ROOT / "docs" / "references.bib")
    shown = line(result["olah2017"])
    assert shown.startswith('<span class="work"><span class="work-authors">C.')
    assert "\n" not in shown
    assert all(work.venue or work.address for work in result.values())


def test_long_lists_of_authors_are_cut_in_footnotes_only():
    many = Work("k", tuple("ABCDEF"), "T", "V", "2000", "", "")
    assert "A, B, C, et\xa0al.</span>" in line(many, most=5)
    assert "A, B, C, D, E, F.</span>" in line(many)
    assert "A, B, C, D, E, F.</span>" in listed([many], {})
    assert "<a" not in line(many)


def test_a_citation_becomes_a_footnote_and_a_note_stays_one():
    page, cited = bibliography.cite("A[^olah]: b[^own].\n\n[^own]: Note.", {"olah": line(OLAH)})
    assert cited == ("olah",)
    assert page.count("[^own]:") == 1
    assert '[^olah]: <span class="work">' in page
    assert "<cite>Title?</cite>" in page


def test_footnotes_in_code_are_no_citations():
    assert bibliography.cite("`[^no]` and\n```\n[^neither]\n```\n", {})[1] == ()


def listed(works, cited):
    page = SimpleNamespace(title="A & B", url="a.html", file=SimpleNamespace(src_uri="a.py"))
    return THEME.get_template("partials/works.html").render(works=works, pages=[page], cited=cited)


def test_the_list_of_works_names_the_pages_that_cite_each():
    assert "Cited in" not in listed([OLAH], {"a.py": ("other",)})
    assert 'Cited in <a href="a.html">A &amp; B</a>.</span>' in listed([OLAH], {"a.py": ("olah",)})


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
