import errno
import gc
import os
import random
import signal
import subprocess
import sys
import time
import weakref
from concurrent.futures import Future
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

import featviz as fv
from featviz import photos, store
from featviz.ascent import climb
from featviz.ascent.effective_field import used_field
from featviz.measures import tuning
from featviz.measures.patches import find_examples
from featviz.microscope import build, findings
from featviz.microscope.build import Microscope
from featviz.microscope.page import show
from featviz.microscope.views import APART, CHANNEL, DIVERSE, NEURON, OPPOSITE, VIEWS, in_field
from featviz.network.network import UnknownUnitError
from featviz.objectives.units import Diversity
from featviz.store import Store, UnsavedEntry
from tests.networks import LAYERS, GrayCNN, SmallCNN

QUICK = tuple(replace(view, side=view.side and 24, steps=2) for view in VIEWS)
ROOT = Path(__file__).parents[2]
BUILD = """
import sys
from pathlib import Path
from tests.microscope.test_build import over
if __name__ == "__main__":
    over(Path(sys.argv[1]), int(sys.argv[3])).build(jobs=int(sys.argv[2]))
"""


def over(folder, steps=2, photographs=None):
    network = fv.Network(SmallCNN().eval(), layers=LAYERS, name="small")
    views = [replace(view, steps=steps) for view in QUICK]
    return Microscope(network, store=Store(folder), views=views, photographs=photographs)


def start(folder, jobs=1, steps=2, **options):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_WAIT_POLICY": "passive"}
    return subprocess.Popen(
        [sys.executable, "-c", BUILD, str(folder), str(jobs), str(steps)],
        cwd=ROOT,
        env=environment,
        **options,
    )


def entries(folder):
    """The hash of each entry: what differs is then a line, not a page of bytes."""
    return {
        path.name: sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.glob("??/*.safetensors"))
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A microscope whose build nobody disturbed."""
    scope = over(tmp_path_factory.mktemp("whole"))
    scope.build()
    return scope


@pytest.fixture
def climbs(monkeypatch):
    """The arguments of every ascent from here on."""
    calls = []
    maximize = climb.maximize

    def record(*arguments, **options):
        calls.append(arguments)
        return maximize(*arguments, **options)

    monkeypatch.setattr("featviz.ascent.climb.maximize", record)
    return calls


# ---- what is built ------------------------------------------------------------------------------


def test_every_unit_has_every_view(whole):
    assert len(entries(whole.store.folder)) == 4 * (8 + 12 + 10)
    for layer in ("conv1", "conv2", "conv3"):
        field = used_field(whole.network, layer).size
        units = whole.network.units(layer)
        for view in whole.views(layer):
            first = layer == "conv1" and view.name in (NEURON.name, OPPOSITE.name)
            side = field if first or view.side is None else 24
            pictures = whole.pictures(layer, view)
            assert pictures.images.shape == (units, view.copies, 3, side, side)
            assert pictures.images.dtype == np.uint8
            assert pictures.values.shape == (units, view.copies)
            assert pictures.contrast.shape == (units, view.copies)


def test_pictures_are_those_of_maximize(whole):
    expected = fv.maximize(whole.network, fv.Channel("conv3", 4), size=24, steps=2)
    pictures = whole.pictures("conv3", QUICK[0], [4])
    np.testing.assert_array_equal(
        pictures.images[0, 0], (expected.images[0] * 255).round().byte().numpy()
    )
    assert pictures.values[0, 0] == expected.values[0]


def test_the_opposite_of_a_linear_neuron_is_its_complement(whole):
    neuron, opposite = (whole.pictures("conv1", view).images.astype(int) for view in QUICK[1:3])
    np.testing.assert_allclose(neuron + opposite, 255, atol=3)


def test_diversity_costs_a_part_of_the_units_own_value(whole):
    value = whole.pictures("conv2", QUICK[0], [3]).values[0, 0]
    objective = whole._objectives("conv2", QUICK[3], [3])[3]
    (weight,) = (w for w, term in objective.terms if isinstance(term, Diversity))
    assert weight == pytest.approx(APART * abs(value), rel=0.05)


def test_some_units_are_the_same_as_in_the_whole(whole, tmp_path):
    some = over(tmp_path)
    some.build(["conv2"], [3, 7, 3])
    part = entries(tmp_path)
    assert len(part) == 2 * 4
    assert part.items() <= entries(whole.store.folder).items()


def test_units_come_as_often_as_they_are_named(whole):
    images = whole.pictures("conv2", QUICK[0], [3, 7, 3]).images
    np.testing.assert_array_equal(images[0], images[2])
    assert not np.array_equal(images[0], images[1])


class Inline:
    """An executor that does tasks at once, in this process."""

    def submit(self, do, task):
        future = Future()
        future.set_result(do(task))
        return future


def test_with_an_executor_what_leans_on_others_waits(tmp_path, climbs):
    over(tmp_path).build(["conv2", "conv3"], executor=Inline())
    leaning = [any("diversity" in str(goal) for goal in goals) for _, goals in climbs]
    assert leaning == [False] * 6 + [True] * 2


def test_different_pictures_lean_on_all_channels_at_once(tmp_path, climbs):
    over(tmp_path).pictures("conv2", QUICK[3])
    assert [len(objectives) for _, objectives in climbs] == [12, 4 * 12]


def test_half_a_picture_is_not_kept(tmp_path, monkeypatch):
    maximize = climb.maximize

    def stop(*arguments, **more):
        return replace(maximize(*arguments, **more), interrupted=True)

    monkeypatch.setattr("featviz.ascent.climb.maximize", stop)
    with pytest.raises(KeyboardInterrupt):
        over(tmp_path).build(["conv1"])
    assert entries(tmp_path) == {}


class Deciding(nn.Module):
    """A network of data-dependent code, whose fields lie further apart along one axis."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, stride=(1, 2))
        self.second = nn.Conv2d(4, 2, 3)

    def forward(self, images):
        return self.second(self.first(images).relu()) if images.mean() < 9 else images


