"""The elements in a browser: keys, links to a state, both color schemes, narrow screens."""

import pytest


def key(view):
    return view.evaluate("document.activeElement.dataset.key ?? document.activeElement.ariaLabel")


def test_ladder_moves_by_arrows_and_opens_by_enter(open_page):
    view = open_page()
    view.focus("#fig-ladder .fv-tile")
    view.keyboard.press("ArrowRight")
    view.keyboard.press("ArrowDown")
    assert key(view) == "conv3-1"
    assert view.locator("#fig-ladder .fv-tile[tabindex='0']").count() == 1
    view.keyboard.press("Enter")
    dialog = view.locator("dialog[open]")
    assert "conv3:1" in dialog.inner_text()
    assert view.url.endswith("#fig-ladder:conv3-1")
    view.keyboard.press("ArrowRight")
    assert "conv3:2" in dialog.inner_text()
    view.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    view.wait_for_function("document.activeElement.dataset.key === 'conv3-2'")


def test_sheet_shows_sorts_and_remembers(open_page):
    view = open_page()
    told = view.locator("#fig-all .fv-sheet__told")
    view.focus("#fig-all .fv-unit[tabindex='0']")
    view.keyboard.press("End")
    assert "conv5:11" in told.inner_text()
    view.keyboard.press("ArrowUp")
    assert "conv5:7" in told.inner_text()
    assert told.locator("a").get_attribute("href") == "unit.html#7"
    assert view.url.endswith("#fig-all:conv5-7")
    view.select_option("#fig-all select", "activation")
    assert view.locator("#fig-all .fv-unit").first.get_attribute("aria-label") == "conv5:11"


def test_a_press_selects_and_a_second_one_enlarges(open_page):
    view = open_page()
    unit = view.locator("#fig-all .fv-unit").nth(5)
    unit.click()
    assert view.locator("dialog[open]").count() == 0
    unit.click()
    assert "conv5:5" in view.locator("dialog[open]").inner_text()


def test_links_lead_to_a_state(open_page):
    view = open_page("#fig-all:conv5-9", viewport={"width": 1280, "height": 800})
    assert "conv5:9" in view.locator("#fig-all .fv-sheet__told").inner_text()
    view.evaluate("location.hash = '#fig-maps:map'")
    pressed = view.locator("#fig-maps [aria-pressed=true]")
    pressed.wait_for()
    view.wait_for_function(
        "document.querySelector('#fig-maps [aria-pressed=true]').innerText=='map'"
    )
    view.evaluate("location.hash = '#fig-wipe'")
    view.wait_for_function(
        "Math.abs(document.querySelector('#fig-wipe').getBoundingClientRect().top) < 800"
    )


def test_overlays_switch_all_cells(open_page):
    view = open_page()
    view.locator("#fig-maps button", has_text="photo").press("Enter")
    shown = view.locator("#fig-maps [role=cell] img:visible")
    assert shown.count() == 4
    assert {shown.nth(i).get_attribute("alt") for i in range(4)} == {"cat", "dog"}


def test_fields_follow_slider_and_arrows(open_page):
    view = open_page()
    slider = view.locator("#fig-field input[type=range]")
    slider.focus()
    view.keyboard.press("Home")
    assert slider.get_attribute("aria-valuetext") == "conv1, 11 pixels"
    square = view.locator("#fig-field svg rect")
    assert square.get_attribute("width") == "11"
    before = float(square.get_attribute("x"))
    view.focus("#fig-field .fv-field__stage")
    view.keyboard.press("ArrowRight")
    assert float(square.get_attribute("x")) == before + 4


def test_trajectory_moves_its_dot(open_page):
    view = open_page()
    view.focus("#fig-ascent input[type=range]")
    dot = view.locator("#fig-ascent .fv-trajectory__unit:not([hidden]) circle")
    end = float(dot.get_attribute("cx"))
    view.keyboard.press("Home")
    assert "step 0" in view.locator("#fig-ascent output").inner_text()
    assert float(dot.get_attribute("cx")) < end
    view.locator("#fig-ascent button", has_text="u:1").click()
    assert "objective 2" in view.locator("#fig-ascent output").inner_text()


def test_wipe_and_inspector_answer_to_keys(open_page):
    view = open_page()
    view.focus("#fig-wipe input")
    view.keyboard.press("ArrowRight")
    assert view.locator("#fig-wipe input").get_attribute("aria-valuetext") == "51 percent photo"
    view.focus("#fig-inspector .fv-inspector__area")
    view.keyboard.press("ArrowUp")
    assert "row 1 of 3, column 2 of 3" in view.locator("#fig-inspector").inner_text()
    assert view.locator("#fig-inspector .fv-unit").count() == 2


@pytest.mark.parametrize("scheme", ["default", "slate"])
@pytest.mark.parametrize("width", [1280, 360])
def test_no_barrier_and_no_sideways_scrolling(open_page, scheme, width):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    view = open_page(viewport={"width": width, "height": 16000})
    view.evaluate(f"document.body.dataset.mdColorScheme = '{scheme}'")
    view.evaluate("document.body.style.background = 'var(--fv-surface)'")
    view.evaluate("document.body.style.color = 'var(--fv-ink)'")
    assert view.evaluate("document.documentElement.scrollWidth") <= width
    found = axe.Axe().run(view).response["violations"]
    assert [v["id"] for v in found if v["impact"] in ("serious", "critical")] == []


def test_without_scripts_every_picture_is_there(open_page):
    view = open_page(java_script_enabled=False, viewport={"width": 800, "height": 900})
    for name in ("ladder", "all", "maps", "field", "ascent", "wipe", "inspector"):
        assert view.locator(f"#fig-{name} img:visible").count() >= 1, name
    assert view.locator("#fig-ascent img:visible").count() == 2
    assert view.locator("#fig-wipe img:visible").count() == 2
    assert view.locator("#fig-field svg rect").count() == 2
