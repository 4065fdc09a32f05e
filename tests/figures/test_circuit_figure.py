"""Circuits: lines and columns, from any unit to any other by pointer, key and address."""

import re
from dataclasses import replace

import numpy as np
import pytest
from figure_samples import circuits, page, textures

from featviz import figures


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    file = tmp_path_factory.mktemp("circuits") / "circuits.html"
    tall = "<p style='height:4000px'>Before.</p>"
    file.write_text(page(tall + circuits(link="microscope.html")._repr_html_()), "utf-8")
    return file.as_uri()


@pytest.fixture
def view(open_page):
    return walked(open_page, "#conv3-4")


def walked(open_page, state, **options):
    tab = open_page(state, **{"viewport": {"width": 1280, "height": 900}} | options)
    tab.wait_for_selector("fv-circuit[data-fv=ready]", state="attached")
    tab.wait_for_selector(".fv-circuit__panel[data-of]")
    return tab


def root(view):
    return view.locator(".fv-circuit__unit--root").get_attribute("data-unit")


def focus(view):
    return view.evaluate("document.activeElement.dataset.unit")


def drawn(view, layer):
    tiles = view.locator(f".fv-circuit__unit[data-unit^='{layer}-']")
    return [tiles.nth(i).get_attribute("data-unit") for i in range(tiles.count())]


def shown(view, unit):
    view.wait_for_function(f"document.querySelector('.fv-circuit__panel').dataset.of === '{unit}'")
    return view.locator(".fv-circuit__panel")


# ---- the figure ---------------------------------------------------------------------------------


def test_without_scripts_a_circuit_is_drawn_whole(open_page):
    tab = open_page(java_script_enabled=False, viewport={"width": 1280, "height": 900})
    assert drawn(tab, "conv3") == ["conv3-4"]
    assert drawn(tab, "conv2") == ["conv2-5", "conv2-6"]
    assert drawn(tab, "conv1") == ["conv1-5", "conv1-6"]
    assert tab.locator(".fv-circuit__line").count() == 2 + 4
    links = tab.locator(".fv-circuit__unit")
    assert links.first.get_attribute("href") == "microscope.html#conv3-4"
    assert "conv3:4 reads of conv2: 5 (" in tab.inner_text(".fv-circuit__panel")


def test_a_line_is_as_wide_as_its_weight_and_dashed_below_zero():
    html = circuits()._repr_html_()
    lines = re.findall(r'class="fv-circuit__line([^"]*)" d="M(\d).*?--fv-thick:([\d.]+)px', html)
    kernels = np.random.default_rng(0).standard_normal((8, 8, 3, 3))  # conv2's, the first drawn
    weights = kernels.sum((2, 3))[np.ix_([5, 6], [5, 6])]
    between = [(kind, width) for kind, column, width in lines if column == "1"]
    assert len(lines) == 6
    assert sorted(float(width) for _, width in between) == pytest.approx(
        sorted((0.8 + 5.2 * np.abs(weights) / np.abs(weights).max()).ravel()), abs=0.01
    )
    assert sum("--down" in kind for kind, _ in between) == (weights < 0).sum()


def test_the_start_of_a_first_layer_has_the_units_that_read_it():
    html = circuits(start="conv1:3")._repr_html_()
    assert len(re.findall(r'data-unit="conv2-\d"', html)) == 2
    assert 'data-unit="conv3-' not in html


def test_what_does_not_fit_is_named():
    with pytest.raises(ValueError, match=r"start is 'conv3:8', .* conv3:0 to conv3:7"):
        circuits(start="conv3:8")
    first = figures.CircuitLayer("conv1", (textures(4) * 255).astype(np.uint8), 11)
    second = replace(first, layer="conv2", weights=np.zeros((4, 3)), kernels=np.zeros((4, 4, 3, 3)))
    with pytest.raises(
        ValueError, match=r"weights of conv2 have shape \(4, 3\): expected \(4, 4\)"
    ):
        figures.circuit_columns([first, second], start="conv2:0", id="c", alt="Two.")
    odd = replace(second, weights=np.zeros((4, 4)), columns={"conv1": np.zeros((4, 2), int)})
    with pytest.raises(ValueError, match=r"columns\['conv1'\] of conv2 has shape \(4, 2\)"):
        figures.circuit_columns([first, odd], start="conv2:0", id="c", alt="Two.")


# ---- in a browser -------------------------------------------------------------------------------


def test_an_address_takes_its_unit_apart_wherever_the_figure_stands(open_page):
    tab = walked(open_page, "#conv2-3")
    assert root(tab) == "conv2-3"
    assert drawn(tab, "conv1") == ["conv1-4", "conv1-5"]
    assert len(drawn(tab, "conv3")) == 2
    box = tab.locator(".fv-circuit__stage").bounding_box()
    assert 0 < box["y"] < 900