def test_without_receptive_fields_the_other_views_are_there(tmp_path):
    scope = Microscope(fv.Network(Deciding().eval()), store=Store(tmp_path), views=QUICK)
    assert NEURON.name not in [view.name for view in scope.views("first")]
    scope.build()
    assert len(entries(tmp_path)) == 3 * (4 + 2)
    assert scope.pictures("first", QUICK[2]).images.shape == (4, 1, 3, 24, 24)


class Cifar(nn.Module):
    """A head that takes 32 px alone."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3, padding=1)
        self.conv2 = nn.Conv2d(4, 6, 3, padding=1)
        self.head = nn.Linear(6 * 8 * 8, 5)

    def forward(self, images):
        values = nn.functional.max_pool2d(torch.relu(self.conv1(images)), 2)
        values = nn.functional.max_pool2d(torch.relu(self.conv2(values)), 2)
        return self.head(values.flatten(1))


@pytest.mark.parametrize(
    ("module", "mean", "size"), [(GrayCNN, (0.13,), 28), (Cifar, (0.5, 0.5, 0.5), 32)]
)
def test_pictures_are_no_larger_than_what_the_network_takes(tmp_path, module, mean, size):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = fv.Network(module().eval(), mean, (0.5,))
    views = [replace(view, steps=2) for view in VIEWS]
    scope = Microscope(network, store=Store(tmp_path), views=views)
    assert scope.network.layers == ("conv1", "conv2")
    scope.build(units=[0, 2])
    for view in scope.views("conv2"):
        images = scope.pictures("conv2", view, [0, 2]).images
        assert images.shape[-1] == used_field(network, "conv2").size if view.side is None else size
        gray = (images == images[:, :, :1]).all()
        assert gray == (module is GrayCNN)
    for layer in network.layers:
        findings.find_all(scope, layer, [0, 2])
    wiring = findings.find_wiring(network, "conv2")
    assert wiring.before == "conv1"
    page = show(scope, ["conv1", "conv2"], [0, 2])._repr_html_()
    assert '"conv2-2"' in page


class Patches(nn.Module):
    """Takes 32 px alone, and says so before its first layer: what vision transformers do."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 8, stride=8)

    def forward(self, images):
        torch._assert(images.shape[-1] == 32, "it takes 32 px")
        return self.conv(images).mean((2, 3))


