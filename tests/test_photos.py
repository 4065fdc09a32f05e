"""Sample photographs without a network, and whatever files a user may have."""

import io
import subprocess
import sys
import tarfile

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms.v2.functional import center_crop, resize

from featviz import photos

LEFT_RED = (96, 64)  # width, height of the test picture: left half red, right half blue


@pytest.fixture
def picture():
    array = np.zeros((LEFT_RED[1], LEFT_RED[0], 3), dtype=np.uint8)
    array[:, :48, 0] = 255
    array[:, 48:, 2] = 255
    return Image.fromarray(array)


def corners(image):
    """Colors of the left and the right edge, as rounded tuples."""
    return tuple(image[:, 5, 5].round(decimals=1).tolist()), tuple(
        image[:, 5, -5].round(decimals=1).tolist()
    )


RED_BLUE = ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0))


@pytest.mark.parametrize("name", photos.samples())
def test_every_sample_is_a_color_image_with_credit_and_license(name):
    photo = photos.load(name)
    assert photo.name == name
    assert photo.image.dtype == torch.float32
    assert photo.image.ndim == 3
    assert photo.image.shape[0] == 3
    assert 0 <= photo.image.min() < photo.image.max() <= 1
    assert photo.credit
    assert photo.license
    assert photo.attribution == f"{photo.credit}, {photo.license}, {photo.source}"


def test_samples_need_no_network_and_no_heavy_import():
    program = (
        "import socket, sys\n"
        "def refuse(*_): raise AssertionError('network')\n"
        "socket.socket.connect = refuse\n"
        "from featviz import photos\n"
        "before = set(sys.modules)\n"
        "for name in photos.samples(): photos.load(name)\n"
        "assert not {'skimage', 'sklearn', 'pooch'} & (set(sys.modules) - before)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_sample_equals_its_file():
    from skimage import data

    image = photos.load("chelsea").image
    expected = torch.from_numpy(data.chelsea()).permute(2, 0, 1) / 255
    torch.testing.assert_close(image, expected)


@pytest.mark.parametrize("suffix", photos.SUFFIXES)
def test_every_listed_format_is_read(suffix, picture, tmp_path):
    path = tmp_path / f"mine{suffix}"
    picture.save(path)
    photo = photos.load(path)
    assert (photo.name, photo.credit, photo.attribution) == ("mine", "", path.name)
    assert photo.image.shape == (3, 64, 96)
    assert corners(photo.image) == RED_BLUE


@pytest.mark.parametrize(
    "file",
    ["RGBA.tif", "CMYK.tif", "CMYK.jpg", "P.tif", "YCbCr.jpg", "L.tif", "LA.png", "1.tif"],
)
def test_every_mode_becomes_rgb(file, picture, tmp_path):
    mode = file.partition(".")[0]
    picture.convert(mode).save(tmp_path / file)
    image = photos.load(tmp_path / file).image
    assert image.shape == (3, 64, 96)
    if mode in ("L", "LA", "1"):
        assert torch.equal(image[0], image[1])
    else:
        assert corners(image) == RED_BLUE


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bits_are_scaled_not_clipped(suffix, tmp_path):
    ramp = np.linspace(0, 65535, 64 * 80).astype(np.uint16).reshape(64, 80)
    Image.fromarray(ramp).save(tmp_path / f"deep{suffix}")
    image = photos.load(tmp_path / f"deep{suffix}").image
    expected = torch.from_numpy(ramp.astype(np.float32) / 65535)
    torch.testing.assert_close(image, expected.expand(3, -1, -1), atol=1 / 255, rtol=0)
    assert image.max() == 1


def test_transparency_is_laid_on_white(picture, tmp_path):
    clear = picture.convert("RGBA")
    clear.paste((0, 0, 0, 0), (0, 0, 48, 64))
    clear.save(tmp_path / "clear.png")
    white_blue = ((1.0, 1.0, 1.0), (0.0, 0.0, 1.0))
    assert corners(photos.load(tmp_path / "clear.png").image) == white_blue
    palette = picture.convert("P", palette=Image.Palette.ADAPTIVE, colors=2)
    palette.save(tmp_path / "palette.png", transparency=palette.getpixel((0, 0)))
    assert corners(photos.load(tmp_path / "palette.png").image) == white_blue


@pytest.mark.parametrize("suffix", [".gif", ".png", ".webp", ".tif"])
def test_animation_gives_its_first_frame(suffix, picture, tmp_path):
    path = tmp_path / f"moving{suffix}"
    lossless = {"lossless": True} if suffix == ".webp" else {}
    picture.save(path, save_all=True, append_images=[Image.new("RGB", LEFT_RED)], **lossless)
    assert corners(photos.load(path).image) == RED_BLUE


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_exif_orientation_is_applied(suffix, picture, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 3  # orientation: upside down
    picture.save(tmp_path / f"turned{suffix}", exif=exif)
    image = photos.load(tmp_path / f"turned{suffix}").image
    assert corners(image) == RED_BLUE[::-1]


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_wide_photo_is_reduced(suffix, tmp_path):
    path = tmp_path / f"panorama{suffix}"
    Image.new("RGB", (20_000, 1_000), (255, 0, 0)).save(path)
    image = photos.load(path).image
    assert image.shape == (3, 102, photos.MAX_SIDE)
    assert corners(image)[0] == (1.0, 0.0, 0.0)


def test_wide_but_flat_photo_is_too_small(tmp_path):
    Image.new("RGB", (20_000, 100)).save(tmp_path / "line.png")
    with pytest.raises(photos.PhotoError, match="too small: 2048 x 10 pixels once the longer side"):
        photos.load(tmp_path / "line.png")


def test_decompression_bomb_is_refused(monkeypatch, picture, tmp_path):
    picture.save(tmp_path / "bomb.png")
    message = r"bomb\.png is too large to decode safely; save it with at most \d+ million pixels"
    with monkeypatch.context() as limits:
        limits.setattr(Image, "MAX_IMAGE_PIXELS", 100)  # Pillow refuses
        with pytest.raises(photos.PhotoError, match=message):
            photos.load(tmp_path / "bomb.png")
    monkeypatch.setattr(photos, "MAX_PIXELS", 100)  # we refuse
    with pytest.raises(photos.PhotoError, match=message):
        photos.load(tmp_path / "bomb.png")


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".gif", ".bmp", ".tif"])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_truncated_file_is_said_to_be_damaged(suffix, share, tmp_path):
    path = tmp_path / f"cut{suffix}"
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(photos.PhotoError, match=rf"cut\{suffix} (is damaged|is not an image)"):
        photos.load(path)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("text.jpg", b"hello", r"text\.jpg is not an image that Pillow can read"),
        ("empty.png", b"", r"empty\.png is not an image that Pillow can read"),
    ],
)
def test_not_an_image_is_said(name, data, message, tmp_path):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(photos.PhotoError, match=message):
        photos.load(tmp_path / name)


