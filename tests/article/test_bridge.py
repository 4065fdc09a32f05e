"""The bridge between mkdocs-jupyter and MkDocs, on a site of two small pages."""

import base64
import json
import os
import re
import shutil
import sys
import time
import warnings
from hashlib import sha256
from pathlib import Path

import pytest
from mkdocs.commands.build import build as mkdocs_build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort

from featviz.article.bridge import cache, figures, formulas, outputs, values
from featviz.article.bridge.swap import Swap
from featviz.article.bridge.values import Values
from featviz.figures import standalone
from tests.sites import build, make_site

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJ"
    "RU5ErkJggg=="
)
FIRST = f"""
# ---
# title: First
# description: The first page, in one sentence.
# ---

# %% [markdown]
# # First
#
# The answer is {{{{ answer }}}}; $a_i \\ge 0$. See [](#fig-dot), [](chapters/second.py#fig-far),
# the [second page](chapters/second.py#part), which is [](chapters/second.py).[^olah]
#
# ## Part *one*
#
# Text.
#
# ## Part two
#
# Text.

# %%
from pathlib import Path

from IPython.display import HTML, display

from featviz.article.bridge.values import Values

log = Path("runs.txt")
log.write_text(log.read_text() + "x" if log.exists() else "x")
Values(answer=42)

# %%
HTML(
    '<fv-dot><template>{{"at": "data:image/png;base64,{PIXEL}"}}</template>'
    '<figure id="fig-dot" class="fv l-page"><img alt="One dot" src="data:image/png;base64,{PIXEL}">'
    "<figcaption>A dot.</figcaption></figure></fv-dot>"
)

# %% tags=["show-code"]
print("said aloud")

# %% tags=["hide-code"]
secret = 1
"""
SECOND = """
# %% [markdown]
# # Second
#
# Back to the [first](../index.py) and its units[^olah]. A channel is a unit.[^own] **Neurons** too.
#
# [^own]: A note.
#
# ## Part

# %%
import sys

from IPython.display import HTML

print(sys.executable)

# %%
HTML('<figure id="fig-far"><p>Far</p><figcaption>See <a href="../index.py">it</a>.</figcaption>'
     "</figure>")
"""


GLOSSARY = """
---
title: Glossary
---

# Glossary

### Unit {#unit data-forms="channel"}

One *map* of a layer; see [neuron](#neuron).

### Neuron {#neuron}

One value.
"""
BIBLIOGRAPHY = """
# Bibliography

{{ bibliography }}
"""
CITATION = """
cff-version: 1.2.0
message: Please cite it.
title: "featviz: see"
authors: [{name: The authors}]
version: 1.2.3
date-released: 2026-01-02
license: MIT
"""
PAGES = {
    "index.py": FIRST,
    "chapters/second.py": SECOND,
    "reference/glossary.md": GLOSSARY,
    "reference/bibliography.md": BIBLIOGRAPHY,
}


def make(folder: Path) -> Path:
    make_site(folder, PAGES)
    (folder / "CITATION.cff").write_text(CITATION, encoding="utf-8")
    return folder


