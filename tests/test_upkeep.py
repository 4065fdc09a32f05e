"""A store says what it holds; what nobody asks for goes, and what is damaged is named."""

import json
import os
import time

import numpy as np
import pytest

from featviz import store as store_module
from featviz import upkeep
from featviz.store import Store
from featviz.upkeep import damaged, entries, is_outdated, prunable, usage

CODE, OTHER = "featviz.store", "featviz.upkeep"


@pytest.fixture
def store(tmp_path, monkeypatch):
    """Four entries of two modules."""
    monkeypatch.setenv("FEATVIZ_CACHE", str(tmp_path))
    store = Store()
    for number in range(3):
        store.arrays(number, lambda number=number: {"a": np.full(100, number)}, CODE)
    store.arrays("other", lambda: {"a": np.ones(1000)}, OTHER)
    return store


def outdate(monkeypatch, module):
    version = store_module.code_version
    monkeypatch.setattr(
        store_module, "code_version", lambda name: "new" if name == module else version(name)
    )


def test_what_there_is_is_counted_by_what_computed_it(store, monkeypatch):
    rows = usage(store)
    assert [(row.code, row.entries, row.outdated) for row in rows] == [(OTHER, 1, 0), (CODE, 3, 0)]
    assert sum(row.bytes for row in rows) == sum(one.path.stat().st_size for one in entries(store))
    outdate(monkeypatch, CODE)
    assert [row.outdated for row in usage(store)] == [0, 3]


def test_only_what_nobody_asks_for_is_pruned(store, monkeypatch):
    outdate(monkeypatch, CODE)
    assert {one.key for one in prunable(store)} == {
        one.key for one in entries(store) if upkeep.describe(one.path)["code"] == CODE
    }
    assert list(prunable(store, days=1)) == []


def test_what_cannot_be_judged_here_stays(store):
    about = upkeep.describe(store.path(0, CODE))
    assert about["processor"] == store_module.fingerprint_of_processor()
    assert is_outdated("0" * 64, about)
    assert is_outdated("0" * 64, {**about, "code": "featviz.of_old"})
    assert not is_outdated("0" * 64, {**about, "processor": "another"})
    assert not is_outdated("0" * 64, {**about, "code": "nobodys.module"})
    assert not is_outdated("0" * 64, {})
    old = {name: value for name, value in about.items() if name != "processor"}
    assert not is_outdated(store.path(0, CODE).stem, old)


def test_left_over_files_go_when_they_are_old(store):
    file = store.path(0, CODE).with_suffix(".partial")
    file.write_text("")
    assert list(prunable(store)) == []
    long_ago = time.time() - 2 * upkeep.DAY
    os.utime(file, (long_ago, long_ago))
    assert [one.path for one in prunable(store)] == [file]


def test_every_damaged_entry_is_named(store):
    path = store.path(1, CODE)
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")
    assert [(entry.path, what) for entry, what in damaged(store)] == [
        (path, "its checksum does not match")
    ]


def test_the_commands_say_and_do_it(store, monkeypatch, command):
    code, out, _ = command("store", "du")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == ["entries", "1", "3", "4"]
    assert json.loads(command("store", "du", "--json")[1])[1]["entries"] == 3
    path = store.path(1, CODE)
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")
    code, out, err = command("store", "verify")
    assert (code, out) == (1, f"{path}: its checksum does not match\n")
    assert "1 results are damaged; --delete deletes them." in err
    assert command("store", "verify", "--delete")[0] == 0
    assert command("store", "verify")[2] == "Every result is sound.\n"
    outdate(monkeypatch, CODE)
    assert "2 files of 0.0 MB would be" in command("store", "prune", "--dry-run")[1]
    assert "2 files of 0.0 MB deleted" in command("store", "prune")[1]
    assert [upkeep.describe(one.path)["code"] for one in entries(store)] == [OTHER]


def test_a_store_that_is_not_there_is_empty(tmp_path, monkeypatch, command):
    monkeypatch.setenv("FEATVIZ_CACHE", str(tmp_path / "none"))
    assert command("store", "du")[0] == 0
    assert command("store", "verify")[2] == "Every result is sound.\n"
