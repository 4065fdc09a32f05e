"""The microscope: what its figure says, and what its element does in a browser."""

import html
import json
import re

import numpy as np
import pytest
from figure_samples import microscope, page

from featviz import figures


@pytest.fixture(scope="session")
def address(tmp_path_factory):
    file = tmp_path_factory.mktemp("microscope") / "microscope.html"
    file.write_text(page(microscope()._repr_html_()), "utf-8")
    return file.as_uri()


@pytest.fixture
def view(open_page):
    tab = open_page(viewport={"width": 1280, "height": 900})
    tab.wait_for_selector("fv-microscope[data-loaded]", state="attached")
    return tab


def title(view):
    view.wait_for_timeout(50)  # the panel is drawn with the next frame
    return view.locator(".fv-micro__title").inner_text()


def visible_units(view):
    tiles = view.locator(".fv-unit:visible")
    return [tiles.nth(i).get_attribute("id") for i in range(tiles.count())]


# ---- the figure ---------------------------------------------------------------------------------


def test_each_unit_has_its_place_and_each_layer_its_part():
    content = microscope()._repr_html_()
    assert re.findall(r'<i id="([\w-]+)"></i>', content) == [
        f"{layer}-{unit}" for layer in ("conv1", "conv2") for unit in range(12)
    ]
    parts = re.findall(r'<template data-part="(\w+)">([^<]*)</template>', content)
    assert [name for name, _ in parts] == ["conv1", "conv2"]
    data = json.loads(html.unescape(parts[1][1]))
    assert len(data["cards"]) == 12
    assert data["values"]["color"][11] is None
    assert data["wired"][3] == [3, 0]
    assert figures.address("conv2", 7) == "conv2-7"


def test_a_neuron_stands_inside_its_whole_field_to_scale(view):
    view.locator(".fv-unit").first.click()
    neuron = view.locator(".fv-micro__view--neuron")
    assert "20 of 32 px" in neuron.inner_text()
    picture, field = (
        neuron.locator(f".fv-micro__{part}").bounding_box() for part in ("picture", "row--field")
    )
    border = 2
    assert (field["width"] - border) / picture["width"] == pytest.approx(32 / 20, rel=0.02)


def test_cards_hold_every_picture_without_overlap():
    from featviz.figures._microscope import Packing

    sizes = {"a": (1, 128), "b": (1, 163), "c": (4, 64), "d": (3, 11)}
    packing = Packing.of({n: np.zeros((2, k, 3, s, s), np.uint8) for n, (k, s) in sizes.items()})
    layers = np.zeros((packing.height, packing.width), int)
    for places in packing.places.values():
        for x, y, width, height in places:
            layers[y : y + height, x : x + width] += 1
    assert layers.max() == 1
    assert layers.sum() == 128**2 + 163**2 + 4 * 64**2 + 3 * 55**2
    assert packing.scales == {"a": 1, "b": 1, "c": 1, "d": 5}


def test_what_does_not_match_its_units_is_named():
    wrong = figures.MicroscopeLayer(
        "conv1", [0, 1], {"channel": np.zeros((2, 1, 3, 8, 8), np.uint8)}, families=["edge"]
    )
    with pytest.raises(ValueError, match="families of conv1 has 1 entries, but there are 2 units"):
        figures.microscope([wrong], id="m", alt="Two.")


# ---- in a browser -------------------------------------------------------------------------------


def test_the_panel_follows_pointer_and_keys(view):
    view.hover("#conv2-5")
    assert title(view) == "conv2:5"
    view.hover("#conv1-3")
    assert title(view) == "conv1:3"
    view.mouse.move(5, 5)
    assert title(view) == "conv1:0", "back to the chosen one"
    view.focus("#conv1-0")
    view.keyboard.press("ArrowRight")
    assert title(view) == "conv1:1"
    view.keyboard.press("End")
    assert title(view) == "conv2:11"
    view.wait_for_function("location.hash === '#conv2-11'")
    assert view.locator(".fv-unit[tabindex='0']").count() == 1


def test_ways_walk_down_to_the_first_layer_and_back(view):
    view.evaluate("location.hash = '#conv2-3'")
    assert title(view) == "conv2:3"
    link = view.locator("a[href='#conv1-3']")
    assert link.get_attribute("aria-label") == "conv1:3, +0.5"
    link.focus()
    view.keyboard.press("Enter")
    assert title(view) == "conv1:3"
    assert view.evaluate("document.activeElement.className") == "fv-micro__title"
    assert view.evaluate("location.hash") == "#conv1-3"
    view.go_back()
    assert title(view) == "conv2:3"