class Build:
    """How a build in this process went; it starts faster than a command.

    Args:
        folder: The site's sources.
        caplog: pytest's record of what is logged.
    """

    def __init__(self, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
        caplog.clear()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of MkDocs and its plugins, which are not ours to mend
            config = load_config(str(folder / "mkdocs.yml"))
            config.plugins.on_startup(command="build", dirty=False)
            self.failed = False
            try:
                mkdocs_build(config)
            except Abort:
                self.failed = True
        self.log = caplog.text


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """A site that was built once, and what the build said; the folder's name has a space."""
    folder = make(tmp_path_factory.mktemp("bridge") / "a site")
    result = build(folder)
    assert result.returncode == 0, result.stderr
    return folder, result.stderr


@pytest.fixture
def copy(example, tmp_path):
    """The built site, to be changed."""
    return shutil.copytree(example[0], tmp_path / "copy")


def contents(folder: Path) -> dict[Path, str]:
    """The hash of each file: what differs is then a line, not a page of bytes."""
    return {
        path.relative_to(folder): sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def page(folder: Path, name: str = "index.html") -> str:
    return (folder / "site" / name).read_text(encoding="utf-8")


def without_code(html: str) -> str:
    return re.sub(r"<details.*?</details>", "", html, flags=re.DOTALL)


def test_markdown_cells_are_mkdocs_own(example):
    first = page(example[0])
    assert 'href="chapters/second.html#part"' in first
    assert 'id="part-one"' in first
    assert 'class="footnote"' in first
    assert "<cite>Feature Visualization.</cite>" in first
    assert '<meta name="description" content="The first page, in one sentence."' in first


def test_a_site_without_an_address_has_no_map(example):
    assert not (example[0] / "site" / "sitemap.xml").exists()


def test_prose_quotes_computed_values(example):
    assert "The answer is 42;" in page(example[0])


def test_formulas_are_typeset_and_readable_aloud(example):
    first = page(example[0])
    assert "<msub><mi>a</mi><mi>i</mi></msub>" in first
    assert "arithmatex" not in first


def test_figures_are_numbered_by_chapter_and_referred_to_over_pages(example):
    first, second = page(example[0]), page(example[0], "chapters/second.html")
    assert '<a class="figure-number" href="#fig-dot">Figure 1</a> A dot.' in first
    assert '<a class="figure-reference" href="#fig-dot">Figure 1</a>' in first
    assert 'href="chapters/second.html#fig-far">Figure 1.1</a>' in first
    assert '<a class="figure-number" href="#fig-far">Figure 1.1</a> See' in second


def test_pages_carry_no_indentation_but_that_of_code(example):
    first = page(example[0])
    assert "    author = " in first
    markup = re.sub(r"<(pre|script|style)\b.*?</\1>", "code", first, flags=re.DOTALL)
    assert re.findall(r"\n\s+\S*", markup) == []


def test_chapters_have_numbers_in_the_tabs_and_where_the_text_names_them(example):
    first, second = page(example[0]), page(example[0], "chapters/second.html")
    assert 'which is <a href="chapters/second.html">chapter 1</a>' in first
    assert re.search(r'class="md-tabs__link">\s*1 Second\s*<', first)
    assert "Back to the" in second


def test_search_reads_the_numbers_of_figures_and_captions_alone(example):
    index = json.loads(page(example[0], "search/search_index.json"))["docs"]
    texts = " ".join(entry["text"] for entry in index if entry["location"].startswith("index.html"))
    assert "See Figure 1, Figure 1.1" in texts
    assert "Figure 1 A dot." in texts
    assert "fv-dot" not in texts
    assert "Values(" not in texts


def test_outputs_link_to_pages_not_to_their_sources(example):
    assert '<a href="../index.html">it</a>' in page(example[0], "chapters/second.html")


def test_pictures_become_one_file_and_the_page_points_to_it(example):
    pictures = list((example[0] / "site" / "assets" / "figures").iterdir())
    assert len(pictures) == 1
    first = page(example[0])
    assert f'src="assets/figures/{pictures[0].name}"' in first
    assert f'"at": "assets/figures/{pictures[0].name}"' in first
    assert "data:image" not in without_code(first)


def test_a_page_is_seen_before_its_scripts_are_there(example):
    first = page(example[0])
    scripts = re.findall(r"<script[^>]* src=[^>]*>", first)
    assert len(scripts) == 3  # the theme's, what its search needs on disk, and ours
    assert all("defer" in script for script in scripts)
    assert len(re.findall(r'<link rel="stylesheet"[^>]*featviz/featviz.css"', first)) == 1
    ours = example[0] / "site" / "assets" / "featviz"
    assert "/*" not in (ours / "featviz.css").read_text()
    script = (ours / "featviz.js").read_text()
    assert script.index("window.FV = ") < script.index("FV.define(")


def test_code_is_folded_under_its_figure_with_the_silent_cells_before_it(example):
    first = page(example[0])
    details = re.search(r'<details class="figure-code".*?</details>', first, re.DOTALL)[0]
    plain = re.sub(r"<[^>]+>", "", details)
    assert "Code of this figure" in plain
    assert "Values(answer=42)" in plain
    assert first.index("fig-dot") < first.index("figure-code")
    assert "secret" not in re.sub(r"<[^>]+>", "", first)
    assert first.count("Code of this figure") == 1
    assert first.index("print") < first.index('<pre class="output"')


def test_pages_lead_on_and_offer_their_source(example):
    first, second = page(example[0]), page(example[0], "chapters/second.html")
    assert "Chapter 1 of 1" in second
    assert re.search(r'href="chapters/second.html" class="md-footer__link', first)
    assert '<a href="index.py" download>' in first
    assert page(example[0], "index.py") == FIRST.lstrip()


def test_the_appendix_says_how_to_cite_reproduce_and_reuse(example):
    first, second = page(example[0]), page(example[0], "chapters/second.html")
    assert "The authors. <cite>First</cite>. featviz 1.2.3, 2026." in first
    assert "<cite>Second</cite> (chapter 1 of First)." in second
    assert (
        """@misc{featviz-second,
    author = &#34;{The authors}&#34;,
    title = &#34;{Second}&#34;,
    year = &#34;2026&#34;,
    note = &#34;Chapter 1 of First, featviz 1.2.3&#34;
}"""
        in second
    )
    assert f"Python {sys.version.split()[0]}" in first
    assert 'id="appendix"' not in page(example[0], "reference/glossary.html")


def test_the_bibliography_names_the_pages_that_cite_a_work(example):
    works = page(example[0], "reference/bibliography.html")
    assert '<li id="olah"><span class="work">' in works
    assert (
        'Cited in <a href="../index.html">Index</a>, '
        '<a href="../chapters/second.html">1 Second</a>.' in works
    )
    notes = page(example[0], "chapters/second.html").partition('<div class="footnote">')[2]
    assert notes.index("https://doi.org/10.23915/distill.00007") < notes.index("A note.")


def test_a_term_shows_its_definition_once_in_a_page(example):
    second = page(example[0], "chapters/second.html")
    assert (
        'its <a class="term" href="../reference/glossary.html#unit" '
        'title="One map of a layer; see neuron.">units</a>'
    ) in second
    assert second.count('class="term"') == 2
    assert 'class="term"' not in page(example[0], "reference/glossary.html")


def test_the_build_says_which_page_runs(example):
    log = example[1]
    assert re.search(r"index\.py: running\n", log)
    assert re.search(r"chapters/second\.py: done after \d+ s", log)
    assert "IPKernelApp" not in log


@pytest.mark.slow
def test_pages_run_in_this_python_whatever_the_user_has_set(tmp_path):
    shadow = tmp_path / "kernels" / "python3"
    shadow.mkdir(parents=True)
    spec = {
        "argv": ["/nowhere/python", "-f", "{connection_file}"],
        "display_name": "No",
        "language": "python",
    }
    (shadow / "kernel.json").write_text(json.dumps(spec))
    folder = make(tmp_path / "shadowed")
    result = build(folder, JUPYTER_PATH=str(tmp_path))
    assert result.returncode == 0, result.stderr
    assert f">{sys.executable}<" in page(folder, "chapters/second.html")


@pytest.mark.slow
def test_prose_reruns_nothing_and_code_reruns_its_page(copy, caplog):
    edit(copy / "docs" / "index.py", "The answer is", "The result is")
    assert not Build(copy, caplog).failed
    assert (copy / "runs.txt").read_text() == "x"
    assert "The result is 42;" in page(copy)
    edit(copy / "docs" / "index.py", "answer=42", "answer=43")
    assert not Build(copy, caplog).failed
    assert (copy / "runs.txt").read_text() == "xx"
    assert "The result is 43;" in page(copy)


@pytest.mark.slow
def test_two_cold_builds_give_the_same_bytes(example, copy, caplog):
    shutil.rmtree(copy / ".cache")
    shutil.rmtree(copy / "site")
    assert not Build(copy, caplog).failed
    assert contents(copy / "site") == contents(example[0] / "site")


def kept_runs(folder: Path) -> tuple[set[str], set[str]]:
    """The names of the runs that the cache holds, and of those whose files it holds."""
    pages = folder / ".cache" / "pages"
    return {path.stem for path in pages.glob("*.json")}, {p.stem for p in pages.glob("*.files")}


def test_a_runs_pictures_lie_beside_it(example):
    runs, files = kept_runs(example[0])
    assert len(runs) == 2
    assert files == runs
    pages = example[0] / ".cache" / "pages"
    runs = [json.loads(path.read_text())["content"] for path in pages.glob("*.json")]
    shown = b"".join(map(base64.b64decode, runs))
    assert b"fv-dot" in shown
    assert b"data:image" not in shown
    assert [path.suffix for path in pages.glob("*.files/*")] == [".png"]


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["half written", "without files"])
def test_damaged_runs_are_run_again(copy, caplog, damage):
    for path in (copy / ".cache" / "pages").glob("*.json"):
        if damage == "half written":
            path.write_text(path.read_text()[:100])
        else:
            shutil.rmtree(path.with_suffix(".files"))
    assert not Build(copy, caplog).failed
    assert (copy / "runs.txt").read_text() == "xx"
    assert "data:image" not in without_code(page(copy))


@pytest.mark.slow
def test_the_files_of_old_runs_go_with_them(copy, caplog):
    before, _ = kept_runs(copy)
    edit(copy / "docs" / "index.py", "answer=42", "answer=43")
    assert not Build(copy, caplog).failed
    runs, files = kept_runs(copy)
    assert runs != before
    # What is young may be a run of a build beside this one.
    assert files == runs | before
    for folder in copy.glob(".cache/**/*.files"):
        os.utime(folder, (0, 0))
    assert not Build(copy, caplog).failed
    assert kept_runs(copy) == (runs, runs)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("answer=42", "answer=1 // 0", r"index\.py: ZeroDivisionError: "),
        ("{{ answer }}", "{{ anser }}", r"index\.py: .*anser.*known: answer"),
        (
            "#fig-dot)",
            "#fig-dit)",
            r"index\.py: no figure 'fig-dit' on index\.py.*fig-dot",
        ),
        ("[](chapters/second.py)", "[](reference/glossary.md)", r"glossary\.md is no chapter"),
        ("second.py#part", "second.py#prt", r"second\.py#prt"),
        ("second.py#part", "third.py", r"third\.py"),
        (
            "[^olah]",
            "[^olga]",
            r"index\.py: footnote \[\^olga\] has no definition; known: olah",
        ),
        (r"$a_i \ge 0$", r"$\frac{a$", r"index\.py: the formula .* is not valid TeX"),
        ('alt="One dot"', "", r"index\.py: an image has no alternative text"),
        ("show-code", "show-cod", r"index\.py: tag 'show-cod' .* valid: hide, "),
    ],
)
def test_what_is_wrong_fails_the_build_and_leaves_the_old_site(copy, caplog, old, new, message):
    before = contents(copy / "site")
    edit(copy / "docs" / "index.py", old, new)
    result = Build(copy, caplog)
    assert result.failed
    assert re.search(message, result.log), result.log
    assert contents(copy / "site") == before
    assert sorted(path.name for path in copy.glob(".site-*")) == []


