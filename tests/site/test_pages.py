"""Every page of the built site, as a reader without a network meets it."""

import io
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image

pytestmark = pytest.mark.slow

LOCAL = ("file:", "data:", "blob:")
PHONE = {
    "viewport": {"width": 360, "height": 740},
    "is_mobile": True,
    "has_touch": True,
}
# Bytes of a page's HTML; pictures and the data of figures are files.
LARGEST_PAGE = 150_000
# Standard deviation of gray levels (of 255) below which a picture shows nothing.
FLAT = 1.0
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]


def test_the_site_has_every_page_and_no_other(site, page_names):
    names = {path.relative_to(site).as_posix() for path in site.rglob("*.html")}
    assert names - {"404.html"} == set(page_names)


def test_nothing_is_fetched_from_anywhere(visit, page_name):
    tab = visit(page_name)
    tab.load_images()
    tab.page.wait_for_timeout(200)
    assert [url for url in tab.requests if not url.startswith(LOCAL)] == []
    assert tab.failures == []
    assert tab.errors == []


def test_the_html_names_no_remote_resource(site, page_name):
    html = (site / page_name).read_text(encoding="utf-8")
    remote = r'<(?:script|img|iframe|source|video|audio)\b[^>]*\bsrc="(?:https?:)?//[^"]*'
    link = r'<link\b[^>]*rel="(?:stylesheet|preconnect|preload|icon)"[^>]*href="(?:https?:)?//'
    assert re.findall(f"{remote}|{link}", html) == []


class Captions(HTMLParser):
    """The tags inside figures' captions and rows' headings, each of which is closed in its turn."""

    def __init__(self):
        super().__init__()
        self.open, self.tags = [], set()

    def handle_starttag(self, tag, attrs):
        inside = bool(self.open)
        if inside:
            self.tags.add(tag)
        if inside or tag == "figcaption" or ("class", "fv-head") in attrs:
            self.open += [tag] if tag not in ("br", "img") else []

    def handle_startendtag(self, tag, attrs):
        self.tags |= {tag} if self.open else set()

    def handle_endtag(self, tag):
        if self.open:
            assert self.open.pop() == tag, f"{self.getpos()}: </{tag}> closes another tag"


def test_captions_hold_text_and_simple_markup(site, page_name):
    reader = Captions()
    reader.feed((site / page_name).read_text(encoding="utf-8"))
    reader.close()
    assert reader.open == []
    text = {"a", "br", "code", "em", "i", "b", "span", "strong", "sub", "sup"}
    assert reader.tags <= text | {"svg", "rect"}


def test_images_load_and_say_what_they_show(visit, page_name):
    tab = visit(page_name)
    tab.load_images()
    bad = tab.page.evaluate(
        """() => [...document.images].filter(image => {
          const alt = image.getAttribute("alt");
          const named = image.closest("[aria-label], [aria-labelledby], [aria-hidden=true]");
          const described = alt !== null && (alt.trim().length > 3 || (alt === "" && named));
          return !image.naturalWidth || !described || /No description/.test(alt);
        }).map(image => image.outerHTML.slice(0, 160))"""
    )
    assert bad == []


def test_no_picture_is_flat(site, page_name):
    html = (site / page_name).read_text(encoding="utf-8")
    # One figure shows what fails: neurons that never leave gray.
    html = re.sub(r'<figure [^>]*id="fig-dead-images".*?</figure>', "", html, flags=re.DOTALL)
    folder = (site / page_name).parent
    flat = []
    for source in set(re.findall(r'<img\b[^>]*\bsrc="([^":]+\.(?:webp|png|jpg|avif))"', html)):
        with Image.open(folder / unquote(source)) as picture:
            if np.asarray(picture.convert("L"), dtype=float).std() < FLAT:
                flat.append(source)
    assert flat == []


def test_every_figure_can_be_seen(visit, page_name):
    tab = visit(page_name)
    tab.load_images()
    for figure in tab.page.query_selector_all("article figure[id]"):
        with Image.open(io.BytesIO(figure.screenshot())) as picture:
            low, high = picture.convert("L").getextrema()
        assert high - low > 40, figure.get_attribute("id")


