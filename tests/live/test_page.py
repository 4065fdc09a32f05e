"""The network in a browser, from disk: photographs as featviz reads them, climbs, complaints."""

import base64
import io
import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mkdocs.structure.files import File, Files
from PIL import Image

import featviz as fv
from featviz import photos
from featviz.article.live import assets, weights

LIVE = """
const live = () => FeatvizLive.open("");
const text = (numbers) => {
  const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
  let letters = "";
  for (let i = 0; i < bytes.length; i += 32768) {
    letters += String.fromCharCode(...bytes.subarray(i, i + 32768));
  }
  return btoa(letters);
};
const blob = (letters) => new Blob([Uint8Array.from(atob(letters), (one) => one.charCodeAt(0))]);
"""


UNITS = {"conv1": 64, "conv2": 192, "conv3": 384, "conv4": 256, "conv5": 256}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A site of one page that has nothing but the network."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "assets/live").mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        usual = {
            f"{layer} {name}": np.ones(n) for layer, n in UNITS.items() for name in weights.USUAL
        }
        patch.setattr(weights, "measure_usual", lambda net: usual)  # the photographs take a while
        (folder / "assets/live/weights.js").write_text(weights.script(), "utf-8")
    (folder / "assets/live/engine.js").write_text(assets.engine(), "utf-8")
    client = assets.CLIENT.read_text("utf-8")
    page = f'<!doctype html><meta charset="utf-8"><script>{client}{LIVE}</script>'
    (folder / "index.html").write_text(page, "utf-8")
    return folder


@pytest.fixture(scope="module")
def page(browser, folder):
    """The page; a script error, or a request for anything but its own files, fails."""
    problems, requests = [], []
    context = browser.new_context(offline=True)
    view = context.new_page()
    view.on("pageerror", lambda error: problems.append(str(error)))
    view.on("request", lambda request: requests.append(request.url))
    view.goto((folder / "index.html").as_uri())
    assert len(requests) == 1  # nothing loads before it is asked for
    yield view
    context.close()
    own = folder.as_uri()
    assert [url for url in requests if not url.startswith((own, "blob:", "data:"))] == []
    assert problems == []


def numbers(text):
    return np.frombuffer(base64.b64decode(text), "<f4")


def read(page, data, side=224):
    """The pixels of a file as the page reads them, or what it says instead."""
    letters = base64.b64encode(data).decode("ascii")
    answer = page.evaluate(
        f"""async (letters) => (await live()).photo(blob(letters), {side}).then(
          ({{ pixels, height, width }}) => ({{ pixels: text(pixels), size: [height, width] }}),
          (error) => ({{ error: error.message }}))""",
        letters,
    )
    if "error" in answer:
        return answer["error"]
    assert answer["size"] == [side, side]
    return torch.from_numpy(numbers(answer["pixels"]).copy()).view(3, side, side)


def saved(image, kind, **options):
    data = io.BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()


def chelsea():
    pixels = (photos.load("chelsea").image * 255).byte().permute(1, 2, 0).numpy()
    return Image.fromarray(pixels)


def turned(kind, orientation, **options):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(chelsea(), kind, exif=exif, **options)


def transparent():
    image = chelsea()
    width, height = image.size
    image.putalpha(Image.linear_gradient("L").resize((width, height)))
    return image


def shades():
    """16 bits per pixel, of which Pillow and the browser read the upper 8."""
    return Image.fromarray(np.asarray(chelsea().convert("L")).astype(np.uint16) * 256 + 77)


LEVEL = 1 / 255

FILES = {
    "PNG": (lambda: saved(chelsea(), "PNG"), 0.01),
    **{f"JPEG, turned {n}": (lambda n=n: turned("JPEG", n), 0.01) for n in range(1, 9)},
    **{
        f"WebP, turned {n}": (lambda n=n: turned("WEBP", n, lossless=True), 0.01)
        for n in range(1, 9)
    },
    "PNG, turned": (lambda: turned("PNG", 6), 0.01),
    "Adobe RGB": (lambda: photos._locate(photos._SAMPLES["rocket"]).read_bytes(), 0.01),
    "transparent PNG": (lambda: saved(transparent(), "PNG"), 0.01),
    "transparent WebP": (lambda: saved(transparent(), "WEBP", lossless=True, exact=True), 1.01),
    "gray": (lambda: saved(chelsea().convert("L"), "PNG"), 0.01),
    "16 bits": (lambda: saved(shades(), "PNG"), 0.01),
    "palette": (lambda: saved(chelsea().convert("P"), "GIF"), 0.01),
    "CMYK": (lambda: saved(chelsea().convert("CMYK"), "JPEG", quality=95), 0.01),
    "small": (lambda: saved(chelsea().resize((100, 80)), "PNG"), 0.01),
    # Python reduces these to 2048 pixels first.
    "large": (lambda: saved(chelsea().resize((3010, 2000)), "JPEG"), 0.6),
}
"""Files, and how many levels the page may be off anywhere."""


