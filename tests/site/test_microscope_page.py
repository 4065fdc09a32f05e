"""The microscope's page in the built site: all units, light, smooth, each with its address."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import featviz as fv

pytestmark = pytest.mark.slow

PAGE = "microscope.html"
LARGEST_START = 2_000_000  # bytes read from disk before the reader scrolls
LARGEST_SITE = 60_000_000


@pytest.fixture
def tab(visit):
    one = visit(PAGE)
    one.page.wait_for_selector("fv-microscope[data-loaded]", state="attached")
    yield one
    assert one.errors == []
    assert one.failures == []


def file_of(url):
    return Path(unquote(urlsplit(url).path))


def test_every_unit_is_there_and_none_is_gray(tab):
    net = fv.load("alexnet")
    expected = [f"{layer}-{unit}" for layer in net.layers for unit in range(net.units(layer))]
    ids = tab.page.eval_on_selector_all(".fv-unit", "tiles => tiles.map(tile => tile.id)")
    assert ids == expected
    assert len(expected) == 1152
    assert "1,152 of 1,152" in tab.page.inner_text("p.lede")


def test_start_and_site_are_light(tab, site):
    tab.page.wait_for_timeout(300)
    assert sum(file_of(url).stat().st_size for url in set(tab.requests)) <= LARGEST_START
    assert sum(path.stat().st_size for path in site.rglob("*") if path.is_file()) <= LARGEST_SITE


def test_moving_over_a_layer_redraws_the_panel_and_nothing_else(tab):
    page = tab.page
    page.evaluate("document.getElementById('conv3-0').scrollIntoView({block: 'start'})")
    page.wait_for_timeout(500)
    page.evaluate(
        """() => {
          window.touched = [];
          const outside = (change) => !change.target.closest?.(".fv-micro__panel");
          new MutationObserver((changes) => touched.push(...changes.filter(outside)))
            .observe(document.querySelector("fv-microscope"),
                     { subtree: true, childList: true, attributes: true });
        }"""
    )
    box = page.locator("#conv3-0").bounding_box()
    for column in range(16):
        page.mouse.move(
            box["x"] + (column + 0.5) * (box["width"] + 2), box["y"] + 0.5 * box["height"]
        )
    page.wait_for_function(
        "document.querySelector('.fv-micro__title').innerText === 'conv3:15'",
    )
    assert page.evaluate("touched.length") == 0


def test_a_units_address_leads_to_it(visit, site):
    one = visit("404.html")
    one.page.goto(f"{(site / PAGE).as_uri()}#conv5-12")
    one.page.wait_for_selector("fv-microscope[data-loaded]", state="attached")
    one.page.wait_for_timeout(100)
    assert one.page.inner_text(".fv-micro__title") == "conv5:12"
    top = one.page.evaluate("document.getElementById('conv5-12').getBoundingClientRect().top")
    assert 0 < top < 900


def test_one_can_walk_from_conv5_down_to_a_filter_by_keyboard(tab):
    page = tab.page
    page.evaluate("location.hash = '#conv5-12'")
    for layer in ("conv4", "conv3", "conv2", "conv1"):
        page.wait_for_selector(f".fv-micro__way[href^='#{layer}-']")
        page.focus(f".fv-micro__way[href^='#{layer}-']")
        page.keyboard.press("Enter")
        page.wait_for_function(
            "name => document.querySelector('.fv-micro__title').innerText.startsWith(name)",
            arg=f"{layer}:",
        )
    assert "Its weights 11 px" in page.inner_text(".fv-micro__panel")
    assert re.fullmatch(r"#conv1-\d+", page.evaluate("location.hash"))