def test_a_phone_does_not_scroll_sideways(visit, page_name):
    tab = visit(page_name, **PHONE)
    tab.load_images()
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_phone_reads_every_label_of_a_plot(visit, page_name):
    tab = visit(page_name, **PHONE)
    collisions = tab.page.evaluate(
        """() => [...document.querySelectorAll("svg.fv-plot")].flatMap((plot) => {
          const boxes = [...plot.querySelectorAll("text")]
            .map((label) => [label.textContent, label.getBoundingClientRect()])
            .filter(([, box]) => box.width);
          const meet = (a, b) =>
            Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
            Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3;
          return boxes.flatMap(([name, box], i) =>
            boxes.slice(i + 1).filter(([, b]) => meet(box, b)).map(([other]) => [name, other])
          );
        })"""
    )
    assert collisions == []


def test_a_phone_shows_the_ladders_whole(visit):
    tab = visit("index.html", **PHONE)
    overhangs = tab.page.evaluate(
        "[...document.querySelectorAll('.fv-ladder')].map(l => l.scrollWidth - l.clientWidth)"
    )
    assert len(overhangs) == 3
    assert max(overhangs) <= 0


def test_the_overview_shows_its_pictures_on_the_first_screen(visit):
    tab = visit("index.html")
    bottom = "document.querySelector('#fig-hero .fv-ladder').getBoundingClientRect().bottom"
    assert tab.page.evaluate(bottom) <= 900
    link = tab.page.locator("article a[href='assignment.html']").first.bounding_box()
    assert link["y"] + link["height"] <= 900


def test_under_each_figure_is_a_way_to_the_code_that_made_it(site, page_name):
    html = (site / page_name).read_text(encoding="utf-8")
    figures = re.findall(r'<figure\b[^>]*\bid="fig-([\w-]+)"', html)
    folds = re.findall(r'<details class="figure-code".*?</details>', html, re.DOTALL)
    ways = [fold for fold in folds if re.search(r'href="[^"]*source/\w+\.html#\w+"', fold)]
    assert len(ways) == len(figures)


def test_numbers_of_figures_are_unique_over_the_site(site, page_names):
    pages = [(site / name).read_text(encoding="utf-8") for name in page_names]
    numbers = [
        n for html in pages for n in re.findall(r'class="figure-number"[^>]*>([^<]*)<', html)
    ]
    assert len(numbers) > 40
    assert len(set(numbers)) == len(numbers)


def test_what_stands_in_place_of_a_missing_page_needs_no_file(visit):
    tab = visit("404.html")
    assert len(tab.requests) == 1
    assert "There is no such page" in tab.page.inner_text("h1")


def test_text_column_is_704_pixels(visit):
    tab = visit("index.html")
    width = tab.page.evaluate("document.querySelector('article h1').getBoundingClientRect().width")
    assert width == 704


def test_axe_finds_no_serious_fault(visit, page_name, scheme):
    tab = visit(page_name, color_scheme=scheme, reduced_motion="reduce")
    violations = Axe().run(tab.page, options={"runOnly": WCAG}).response["violations"]
    serious = [
        (fault["id"], [node["target"] for node in fault["nodes"]][:3])
        for fault in violations
        if fault["impact"] in ("serious", "critical")
    ]
    assert serious == []


def test_every_page_has_title_description_and_figure_numbers(site, page_name):
    html = (site / page_name).read_text(encoding="utf-8")
    assert re.search(r'<meta name="description" content="[^"]{20,}"', html)
    assert len(re.findall(r"<h1\b", html)) == 1
    assert re.findall(r'<a href="[^"]*#fig-[\w-]+"></a>', html) == []
    assert re.findall(r"\{\{ \w+ \}\}", re.sub(r"<code.*?</code>", "", html, flags=re.DOTALL)) == []


def test_page_is_light(site, page_name):
    assert (site / page_name).stat().st_size <= LARGEST_PAGE


class Links(HTMLParser):
    """What a page links to, and what can be linked to on it."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.ids.update(value for key in ("id", "name") if (value := attributes.get(key)))
        self.links += [value for key in ("href", "src") if (value := attributes.get(key))]


def read_links(path: Path) -> Links:
    links = Links()
    links.feed(path.read_text(encoding="utf-8"))
    return links


def test_links_lead_somewhere(site, page_name):
    pages: dict[Path, Links] = {}
    dead = []
    here = (site / page_name).resolve()
    for link in read_links(here).links:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        target = (here.parent / unquote(parts.path)).resolve() if parts.path else here
        if not target.exists():
            dead.append(link)
        elif parts.fragment and target.suffix == ".html":
            ids = pages.setdefault(target, read_links(target)).ids
            fragment = unquote(parts.fragment)
            # A unit within a figure is found by the figure's own script: #fig-sheets:conv5-16.
            if not {fragment, fragment.partition(":")[0]} & (ids | {"__skip"}):
                dead.append(link)
    assert dead == []
