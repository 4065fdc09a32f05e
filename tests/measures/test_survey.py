"""Surveys: the same as looking at each photograph alone, in any shards, by any workers."""

import random
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from hashlib import sha256
from operator import add
from threading import Thread

import numpy as np
import pytest
import torch
from PIL import Image

import featviz as fv
from featviz import photos
from featviz.measures import reading, surveyor
from featviz.measures.patches import find_examples
from featviz.measures.reading import Shard, find_photographs
from featviz.measures.survey import survey
from featviz.measures.surveyor import Surveyor
from featviz.network.padding import unpadded_places
from featviz.photos import Photo, PhotoError
from featviz.store import Store, UnsavedEntry
from featviz.upkeep import entries
from tests.networks import GrayCNN

module = sys.modules["featviz.measures.survey"]  # the room has the function under that name
LAYERS = ("conv1", "conv3")
SIDE = 64


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Eleven photographs in two folders, and what isn't one."""
    folder = tmp_path_factory.mktemp("photos")
    chance = np.random.default_rng(0)
    for number in range(11):
        place = folder / ("b" if number % 3 else "a")
        place.mkdir(exist_ok=True)
        noise = chance.integers(0, 256, (9, 12, 3), np.uint8)
        large = Image.fromarray(noise).resize((70 + number, 66 + number), Image.Resampling.BICUBIC)
        large.save(place / f"{number:02}.png")
    (folder / "a" / "99.jpg").write_text("no photograph")
    (folder / "notes.txt").write_text("no photograph")
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "x.png").write_text("")
    return folder


@pytest.fixture(scope="module")
def images(folder):
    """The same as photographs, in the order of their names."""
    files = [path for place in ("a", "b") for path in sorted((folder / place).glob("*.png"))]
    return [
        Photo(file.relative_to(folder).as_posix(), photos.load(file, SIDE).image, "", "", "")
        for file in files
    ]


def ask(small, photos, folder, **options):
    options = {"size": SIDE, "count": 3, "progress": False, **options}
    return survey(small, photos, LAYERS, store=Store(folder), **options)


def assert_same(one, other, shift=0):
    """The same tallies; the numbers of the first's photographs are larger by so many."""
    for layer in LAYERS:
        for name, array in vars(one.tallies[layer]).items():
            expected = getattr(other.tallies[layer].shifted(shift), name)
            np.testing.assert_array_equal(array, expected)


@pytest.fixture(scope="module")
def whole(small, folder, tmp_path_factory):
    return ask(small, folder, tmp_path_factory.mktemp("store"), correlations=True)


def test_the_strongest_places_are_each_photographs_strongest(small, images, whole):
    for layer in LAYERS:
        found = whole.examples(layer).found
        alone = [
            find_examples(small, layer, [photo], count=1, progress=False).found for photo in images
        ]
        for unit, examples in found.items():
            best = sorted((one[unit][0] for one in alone), key=lambda one: -one.value)[:3]
            assert len(examples) == 3
            for ours, theirs in zip(examples, best, strict=True):
                assert ours.value == pytest.approx(theirs.value, rel=1e-5)
                assert (ours.photo, ours.position) == (theirs.photo, theirs.position)
                assert ours.box == theirs.box
                assert ours.patch.equal(theirs.patch)


