"""The page on the reader's photo in the built site: light, and alive from disk."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

pytestmark = pytest.mark.slow

PAGE = "your_photo.html"
LOCAL = ("file:", "data:", "blob:")
LARGEST_WHOLE = 4_000_000  # bytes read after everything was tried, without what every page has
SHARED = ("/assets/javascripts/", "/assets/stylesheets/", "/search/")


def weight(urls):
    files = {Path(unquote(urlsplit(url).path)) for url in urls if url.startswith("file:")}
    return sum(path.stat().st_size for path in files)


def test_the_page_is_light_and_sends_nothing(visit):
    tab = visit(PAGE)
    tab.page.click(".fv-photo__begin")
    tab.page.wait_for_selector("fv-photo[data-live]", state="attached", timeout=60_000)
    for button in tab.page.locator(".fv-photo__sample").all():
        button.click()
    tab.load_images()
    tab.page.locator(".fv-climb__button", has_text="Step").click()
    tab.page.wait_for_function(
        "document.querySelector('.fv-climb__count strong').innerText === '1'", timeout=60_000
    )
    own = [url for url in tab.requests if not any(folder in url for folder in SHARED)]
    assert weight(own) <= LARGEST_WHOLE
    assert [url for url in tab.requests if not url.startswith(LOCAL)] == []
    assert tab.failures == []
    assert tab.errors == []


def test_an_address_leads_to_a_sample(visit, site):
    one = visit("404.html")
    one.page.goto(f"{(site / PAGE).as_uri()}#fig-photo:coffee")
    one.page.wait_for_function(
        "document.querySelector('.fv-photo__status')?.innerText === 'AlexNet has seen coffee.'",
        timeout=60_000,
    )
    assert one.errors == []


def test_units_lead_to_the_microscope(visit, site):
    tab = visit(PAGE)
    tab.page.click(".fv-photo__begin")
    tab.page.wait_for_selector("fv-photo[data-live]", state="attached", timeout=60_000)
    tab.page.locator(".fv-photo__live .fv-photo__row[aria-label=conv5] button").last.click()
    href = tab.page.locator(".fv-photo__panel a").first.get_attribute("href")
    page, _, place = href.partition("#")
    assert f'id="{place}"' in (site / page).read_text(encoding="utf-8")