def test_one_place_is_asked_on_an_image_that_the_network_takes(tmp_path):
    network = fv.Network(Patches().eval())
    scope = Microscope(network, store=Store(tmp_path), views=QUICK)
    scope.build()
    pictures = scope.pictures("conv", QUICK[1])
    assert pictures.images.shape == (4, 1, 3, 8, 8)
    measured = tuning.measure_tuning(network, "conv").responses
    expected = tuning.filter_tuning(network, "conv").responses
    torch.testing.assert_close(measured, expected, atol=1e-4, rtol=1e-3)


def test_a_field_larger_than_the_image_is_refused(alexnet):
    field = used_field(alexnet, "conv5")
    with pytest.raises(
        ValueError, match=r"conv5 uses, \d+ px, .* image of 64 px; \d+ px are enough"
    ):
        in_field(alexnet, "conv5", torch.zeros(3, 64, 64))
    images = in_field(alexnet, "conv5", torch.zeros(3, field.canvas(), field.canvas()))
    assert images.shape == (3, field.size, field.size)


@pytest.mark.parametrize("views", [(), (DIVERSE,), (NEURON, CHANNEL)])
def test_views_begin_with_the_channels(alexnet, views):
    with pytest.raises(ValueError, match="the first view is the channel's"):
        Microscope(alexnet, views=views)


def test_the_report_adds_up_to_the_work(tmp_path):
    scope, reports = over(tmp_path), {}
    scope.build(
        ["conv1", "conv2"],
        [0, 1],
        report=lambda layer, work: reports.setdefault(layer, []).append(work),
    )
    assert {layer: sum(works) for layer, works in reports.items()} == {
        layer: scope.work(layer, [0, 1]) for layer in ("conv1", "conv2")
    }
    assert reports["conv1"][0] == 0


def test_views_have_names_and_fields_know_their_canvas(whole, squeezenet):
    assert [view.name for view in whole.views("conv3")] == [
        view.name for view in (CHANNEL, NEURON, OPPOSITE, DIVERSE)
    ]
    assert NEURON in Microscope(squeezenet).views("features.0")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layers": ["conv9"]}, "no layer 'conv9'"),
        ({"units": [12]}, "has units 0 to 7, not 12"),
        ({"jobs": 0}, "jobs is at least 1, not 0"),
        ({"layers": []}, "nothing to build"),
        ({"units": [], "jobs": 2}, "nothing to build"),
    ],
)
def test_what_cannot_be_built_is_said_before_anything_is(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        over(tmp_path).build(**arguments)
    assert entries(tmp_path) == {}


# ---- what may go wrong --------------------------------------------------------------------------


@pytest.mark.slow
def test_a_killed_build_goes_on_and_ends_with_the_same_bytes(whole, tmp_path):
    chance = random.Random(0)
    for enough in sorted(chance.sample(range(100), 10)):
        build = start(tmp_path)
        while len(entries(tmp_path)) < enough and build.poll() is None:
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.05))  # between two entries, or within one
        build.send_signal(signal.SIGKILL)
        build.wait()
        assert entries(tmp_path).items() <= entries(whole.store.folder).items()
    assert len(entries(tmp_path)) < len(entries(whole.store.folder))
    two = [start(tmp_path) for _ in range(2)]
    assert [build.wait() for build in two] == [0, 0]
    assert entries(tmp_path) == entries(whole.store.folder)


