"""The article's photographs: what is packed, whose it is, how it is packed, the reader's own."""

import hashlib
import io
import struct
import zlib

import jinja2
import numpy as np
import pytest
import torch
from PIL import Image

from featviz.article import photographs
from featviz.article.bridge import cache
from featviz.article.bridge import photographs as page
from featviz.microscope.build import SEARCHED
from featviz.photos import PhotoError
from tests.sites import ROOT
from tests.tools import tool

pack = tool("pack_photographs")

LARGEST = 8_000_000
"""Bytes that all may weigh: a checkout holds them."""

SAME = 0.98
"""Correlation of two pictures at 16 x 16 pixels from which one is the other's duplicate."""

CREDITS = list(photographs.credits().values())
SETS = {kind: [one for one in CREDITS if one.set == kind] for kind in ("scenes", "cutouts")}


def pixels(credit, size=None):
    with Image.open(credit.path) as image:
        picture = image.convert("RGB")
    return np.asarray(picture.resize(size, Image.Resampling.BOX) if size else picture, float)


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A folder of the reader's own photographs, of other colors each."""
    folder = tmp_path / "own"
    folder.mkdir()
    for i in range(photographs.LEAST):
        Image.new("RGB", (640, 400), (30 * i, 0, 0)).save(folder / f"mine{i}.png")
    monkeypatch.setenv(photographs.VARIABLE, str(folder))
    return folder


def test_every_packed_file_has_its_credit_and_its_hash():
    files = {*photographs.FOLDER.glob("*/*.webp")}
    assert files == {one.path for one in CREDITS}
    for one in CREDITS:
        assert hashlib.sha256(one.path.read_bytes()).hexdigest() == one.sha256, one.name
        assert one.author, one.name
        assert one.package, one.name
        assert one.file, one.name
    assert sum(path.stat().st_size for path in files) <= LARGEST
    assert len(SETS["scenes"]) >= 30
    assert len(SETS["cutouts"]) >= 100


def test_the_note_beside_them_explains_every_license():
    note = (photographs.FOLDER / "README.md").read_text("utf-8")
    rows = {line.split(" | ")[0] for line in note.splitlines()}
    assert {f"| {one.license}" for one in CREDITS} <= rows
    assert "Version 2, June 1991" in (photographs.FOLDER / "GPL-2.txt").read_text("utf-8")


def test_scenes_are_reduced_and_large_enough_to_crop():
    for one in SETS["scenes"]:
        height, width, _ = pixels(one).shape
        assert 224 <= min(height, width) <= pack.SCENE_SIDE == photographs.SIDE, one.name


def test_cutouts_lie_in_the_middle_of_the_mean_color():
    for one in SETS["cutouts"]:
        image = pixels(one)
        assert image.shape == (224, 224, 3), one.name
        apart = np.abs(image - np.array(pack.MEAN_COLOR)).max(axis=2)
        apart[32:-32, 32:-32] = 0
        assert apart.max() <= 8, one.name  # levels that the compression changes flat colors by


@pytest.mark.parametrize("kind", SETS)
def test_no_photograph_is_there_twice(kind):
    rows = np.stack([pixels(one, (16, 16)).ravel() for one in SETS[kind]])
    alike = np.corrcoef(rows) - np.eye(len(rows))
    first, second = np.unravel_index(alike.argmax(), alike.shape)
    assert alike.max() < SAME, (SETS[kind][first].name, SETS[kind][second].name)


def test_a_photograph_is_loaded_with_its_credit():
    photo = photographs.load("koala", 224)
    assert photo.image.shape == (3, 224, 224)
    assert photo.image.dtype == torch.float32
    assert 0 <= photo.image.min() < photo.image.max() <= 1
    assert photo.attribution == "BurningWell, public domain, Debian's gcompris-qt-data"
    assert min(photographs.load("koala").image.shape[1:]) == photographs.SIDE


def test_scenes_are_those_of_the_dependencies_and_the_packed_ones_in_order():
    scenes = photographs.scenes(64)
    names = [photo.name for photo in scenes]
    assert names == sorted({*SEARCHED, *photographs.names("scenes")})
    assert scenes is photographs.scenes(64)
    assert not any(name in names for name in photographs.names("cutouts"))


def test_an_unknown_name_or_set_is_told_the_known_ones():
    with pytest.raises(
        PhotoError, match=r"no photograph 'koalla'\. The nearest are koala, .*names"
    ):
        photographs.load("koalla")
    with pytest.raises(ValueError, match="one of scenes, cutouts, not 'drawings'"):
        photographs.names("drawings")


def test_the_readers_own_take_the_place_of_the_packed_scenes(own):
    names = [f"mine{i}" for i in range(photographs.LEAST)]
    assert photographs.names() == names
    assert {photo.name for photo in photographs.scenes(64)} == {*SEARCHED, *names}
    photo = photographs.load("mine7")
    assert photo.image.shape == (3, 320, 512)
    torch.testing.assert_close(photo.image[0], torch.full((320, 512), 210 / 255))
    with pytest.raises(PhotoError, match="no photograph 'koala'"):
        photographs.load("koala")
    assert photographs.load("cutout_koala").name == "cutout_koala"


