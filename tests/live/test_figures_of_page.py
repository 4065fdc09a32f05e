"""The page on the reader's photo: complete without scripts, and the network at work in Chromium."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from marionette import FIREFOX, Firefox
from PIL import Image

from featviz import figures, photos
from featviz.article.live import assets, weights
from featviz.article.live.climb_figure import climb_figure
from featviz.article.live.photo_figure import PhotoLayer, Sample, encode, photo_figure, signed
from featviz.figures.standalone import to_files
from featviz.network.values import activations
from featviz.zoo import bundled

SIDE, COUNT = 224, 6
# What takes the Worker's place in the site, so that search works from disk.
POLYFILL = Path(assets.__file__).parents[1] / "theme/assets/iframe-worker/iframe-worker.js"
LOCAL = ("file:", "data:", "blob:")
# The weights are rounded to eight bits, which moves values by 2 %: near ties change places.
CLOSE = 0.35


def noise(count, side, seed=0):
    return np.random.default_rng(seed).random((count, 3, side, side)).astype(np.float32)


@pytest.fixture(scope="module")
def sample():
    return Sample("chelsea", "a cat", encode(photos.load("chelsea", 448).image))


@pytest.fixture(scope="module")
def seen(sample):
    levels = np.asarray(Image.open(io.BytesIO(sample.file)).convert("RGB"), np.float32)
    return photos.fit(torch.from_numpy(levels / 255).permute(2, 0, 1), SIDE)


@pytest.fixture(scope="module")
def layers(seen):
    net = bundled.load("alexnet")
    usual = weights.measure_usual(net)
    rows = []
    for layer in net.layers:
        maps = activations(net, seen, layer)[0]
        mean, spread = usual[f"{layer} mean"], usual[f"{layer} photo"]
        scores = (maps.mean((1, 2)) - torch.from_numpy(mean)) / torch.from_numpy(spread)
        best, field = scores.topk(COUNT), net.receptive_field(layer)
        bank = (noise(net.units(layer), 12) * 255).astype(np.uint8)
        values = maps.relu().mean(0)
        rows.append(
            PhotoLayer(
                layer, field.size, field.stride, field.start + 0.5, bank, values,
                best.indices.tolist(), best.values.tolist(),
            )
        )  # fmt: skip
    return rows


@pytest.fixture(scope="module")
def photo(sample, layers):
    return photo_figure(
        [sample], layers, side=SIDE, id="photo", alt="A photo and its strongest units.",
        caption="<strong>Point</strong> at it.", microscope="microscope.html",
    )  # fmt: skip


@pytest.fixture(scope="module")
def climb():
    picks = {"conv3:5": noise(1, 24)[0], "conv1:2": noise(1, 24, 1)[0]}
    return climb_figure(
        "conv3:5", noise(3, 96), [0, 4, 8], np.linspace(0, 3, 8), picks,
        {f"conv{i}": n for i, n in enumerate((64, 192, 384, 256, 256), 1)},
        id="climb", alt="An image grows.", microscope="microscope.html",
    )  # fmt: skip


@pytest.fixture(scope="module")
def address(photo, climb, tmp_path_factory):
    """A page of both figures, with what the site has for them."""
    folder = tmp_path_factory.mktemp("a page")
    (folder / "assets" / "live").mkdir(parents=True)

    def write(name, content):
        (folder / "assets" / name).write_bytes(content)
        return f"assets/{name}"

    for name, text in assets.bundled().items():
        (folder / name).write_text(text, "utf-8")
    styles = "".join(path.read_text("utf-8") for path in sorted(figures.WEB.glob("*.css")))
    styles += (folder / assets.STYLE).read_text("utf-8")
    shared = [*sorted(figures.WEB.glob("*.js")), assets.CLIENT]
    scripts = [POLYFILL.as_uri(), *(path.as_uri() for path in shared), assets.SCRIPT]
    body = to_files(photo._repr_html_() + climb._repr_html_(), write)
    page = folder / "page.html"
    page.write_text(
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Photo</title>'
        '<meta name="viewport" content="width=device-width">'
        # Inline, because axe reads linked style sheets by a request, which file:// refuses.
        f"<style>{styles} body{{font:16px sans-serif;margin:8px}}figure{{margin:16px 0}}</style>"
        f"<body><main><h1>Photo</h1>{body}</main><script>var NativeWorker=Worker</script>"
        + "".join(f'<script defer src="{script}"></script>' for script in scripts),
        "utf-8",
    )
    return page.as_uri()


@pytest.fixture
def open_page(browser, address):
    """Open the page without a network; a script error or a request that leaves fails the test."""
    problems, contexts = [], []

    def go_to(**options):
        context = browser.new_context(
            offline=True, **{"viewport": {"width": 1280, "height": 1600}} | options
        )
        context.set_default_timeout(60_000)
        contexts.append(context)
        view = context.new_page()
        view.on("pageerror", lambda error: problems.append(str(error)))
        view.on("requestfailed", lambda request: problems.append(request.url))
        view.on("request", lambda r: None if r.url.startswith(LOCAL) else problems.append(r.url))
        view.goto(address)
        return view

    yield go_to
    for context in contexts:
        context.close()
    assert problems == []


def give(view, content, name="photo.png", kind="image/png"):
    view.set_input_files(
        "fv-photo input[type=file]", {"name": name, "mimeType": kind, "buffer": content}
    )


def png(size=(300, 200), seed=3):
    levels = np.random.default_rng(seed).integers(0, 256, (8, 12, 3), np.uint8)
    data = io.BytesIO()
    Image.fromarray(levels).resize(size, Image.Resampling.BICUBIC).save(data, "PNG")
    return data.getvalue()


def alive(view):
    view.wait_for_selector("fv-photo[data-live]", state="attached")


def units(view, layer):
    """The units of a layer's row and how unusual they are, as shown."""
    buttons = view.locator(f".fv-photo__live .fv-photo__row[aria-label={layer}] .fv-photo__unit")
    return {
        int(buttons.nth(i).get_attribute("data-unit")): float(
            buttons.nth(i).locator(".fv-photo__score").inner_text().replace("\N{MINUS SIGN}", "-")
        )
        for i in range(buttons.count())
    }