@pytest.mark.slow
def test_ctrl_c_ends_all_jobs_at_once_and_keeps_what_is_done(tmp_path):
    build = start(tmp_path, jobs=2, steps=4000, start_new_session=True, stderr=subprocess.PIPE)
    while len(entries(tmp_path)) < 8:
        assert build.poll() is None
        time.sleep(0.01)
    os.killpg(build.pid, signal.SIGINT)  # as a terminal does
    _, errors = build.communicate(timeout=20)
    assert errors.count(b"Traceback") == 1, "the parent's own"
    assert errors.endswith(b"KeyboardInterrupt\n")
    files = entries(tmp_path)
    assert files
    for path in tmp_path.glob("??/*.safetensors"):
        store.read(path)


UNGUARDED = """
import sys
from pathlib import Path
from tests.microscope.test_build import over
over(Path(sys.argv[1])).build(jobs=2)
"""


@pytest.mark.slow
def test_a_script_without_a_main_guard_is_told_so_once(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(UNGUARDED)
    process = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "store")],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 1
    assert process.stderr.count("Traceback") == 1
    assert "ChildProcessError: jobs=2 starts processes" in process.stderr.splitlines()[-1]
    assert '`if __name__ == "__main__":`' in process.stderr.splitlines()[-1]


def test_what_a_notebook_defines_is_refused_to_several_jobs(tmp_path, monkeypatch):
    scope = over(tmp_path)
    monkeypatch.setattr(SmallCNN, "__module__", "__main__")
    main = ModuleType("__main__")
    main.SmallCNN = SmallCNN
    monkeypatch.setitem(sys.modules, "__main__", main)
    with pytest.raises(ValueError, match=r"need SmallCNN, which they can't import from a notebook"):
        scope.build(jobs=2)


def test_what_cannot_be_pickled_is_refused_to_several_jobs(tmp_path):
    scope = over(tmp_path)
    scope.network.module.odd = lambda: None
    with pytest.raises(ValueError, match=r"network can't be handed .*: Can't (get|pickle) local"):
        scope.build(jobs=2)


@pytest.mark.slow
def test_several_processes_make_the_same_bytes(whole, tmp_path):
    assert start(tmp_path, jobs=2).wait() == 0
    assert entries(tmp_path) == entries(whole.store.folder)


def test_a_full_disk_is_one_sentence_and_damages_nothing(whole, tmp_path, monkeypatch):
    scope = over(tmp_path)
    scope.build(["conv1"])
    before = entries(tmp_path)

    def full(path, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(store, "write_whole", full)
    with pytest.raises(UnsavedEntry, match=r"No space left on device\); name a writable folder"):
        scope.build()
    monkeypatch.undo()
    assert entries(tmp_path) == before
    scope.build()
    assert entries(tmp_path) == entries(whole.store.folder)


def test_a_folder_that_cannot_be_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UnsavedEntry, match="was not kept in the folder"):
        over(tmp_path / "file" / "store").build(["conv1"], [0])


def test_a_damaged_entry_is_made_again(tmp_path):
    scope = over(tmp_path)
    scope.build(["conv1"], [0])
    before = entries(tmp_path)
    path = next(tmp_path.glob(f"??/{min(before)}"))
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.warns(store.DamagedEntry):
        scope.build(["conv1"], [0])
    assert entries(tmp_path) == before


# ---- findings -----------------------------------------------------------------------------------


def test_layers_are_wired_to_the_ones_they_read(alexnet, squeezenet):
    before = [findings.layer_before(alexnet, layer) for layer in alexnet.layers]
    assert before == [None, "conv1", "conv2", "conv3", "conv4"]
    expand = "features.3.expand3x3"
    assert findings.layer_before(squeezenet, expand) == "features.3.squeeze"
    assert findings.layer_before(squeezenet, "features.4.squeeze") is None, "it reads two"


def test_wiring_names_the_extremes_with_their_sign(alexnet):
    wiring = findings.find_wiring(alexnet, "conv5")
    sums = alexnet.module.get_submodule("features.10").weight.detach().sum((2, 3))
    assert wiring.before == "conv4"
    assert wiring.units[12, 0] == sums[12].argmax()
    assert wiring.units[12, -1] == sums[12].argmin()
    assert wiring.weights[12, 0] == sums[12].max()
    assert (np.diff(wiring.weights, axis=1) <= 0).all()


