"""How it is to read the built site: what moves and weighs, what opens, on paper, without JS."""

import json
import re
from collections import Counter
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.sites import API, SOURCE

pytestmark = pytest.mark.slow

# What a page may load before its reader scrolls, in bytes.
LIGHT = 2_000_000
# Cumulative layout shift that readers do not notice; web.dev calls 0.1 good.
STILL = 0.05
# CSS pixels of a sheet of A4 paper.
PAPER = {"width": 794, "height": 1123}
PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 900}

# Figures start when they are on the screen, not a screen ahead: so it is on a slow machine.
_WATCH_SHIFTS = """
window.IntersectionObserver = class extends IntersectionObserver {
  constructor(then, options) {
    super(then, options?.rootMargin === "1200px" ? { ...options, rootMargin: "-100px" } : options);
  }
};
window.shifted = 0;
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
}).observe({type: "layout-shift", buffered: true});
"""


def words(html: str) -> Counter[str]:
    """Count the words of a page's paragraphs and lists."""
    blocks = re.findall(r"<(p|li)\b[^>]*>(.*?)</\1>", html, re.DOTALL)
    prose = " ".join(block for _, block in blocks)
    return Counter(re.findall(r"\b[a-z]{6,}\b", unescape(re.sub(r"<[^>]+>", " ", prose))))


def rarest_words(site: Path, page_names: list[str]) -> dict[str, str]:
    """Find for each page the word that the fewest pages have, of these the most used one."""
    counts = {name: words((site / name).read_text(encoding="utf-8")) for name in page_names}
    pages = Counter(word for count in counts.values() for word in count)
    return {
        name: max(count, key=lambda word: (-pages[word], count[word], word))
        for name, count in counts.items()
    }


def made_names(site: Path, name: str) -> list[str]:
    """Name what a page of the made reference describes, or lists."""
    html = (site / name).read_text(encoding="utf-8")
    return re.findall(r'<h2 id="(featviz[\w.]+)"', html) or ["featviz.public names"]


def test_search_knows_every_public_name(site, page_names):
    script = (site / "search" / "search_index.js").read_text(encoding="utf-8")
    entries = json.loads(script[script.index("{") : script.rindex("}") + 1])["docs"]
    places = {entry["location"] for entry in entries}
    anchors = {
        f"{page}#{name}"
        for page in page_names
        if page.startswith(API) and page != f"{API}index.html"
        for name in made_names(site, page)
    }
    assert len(anchors) > 100
    assert anchors <= places


def test_search_finds_each_page_by_its_rarest_word(visit, site, page_names):
    # Of the made reference search reads names and what they say first.
    reference = [name for name in page_names if name.startswith(API)]
    others = [n for n in page_names if n not in reference and not n.startswith(SOURCE)]
    words = rarest_words(site, others)
    words |= {name: made_names(site, name)[-1].rpartition(".")[2] for name in reference}
    for name, word in words.items():
        tab = visit("index.html")
        tab.page.keyboard.press("/")
        tab.page.wait_for_selector(".md-search__input:focus")
        tab.page.keyboard.type(word)
        # What is shown first may still be for the word's first letters.
        tab.page.wait_for_function(
            """page => [...document.querySelectorAll(".md-search-result__link")].some(
              (link) => decodeURIComponent(new URL(link.href).pathname) === page
            )""",
            arg=(site / name).as_posix(),
            timeout=20_000,
        )
        assert tab.errors == []


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_nothing_moves_while_a_page_loads_and_is_scrolled(visit, page_name, viewport):
    tab = visit("404.html", viewport=viewport)
    tab.context.add_init_script(_WATCH_SHIFTS)
    tab.page.goto(tab.page.url.replace("404.html", page_name))
    tab.page.wait_for_load_state("load")
    tab.page.evaluate(
        """async () => {
          for (let y = 0; y < document.body.scrollHeight; y += 200) {
            window.scrollTo(0, y);
            await new Promise(done => setTimeout(done, 30));
          }
          await new Promise(done => setTimeout(done, 200));
        }"""
    )
    assert tab.page.evaluate("window.shifted") < STILL


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_little_is_loaded_before_the_reader_scrolls(visit, page_name, viewport):
    tab = visit(page_name, viewport=viewport)
    tab.page.wait_for_timeout(300)
    files = {unquote(urlsplit(url).path) for url in tab.requests if url.startswith("file:")}
    assert sum(Path(file).stat().st_size for file in files) <= LIGHT


def test_a_page_tells_its_story_without_javascript(visit, page_name):
    tab = visit(page_name, java_script_enabled=False)
    images = tab.page.evaluate(
        """() => [...document.querySelectorAll("article figure[id]")].map(figure => {
          const box = figure.getBoundingClientRect();
          const caption = figure.querySelector("figcaption");
          const shown = [...figure.querySelectorAll("img, svg, table")].some(
            one => one.getBoundingClientRect().width > 8);
          return [figure.id, box.height > 40 && caption?.offsetHeight > 10 && shown];
        })"""
    )
    assert [name for name, complete in images if not complete] == []
    assert len(tab.page.inner_text("article")) > 500


def test_on_paper_there_is_the_text_and_every_figure_fits(visit, page_name):
    tab = visit(page_name, viewport=PAPER, color_scheme="dark")
    tab.page.emulate_media(media="print")
    tab.load_images()
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= PAPER["width"]
    extras = tab.page.evaluate(
        """() => [...document.querySelectorAll(
          ".md-header, .md-tabs, .md-footer, .thread, .contents, .figure-code, .md-tooltip2"
        )].filter(one => one.offsetHeight).map(one => one.className)"""
    )
    assert extras == []
    overhangs = tab.page.evaluate(
        """width => [...document.querySelectorAll("article figure img, article figure svg")].filter(
          one => one.getBoundingClientRect().right > width + 1).map(one => one.outerHTML)""",
        PAPER["width"],
    )
    assert overhangs == []
    ink, paper = tab.page.evaluate(
        """() => [getComputedStyle(document.querySelector("article p")).color,
                  getComputedStyle(document.body).backgroundColor]"""
    )
    light = [sum(map(float, re.findall(r"[\d.]+", color)[:3])) for color in (ink, paper)]
    assert light[0] < light[1] or paper == "rgba(0, 0, 0, 0)"


def test_a_citation_opens_by_keyboard_and_names_the_work(visit):
    tab = visit("index.html")
    mark = tab.page.locator(".footnote-ref").first
    mark.focus()
    card = tab.page.locator(".md-tooltip2--active .work")
    card.wait_for()
    assert "Feature Visualization" in card.inner_text()
    assert "https://doi.org/" in card.locator("a").get_attribute("href")


def test_a_term_opens_by_pointer_and_keyboard(visit):
    tab = visit("index.html")
    term = tab.page.locator("a.term").first
    definition = term.get_attribute("title")
    card = tab.page.locator(".md-tooltip2--active[role=tooltip]")
    term.focus()
    card.wait_for()
    assert card.inner_text().strip() == definition
    term.blur()
    card.wait_for(state="detached")
    term.hover()
    card.wait_for()
    box = card.locator(".md-tooltip2__inner").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= DESK["width"]


def test_every_chapter_ends_in_an_appendix(site, page_names):
    chapters = [name for name in page_names if name.startswith("chapters/")]
    assert chapters
    for name in chapters:
        html = (site / name).read_text(encoding="utf-8")
        end = html.partition('id="appendix"')[2].partition("</section>")[0]
        for words in ("@misc{featviz-", "PyTorch", "seed 0", "MIT", "download>", "library.html"):
            assert words in end, name