def test_values_want_the_text_that_readers_see():
    assert dict(Values(units=64, share="37 %")) == {"units": "64", "share": "37 %"}
    with pytest.raises(ValueError, match=r"Value 'share' is 0\.37; give the text"):
        Values(share=0.37)


def test_braces_of_formulas_are_no_values():
    assert values.fill(r"$\frac{{a}}{b}$ {{n}} {{ n }}", {"n": "7"}) == r"$\frac{{a}}{b}$ 7 7"


def test_two_figures_with_one_name_are_refused():
    with pytest.raises(ValueError, match="two figures have the id 'fig-a'"):
        figures.number('<figure id="fig-a"></figure><figure id="fig-a"></figure>', "")


def test_the_first_figure_loads_at_once_and_the_others_when_they_are_near():
    content = (
        '<figure id="fig-a"><img alt="loading" loading="lazy" src="1"><img src="2" hidden></figure>'
        '<img src="3"><figure id="fig-b"><img loading="eager" src="4"></figure>'
    )
    assert figures.hasten(content) == (
        '<figure id="fig-a"><img fetchpriority="low" alt="loading" src="1">'
        '<img loading="lazy" src="2" hidden></figure>'
        '<img loading="lazy" src="3"><figure id="fig-b"><img loading="lazy" src="4"></figure>'
    )