@pytest.mark.parametrize("name", FILES)
def test_pixels_are_those_of_featviz(page, tmp_path, name):
    make, levels = FILES[name]
    data = make()
    (tmp_path / "photo").write_bytes(data)
    theirs = photos.load(tmp_path / "photo", 224).image
    assert (read(page, data) - theirs).abs().max() < levels * LEVEL


def test_a_photo_of_20_000_pixels_is_read_in_full(page):
    image = chelsea().resize((20_000, 640), Image.Resampling.NEAREST)
    data = saved(image, "PNG", compress_level=1)
    middle = np.asarray(image.crop((9_680, 0, 10_320, 640)), dtype=np.float32) / 255
    theirs = photos.fit(torch.from_numpy(middle).permute(2, 0, 1), 224)
    inside = np.s_[:, :, 2:-2]  # at the sides the whole picture goes on
    assert (read(page, data)[inside] - theirs[inside]).abs().max() < 0.01 * LEVEL


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (lambda: b"no picture", "This file is damaged, or no picture that this browser can read."),
        (lambda: saved(chelsea(), "JPEG")[:9000], "This file is damaged, or no picture"),
        (lambda: saved(chelsea(), "PNG")[:90_000], "This file is damaged, or no picture"),
        (lambda: saved(chelsea().resize((100, 63)), "PNG"), "100 x 63 pixels is too small"),
        (lambda: saved(chelsea().resize((9000, 99)), "PNG"), "9000 x 99 pixels is too small"),
        (lambda: saved(Image.new("1", (20_000, 20_000)), "PNG"), "at most 100 million pixels."),
    ],
)
def test_a_file_that_will_not_do_is_told_in_one_sentence(page, data, message):
    complaint = read(page, data())
    assert message in complaint
    assert complaint.endswith(".")


def test_a_canvas_is_read_as_a_file_is(page):
    answer = page.evaluate(
        """async (letters) => {
          const bitmap = await createImageBitmap(blob(letters));
          const canvas = document.createElement("canvas");
          [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
          canvas.getContext("2d").drawImage(bitmap, 0, 0);
          const trunk = await live();
          const data = FeatvizLive.toImageData(await trunk.photo(canvas, 300));
          return { canvas: text((await trunk.photo(canvas)).pixels), again:
            text((await trunk.photo(data, 300)).pixels), size: [data.width, data.height] };
        }""",
        base64.b64encode(saved(chelsea(), "PNG")).decode("ascii"),
    )
    theirs = photos.load("chelsea", 224).image.flatten()
    np.testing.assert_allclose(numbers(answer["canvas"]), theirs, rtol=0, atol=0.01 * LEVEL)
    assert answer["size"] == [300, 300]
    bytes_ = photos.load("chelsea", 300).image.flatten()
    np.testing.assert_allclose(numbers(answer["again"]), bytes_, rtol=0, atol=0.51 * LEVEL)


def test_values_and_gradients_come_back(page, alexnet):
    answer = page.evaluate(
        """async (letters) => {
          const trunk = await live();
          const photo = await trunk.photo(blob(letters));
          const maps = await trunk.forward(photo, ["conv2", "conv5"]);
          const { value, gradient } = await trunk.gradient(photo, { layer: "conv5", unit: 7 });
          const shapes = Object.values(maps).map((map) => [map.units, map.height, map.width]);
          return { names: Object.keys(maps), shapes, data: text(maps.conv5.data), value,
            slopes: gradient.length, layers: trunk.layers, usual: trunk.usual.conv4.photo.length };
        }""",
        base64.b64encode(saved(chelsea(), "PNG")).decode("ascii"),
    )
    assert answer["names"] == ["conv2", "conv5"]
    assert answer["shapes"] == [[192, 27, 27], [256, 13, 13]]
    assert answer["layers"] == list(weights.LAYERS)
    assert answer["usual"] == 256
    assert answer["slopes"] == 3 * 224 * 224
    theirs = fv.activations(alexnet, photos.load("chelsea", 224).image, "conv5")[0].relu()
    own = torch.from_numpy(numbers(answer["data"]).copy()).view_as(theirs).relu()
    assert (own - theirs).norm() / theirs.norm() < 0.025
    mean = numbers(answer["data"]).reshape(256, -1)[7].mean()
    assert answer["value"] == pytest.approx(mean, rel=1e-4)


