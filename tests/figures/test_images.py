import base64
import io

import numpy as np
import pytest
from PIL import Image

from featviz.figures._color import Scale, color_bar, overlay, shared_scale
from featviz.figures._files import pixels
from featviz.figures._images import data_uri, img, sprite


def decode(uri):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))).convert("RGB"))


def noise(count, side):
    return np.random.default_rng(0).random((count, 3, side, side))


def test_small_pictures_keep_every_pixel():
    picture = pixels(noise(1, 11))[0]
    assert np.array_equal(decode(data_uri(picture)), picture)
    assert "fv-pixels" in img(picture, "a filter")


def test_large_pictures_are_lossy_and_close():
    y, x = np.mgrid[:64, :64] / 63
    picture = pixels(np.stack([x, y, 1 - x]))[0]
    assert np.abs(decode(data_uri(picture)).astype(int) - picture).mean() < 4
    assert "fv-pixels" not in img(picture, "a ramp")


def test_sprites_hold_the_pictures_in_reading_order():
    pictures = pixels(noise(5, 8))
    mosaic = sprite(pictures, 2)
    sheet = decode(mosaic.uri)
    assert (mosaic.columns, mosaic.rows, sheet.shape) == (2, 3, (24, 16, 3))
    assert np.array_equal(sheet[8:16, 8:16], pictures[3])
    assert (sheet[16:, 8:] == 128).all()


def test_encoding_is_deterministic():
    assert data_uri(pixels(noise(1, 64))[0]) == data_uri(pixels(noise(1, 64))[0])


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((3, 4)), r"images has shape \(3, 4\): expected \(N, 3, height, width\)"),
        (np.zeros((2, 1, 4, 4)), r"shape \(2, 1, 4, 4\)"),
        (np.zeros((0, 3, 4, 4)), "N at least 1"),
        (np.full((3, 4, 4), 255.0), r"ranges from 255 to 255: images are floats in \[0, 1\]"),
        (np.full((3, 4, 4), np.nan), "not finite"),
    ],
)
def test_wrong_images_are_named(images, message):
    with pytest.raises(ValueError, match=message):
        pixels(images)


def test_pictures_without_alt_text_are_refused():
    with pytest.raises(ValueError, match="no alt text: say in one sentence"):
        img(pixels(noise(1, 8))[0], " ")


def test_sheets_too_large_for_webp_are_refused():
    with pytest.raises(ValueError, match="WebP holds at most 16383 px a side"):
        sprite(np.zeros((3, 10, 8000, 3), np.uint8), 3)


def test_one_scale_for_all_maps_is_symmetric_when_one_is_signed():
    assert shared_scale([np.array([[1.0, 2.0]]), np.array([[4.0]])], limit=4) == Scale(0, 4, False)
    assert shared_scale([np.array([[-1.0]]), np.array([[3.0]])], limit=3) == Scale(-3, 3, True)
    with pytest.raises(ValueError, match="the limit of a scale is a magnitude above 0, not 0"):
        shared_scale([np.array([[1.0]])], limit=0)


def test_equal_values_have_equal_colors_on_a_shared_scale():
    scale = shared_scale([np.array([[0.0, 1.0]]), np.array([[0.0, 10.0]])])
    assert np.array_equal(scale.colors([1.0]), scale.colors([[5.0, 1.0]])[0, 1:])
    assert (scale.colors([1.0]) != scale.colors([10.0])).any()


def test_overlay_keeps_the_photo_where_the_map_is_silent():
    photo = np.full((8, 8, 3), 200, np.uint8)
    silent = overlay(photo, np.zeros((2, 2)), Scale(-1, 1, True))
    loud = overlay(photo, np.ones((2, 2)), Scale(-1, 1, True))
    assert np.array_equal(silent, photo)
    assert loud[..., 0].mean() < photo.mean()
    assert loud[..., 2].mean() < loud[..., 0].mean()
    quarter, half = (overlay(photo, np.full((2, 2), v), Scale(0, 1, False)) for v in (0.25, 0.5))
    assert np.array_equal(quarter, photo)
    assert half.mean() < photo.mean()


def test_color_bars_carry_their_numbers_and_escaped_name():
    bar = color_bar(Scale(-2, 2, True), "a < b")
    assert "<span>−2</span><span>0</span><span>2</span>" in bar
    assert "a &lt; b" in bar
