"""The elements in a browser: keys, links to a state, both color schemes, narrow screens."""

import figure_samples
import pytest

from featviz import figures


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
    words = view.locator("#fig-all .fv-sheet__told")
    view.focus("#fig-all .fv-unit[tabindex='0']")
    view.keyboard.press("End")
    assert "conv5:11" in words.inner_text()
    view.keyboard.press("ArrowUp")
    assert "conv5:7" in words.inner_text()
    assert words.locator("a").get_attribute("href") == "unit.html#7"
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


def test_a_sheet_shows_only_what_is_looked_for_until_an_address_names_another(open_page):
    view = open_page()
    tiles = view.locator("#fig-many .fv-unit:visible")
    assert tiles.count() == 50
    view.fill("#fig-many .fv-find", "edge")
    assert {tiles.nth(i).get_attribute("aria-label")[-4:] for i in range(tiles.count())} == {"edge"}
    assert view.locator("#fig-many .fv-count").inner_text() == "25 of 50 units"
    view.keyboard.press("Enter")
    view.keyboard.press("End")
    assert "conv1:48 edge" in view.locator("#fig-many .fv-sheet__told").inner_text()
    view.evaluate("location.hash = '#fig-many:conv1-7-spot'")
    view.wait_for_function("document.activeElement.ariaLabel === 'conv1:7 spot'")
    assert tiles.count() == 50


def test_an_address_opens_a_figure_whose_script_is_not_the_last(browser, all_figures, tmp_path):
    # As the site does it: all scripts in one file, which runs before the page is called loaded.
    scripts = [path.read_text("utf-8") for path in sorted(figures.WEB.glob("*.js"))]
    (tmp_path / "all.js").write_text("\n".join(scripts), "utf-8")
    file = tmp_path / "spectrum.html"
    head = '<!doctype html><script defer src="all.js"></script>'
    file.write_text(head + all_figures["spectrum"]._repr_html_(), "utf-8")
    view = browser.new_page()
    problems = []
    view.on("pageerror", lambda error: problems.append(str(error)))
    view.goto(f"{file.as_uri()}#fig-spectrum:u-1")
    view.wait_for_selector("#fig-spectrum .fv-choice", state="attached")
    assert view.locator(".fv-spectrum__unit:visible").get_attribute("data-key") == "u-1"
    assert problems == []
    view.close()


def test_links_lead_to_a_state(open_page):
    view = open_page("#fig-all:conv5-9", viewport={"width": 1280, "height": 800})
    assert "conv5:9" in view.locator("#fig-all .fv-sheet__told").inner_text()
    view.evaluate("location.hash = '#fig-maps:map'")
    button = view.locator("#fig-maps [aria-pressed=true]")
    button.wait_for()
    view.wait_for_function(
        "document.querySelector('#fig-maps [aria-pressed=true]').innerText=='map'"
    )
    view.evaluate("location.hash = '#fig-inspector'")
    view.wait_for_function(
        "Math.abs(document.querySelector('#fig-inspector').getBoundingClientRect().top) < 800"
    )


def test_overlays_switch_all_cells(open_page):
    view = open_page()
    view.locator("#fig-maps button", has_text="photo").press("Enter")
    images = view.locator("#fig-maps [role=cell] img:visible")
    assert images.count() == 4
    assert {images.nth(i).get_attribute("alt") for i in range(4)} == {"cat", "dog"}


def test_many_links_in_headings_are_one_tab_stop(browser, tmp_path):
    links = ", ".join(f'<a href="#u{unit}">{unit}</a>' for unit in range(6))
    images = figure_samples.textures(4, seed=5).reshape(2, 2, 3, 24, 24)
    figure = figures.grid(["a", "b"], ["x", "y"], images, id="l", alt="Four.", notes=[links] * 2)
    file = tmp_path / "links.html"
    file.write_text(figure_samples.page(figure._repr_html_()), "utf-8")
    view = browser.new_page()
    view.goto(file.as_uri())
    view.wait_for_selector("#fig-l .fv-head a[tabindex='-1']")
    assert view.locator("#fig-l .fv-head a[tabindex='0']").count() == 1
    view.focus("#fig-l .fv-head a")
    view.keyboard.press("ArrowRight")
    assert view.evaluate("document.activeElement.textContent") == "1"
    view.keyboard.press("End")
    assert view.evaluate("document.activeElement.hash") == "#u5"
    view.close()