def test_a_climb_plays_pauses_steps_and_stops(page):
    answer = page.evaluate(
        """async () => {
          const trunk = await live(), told = [];
          const goal = { layer: "conv2", unit: 9 };
          const ascent = { goal, parameterization: "bound", transforms: true, side: 96, steps: 6 };
          let climb = trunk.climb(ascent, ({ step, value, score, image }) => {
            told.push([step, value, score, image.pixels.length]);
            if (step === 3) climb.pause();
          });
          climb.play();
          const playing = climb.playing;
          while (told.length < 4) await new Promise((done) => setTimeout(done, 10));
          const image = { pixels: new Float32Array(3 * 64 * 64).fill(0.5), height: 64, width: 64 };
          const between = await trunk.forward(image, ["conv1"]); // takes its turn
          const paused = [told.length, climb.playing];
          await climb.step();
          await climb.step();
          climb.play();
          await climb.finished;
          await climb.step();
          const short = trunk.climb({ ...ascent, steps: 2 }, () => told.push("stopped too late"));
          short.stop();
          short.play();
          await short.finished;
          return { playing, paused, told, units: between.conv1.units, ended: climb.playing };
        }"""
    )
    assert answer["playing"]
    assert answer["paused"] == [4, False]
    assert answer["units"] == 64
    assert not answer["ended"]
    steps, values, scores, sizes = zip(*answer["told"], strict=True)
    assert steps == (0, 1, 2, 3, 4, 5, 6)
    assert values[0] is None
    assert values[6] > values[1]
    assert scores[:6] == (None,) * 6
    assert scores[6] > values[1]
    assert set(sizes) == {3 * 96 * 96}


def test_a_climb_that_cannot_start_says_why(page):
    message = page.evaluate(
        """async () => {
          const goal = { layer: "conv2", unit: 192 };
          const ascent = { goal, parameterization: "bound", transforms: true };
          const climb = (await live()).climb(ascent, () => {});
          climb.play();
          return climb.finished.then(() => "nothing", (error) => error.message);
        }"""
    )
    assert message == "conv2 has the units 0 to 191, not 192."


def test_a_closed_network_says_so_and_opens_again(page):
    answer = page.evaluate(
        """async () => {
          const image = { pixels: new Float32Array(3 * 64 * 64), height: 64, width: 64 };
          const trunk = await live();
          const asked = trunk.forward(image);
          trunk.close();
          const messages = await Promise.allSettled([asked, trunk.forward(image)]);
          const again = await (await live()).forward(image);
          return { messages: messages.map(({ reason }) => reason.message),
            layers: Object.keys(again) };
        }"""
    )
    assert answer["messages"] == ["The network was closed."] * 2
    assert answer["layers"] == list(weights.LAYERS)


def test_no_two_of_the_workers_scripts_share_a_name():
    """They are one script, in which a second function silently takes the place of the first."""
    folder = assets.CLIENT.parent / "worker"
    source = "\n".join((folder / f"{name}.js").read_text("utf-8") for name in assets.SCRIPTS)
    names = re.findall(r"^(?:async )?(?:function|class) (\w+)", source, re.MULTILINE)
    assert len(names) > 50
    assert sorted(names) == sorted({*names})


def test_a_site_without_the_files_says_so(browser, folder):
    page = browser.new_page()
    page.goto((folder / "index.html").as_uri())
    complaint = "FeatvizLive.open('nowhere/').catch((error) => error.message)"
    assert page.evaluate(complaint).endswith("cannot be read.")
    page.close()


def test_only_a_site_with_the_live_page_has_its_files(monkeypatch):
    monkeypatch.setattr(assets, "_weights", lambda: "weights")
    plugins = SimpleNamespace(_current_plugin="live")
    config = SimpleNamespace(site_dir="site", use_directory_urls=False, plugins=plugins)
    for sources, there in ((["index.py"], False), (["index.py", assets.PAGE], True)):
        files = Files([File.generated(config, uri, content="") for uri in sources])
        assets.add(files, config)
        uris = {file.src_uri for file in files} - {*sources}
        assert ({"assets/live/engine.js", "assets/live/weights.js"} <= uris) is there
        assert bool(uris) is there
