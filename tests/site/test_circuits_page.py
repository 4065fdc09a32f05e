"""The chapter on circuits in the built site: walked from any unit by key and by link."""

import re

import pytest

pytestmark = pytest.mark.slow

PAGE = "chapters/circuits.html"
ROOT = ".fv-circuit__unit--root"


def wait(page, unit):
    page.wait_for_selector(f"fv-circuit[data-fv=ready] {ROOT}[data-unit='{unit}']")


def open_at(visit, site, address):
    one = visit("404.html")
    one.page.goto(f"{(site / PAGE).as_uri()}#{address}")
    wait(one.page, address)
    return one


def test_one_walks_from_a_face_to_a_filter_by_keyboard_and_back(visit, site):
    tab = open_at(visit, site, "conv5-143")
    page = tab.page
    page.focus(ROOT)
    for layer in ("conv4", "conv3", "conv2", "conv1"):
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        page.wait_for_function(f"location.hash.startsWith('#{layer}-')")
        wait(page, page.evaluate("location.hash.slice(1)"))
        assert page.evaluate("document.activeElement.matches('.fv-circuit__unit--root')")
    for layer in ("conv2", "conv3", "conv4", "conv5"):
        page.keyboard.press("Backspace")
        page.wait_for_function(f"location.hash.startsWith('#{layer}-')")
        wait(page, page.evaluate("location.hash.slice(1)"))  # a key before that may go nowhere
    assert page.evaluate("location.hash") == "#conv5-143"
    assert tab.errors == []
    assert tab.failures == []


@pytest.mark.parametrize("unit", ["conv5-12", "conv4-192", "conv3-0", "conv2-191", "conv1-63"])
def test_any_units_address_leads_to_its_circuit(visit, site, unit):
    tab = open_at(visit, site, unit)
    top = tab.page.evaluate("document.querySelector('.fv-circuit').getBoundingClientRect().top")
    assert -200 < top < 900
    tiles = tab.page.locator(".fv-circuit__unit")
    layer = int(unit[4])
    assert tiles.count() == 1 + 4 * (layer - 1) + 4 * (layer < 5)
    assert tab.errors == []


def test_the_microscope_leads_there(visit, site):
    one = visit("404.html")
    one.page.goto(f"{(site / 'microscope.html').as_uri()}#conv4-15")
    one.page.wait_for_selector("fv-microscope[data-loaded]", state="attached")
    one.page.click(".fv-micro__circuit")
    one.page.wait_for_url("**/chapters/circuits.html#conv4-15")
    wait(one.page, "conv4-15")


def test_without_scripts_the_circuit_is_drawn_and_leads_to_the_microscope(visit):
    tab = visit(PAGE, java_script_enabled=False)
    tiles = tab.page.locator("#fig-walk .fv-circuit__unit:visible")
    assert tiles.count() == 17
    assert tab.page.locator("#fig-walk .fv-circuit__line").count() == 4 + 3 * 16
    links = [tiles.nth(i).get_attribute("href") for i in range(17)]
    assert all(re.fullmatch(r"\.\./microscope\.html#conv[1-5]-\d+", link) for link in links)