def test_of_a_large_first_figure_only_what_is_seen_first_loads_at_once():
    content = f'<figure id="fig-a">{"<img>" * 20}</figure>'
    assert figures.hasten(content).count('<img fetchpriority="low">') == 8


def test_a_caption_is_labeled_in_its_own_figure_only():
    content = '<figure id="fig-a"></figure><figure id="fig-b"><figcaption>B</figcaption></figure>'
    html, numbers = figures.number(content, "3.")
    assert numbers == {"fig-a": "3.1", "fig-b": "3.2"}
    assert html.count("Figure") == 1
    assert ">Figure 3.2</a> B" in html
    assert figures.number(content, "", 5)[1] == {"fig-a": "5", "fig-b": "6"}


def test_parts_of_a_figure_become_scripts_that_name_their_pictures():
    files = {}

    def write(name, content):
        files[name] = content
        return f"../files/{name}"

    data = f'{{"card":"data:image/png;base64,{PIXEL}"}}'
    page = f'<fv-dot><template data-part="conv1">{data}</template></fv-dot>'
    html = standalone.to_files(page, write)
    address = re.search(r'data-part="conv1" data-src="\.\./files/([^"]*)"></template>', html)[1]
    (picture,) = (name for name in files if name.endswith(".png"))
    script = files[address].decode()
    assert script.startswith("FV.deliver(document.currentScript.src,")
    assert json.loads(script[script.index(",") + 1 : script.rindex(")")]) == {
        "card": f"../files/{picture}"
    }