def test_tiny_and_float_images_are_refused(tmp_path):
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    with pytest.raises(photos.PhotoError, match=r"dot\.png is too small: 1 x 1 .* at least 64"):
        photos.load(tmp_path / "dot.png")
    Image.new("F", (80, 80), 3.5).save(tmp_path / "float.tif")
    with pytest.raises(photos.PhotoError, match=r"32-bit pixels, .* save it with 8 or 16 bits"):
        photos.load(tmp_path / "float.tif")


def test_unknown_names_and_missing_files_are_said(tmp_path):
    message = r"no sample photograph 'chelsee'.* nearest are chelsea.*featviz\.photos\.samples\(\)"
    with pytest.raises(photos.PhotoError, match=message):
        photos.load("chelsee")
    with pytest.raises(photos.PhotoError, match=r"gone\.jpg does not exist"):
        photos.load(tmp_path / "gone.jpg")
    with pytest.raises(photos.PhotoError, match=r"is a folder: use featviz\.photos\.folder"):
        photos.load(tmp_path)


def test_folder_reads_in_order_and_lazily(picture, tmp_path):
    for name in ("b.PNG", "a.jpg", ".hidden.jpg"):
        picture.save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("not a photograph")
    (tmp_path / "sub.jpg").mkdir()
    (tmp_path / "c.jpg").write_bytes(b"damaged")
    photographs = photos.folder(tmp_path, size=32)
    assert [next(photographs).name, next(photographs).name] == ["a", "b"]
    with pytest.raises(photos.PhotoError, match=r"c\.jpg is not an image"):
        next(photographs)


def test_folder_without_photos_is_said_at_once(tmp_path):
    with pytest.raises(photos.PhotoError, match=r"holds no photographs; files ending in \.jpg"):
        photos.folder(tmp_path)
    with pytest.raises(photos.PhotoError, match="gone does not exist; give an existing folder"):
        photos.folder(tmp_path / "gone")
    (tmp_path / "a.jpg").touch()
    with pytest.raises(photos.PhotoError, match="is a file; give an existing folder"):
        photos.folder(tmp_path / "a.jpg")


def packed(path, members, mode="w"):
    """A tar archive of files by their names."""
    with tarfile.open(path, mode) as archive:
        for name, data in members.items():
            about = tarfile.TarInfo(name)
            about.size = len(data)
            archive.addfile(about, io.BytesIO(data))
    return path