def test_without_scripts_the_sample_stands_beside_its_strongest_units(photo, layers):
    html = photo._repr_html_()
    for layer in layers:
        for unit, score in zip(layer.units, layer.scores, strict=True):
            assert f"{layer.layer}:{unit}</span>" in html
            assert signed(score) in html
    assert html.count("<img") == 1 + len(layers) * (1 + COUNT)
    assert 'alt=""' not in html


def test_without_scripts_the_builds_own_climb_is_seen(open_page):
    view = open_page(java_script_enabled=False)
    assert view.locator(".fv-climb__strip").is_visible()
    assert "value 0 at the first step to 3" in view.locator(".fv-climb__still svg").get_attribute(
        "aria-label"
    ).replace("from ", "")
    assert view.locator(".fv-photo__still .fv-photo__unit").count() == 5 * COUNT


def test_signs_are_those_of_readers():
    assert [signed(v) for v in (1.25, -0.5, 0)] == ["+1.2", "\N{MINUS SIGN}0.5", "+0.0"]


def test_the_sample_gives_the_numbers_of_the_build(open_page, layers):
    view = open_page()
    view.click(".fv-photo__begin")
    alive(view)
    for layer in layers:
        shown = units(view, layer.layer)
        assert list(shown.values()) == sorted(shown.values(), reverse=True)
        both = set(shown) & set(layer.units)
        assert len(both) >= COUNT - 1
        for unit, score in zip(layer.units, layer.scores, strict=True):
            assert unit not in both or shown[unit] == pytest.approx(score, abs=CLOSE)


def test_a_photo_is_chosen_dropped_or_pasted(open_page):
    view = open_page()
    give(view, png())
    alive(view)
    first = units(view, "conv5")
    assert len(first) == COUNT
    transfer = """async ([type, bytes]) => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(bytes)], "other.png", { type: "image/png" }));
      const options = { bubbles: true, cancelable: true, dataTransfer: data, clipboardData: data };
      const kind = type === "drop" ? DragEvent : ClipboardEvent;
      const event = new kind(type, options);
      document.querySelector("fv-photo .fv-photo__door").dispatchEvent(event);
    }"""
    for kind, seed, name in (("drop", 4, "other.png"), ("paste", 5, "pasted photo")):
        view.evaluate(transfer, [kind, list(png(seed=seed))])
        view.wait_for_function(
            "name => document.querySelector('.fv-photo__status').innerText.endsWith(name + '.')",
            arg=f"seen {name}",
        )
        assert units(view, "conv5") != first