def test_kin_are_the_others_and_twins_come_first(tmp_path, monkeypatch):
    scope = over(tmp_path)
    pictures = scope.pictures("conv3", QUICK[0])
    pictures.images[7] = pictures.images[2]
    monkeypatch.setattr(scope, "pictures", lambda layer, view, units: pictures)
    kin = findings.find_lookalikes(scope, "conv3")
    assert kin.shape == (10, findings.KIN)
    assert all(unit not in row for unit, row in enumerate(kin))
    assert (kin[2, 0], kin[7, 0]) == (7, 2)


def test_kin_of_some_units_are_among_them(whole):
    assert [set(row) for row in findings.find_lookalikes(whole, "conv3", [1, 4, 8])] == [
        {4, 8},
        {1, 8},
        {1, 4},
    ]


def test_a_dense_layer_has_kin_as_well(tmp_path):
    scope = over(tmp_path)
    findings.find_all(scope, "classifier.3")
    assert findings.find_lookalikes(scope, "classifier.3").shape == (5, 4)


def test_a_caption_tells_the_steps_of_the_views_there_are(tmp_path):
    network = fv.Network(SmallCNN().eval(), layers=LAYERS)
    sample = photos.load("coffee", 96)
    scope = Microscope(network, store=Store(tmp_path), views=QUICK[:1], photographs=[sample])
    assert "steps of ascent: the channel 2. 1 photographs" in show(scope, ["conv1"], [0, 1]).caption


def test_a_page_of_some_units_makes_nothing_of_the_others(tmp_path, climbs):
    scope = over(tmp_path)
    scope.build(["conv2"], [0, 1])
    count = len(climbs)
    findings.find_all(scope, "conv2", [0, 1])
    assert len(climbs) == count, "every picture is there already"
    before = entries(tmp_path)
    assert len(before) == 2 * 4 + 5, "two units in four views, four findings, where patches lie"
    show(scope, ["conv2"], [0, 1])
    assert entries(tmp_path) == before


def test_a_family_is_named_as_far_as_gratings_explain_the_patches(tmp_path, monkeypatch):
    scope = over(tmp_path)
    best = findings.find_preferences(scope, "conv3").response
    gray = tuning.gray_values(scope.network, "conv3")
    parts = torch.where(torch.arange(10) % 2 == 0, 0.9, 1.1)
    reached = parts * best / tuning.EXPLAINED + gray

    def found(_scope, _layer, units=None):
        values = reached if units is None else reached[units]
        return SimpleNamespace(values=values[:, None].numpy().astype(float))

    monkeypatch.setattr(findings, "find_patches", found)
    names = findings.find_families(scope, "conv3")
    assert {names[unit] for unit in range(1, 10, 2)} == {tuning.BEYOND}
    assert tuning.BEYOND not in names[::2]
    assert findings.find_families(scope, "conv3", [7, 2]) == (names[7], names[2])


def test_a_layer_without_patches_says_so_and_names_no_family(tmp_path, monkeypatch):
    scope = over(tmp_path)
    page = show(scope, ["conv2"], [0, 1])._repr_html_()
    assert "No patches of" not in page
    assert "takes a unit 45% as far above gray as its best patch or further" in page
    monkeypatch.setattr(findings, "find_patches", lambda *_, **__: None)
    assert findings.find_families(scope, "conv2") == ()
    page = show(scope, ["conv2"], [0, 1])._repr_html_()
    assert "No patches of conv2</strong>: no photograph holds a whole field" in page


def test_patches_of_some_units_are_the_whole_layers(tmp_path):
    scope = over(tmp_path, photographs=[photos.load("coffee")])
    whole = findings.find_patches(scope, "conv3")
    some = findings.find_patches(scope, "conv3", [7, 2, 7])
    for name in ("images", "values", "photos"):
        np.testing.assert_array_equal(getattr(some, name), getattr(whole, name)[[7, 2, 7]])