def test_too_few_of_the_readers_own_are_refused(own):
    (own / "mine0.png").unlink()
    with pytest.raises(PhotoError, match=r"^PHOTOS=.* holds 7 photographs; give at least 8\.$"):
        photographs.scenes()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("bad.png", b"no image", "is not an image that Pillow can read"),
        ("mine0.bmp", None, "Two photographs are called 'mine0'; rename mine0"),
        ("china.png", None, "Two photographs are called 'china'; rename china.png"),
    ],
)
def test_what_is_wrong_with_one_of_the_readers_own_is_said(own, name, content, message):
    if content is None:
        Image.new("RGB", (99, 99)).save(own / name)
    else:
        (own / name).write_bytes(content)
    with pytest.raises(PhotoError, match=rf"^PHOTOS=\S+ won't do: .*{message}"):
        photographs.scenes()


def test_a_folder_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setenv(photographs.VARIABLE, "nowhere")
    with pytest.raises(PhotoError, match=r"^PHOTOS=nowhere won't do: .*does not exist"):
        photographs.names()


def test_pages_run_again_for_other_photographs_of_the_reader(own, tmp_path, monkeypatch):
    library = tmp_path / "library"
    digests = [cache.library_digest(library)]
    Image.new("RGB", (99, 99)).save(own / "more.png")
    digests.append(cache.library_digest(library))
    monkeypatch.setenv(photographs.VARIABLE, "")
    digests.append(cache.library_digest(library))
    assert len(set(digests)) == 3
    monkeypatch.delenv(photographs.VARIABLE)
    assert cache.library_digest(library) == digests[2]


def test_the_page_shows_and_credits_every_photograph():
    templates = ROOT / "featviz" / "article" / "theme"
    env = jinja2.Environment(loader=jinja2.FileSystemLoader(templates), autoescape=False)
    env.filters["url"] = lambda uri: f"../{uri}"
    html = env.get_template("partials/photographs.html").render(page.describe())
    for one in CREDITS:
        alt = f"photograph: {one.name.removeprefix('cutout_').replace('_', ' ')}"
        assert f'src="../assets/photographs/{one.name}.webp" alt="{alt}"' in html
    for one in SETS["scenes"]:
        (row,) = [row for row in html.split("<tr>") if f"<code>{one.name}</code>" in row]
        assert jinja2.filters.escape(one.author) in row
        assert f"<td>{one.license}</td>" in row
        assert one.package in row
        assert jinja2.filters.escape(one.origin) in row


def resource_file(content, flags):
    """A Qt resource file of version 1 with one file, `a/b`."""
    names = b"".join(struct.pack(">HI", 1, 0) + name.encode("utf-16-be") for name in "ab")
    data = struct.pack(">I", len(content)) + content
    nodes = [
        struct.pack(">IHII", 0, 2, 1, 1),
        struct.pack(">IHII", 0, 2, 1, 2),
        struct.pack(">IHII", 8, flags, 0, 0),
    ]
    head = struct.pack(">4s4I", b"qres", 1, 20, 20 + 42, 20 + 42 + len(data))
    return head + b"".join(nodes) + data + names


def test_files_within_a_resource_file_are_read(tmp_path):
    compressed = struct.pack(">I", 5) + zlib.compress(b"hello")
    for name, content, flags in (("plain", b"hello", 0), ("packed", compressed, 1)):
        (tmp_path / name).write_bytes(resource_file(content, flags))
        assert pack.resources(tmp_path / name) == {"/a/b": b"hello"}
    (tmp_path / "new").write_bytes(resource_file(b"hello", 4))
    with pytest.raises(pack.PackError, match="Zstandard"):
        pack.resources(tmp_path / "new")
    (tmp_path / "other").write_bytes(b"other")
    with pytest.raises(pack.PackError, match="not a Qt resource file"):
        pack.resources(tmp_path / "other")


def test_a_scene_is_reduced_and_never_enlarged():
    assert pack.scene(Image.new("RGB", (1920, 1080))).size == (569, 320)
    assert pack.scene(Image.new("RGB", (300, 240))).size == (300, 240)


def test_a_cutout_keeps_its_colors_to_its_edge():
    # A blue object; what its transparency hides is red.
    image = Image.new("RGBA", (400, 300), (255, 0, 0, 0))
    image.paste((0, 0, 255, 255), (100, 100, 300, 200))
    result = np.asarray(pack.cutout(image)).astype(int)
    blue = (result == (0, 0, 255)).all(axis=2)
    mean = (result == pack.MEAN_COLOR).all(axis=2)
    assert (blue | mean).all()
    assert np.ptp(np.flatnonzero(blue.any(axis=0))) + 1 == 149
    assert np.ptp(np.flatnonzero(blue.any(axis=1))) + 1 == 74


def test_nothing_is_packed_that_has_another_hash(tmp_path, monkeypatch):
    data = io.BytesIO()
    Image.new("RGB", (500, 400), "green").save(data, "PNG")
    (tmp_path / "a.png").write_bytes(data.getvalue())
    monkeypatch.setattr(pack, "unpack", lambda package, version, folder: tmp_path)
    entry = {"name": "a", "set": "scenes", "package": "p", "file": "a.png", "sha256": "0"}
    credits = {"packages": {"p": "1"}, "photographs": [entry]}
    with pytest.raises(pack.PackError, match=r"Packing a gave sha256 .* should have 0"):
        pack.pack(credits, accept=False)
    files = pack.pack(credits, accept=True)
    (content,) = files.values()
    assert entry["sha256"] == hashlib.sha256(content).hexdigest()
    assert pack.pack(credits, accept=False) == files
    entry["file"] = "b.png"
    with pytest.raises(pack.PackError, match=r"holds no b\.png"):
        pack.pack(credits, accept=True)