def test_one_walks_by_keyboard_down_to_the_first_layer_and_back(view):
    view.focus(".fv-circuit__unit--root")
    view.keyboard.press("ArrowRight")
    assert focus(view) == "conv2-5"
    view.keyboard.press("ArrowDown")
    assert focus(view) == "conv2-6"
    view.keyboard.press("Enter")
    view.wait_for_function("location.hash === '#conv2-6'")
    assert root(view) == "conv2-6"
    assert focus(view) == "conv2-6"
    view.keyboard.press("ArrowRight")
    view.keyboard.press("Enter")
    view.wait_for_function("location.hash === '#conv1-7'")
    assert root(view) == "conv1-7"
    view.keyboard.press("ArrowLeft")
    assert focus(view).startswith("conv2-")
    view.keyboard.press("Home")
    assert focus(view) == "conv1-7"
    view.keyboard.press("Backspace")
    view.wait_for_function("location.hash === '#conv2-6'")
    assert root(view) == "conv2-6"
    view.go_back()
    view.wait_for_function("location.hash === '#conv3-4'")
    assert root(view) == "conv3-4"


def test_the_unit_looked_at_shows_its_kernels_and_its_lines(view):
    view.focus("[data-unit='conv3-4']")
    view.keyboard.press("ArrowRight")
    panel = shown(view, "conv2-5")
    assert "adds +50% to conv3:4" in panel.inner_text()
    names = [c.get_attribute("aria-label") for c in panel.locator("canvas").all()]
    assert sorted(names) == [
        "Kernel from conv1:5 to conv2:5",
        "Kernel from conv1:6 to conv2:5",
        "Kernel from conv2:5 to conv3:4",
    ]
    assert view.locator(".fv-circuit__line.fv-on").count() == 3
    view.hover("[data-unit='conv1-6']")
    panel = shown(view, "conv1-6")
    assert "adds \u221212.5% to conv3:4" in panel.inner_text()
    assert (
        panel.locator("canvas[aria-label='Expanded weights from conv1:6 to conv3:4']").count() == 1
    )


def test_a_kernel_has_the_colors_of_its_weights(view):
    view.focus("[data-unit='conv3-4']")
    view.keyboard.press("ArrowRight")
    shown(view, "conv2-5")
    alpha = view.evaluate(
        """() => [...document.querySelector("canvas[aria-label='Kernel from conv2:5 to conv3:4']")
          .getContext("2d").getImageData(0, 0, 3, 3).data]"""
    )
    rng = np.random.default_rng(0)
    rng.standard_normal((8, 8, 3, 3))  # conv2's kernels
    kernel = rng.standard_normal((8, 8, 3, 3))[4, 5]
    pixels = np.array(alpha).reshape(3, 3, 4)
    assert pixels[..., 3] / 255 == pytest.approx(np.abs(kernel) / np.abs(kernel).max(), abs=0.02)
    warm = pixels[..., 0].astype(int) > pixels[..., 2]
    assert (warm == (kernel > 0)).all()


def test_a_line_under_the_pointer_shows_its_kernel(view):
    line = view.locator(".fv-circuit__reach").first
    box = view.evaluate(
        """(path) => {
          const at = path.getPointAtLength(path.getTotalLength() / 2);
          const place = new DOMPoint(at.x, at.y).matrixTransform(path.getScreenCTM());
          return [place.x, place.y];
        }""",
        line.element_handle(),
    )
    view.mouse.move(*box)
    view.wait_for_selector(".fv-circuit__cell.fv-on")
    assert view.locator(".fv-circuit__line.fv-on").count() == 1


def test_a_unit_is_found_by_its_name(view):
    view.fill(".fv-circuit .fv-find", "conv2:7")
    view.keyboard.press("Enter")
    view.wait_for_function("location.hash === '#conv2-7'")
    assert root(view) == "conv2-7"
    view.fill(".fv-circuit .fv-find", "conv2:8")
    view.keyboard.press("Enter")
    assert view.inner_text(".fv-circuit .fv-count") == "No such unit: conv2 has units 0 to 7."


def test_a_first_touch_shows_a_unit_and_a_second_one_takes_it_apart(open_page):
    tab = walked(open_page, "#conv3-4", has_touch=True, viewport={"width": 360, "height": 740})
    tile = tab.locator("[data-unit='conv2-5']")
    tile.tap()
    shown(tab, "conv2-5")
    assert root(tab) == "conv3-4"
    tile.tap()
    tab.wait_for_function("location.hash === '#conv2-5'")
    assert root(tab) == "conv2-5"


@pytest.mark.parametrize(("scheme", "width"), [("default", 1280), ("slate", 360)])
def test_no_barrier_and_no_sideways_scrolling(open_page, check_for_barriers, scheme, width):
    tab = walked(open_page, "#conv3-4", viewport={"width": width, "height": 900})
    tab.focus("[data-unit='conv3-4']")
    tab.keyboard.press("ArrowRight")
    shown(tab, "conv2-5")
    check_for_barriers(tab, scheme, width)