@pytest.mark.parametrize("own", [True, False])
def test_all_layers_patches_come_from_one_search(tmp_path, monkeypatch, own):
    monkeypatch.setattr(build, "SEARCHED", ["coffee"])
    scope = over(tmp_path, photographs=[photos.load("coffee")] if own else None)
    searched = []
    plain = findings.patches.find_places

    def watched(network, layers, *rest):
        searched.append(layers)
        return plain(network, layers, *rest)

    monkeypatch.setattr(findings.patches, "find_places", watched)
    for layer in scope.network.layers:
        best = findings.find_patches(scope, layer)
        alone = find_examples(scope.network, layer, scope.photographs, count=findings.PATCHES)
        for unit, examples in alone.found.items():
            assert best.values[unit].tolist() == [one.value for one in examples]
            assert best.places[unit].tolist() == [list(one.position) for one in examples]
            for image, one in zip(best.images[unit], examples, strict=True):
                np.testing.assert_array_equal(image, one.patch)
    assert searched == [list(scope.network.layers)]


class Twice(nn.Module):
    """A convolution, and another that runs twice."""

    def __init__(self):
        super().__init__()
        self.once, self.twice = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3)

    def forward(self, x):
        return self.twice(self.twice(self.once(x)).relu())


def test_a_layer_that_runs_twice_leaves_the_others_their_patches(tmp_path):
    torch.manual_seed(0)
    scope = Microscope(
        fv.Network(Twice()), store=Store(tmp_path), photographs=[photos.load("coffee", 96)]
    )
    for layer, size in (("once", 3), ("twice#2", 7)):
        assert findings.find_patches(scope, layer).images.shape == (4, 4, 3, size, size)


def test_patches_of_unknown_units_are_not_searched(tmp_path):
    scope = over(tmp_path, photographs=[photos.load("coffee")])
    for unit in (10, -1):
        with pytest.raises(UnknownUnitError, match=f"{unit}"):
            findings.find_patches(scope, "conv3", [unit])
    assert not entries(tmp_path)


def test_findings_fit_the_units(tmp_path):
    scope = over(tmp_path, photographs=[photos.load("coffee")])
    patches = findings.find_patches(scope, "conv3")
    assert patches.names == ("coffee",)
    side = used_field(scope.network, "conv3").size
    assert patches.images.shape == (10, findings.PATCHES, 3, side, side)
    assert (np.diff(patches.values, axis=1) <= 0).all()
    assert findings.find_activity(scope, "conv3").share.shape == (10,)


def test_photographs_are_hashed_once_and_forgotten_with_them(tmp_path, monkeypatch):
    hashed: list[object] = []
    monkeypatch.setattr(
        findings, "fingerprint", lambda array: hashed.append(array) or store.fingerprint(array)
    )
    scope = over(tmp_path, photographs=[photos.load("coffee", 96), photos.load("china", 96)])
    for layer in ("conv1", "conv2", "conv1"):
        findings.find_patches(scope, layer)
    assert len(hashed) == 2
    held = list(map(weakref.ref, scope.photographs))
    hashed.clear()
    del scope
    gc.collect()
    assert not any(one() for one in held)


def test_photographs_are_fitted_to_the_one_size_that_a_network_takes(tmp_path):
    network = fv.Network(Patches().eval(), size=32)
    wide = photos.load("coffee")
    scope = Microscope(network, store=Store(tmp_path), photographs=[wide])
    patches = findings.find_patches(scope, "conv")
    values = fv.activations(network, photos.fit(wide.image, 32), "conv")[0]
    np.testing.assert_allclose(patches.values[:, 0], values.amax((1, 2)).numpy(), rtol=1e-5)
    busy = findings.find_activity(scope, "conv")
    np.testing.assert_allclose(busy.share, (values > 0).float().mean((1, 2)))