def test_a_game_is_played_by_keys_and_counts(open_page):
    view = open_page()
    told = view.locator("#fig-game .fv-game__told")
    assert view.locator("#fig-game .fv-game__round:visible").count() == 1
    view.focus("#fig-game .fv-game__round:visible button")
    view.keyboard.press("Enter")  # left, which is right
    assert "Right. It is u:0; the judge was right. After 1: you 1, the judge 1, a coin 0.5" in (
        told.inner_text()
    )
    view.keyboard.press("Enter")
    view.keyboard.press("Enter")  # left again, which is wrong
    assert told.inner_text().startswith("Wrong. It is u:1; the judge was wrong.")
    assert told.locator("a").get_attribute("href") == "m.html#1"
    view.keyboard.press("Enter")
    view.keyboard.press("ArrowRight")
    view.keyboard.press("Enter")
    view.keyboard.press("Enter")
    text = told.inner_text()
    assert "You were right in 2 of 3 rounds, the judge in 2; a coin is in half." in text
    assert "a: you 2 of 2, b: you 0 of 1." in text
    view.keyboard.press("Enter")
    assert "Round 1 of 3" in told.inner_text()
    assert view.locator("#fig-game [aria-disabled]").count() == 0


def test_a_choice_counts_once(open_page):
    view = open_page()
    sides = view.locator("#fig-game .fv-game__round:visible button")
    sides.nth(1).click()
    sides.nth(0).dispatch_event("click")
    assert "After 1: you 0" in view.locator("#fig-game .fv-game__told").inner_text()


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
    assert hash_of(view) == "#fig-ascent:u-1:0?unit=u-1"
    assert "objective 2" in view.locator("#fig-ascent output").inner_text()


def test_the_inspector_answers_to_keys(open_page):
    view = open_page()
    view.focus("#fig-inspector .fv-inspector__area")
    view.keyboard.press("ArrowUp")
    assert "row 1 of 3, column 3 of 3" in view.locator("#fig-inspector").inner_text()
    assert view.locator("#fig-inspector .fv-unit").count() == 2


@pytest.mark.parametrize(("scheme", "width"), [("default", 1280), ("slate", 360)])
def test_no_barrier_and_no_sideways_scrolling(open_page, check_for_barriers, scheme, width):
    view = open_page(viewport={"width": width, "height": 16000})
    check_for_barriers(view, scheme, width)


def test_without_scripts_every_picture_is_there(open_page):
    view = open_page(java_script_enabled=False, viewport={"width": 800, "height": 900})
    for name in (
        "ladder",
        "all",
        "maps",
        "field",
        "ascent",
        "inspector",
        "spectrum",
    ):
        assert view.locator(f"#fig-{name} img:visible").count() >= 1, name
    assert view.locator("#fig-ascent img:visible").count() == 2
    assert view.locator("#fig-field svg rect").count() == 2


def hash_of(view):
    return view.evaluate("location.hash")


def test_the_picker_drives_every_figure_that_knows_its_subject(open_page):
    view = open_page()
    pick = view.locator("fv-picker .fv-pick")
    pick.first.focus()
    view.keyboard.press("ArrowRight")
    view.keyboard.press("Enter")
    assert pick.nth(1).get_attribute("aria-pressed") == "true"
    assert hash_of(view) == "#?unit=u-1"
    assert "objective 6" in view.locator("#fig-ascent output").inner_text()
    assert (
        view.locator("#fig-spectrum .fv-spectrum__unit:visible").get_attribute("data-key") == "u-1"
    )
    assert view.locator("#fig-grid .fv-picked strong").inner_text() == "b"
    view.keyboard.press("Enter")
    assert hash_of(view) == ""
    assert view.locator(".fv-picking").count() == 0


def test_any_figure_picks_for_all(open_page):
    view = open_page()
    view.locator("#fig-grid .fv-name", has_text="b").press("Enter")
    assert view.locator("fv-picker [aria-pressed=true]").inner_text().strip() == "u:1"
    view.locator("#fig-spectrum .fv-choice button", has_text="u:0").press("Enter")
    assert hash_of(view) == "#fig-spectrum:u-0?unit=u-0"
    assert view.locator("#fig-grid .fv-picked strong").inner_text() == "a"
    assert "objective 5" in view.locator("#fig-ascent output").inner_text()