def test_a_broken_file_gets_one_sentence_and_the_next_photo_works(open_page):
    view = open_page()
    give(view, png()[:200])
    view.wait_for_function("document.querySelector('fv-photo [role=alert]').innerText")
    words = view.inner_text("fv-photo [role=alert]")
    assert re.fullmatch(r"[A-Z][^\n]*\.", words)
    assert view.get_attribute("fv-photo", "data-live") is None
    give(view, png())
    alive(view)
    assert view.inner_text("fv-photo [role=alert]") == ""


def test_a_camera_that_is_refused_gets_one_sentence(open_page):
    view = open_page()
    view.evaluate(
        "Object.defineProperty(navigator.mediaDevices, 'getUserMedia',"
        " { value: () => Promise.reject(new Error('no')) })"
    )
    view.get_by_role("button", name="Use the camera").press("Enter")
    view.wait_for_function("document.querySelector('fv-photo [role=alert]').innerText")
    assert "choose a file" in view.inner_text("fv-photo [role=alert]")


def test_the_whole_way_by_keyboard(open_page):
    view = open_page()
    keys = view.keyboard
    view.focus(".fv-photo__sample")
    keys.press("Enter")
    alive(view)
    whole = units(view, "conv5")
    view.focus(".fv-photo__area")
    for key in ("ArrowLeft", "ArrowUp", "Shift+ArrowUp"):
        keys.press(key)
    view.wait_for_function(
        "document.querySelector('.fv-photo__status').innerText.startsWith("
        "'108 pixels from the left, 92')"
    )
    view.wait_for_selector(".fv-photo__field")
    assert units(view, "conv5") != whole
    fields = view.locator(".fv-photo__field")
    sizes = [float(fields.nth(i).get_attribute("width")) for i in range(5)]
    assert sizes == [11, 51, 99, 131, 163]

    # A unit: its map, what made it answer, and the way to the microscope.
    unit = view.locator(".fv-photo__live .fv-photo__row[aria-label=conv5] .fv-photo__unit").first
    number = unit.get_attribute("data-unit")
    unit.focus()
    keys.press("Enter")
    panel = view.locator(".fv-photo__panel")
    assert f"conv5:{number}" in panel.inner_text()
    assert view.locator(".fv-photo__field").count() == 1
    link = panel.get_by_role("link")
    assert link.get_attribute("href") == f"microscope.html#conv5-{number}"
    ink = "() => document.querySelector('.fv-photo__map-layer').toDataURL()"
    answers = view.evaluate(ink)
    panel.get_by_role("button", name="What made it answer").press("Enter")
    view.wait_for_function(f"before => ({ink})() !== before", arg=answers)

    # The brush: gray at the cross-hair, larger, and taken back.
    view.focus(".fv-photo__area")
    for key in ("+", "+", " "):
        keys.press(key)
    scores = view.locator(".fv-photo__live .fv-photo__score")
    view.wait_for_function(
        "[...document.querySelectorAll('.fv-photo__live .fv-photo__score')]"
        ".every(score => score.innerText.includes('\u2192'))"
    )
    gone = view.locator(".fv-photo__unit--quiet")
    assert gone.count() > 0
    assert "has fallen quiet" in gone.first.get_attribute("aria-label")
    view.get_by_role("button", name="Undo").press("Enter")
    view.wait_for_function(
        "!document.querySelector('.fv-photo__live .fv-photo__rows').innerText.includes('\u2192')"
    )
    assert scores.count() == 5 * COUNT

    # The climb.
    view.get_by_role("button", name="Play").press("Enter")
    view.wait_for_function(
        "parseInt(document.querySelector('.fv-climb__count strong').innerText) > 2"
    )
    view.get_by_role("button", name="Pause").press("Enter")
    view.wait_for_function(
        "document.querySelector('.fv-climb__told').innerText.startsWith('Paused')"
    )
    assert view.locator(".fv-climb__line").get_attribute("points").count(",") > 2