def test_a_long_payload_becomes_a_script_beside_the_page():
    files = {}
    short, long = "<template>{}</template>", f'<template>["&lt;{"x" * 5000}"]</template>'

    def write(name, content):
        files[name] = content.decode()
        return f"a/{name}"

    html = standalone.to_files(short + long, write)
    (name,) = files
    assert html == f'{short}<template data-src="a/{name}"></template>'
    assert files[name] == f'FV.deliver(document.currentScript.src,["<{"x" * 5000}"]);\n'


def test_display_formulas_stand_alone():
    typeset = formulas.typeset('<div class="arithmatex">\\[a &lt; b\\]</div>')
    assert typeset.startswith('<div class="formula"><math')
    assert 'display="block"' in typeset


@pytest.mark.parametrize(
    ("tex", "message"),
    [
        (r"\frac{a", "braces do not match"),
        (r"\frac a", "a part is missing"),
        (r"\foo{a}", r"command \\foo is unknown"),
        (r"x^y^z", "DoubleSuperscriptsError"),
    ],
)
def test_a_formula_that_would_look_broken_is_refused(tex, message):
    with pytest.raises(ValueError, match=f"is not valid TeX: .*{message}"):
        formulas.formula(tex, display=False)


def test_the_library_is_in_the_key_and_its_presentation_is_not(tmp_path):
    presentation = ("article/bridge/plugin.py", "article/theme/a.html", "figures/web/sheet.css")
    for name in ("ascent.py", *presentation):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
    before = cache.library_digest(tmp_path)
    for name in presentation:
        (tmp_path / name).write_text("2")
    assert cache.library_digest(tmp_path) == before
    (tmp_path / "ascent.py").write_text("2")
    assert cache.library_digest(tmp_path) != before


def test_a_site_set_aside_by_a_killed_build_comes_back(tmp_path):
    (tmp_path / ".site-previous").mkdir()
    (tmp_path / ".site-previous" / "index.html").write_text("old")
    for name, hours in ((".site-building-1", 2), (".site-building-2", 0.5)):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (0, time.time() - 3600 * hours))
    Swap(tmp_path / "site").prepare()
    assert (tmp_path / "site" / "index.html").read_text() == "old"
    # What is young may be another build's.
    assert [path.name for path in tmp_path.glob(".site-*")] == [".site-building-2"]


def test_the_files_of_a_run_are_there_whole_or_not_at_all(tmp_path, monkeypatch):
    folder = tmp_path / "pages" / "abc.files"
    seen = []

    def to_files(html, write):
        seen.append(folder.exists() and [path.name for path in folder.iterdir()])
        return html + write("new.webp", b"new")

    monkeypatch.setattr(outputs, "to_files", to_files)
    cells = [[{"output_type": "display_data", "data": {"text/html": "<p></p>"}}]]
    outputs.keep(cells, folder, "assets")
    (folder / "old.webp").write_bytes(b"of a run before")
    assert outputs.keep(cells, folder, "assets")["outputs"] == [["<p></p>assets/new.webp"]]
    assert [names and sorted(names) for names in seen] == [False, ["new.webp", "old.webp"]]
    assert [path.name for path in folder.iterdir()] == ["new.webp"]
    assert list(folder.parent.iterdir()) == [folder]
