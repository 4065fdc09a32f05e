"""A result is a sequence of images that can be kept and shown."""

import io
import os

import numpy as np
import pytest
import torch
from PIL import Image

import featviz as fv


@pytest.fixture(scope="module")
def result(small):
    objectives = [fv.Channel("conv3", unit) for unit in range(5)]
    return fv.maximize(small, objectives, size=24, steps=3, frames=[0, 2], progress=False)


def pixels(image):
    return (image * 255 + 0.5).to(torch.uint8).permute(1, 2, 0).numpy()


@pytest.mark.parametrize(("which", "rows"), [(3, [3]), (-1, [4]), (slice(1, 4, 2), [1, 3])])
def test_a_part_is_what_its_images_alone_would_be(result, which, rows):
    part = result[which]
    assert len(part) == len(rows)
    assert part.objectives == tuple(result.objectives[row] for row in rows)
    for name in ("images", "alpha", "values"):
        assert getattr(part, name).equal(getattr(result, name)[rows])
    for name in ("history", "gradients", "frames", "frame_values"):
        assert getattr(part, name).equal(getattr(result, name)[:, rows])
    assert (part.frame_steps, part.precision) == (result.frame_steps, result.precision)


def test_a_result_is_walked_through_and_ends(result):
    assert [one.objectives[0].unit for one in result] == list(range(5))
    with pytest.raises(IndexError):
        result[5]


def test_results_compare_by_identity_and_speak_shortly(result):
    assert result == result
    assert result != result[:]
    assert len(repr(result[0])) < 200


def test_a_file_holds_every_pixel_side_by_side(result, tmp_path):
    result.save(tmp_path / "grid.png", columns=3)
    sheet = np.asarray(Image.open(tmp_path / "grid.png"))
    assert sheet.shape == (24 + 2 + 24, 3 * 24 + 2 * 2, 3)
    assert np.array_equal(sheet[26:, 26:50], pixels(result.images[4]))
    assert (sheet[:, 24:26] == 255).all()
    assert [path.name for path in tmp_path.iterdir()] == ["grid.png"]


def test_a_file_that_cannot_be_written_leaves_the_old_one(result, tmp_path, monkeypatch):
    path = tmp_path / "grid.png"
    result[0].save(path)
    before = path.read_bytes()

    def full(_):
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        result.save(path)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["grid.png"]


def test_what_webp_cannot_hold_is_told(result, tmp_path):
    wide = torch.zeros(1, 3, 1, 16384)
    with pytest.raises(ValueError, match=r"WebP holds at most 16383 x 16383 px, .* as \.png"):
        fv.figures.save(wide, tmp_path / "wide.webp")
    with pytest.raises(ValueError, match="columns is a whole number, at least 1, not 0"):
        result.save(tmp_path / "grid.png", columns=0)
    assert not list(tmp_path.iterdir())


def test_a_file_of_an_unknown_kind_is_refused(result, tmp_path):
    for name in ("grid.xyz", "grid.jpg", "grid"):
        with pytest.raises(ValueError, match=rf"file ends in \.png or \.webp, unlike .*{name}\."):
            result.save(tmp_path / name)
    with pytest.raises(FileNotFoundError, match=r"no folder .*missing for grid\.png"):
        result.save(tmp_path / "missing" / "grid.png")
    assert not list(tmp_path.iterdir())


def test_a_notebook_shows_small_images_enlarged(result):
    picture = np.asarray(Image.open(io.BytesIO(result[2]._repr_png_())))
    assert picture.shape == (96, 96, 3)
    assert np.array_equal(picture[::4, ::4], pixels(result.images[2]))