def test_a_pick_in_the_address_goes_with_any_anchor(open_page):
    view = open_page("#fig-table?unit=u-1", viewport={"width": 1280, "height": 700})
    assert view.locator("fv-picker [aria-pressed=true]").inner_text().strip() == "u:1"
    view.wait_for_function(
        "Math.abs(document.querySelector('#fig-table').getBoundingClientRect().top) < 700"
    )
    view.evaluate("location.hash = '#fig-grid'")
    view.wait_for_function("location.hash === '#fig-grid?unit=u-1'")
    strip = view.locator(".fv-picker--docked")
    view.locator("#fig-spectrum").scroll_into_view_if_needed()
    strip.wait_for()
    view.evaluate("location.hash = '#fig-ascent:u-0:8?unit=u-0'")
    view.wait_for_function(
        "document.querySelector('#fig-ascent output')?.innerText.includes('step 8')"
    )
    assert view.locator("fv-picker [aria-pressed=true]").inner_text().strip() == "u:0"


def test_the_picker_covers_nothing_once_it_is_closed(open_page):
    view = open_page(viewport={"width": 1280, "height": 700})
    close = view.locator("fv-picker .fv-picker__close")
    assert not close.is_visible()
    view.locator("#fig-spectrum").scroll_into_view_if_needed()
    view.locator(".fv-picker--docked").wait_for()
    close.press("Enter")
    assert view.locator(".fv-picker--docked").count() == 0
    view.locator("#fig-ascent").scroll_into_view_if_needed()
    view.locator("#fig-spectrum").scroll_into_view_if_needed()
    assert view.locator(".fv-picker--docked").count() == 0
    view.evaluate("scrollTo(0, 0)")
    assert view.locator("fv-picker .fv-pick").first.is_visible()


def test_a_spectrum_is_walked_and_opened_by_key(open_page):
    view = open_page()
    view.focus("#fig-spectrum .fv-choice button[tabindex='0']")
    view.keyboard.press("End")
    view.keyboard.press("Enter")
    block = view.locator("#fig-spectrum .fv-spectrum__unit:visible")
    assert block.get_attribute("data-key") == "u-1"
    block.locator(".fv-tile[tabindex='0']").focus()
    view.keyboard.press("End")
    view.keyboard.press("Enter")
    dialog = view.locator("dialog[open]")
    assert "u:1, optimized for, 120" in dialog.inner_text()
    view.keyboard.press("Escape")
    assert hash_of(view) == "#fig-spectrum:u-1-optimized-for-120?unit=u-1"


def test_the_inspector_opens_and_remembers_its_place(open_page):
    view = open_page("#fig-inspector:dog:conv5:3-1")
    place = view.locator("#fig-inspector .fv-inspector__place")
    assert place.inner_text() == "conv5, row 3 of 3, column 1 of 3"
    view.focus("#fig-inspector .fv-inspector__area")
    view.keyboard.press("End")
    assert hash_of(view) == "#fig-inspector:dog:conv5:3-3"
    view.keyboard.press("Enter")
    assert "conv5:" in view.locator("dialog[open]").inner_text()
    view.keyboard.press("Escape")
    view.wait_for_function("document.activeElement.classList.contains('fv-inspector__area')")


def test_every_control_shows_where_the_focus_is(open_page):
    view = open_page()
    view.keyboard.press("Tab")
    faults = view.evaluate(
        """() => {
          const all = [...document.querySelectorAll(
            "figure.fv :is(button, input, select, a, [tabindex='0']), .fv-picker button")];
          return all.filter(one => {
            if (!one.offsetParent && one.tagName !== "svg") return false;
            one.focus({ focusVisible: true });
            const style = getComputedStyle(one);
            return style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 1;
          }).map(one => one.outerHTML.slice(0, 120));
        }"""
    )
    assert faults == []


def test_on_a_phone_all_tiles_and_maps_are_there_without_scrolling_sideways(open_page):
    view = open_page(viewport={"width": 360, "height": 16000})
    wide = "e => [e.clientWidth, e.scrollWidth]"
    for stage in ("#fig-long .fv-tiles", ".fv-overlays"):
        shown, whole = view.locator(stage).first.evaluate(wide)
        assert whole <= shown
    above = "e => getComputedStyle(e, '::before').content"
    tiles = view.locator("#fig-long .fv-row:not(.fv-row--head) [role=cell]")
    assert [tiles.nth(i).evaluate(above)[:3] for i in (0, 3, 6)] == ['"x"', '"y"', '"z"']
    tops = [tiles.nth(i).bounding_box()["y"] for i in range(9)]
    assert tops[:3] == [tops[0]] * 3
    assert tops[2] < tops[3] == tops[5] < tops[6]