def encoded(picture, suffix="PNG"):
    file = io.BytesIO()
    picture.save(file, suffix)
    return file.getvalue()


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_shards_are_read_as_their_files_are(picture, tmp_path, mode):
    png, jpg = encoded(picture), encoded(picture.rotate(90), "JPEG")
    paths = [
        packed(
            tmp_path / "0.tar",
            {"a/n1.x.png": png, "n1.cls": b"7", "._n1.png": b"", "n2.JPG": jpg},
            mode,
        ),
        packed(tmp_path / "1.tar", {"n3.png": png}, mode),
    ]
    (tmp_path / "n2.jpg").write_bytes(jpg)
    found = list(photos.shards(paths))
    assert [(one.name, one.source) for one in found] == [
        ("n1", "0.tar"), ("n2", "0.tar"), ("n3", "1.tar"),
    ]  # fmt: skip
    assert found[1].image.equal(photos.load(tmp_path / "n2.jpg").image)
    (first, _) = photos.shards(paths[0], size=64)
    assert first.image.equal(photos.fit(found[0].image, 64))


def test_a_stream_reads_no_more_than_a_few_ahead(picture, monkeypatch):
    monkeypatch.setattr(photos, "AHEAD", 3)
    asked = []
    stream = photos.rows(asked.append(number) or {"image": picture} for number in range(100))
    assert asked == []
    next(stream)
    assert len(asked) == 3
    stream.close()


def test_what_is_damaged_in_a_stream_is_left_out_with_a_warning(picture, tmp_path):
    data = encoded(picture)
    path = packed(tmp_path / "0.tar", {"a.png": data, "b.png": data[:99], "c.png": data})
    with pytest.warns(UserWarning, match=r"The photo 'b' of 0\.tar is .* left out"):
        found = list(photos.shards(path))
    assert [one.name for one in found] == ["a", "c"]


def test_what_was_read_is_given_before_an_archive_ends_too_soon(picture, tmp_path):
    data = encoded(picture)
    path = packed(tmp_path / "0.tar", {f"{n}.png": data for n in range(3)})
    path.write_bytes(path.read_bytes()[: len(data) + 1024 + 700])
    found = photos.shards(path)
    assert next(found).name == "0"
    with pytest.raises(photos.PhotoError, match="is no whole tar archive"):
        list(found)


def test_an_image_of_a_row_is_left_as_it_was(tmp_path):
    Image.new("RGB", (2 * photos.MAX_SIDE, 200)).save(tmp_path / "wide.jpg")
    image = Image.open(tmp_path / "wide.jpg")
    (found,) = photos.rows([{"image": image}])
    assert found.image.shape[-1] == photos.MAX_SIDE
    assert image.size == (2 * photos.MAX_SIDE, 200)


def test_rows_hold_images_or_their_bytes(picture, tmp_path):
    picture.save(tmp_path / "cat.png")
    table = [
        {"label": 1, "photo": picture},
        {"photo": {"bytes": encoded(picture), "path": "dogs/dog.png"}},
        {"photo": Image.open(tmp_path / "cat.png")},
    ]
    found = list(photos.rows(table, "photo"))
    assert [one.name for one in found] == ["0", "dog", "cat"]
    assert all(one.image.equal(found[0].image) for one in found)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"img": 1, "label": 2}, "Row 0 has no column 'image'; it has 'img', 'label'"),
        ({"image": "cat.png"}, "Column 'image' of row 0 holds str, and no image"),
        (
            {"image": {"bytes": None, "path": "x.png"}},
            "Column 'image' of row 0 holds no bytes, and no image",
        ),
    ],
)
def test_rows_without_images_are_said(row, message):
    with pytest.raises(photos.PhotoError, match=message):
        list(photos.rows([row]))


def test_missing_and_broken_archives_are_said(tmp_path):
    with pytest.raises(photos.PhotoError, match="There is no archive"):
        photos.shards([tmp_path / "no.tar"])
    (tmp_path / "x.tar").write_bytes(b"no archive")
    with pytest.raises(photos.PhotoError, match="is no whole tar archive"):
        list(photos.shards(tmp_path / "x.tar"))


@pytest.mark.parametrize("name", ["coffee", "grace_hopper"])
@pytest.mark.parametrize("size", [224, 601])
def test_fit_is_torchvisions_preprocessing(name, size):
    image = photos.load(name).image
    expected = center_crop(resize(image, size, antialias=True), size)
    torch.testing.assert_close(photos.fit(image, size), expected, atol=1e-5, rtol=0)


def test_fit_takes_batches_and_leaves_its_input():
    images = torch.rand(2, 3, 70, 90)
    before = images.clone()
    squares = photos.fit(images, 32)
    assert squares.shape == (2, 3, 32, 32)
    assert torch.equal(images, before)
    torch.testing.assert_close(squares[1], photos.fit(images[1], 32))


def test_fit_refuses_what_it_cannot_use():
    with pytest.raises(ValueError, match="size must be a positive number of pixels, not 0"):
        photos.fit(torch.zeros(3, 64, 64), 0)
    with pytest.raises(ValueError, match=r"must be \(\.\.\., 3, height, width\), not \(64, 64\)"):
        photos.fit(torch.zeros(64, 64), 32)