def test_the_panel_leads_to_a_units_circuit_where_there_is_such_a_page(open_page, tmp_path):
    (tmp_path / "circuits.html").write_text("<!doctype html><title>Circuits</title>", "utf-8")
    for circuits, links in (("", []), ("circuits.html", ["circuits.html#conv1-0"])):
        file = tmp_path / "units.html"
        file.write_text(page(microscope(circuits=circuits)._repr_html_()), "utf-8")
        tab = open_page()
        tab.goto(file.as_uri())
        tab.wait_for_selector("fv-microscope[data-loaded]", state="attached")
        ways = tab.locator(".fv-micro__circuit")
        assert [one.get_attribute("href") for one in ways.all()] == links
    ways.click()
    tab.wait_for_url("**/circuits.html#conv1-0")


def test_filters_leave_what_was_asked_for(view):
    everything = visible_units(view)
    assert len(everything) == 24
    view.fill(".fv-find", "grating")
    assert visible_units(view) == [i for i in everything if int(i.split("-")[1]) % 2]
    view.select_option("label:has-text('Layer') select", "conv2")
    assert all(i.startswith("conv2") for i in visible_units(view))
    assert "6 of 24" in view.locator(".fv-count").inner_text()
    view.fill(".fv-find", "conv2:4")
    view.keyboard.press("Enter")
    assert title(view) == "conv2:4"
    view.locator("button", has_text="Show all").click()
    view.select_option("label:has-text('Hue') select", "low")
    assert visible_units(view) == [f"{layer}-{u}" for layer in ("conv1", "conv2") for u in range(4)]


def test_what_is_not_there_is_said(view):
    count = view.locator(".fv-count")
    view.fill(".fv-find", "conv2:99")
    assert count.inner_text() == "No such unit here: conv2 has units 0 to 11."
    view.fill(".fv-find", "nothing like it")
    assert count.inner_text() == "No unit fits: show all."
    view.fill(".fv-find", "conv2:9")
    assert title(view) == "conv2:9"
    view.wait_for_function("location.hash === '#conv2-9'")


def test_sorting_and_kin(view):
    view.select_option("label:has-text('Sort') select", "color")
    assert visible_units(view)[:3] == ["conv1-10", "conv1-9", "conv1-8"]
    assert visible_units(view)[11] == "conv1-11", "without a number it comes last"
    view.evaluate("location.hash = '#conv1-6'")
    assert title(view) == "conv1:6"
    view.locator("button", has_text="show only these").click()
    assert set(visible_units(view)) == {"conv1-6", "conv1-7", "conv1-8"}


def test_an_address_wins_over_a_filter(view):
    view.select_option("label:has-text('Layer') select", "conv1")
    view.evaluate("location.hash = '#conv2-9'")
    assert title(view) == "conv2:9"
    assert "conv2-9" in visible_units(view)


def test_an_address_opens_at_its_unit(open_page):
    tab = open_page("#conv2-9", viewport={"width": 1280, "height": 500})
    tab.wait_for_selector("fv-microscope[data-loaded]", state="attached")
    assert title(tab) == "conv2:9"
    assert tab.evaluate(
        "(b => b.top > 0 && b.bottom < innerHeight)"
        "(document.getElementById('conv2-9').getBoundingClientRect())"
    )


def test_without_scripts_the_sheets_are_there_and_addresses_mark_their_tile(open_page):
    tab = open_page("#conv2-9", java_script_enabled=False, viewport={"width": 900, "height": 700})
    assert tab.locator(".fv-micro__sheet img:visible").count() == 2
    place = tab.locator("i:target")
    sheet = tab.locator(".fv-micro__sheet").nth(1).bounding_box()
    box = place.bounding_box()
    assert sheet["y"] <= box["y"]
    assert box["y"] + box["height"] <= sheet["y"] + sheet["height"] + 1


@pytest.mark.parametrize(("scheme", "width"), [("default", 1280), ("slate", 360)])
def test_no_barrier_and_no_sideways_scrolling(open_page, check_for_barriers, scheme, width):
    tab = open_page(viewport={"width": width, "height": 900})
    tab.wait_for_selector("fv-microscope[data-loaded]", state="attached")
    check_for_barriers(tab, scheme, width)
