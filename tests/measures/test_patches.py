"""Natural patches, on networks whose favorite places are known."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import torch
from PIL import Image
from torch import nn

import featviz as fv
from featviz.measures import patches
from featviz.measures.patches import find_examples, find_places
from featviz.measures.patches_by_level import find_spectrum
from featviz.network.inputs import LUMA
from featviz.network.values import activations
from featviz.photos import Photo
from featviz.store import Store


def brightness(size: int = 5, stride: int = 2) -> fv.Network:
    """One unit that adds up a square of red, and one that adds up green."""
    conv = nn.Conv2d(3, 2, size, stride=stride, padding=size // 2, bias=False)
    conv.weight.data.zero_()
    conv.weight.data[0, 0] = 1
    conv.weight.data[1, 1] = 1
    return fv.Network(nn.Sequential(conv), (0.5, 0.5, 0.5), (1, 1, 1), {"sum": "0"}, name="sums")


def black(name: str, *spots: tuple[int, int, int, float], size: int = 40) -> Photo:
    """A black photo with squares of 5 px: (color, row, column, value)."""
    image = torch.zeros(3, size, size)
    for color, row, column, value in spots:
        image[color, row - 2 : row + 3, column - 2 : column + 3] = value
    return Photo(name, image, "", "", "")


def test_the_best_patches_are_found_and_cut_to_the_field():
    photos = [black("a", (0, 20, 10, 1.0)), black("b", (0, 8, 30, 0.8), (1, 20, 20, 0.9))]
    found = find_examples(brightness(), "sum", photos, count=2, progress=False)
    best, second = found.found[0]
    assert (best.photo, best.position, best.box) == ("a", (10, 5), (18, 8, 23, 13))
    assert (second.photo, second.position) == ("b", (4, 15))
    assert best.image.shape == (3, 5, 5)
    assert torch.equal(best.image[0], torch.ones(5, 5))
    assert torch.equal(best.image[1:], torch.zeros(2, 5, 5))
    assert best.value == pytest.approx(25 * 0.5)
    assert found.found[1][0].photo == "b"
    assert found.photos == 2


def test_patches_of_one_photo_do_not_overlap():
    photos = [black("a", (0, 20, 20, 1.0), (0, 20, 23, 1.0), (0, 30, 30, 0.5))]
    found = find_examples(brightness(), "sum", photos, units=[0], count=6, progress=False)
    boxes = [one.box for one in found.found[0]]
    for index, (top, left, bottom, right) in enumerate(boxes):
        for other in boxes[:index]:
            apart = top >= other[2] or bottom <= other[0] or left >= other[3] or right <= other[1]
            assert apart


def saved(folder, photos):
    for photo in photos:
        pixels = (photo.image.permute(1, 2, 0).numpy() * 255).round().astype("uint8")
        Image.fromarray(pixels).save(folder / f"{photo.name}.png")
    return folder


@pytest.mark.parametrize("most", [1, 2, 100])
def test_workers_find_what_a_loop_finds(tmp_path, monkeypatch, most):
    # Several spots are equally strong: which are kept must not depend on who is done first.
    photos = [
        black(f"{number}", *((color, 36, 36, 1 - number % 2 / 2) for color in (0, 1)), size=72)
        for number in range(7)
    ]
    folder = saved(tmp_path, [*photos, black("small", size=64)])
    monkeypatch.setattr(patches, "TASK", most)
    monkeypatch.setattr(patches, "TASKS", 2)
    network = brightness(size=65)
    expected = find_examples(network, "sum", folder, count=6, progress=False)
    with ThreadPoolExecutor(3) as pool:
        found = find_examples(
            network, "sum", folder, count=6, executor=pool, store=Store(tmp_path / "store"),
            progress=False,
        )  # fmt: skip
    assert (found.photos, found.skipped) == (expected.photos, expected.skipped) == (7, ("small",))
    for unit in (0, 1):
        for one, other in zip(found.found[unit], expected.found[unit], strict=True):
            assert (one.photo, one.position, one.value) == (
                other.photo, other.position, other.value,
            )  # fmt: skip
            assert one.patch.equal(other.patch)


def test_several_layers_share_the_passes_of_each_photograph(monkeypatch):
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 4, 5, stride=2), nn.ReLU(), nn.Conv2d(4, 3, 3))
    network = fv.Network(module, layers={"first": "0", "second": "2"})
    sides = {"0": 40, "1": 30, "2": 40, "small": 7}  # the second layer sees 9 px
    noise = [Photo(name, torch.rand(3, side, side), "", "", "") for name, side in sides.items()]
    names = ["first", "second"]
    alone = {name: find_examples(network, name, noise, count=3, progress=False) for name in names}
    passes = []

    def watched(network, image, layers):
        passes.append(layers)
        return activations(network, image, layers)

    monkeypatch.setattr(patches, "activations", watched)
    both = find_places(network, [*names, "first"], iter(noise), 3)
    assert passes == [names] * 3 + [["first"]]
    assert list(both) == names
    for name, expected in alone.items():
        found = both[name]
        assert (found.photos, found.skipped) == (expected.photos, expected.skipped)
        for unit, examples in expected.found.items():
            for one, other in zip(examples, found.found[unit], strict=True):
                assert vars(replace(one, patch=other.patch)) == vars(other)
                assert not other.patch.numel()


def test_workers_are_for_files():
    with ThreadPoolExecutor(1) as pool, pytest.raises(ValueError, match="give a folder of them"):
        find_examples(brightness(), "sum", [black("a")], executor=pool)


def overlap(one, other):
    return all(one[i] < other[i + 2] and other[i] < one[i + 2] for i in (0, 1))


@pytest.mark.parametrize(("size", "stride"), [(5, 2), (6, 2), (3, 3)])
def test_what_is_left_out_is_weaker_or_overlaps_something_stronger(size, stride):
    generator = torch.Generator().manual_seed(size)
    photos = [
        Photo(str(i), torch.rand(3, 20 + i, 24 - i, generator=generator), "", "", "")
        for i in range(4)
    ]
    network, count = brightness(size, stride), 5
    field = network.receptive_field("sum")
    examples = find_examples(network, "sum", photos, count=count, progress=False)
    for unit in (0, 1):
        chosen = examples.found[unit]
        values = [one.value for one in chosen]
        assert len(chosen) == count
        assert values == sorted(values, reverse=True)
        for photo in photos:
            here = [one for one in chosen if one.photo == photo.name]
            assert not any(overlap(a.box, b.box) for i, a in enumerate(here) for b in here[:i])
            bytes_ = (photo.image * 255).round()
            answers = fv.activations(network, photo.image, ["sum"])["sum"][0, unit]
            for one in here:
                top, left, bottom, right = one.box
                assert one.value == answers[one.position].item()
                assert one.patch.dtype == torch.uint8
                assert one.patch.float().equal(bytes_[:, top:bottom, left:right])
            for row, column in (answers > values[-1]).nonzero().tolist():
                (top, bottom), (left, right) = field.span(row), field.span(column)
                box = top, left, bottom, right
                if min(box) < 0 or bottom > len(photo.image[0]) or right > len(photo.image[0, 0]):
                    continue
                stronger = [one for one in here if one.value >= answers[row, column]]
                assert any(overlap(box, one.box) for one in stronger)


def test_nine_patches_are_found_unless_told():
    noise = torch.rand(3, 40, 40, generator=torch.Generator().manual_seed(0))
    examples = find_examples(brightness(), "sum", [Photo("noise", noise, "", "", "")])
    assert [len(examples.found[unit]) for unit in (0, 1)] == [9, 9]


def test_a_place_whose_field_crosses_the_border_does_not_compete():
    photo = black("corner", (0, 2, 2, 1.0))
    shifted = Photo("corner", photo.image[:, 2:, 2:], "", "", "")
    best = find_examples(brightness(), "sum", [shifted], units=[0], count=1).found[0][0]
    # Place (0, 0) sees the spot's 9 pixels and nothing dark: its value is the largest of all.
    assert (best.position, best.box) == ((1, 1), (0, 0, 5, 5))
    assert best.value == pytest.approx(9 * 0.5 - 16 * 0.5)


def test_a_deep_value_is_that_of_its_field_alone(alexnet):
    photo = fv.photos.load("chelsea")
    units = [0, 12, 64]
    found = find_examples(alexnet, "conv5", [photo], units=units, count=2, progress=False).found
    field = alexnet.receptive_field("conv5")
    canvas = field.canvas()
    middle = alexnet.shape("conv5", canvas)[-1] // 2
    before = field.span(middle)[0]
    for unit, examples in found.items():
        assert len(examples) == 2
        for one in examples:
            top, left, _, _ = one.box
            # The same grid, shifted by whole strides: the field is where the central unit's is.
            cut = photo.image[:, top - before :][:, :canvas, left - before :][:, :, :canvas]
            alone = activations(alexnet, cut, "conv5")[0, unit, middle, middle].item()
            assert alone == pytest.approx(one.value, abs=1e-3)


def test_photos_are_streamed_and_small_ones_are_named():
    held = []

    def stream():
        for index in range(30):
            held.append(index)
            yield black(str(index), (0, 20, 20, index / 30), size=4 if index == 7 else 40)

    found = find_examples(brightness(), "sum", stream(), units=[0], count=3, progress=False)
    assert [one.photo for one in found.found[0]] == ["29", "28", "27"]
    assert found.skipped == ("7",)
    assert found.photos == 29


def test_a_folder_of_the_readers_own(tmp_path):
    for name, level in (("dark", 40), ("light", 200)):
        Image.new("RGB", (80, 70), (level, 0, 0)).save(tmp_path / f"{name}.png")
    found = find_examples(brightness(), "sum", tmp_path, units=[0], count=1, progress=False)
    assert found.found[0][0].photo == "light"


def test_the_samples_are_the_default(alexnet):
    found = find_examples(alexnet, "conv1", units=[3, 60], count=4, progress=False)
    assert all(len(found.found[unit]) == 4 for unit in (3, 60))
    assert found.found[3][0].patch.shape == (3, 11, 11)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"units": [2]}, "units 0 to 1, not 2"),
        ({"count": 0}, "count is at least 1, not 0"),
        (
            {"photos": [black("tiny", size=4)]},
            "none of the 1 photographs has the 5 px on both sides",
        ),
    ],
)
def test_what_cannot_be_searched(arguments, message):
    given = {"photos": [black("a")], **arguments}
    with pytest.raises(ValueError, match=message):
        find_examples(brightness(), "sum", given.pop("photos"), **given)


def test_units_that_see_everything_have_no_patches():
    module = nn.Sequential(nn.Conv2d(3, 2, 1), nn.AdaptiveAvgPool2d(1), nn.Conv2d(2, 2, 1))
    with pytest.raises(ValueError, match="no receptive field in pixels"):
        find_examples(fv.Network(module), "2", [black("a")])


def test_patches_of_a_network_without_color_are_gray():
    conv = nn.Conv2d(1, 1, 5, bias=False)
    conv.weight.data.fill_(1)
    network = fv.Network(nn.Sequential(conv), (0.5,), (1,), {"sum": "0"})
    photo = black("a", (0, 20, 10, 1.0), (2, 30, 30, 1.0))
    best = find_examples(network, "sum", [photo], count=1, progress=False).found[0][0]
    assert best.box == (18, 8, 23, 13)  # red is lighter than blue
    level = (photo.image[:, 20, 10] * torch.tensor(LUMA)).sum()
    torch.testing.assert_close(best.image, level.expand(3, 5, 5), atol=1 / 255, rtol=0)
    levels = find_spectrum(network, "sum", [photo], units=[0], levels=[1.0], count=1)[0].levels
    assert levels[0][0].patch.equal(best.patch)