def test_activity_is_that_of_the_same_photographs(small, images, whole):
    stack = torch.stack([photo.image for photo in images])
    for layer in LAYERS:
        rows = unpadded_places(small, layer, SIDE)
        before, after = (
            fv.activations(small, stack, name)[..., rows, :][..., rows].transpose(0, 1).flatten(1)
            for name in (layer, f"{layer}:relu")
        )
        activity = whole.tallies[layer].activity
        torch.testing.assert_close(activity.share, (after > 0).float().mean(1))
        torch.testing.assert_close(activity.mean, after.mean(1), rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(activity.peak, before.amax(1), rtol=1e-5, atol=1e-6)


def test_correlations_are_those_of_the_means(small, images, whole):
    rows = unpadded_places(small, "conv3", SIDE)
    stack = torch.stack([photo.image for photo in images])
    after = fv.activations(small, stack, "conv3:relu")[..., rows, :][..., rows]
    expected = np.corrcoef(after.double().mean((2, 3)).numpy().T)
    np.testing.assert_allclose(whole.tallies["conv3"].correlation, expected, atol=1e-6)


def test_correlations_that_were_not_asked_for_say_so(small, images, tmp_path):
    tally = ask(small, images, tmp_path).tallies["conv3"]
    assert tally.products.size == 0
    with pytest.raises(ValueError, match="say correlations=True"):
        _ = tally.correlation


def test_what_cannot_be_read_is_named(whole):
    assert whole.skipped == ("a/99.jpg",)
    assert len(whole.names) == 12


def test_photographs_that_are_no_files_give_the_same(small, images, whole, tmp_path):
    other = ask(small, iter(images), tmp_path, correlations=True)
    assert list(entries(Store(tmp_path))) == []
    for layer in LAYERS:
        for unit, examples in whole.examples(layer).found.items():
            for one, same in zip(examples, other.examples(layer, [unit]).found[unit], strict=True):
                assert (one.photo, one.position, one.value) == (
                    same.photo, same.position, same.value,
                )  # fmt: skip
                assert one.patch.equal(same.patch)
        np.testing.assert_array_equal(whole.tallies[layer].products, other.tallies[layer].products)
    live = sum(np.unique(t.photos).size for t in other.tallies.values())
    assert live <= len(other.patches) <= sum(t.photos.size for t in other.tallies.values())


def test_workers_and_parts_keep_the_same_bytes(small, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SHARD", 3)
    plain = ask(small, folder, tmp_path / "plain")
    with ThreadPoolExecutor(2) as pool:
        shared = ask(small, folder, tmp_path / "shared", executor=pool)
    for number in (2, 3, 1):
        part = ask(small, folder, tmp_path / "parts", part=(number, 3))
        assert part.tallies["conv1"].seen[0] < plain.tallies["conv1"].seen[0]
    parts = ask(small, folder, tmp_path / "parts")
    files = [
        {
            one.key: sha256(one.path.read_bytes()).hexdigest()
            for one in entries(Store(tmp_path / name))
        }
        for name in ("plain", "shared", "parts")
    ]
    assert len(files[0]) == 4
    assert files[0] == files[1] == files[2]
    assert_same(plain, shared)
    assert_same(plain, parts)


def test_the_bar_of_a_part_is_full_when_the_part_is_done(
    small, folder, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(module, "SHARD", 3)
    ask(small, folder, tmp_path, part=(2, 3), progress=True)
    assert "3/3" in capsys.readouterr().err


def test_memory_is_given_back_after_each_shard(small, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SHARD", 3)
    given: list[None] = []
    monkeypatch.setattr(surveyor, "give_back_freed", lambda: given.append(None))
    ask(small, folder, tmp_path)
    assert len(given) == sum(1 for _ in entries(Store(tmp_path))) == 4


def test_passes_side_by_side_give_the_same_bits(small, folder, tmp_path, monkeypatch, threads):
    monkeypatch.setattr(reading, "PASS", 2 * SIDE**2)
    found = []
    for count in (1, 2, 3):
        threads(count)
        found.append(ask(small, folder, tmp_path / str(count), correlations=True))
        with ThreadPoolExecutor(1) as pool:  # a thread that starts later has as many
            assert pool.submit(torch.get_num_threads).result() == count
    for other in found[1:]:
        assert_same(found[0], other)


def test_what_fails_beside_passes_comes_as_it_is_and_frees_the_network(
    small, images, tmp_path, monkeypatch
):
    def fail(*arguments):
        raise RuntimeError("no patch")

    monkeypatch.setattr(module.Cuttings, "cut", fail)
    with pytest.raises(RuntimeError, match="no patch") as caught:
        ask(small, images, tmp_path)
    assert caught.traceback  # which would hold a generator that nobody has closed
    ask_again = Thread(target=fv.activations, args=(small, images[0].image, "conv1"), daemon=True)
    ask_again.start()
    ask_again.join(timeout=60)
    assert not ask_again.is_alive()


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_photographs_that_come_in_a_mode_of_their_own_leave_ours(
    small, images, tmp_path, monkeypatch, mode
):
    monkeypatch.setattr(reading, "PASS", 2 * SIDE**2)

    def loaded():
        with mode():
            yield from images

    ask(small, loaded(), tmp_path)
    assert torch.is_grad_enabled()
    assert not torch.is_inference_mode_enabled()


def test_small_photographs_are_skipped_wherever_they_come(small, images, tmp_path):
    tiny = Photo("tiny", torch.rand(3, 3, 3), "", "", "")
    first = ask(small, [tiny, *images], tmp_path, size=None)
    assert first.skipped == ("tiny",)
    assert_same(first, ask(small, [*images, tiny], tmp_path, size=None), shift=1)


def test_a_survey_goes_on_where_it_was_and_reads_only_what_is_new(
    small, folder, tmp_path, monkeypatch
):
    monkeypatch.setattr(module, "SHARD", 3)
    calls = []
    arrays = Surveyor._arrays

    def record(self, shard):
        if len(calls) == 2:
            raise KeyboardInterrupt
        calls.append(shard.first)
        return arrays(self, shard)

    monkeypatch.setattr(Surveyor, "_arrays", record)
    with pytest.raises(KeyboardInterrupt):
        ask(small, folder, tmp_path)
    calls[:] = [None]
    with pytest.raises(KeyboardInterrupt):
        ask(small, folder, tmp_path)
    assert calls == [None, 6], "the first two are there"
    monkeypatch.undo()


def test_tallies_add_up_in_any_order(small, images, tmp_path):
    tallies = [
        ask(small, [photo], tmp_path).tallies["conv3"].shifted(number)
        for number, photo in enumerate([*images, images[2]])
    ]
    expected = reduce(add, tallies)
    assert expected.values[0].tolist() == sorted(expected.values[0].tolist(), reverse=True)
    for seed in range(3):
        random.Random(seed).shuffle(tallies)
        other = reduce(add, tallies)
        for name in ("values", "photos", "places", "peak", "positive", "area", "seen"):
            np.testing.assert_array_equal(getattr(other, name), getattr(expected, name))
        np.testing.assert_allclose(other.total, expected.total)


def test_of_few_photographs_there_are_few_places(small, images, tmp_path):
    result = ask(small, images[:2], tmp_path, count=4)
    assert (result.tallies["conv1"].photos[:, 2:] == -1).all()
    assert all(len(one) == 2 for one in result.examples("conv1").found.values())


def test_photographs_as_they_are_have_any_shape(small, folder, tmp_path):
    result = ask(small, folder, tmp_path, size=None)
    assert result.tallies["conv1"].seen[0] == 11
    example = result.examples("conv3", [0]).found[0][0]
    value = fv.activations(small, photos.load(folder / example.photo).image, "conv3")
    assert example.value == pytest.approx(value[0, 0][example.position].item(), rel=1e-5)


def test_a_network_without_color_has_gray_patches(images, tmp_path):
    network = fv.Network(GrayCNN().eval(), 0.5, 0.5)
    result = survey(
        network, images, ["conv1"], size=28, count=2, store=Store(tmp_path), progress=False
    )
    patch = result.examples("conv1", [0]).found[0][0].patch
    assert patch[0].equal(patch[1])


def test_a_full_disk_ends_workers_with_one_sentence(small, folder, tmp_path):
    (tmp_path / "file").write_text("")
    surveyor = Surveyor(small, LAYERS, SIDE, 3, False, "cpu", Store(tmp_path / "file"))
    files = tuple(find_photographs(folder))
    with pytest.raises(UnsavedEntry, match="was not kept in the folder"):
        surveyor(Shard(0, files))


def test_a_folder_in_which_nothing_can_be_read_says_so(small, tmp_path):
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_text("no photograph")
    with pytest.raises(PhotoError, match=r"none of the 2 photographs in .* read, a\.jpg for one"):
        ask(small, tmp_path, tmp_path / "store")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layers": ["conv9"]}, "no layer 'conv9'"),
        ({"count": 0}, "count is at least 1, not 0"),
        ({"size": 8}, "units of conv3 see .* give a size of at least"),
        ({"part": (1, 2)}, "give a folder of them"),
        ({"device": "abacus"}, "no device 'abacus'"),
        ({"photos": "nowhere"}, "nowhere does not exist"),
    ],
)
def test_what_cannot_be_surveyed_is_said(small, images, tmp_path, options, message):
    asked = {"photos": images, "layers": LAYERS, "size": SIDE, "progress": False, **options}
    with pytest.raises(ValueError, match=message):
        survey(small, store=Store(tmp_path), **asked)