def test_a_climb_ends_and_begins_again_with_other_choices(open_page):
    view = open_page()
    view.get_by_role("button", name="Play").click()
    view.wait_for_function("document.querySelector('.fv-climb__told').innerText.includes('ended')")
    steps = view.locator(".fv-climb__count strong").first
    assert steps.inner_text() == "8"
    view.get_by_role("button", name="each pixel").click()
    assert steps.inner_text() == "0"
    view.get_by_role("button", name="my photo").click()
    view.get_by_role("button", name="Step").click()
    view.wait_for_function("document.querySelector('fv-climb [role=alert]').innerText")
    assert "give one" in view.inner_text("fv-climb [role=alert]")
    give(view, png())
    alive(view)
    view.fill("fv-climb input[type=number]", "999")
    view.keyboard.press("Enter")
    view.get_by_role("button", name="Step").click()
    view.wait_for_function("document.querySelector('.fv-climb__count strong').innerText === '1'")
    assert view.get_attribute("canvas.fv-climb__canvas", "aria-label") == "conv3:383 after step 1"


def test_paper_shows_what_the_build_has_made(open_page):
    view = open_page()
    view.click(".fv-photo__begin")
    alive(view)
    assert not view.locator(".fv-photo__still").is_visible()
    view.emulate_media(media="print")
    assert view.locator(".fv-photo__still").is_visible()
    assert not view.locator(".fv-photo__live").is_visible()
    assert view.locator(".fv-climb__strip").is_visible()


@pytest.mark.parametrize(("scheme", "width"), [("default", 1280), ("slate", 1280), ("slate", 360)])
def test_nothing_bars_the_way(open_page, scheme, width):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    view = open_page(viewport={"width": width, "height": 900}, reduced_motion="reduce")
    view.evaluate(f"document.body.dataset.mdColorScheme = '{scheme}'")
    view.evaluate("document.body.style.background = 'var(--fv-surface)'")
    view.evaluate("document.body.style.color = 'var(--fv-ink)'")
    view.click(".fv-photo__begin")
    alive(view)
    view.locator(".fv-photo__live .fv-photo__unit").first.click()
    view.focus(".fv-photo__area")
    view.keyboard.press(" ")
    view.wait_for_function(
        "document.querySelector('.fv-photo__live .fv-photo__rows').innerText.includes('\u2192')"
    )
    assert view.evaluate("document.documentElement.scrollWidth") <= width
    violations = axe.Axe().run(view).response["violations"]
    assert [v["id"] for v in violations if v["impact"] in ("serious", "critical")] == []


@pytest.fixture
def firefox(tmp_path):
    if not FIREFOX:
        pytest.skip("no Firefox")
    one = Firefox(tmp_path)
    yield one
    one.close()


@pytest.mark.slow
def test_firefox_runs_the_network_from_disk(firefox, address, layers):
    firefox.ask("WebDriver:Navigate", url=address)
    rows = firefox.run("""
      await until(() => find(".fv-photo__begin"));
      find(".fv-photo__begin").click();
      await until(() => find("fv-photo[data-live]"));
      return [...document.querySelectorAll(".fv-photo__live .fv-photo__row")].map((row) =>
        [...row.querySelectorAll("button[data-unit]")].map((unit) => Number(unit.dataset.unit)));
    """)
    for shown, layer in zip(rows, layers, strict=True):
        assert len(set(shown) & set(layer.units)) >= len(layer.units) - 1
    words = firefox.run("""
      const data = new DataTransfer();
      data.items.add(new File(["no picture"], "x.png", { type: "image/png" }));
      const input = find("fv-photo input[type=file]");
      input.files = data.files;
      input.dispatchEvent(new Event("change"));
      await until(() => find("fv-photo [role=alert]").textContent);
      return find("fv-photo [role=alert]").textContent;
    """)
    assert words.endswith(".")
    told = firefox.run("""
      find("fv-climb figure").scrollIntoView();
      await until(() => find(".fv-climb__button"));
      find(".fv-climb__button").click();
      await until(() => find(".fv-climb__told").textContent.includes("ended"));
      return find(".fv-climb__count").textContent;
    """)
    assert told.startswith("step 8 of 8")
