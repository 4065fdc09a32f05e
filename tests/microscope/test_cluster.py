"""Pictures and values are the same by any executor and in any parts, and nothing is lost."""

import json
import os
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import pytest
import torch

import featviz as fv
from featviz import store
from featviz.ascent import climb
from featviz.cli import cluster as options
from featviz.microscope.build import Microscope
from featviz.microscope.status import find_status
from featviz.store import Store
from tests.microscope.test_build import QUICK, entries, over

LAYERS = ["conv1", "conv2"]


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """Two layers as a loop makes them."""
    scope = over(tmp_path_factory.mktemp("plain"))
    scope.build(LAYERS)
    return entries(scope.store.folder)


@pytest.fixture(scope="module")
def client():
    """Two workers of Dask, each a process; the last of the tests closes them."""
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture
def dask(client):
    """Both workers; one that another test has killed comes back first."""
    client.wait_for_workers(2, timeout=60)
    return client


def test_threads_make_the_same_bytes(plain, tmp_path):
    with ThreadPoolExecutor(2) as pool:
        over(tmp_path).build(LAYERS, executor=pool)
    assert entries(tmp_path) == plain


@pytest.mark.slow
def test_processes_of_anyone_make_the_same_bytes(plain, tmp_path):
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        over(tmp_path).build(LAYERS, executor=pool)
    assert entries(tmp_path) == plain


@pytest.mark.slow
def test_dask_makes_the_same_bytes(plain, tmp_path, dask):
    over(tmp_path).build(LAYERS, executor=dask.get_executor(pure=False, retries=2))
    assert entries(tmp_path) == plain


@pytest.mark.parametrize("count", [2, 5, 21])
def test_parts_in_any_order_make_the_same_bytes(plain, tmp_path, count):
    for number in range(count, 0, -1):
        over(tmp_path).build(LAYERS, part=(number, count))
    assert entries(tmp_path) == plain


def test_no_part_makes_what_is_anothers(tmp_path, monkeypatch):
    units = []
    maximize = climb.maximize

    def record(network, objectives, **more):
        units.extend(map(str, objectives))
        return maximize(network, objectives, **more)

    monkeypatch.setattr("featviz.ascent.climb.maximize", record)
    for number in (1, 2, 3):
        over(tmp_path).build(["conv2"], part=(number, 3))
    copies = sum(view.copies for view in QUICK)
    assert len(units) == 12 * copies, "each picture once"


def test_a_part_that_is_none_is_refused(tmp_path):
    with pytest.raises(ValueError, match="such as 3/16, not 4/3"):
        over(tmp_path).build(LAYERS, part=(4, 3))


@pytest.mark.slow
def test_of_a_worker_that_is_killed_nothing_is_lost(plain, tmp_path, dask):
    scope = over(tmp_path)
    victims = list(dask.run(os.getpid).values())

    def kill():
        while len(entries(tmp_path)) < 8:
            time.sleep(0.01)
        os.kill(victims[0], 9)

    thread = threading.Thread(target=kill)
    thread.start()
    scope.build(LAYERS, executor=dask.get_executor(pure=False, retries=2))
    thread.join()
    assert entries(tmp_path) == plain
    assert victims[0] not in dask.run(os.getpid).values()


def without_featviz():
    for name in [name for name in sys.modules if name.split(".")[0] == "featviz"]:
        del sys.modules[name]
    sys.modules["featviz"] = None


def with_featviz():
    del sys.modules["featviz"]


@pytest.mark.slow
def test_workers_without_the_package_are_one_sentence(tmp_path, dask):
    dask.run(without_featviz)
    with pytest.raises(ChildProcessError, match=r"featviz.*What is done is kept\.$") as error:
        over(tmp_path).build(LAYERS, executor=dask.get_executor(pure=False))
    dask.run(with_featviz)
    assert "\n" not in str(error.value)
    assert entries(tmp_path) == {}


@pytest.mark.slow
def test_a_scheduler_that_goes_away_is_one_sentence_and_loses_nothing(tmp_path, dask):
    def close():
        while len(entries(tmp_path)) < 8:
            time.sleep(0.01)
        dask.cluster.close()

    thread = threading.Thread(target=close)
    thread.start()
    with pytest.raises(ChildProcessError, match=r"What is done is kept\.$"):
        over(tmp_path, steps=200).build(executor=dask.get_executor(pure=False))
    thread.join()
    assert entries(tmp_path)


def test_a_scheduler_that_does_not_answer_is_one_sentence(monkeypatch, command):
    pytest.importorskip("distributed")
    monkeypatch.setattr(options, "PATIENCE", 0.5)
    where = "tcp://127.0.0.1:9"
    code, _, err = command("microscope", "build", "--scheduler", where, "--layers", "conv1")
    assert code == 1
    assert f"no Dask scheduler answers at {where}" in err


def test_values_by_an_executor_are_the_same(small, tmp_path):
    images = torch.rand(7, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    goals = [f"conv3:{unit}" for unit in range(7)]
    place = Store(tmp_path)
    with ThreadPoolExecutor(2) as pool:
        for batch in (None, 1, 3):
            for objectives in (goals, "conv2:4@center", "conv2:3 + diversity:conv2"):
                values = fv.evaluate(
                    small, objectives, images, batch=batch, executor=pool, store=place
                )
                assert values.equal(fv.evaluate(small, objectives, images, batch=batch))
        with pytest.raises(ValueError, match="one objective for all images or one for each of 7"):
            fv.evaluate(small, goals[:2], images, executor=pool)


def test_status_counts_what_is_there_missing_and_damaged(tmp_path, monkeypatch):
    scope = over(tmp_path)
    assert {(row.there, row.missing) for row in find_status(scope, ["conv2"])} == {(0, 12)}
    scope.build(["conv2"], range(7))
    channel = store.key(scope.specs("conv2", scope.channel, [0])[0], climb.__name__)
    opposite = store.key(scope.specs("conv2", QUICK[2], [1])[1], climb.__name__)
    for name in (channel, opposite):
        path = scope.store.place(name)
        path.write_bytes(path.read_bytes()[:-1])
    monkeypatch.setattr("featviz.ascent.climb.maximize", None)  # nothing is made
    rows = {
        row.view: (row.there, row.missing, row.damaged) for row in find_status(scope, ["conv2"])
    }
    assert rows == {
        "channel": (6, 5, 1),
        "neuron": (7, 5, 0),
        "opposite": (6, 5, 1),
        "diverse": (6, 6, 0),
    }


def test_status_is_told_to_people_and_machines(tmp_path, monkeypatch, command):
    monkeypatch.setenv("FEATVIZ_CACHE", str(tmp_path))
    status = ["microscope", "status", "--layers", "conv1"]
    code, table, _ = command(*status)
    assert code == 0
    assert table.splitlines()[1].split() == ["conv1", "channel", "0", "64", "0"]
    code, rows, _ = command(*status, "--json")
    assert code == 0
    assert json.loads(rows)[0]["missing"] == 64


def test_a_device_that_is_not_there_is_refused_at_once(small, tmp_path, monkeypatch, command):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match=r"this machine has no device 'cuda'; it has .*cpu"):
        Microscope(small, store=Store(tmp_path), device="cuda")
    for words in (["microscope", "build"], ["attribute", "chelsea", "--layer=conv3", "--json"]):
        assert command(*words, "--device", "cuda")[0] == 2
