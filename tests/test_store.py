"""The store gives back what was made, notices damage, and never loses a result."""

import dataclasses
import importlib
import os
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import numpy as np
import pytest

from featviz import store as store_module
from featviz.store import (
    DamagedEntry,
    Store,
    UnsavedEntry,
    canonical,
    code_version,
    fingerprint,
    key,
    surroundings,
)

CODE = "featviz.store"
SPEC = {"layer": "conv5", "units": [1, 2], "scale": 0.5, "seed": None, "clean": True}


@dataclasses.dataclass(frozen=True)
class Point:
    x: int
    y: tuple[float, ...] = (1.0,)


@dataclasses.dataclass(frozen=True)
class Pixel:
    x: int
    y: tuple[float, ...] = (1.0,)


@dataclasses.dataclass
class Loose:
    x: int = 0


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "cache")


@pytest.fixture
def counter():
    """A `make` that counts its calls."""

    def make():
        make.calls += 1
        return {"b": np.arange(6.0).reshape(2, 3), "a": np.array([1, 2], dtype=np.uint8)}

    make.calls = 0
    return make


def files(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def assert_same(arrays, expected):
    assert list(arrays) == sorted(expected)
    for name, array in arrays.items():
        assert array.dtype == np.asarray(expected[name]).dtype
        np.testing.assert_array_equal(array, expected[name])


def test_second_request_is_read_not_made(store, counter):
    first = store.arrays(SPEC, counter, CODE)
    second = store.arrays(SPEC, counter, CODE)
    assert counter.calls == 1
    assert_same(first, counter())
    assert_same(second, first)
    second["a"] += 1  # both are the caller's own
    assert_same(store.arrays(SPEC, counter, CODE), first)


@pytest.mark.parametrize(
    "array",
    [
        np.float32(1.5),
        np.zeros((0, 3), dtype=np.int64),
        np.arange(6).reshape(2, 3).T,
        np.arange(12, dtype=np.float32)[::-2],
        np.array([True, False]),
        np.arange(3, dtype=">f4"),
        np.arange(3, dtype=np.float16),
        [1.0, np.nan, -np.inf],
    ],
)
def test_arrays_come_back_as_they_were(array, store):
    first = store.arrays("x", lambda: {"array": array}, CODE)["array"]
    second = store.arrays("x", lambda: pytest.fail("made twice"), CODE)["array"]
    np.testing.assert_array_equal(first, array)
    np.testing.assert_array_equal(second, array)
    assert first.dtype == second.dtype == np.asarray(array).dtype.newbyteorder("=")
    assert first.shape == second.shape == np.shape(array)


@pytest.mark.parametrize("array", [np.array(["text"]), np.array([1j]), np.array([None])])
def test_arrays_of_other_types_are_refused(array, store):
    with pytest.raises(TypeError, match=r"The array 'label' has type .*, which cannot be stored"):
        store.arrays("x", lambda: {"label": array}, CODE)


def test_equal_requests_give_equal_bytes(tmp_path, counter):
    first, second = Store(tmp_path / "1"), Store(tmp_path / "2")
    first.arrays(SPEC, counter, CODE)
    second.arrays(dict(reversed(SPEC.items())), counter, CODE)
    assert first.path(SPEC, CODE).read_bytes() == second.path(SPEC, CODE).read_bytes()


def test_keys_tell_specs_apart():
    specs = [
        1,
        1.0,
        True,
        "1",
        None,
        [],
        {},
        [1],
        [[1]],
        "",
        Point(1),
        Pixel(1),
        Point(2),
        0.1 + 0.2,
    ]
    assert len({key(spec, CODE) for spec in specs}) == len(specs)
    assert key((1, 2), CODE) == key([1, 2], CODE)
    assert key({"a": 1, "b": 2}, CODE) == key({"b": 2, "a": 1}, CODE)
    assert key(Point(1), CODE) == key(Point(1, (1.0,)), CODE)
    assert key(1, CODE) != key(1, "featviz.photos")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"a": [0, {1, 2}]}, r"spec\['a'\]\[1\] is a builtins\.set, which cannot be part of a key"),
        (np.float64(1), r"spec is a numpy\.float64"),
        ({"a": np.zeros(2)}, r"spec\['a'\] is a numpy\.ndarray"),
        (Point(Loose()), r"spec\.x is a .*Loose"),
        (Point, r"spec is a builtins\.type"),
        ({1: 2}, "spec has the key 1; keys must be strings"),
    ],
)
def test_other_specs_are_refused_by_name_and_place(spec, message):
    with pytest.raises(TypeError, match=message):
        canonical(spec)


def test_fingerprint_tells_arrays_apart():
    base = np.arange(6, dtype=np.float32)
    others = [
        base.reshape(2, 3),
        base.astype(np.int32),
        base + 1,
        np.zeros((0, 3)),
        np.zeros((0, 2)),
    ]
    assert len({fingerprint(array) for array in [base, *others]}) == 6
    assert fingerprint(base.reshape(2, 3).T.copy()) == fingerprint(base.reshape(2, 3).T)


@pytest.mark.parametrize("damage", ["truncated", "empty", "flipped", "replaced", "header"])
def test_damaged_entry_is_said_and_made_again(damage, store, counter):
    expected = store.arrays(SPEC, counter, CODE)
    path = store.path(SPEC, CODE)
    sound = path.read_bytes()
    path.write_bytes(
        {
            "truncated": sound[:-5],
            "empty": b"",
            "flipped": sound[:-5] + bytes([sound[-5] ^ 1]) + sound[-4:],
            "replaced": b"something else altogether",
            "header": sound[:20] + b"\xff" + sound[21:],
        }[damage]
    )
    with pytest.warns(DamagedEntry, match=rf"{path.name} is damaged \(.*\) and is made again"):
        arrays = store.arrays(SPEC, counter, CODE)
    assert_same(arrays, expected)
    assert counter.calls == 2
    assert path.read_bytes() == sound


def test_every_flipped_bit_is_noticed_or_harmless(store):
    expected = store.arrays("x", lambda: {"a": np.arange(3, dtype=np.int16)}, CODE)
    path = store.path("x", CODE)
    sound = path.read_bytes()
    for i in range(len(sound)):
        path.write_bytes(sound[:i] + bytes([sound[i] ^ 1]) + sound[i + 1 :])
        try:
            arrays = store_module.read(path)
        except store_module.DAMAGE:
            continue
        assert_same(arrays, expected)


@pytest.fixture
def homeless(monkeypatch, tmp_path):
    """A user without HOME and without an entry in the list of users, as in many containers."""
    pwd = pytest.importorskip("pwd")

    def unknown(_):
        raise KeyError("uid not found")

    for name in ("HOME", "XDG_CACHE_HOME", "FEATVIZ_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.mark.usefixtures("homeless")
def test_without_a_home_results_are_kept_in_a_temporary_folder(tmp_path, counter):
    with pytest.warns(UserWarning, match=r"no home folder, .* kept in .*featviz; .*FEATVIZ_CACHE"):
        store = Store()
    assert store.folder == tmp_path / "featviz"
    for _ in range(2):
        store.arrays(SPEC, counter, CODE)
    assert counter.calls == 1


@pytest.mark.usefixtures("homeless")
def test_without_a_home_a_folder_that_is_named_does(tmp_path, monkeypatch):
    monkeypatch.setenv("FEATVIZ_CACHE", str(tmp_path / "named"))
    assert Store().folder == tmp_path / "named"
    assert Store(tmp_path / "given").folder == tmp_path / "given"


def test_folder_that_cannot_be_written_costs_a_warning_not_the_result(tmp_path, counter):
    (tmp_path / "file").write_text("in the way")
    store = Store(tmp_path / "file" / "cache")
    with pytest.warns(UnsavedEntry, match=r"not kept in the folder .*cache \(.*FEATVIZ_CACHE"):
        arrays = store.arrays(SPEC, counter, CODE)
    assert_same(arrays, counter())


def test_full_disk_leaves_no_partial_file(store, counter, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.warns(UnsavedEntry, match=r"\(No space left on device\); name a writable folder"):
        arrays = store.arrays(SPEC, counter, CODE)
    assert_same(arrays, counter())
    assert files(store.folder) == []


def test_failing_make_leaves_nothing(store):
    def fail():
        raise RuntimeError("no result")

    with pytest.raises(RuntimeError, match="no result"):
        store.arrays(SPEC, fail, CODE)
    assert files(store.folder) == []


NO_LOCKS = """
import errno, filelock
def refuse(self, *_, **__):
    raise OSError(errno.ENOLCK, "No locks available")
filelock.FileLock.acquire = refuse
"""
FILL = """
import sys, numpy as np
from featviz.store import Store
store = Store(sys.argv[1])
for i in range(40):
    arrays = store.arrays(i, lambda: {"a": np.full(50_000, i)}, "featviz.store")
    assert (arrays["a"] == i).all()
"""


@pytest.mark.parametrize("locks", ["", NO_LOCKS], ids=["locks", "no locks"])
def test_two_processes_share_a_folder(tmp_path, locks):
    command = [sys.executable, "-W", "error", "-c", locks + FILL, str(tmp_path)]
    running = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait(timeout=60) for process in running] == [0, 0]
    assert len(files(tmp_path)) == 40
    assert {path.suffix for path in files(tmp_path)} == {".safetensors"}


def test_of_two_processes_that_ask_at_once_one_computes(tmp_path):
    program = textwrap.dedent(
        """
        import sys, time, numpy as np
        from featviz.store import Store
        def make():
            with open(sys.argv[2], "a") as log:
                log.write("x")
            time.sleep(0.5)
            return {"a": np.ones(3)}
        assert Store(sys.argv[1]).arrays(0, make, "featviz.store")["a"].sum() == 3
        """
    )
    log = tmp_path / "log"
    command = [sys.executable, "-W", "error", "-c", program, str(tmp_path / "cache"), str(log)]
    running = [subprocess.Popen(command) for _ in range(3)]
    assert [process.wait(timeout=60) for process in running] == [0, 0, 0]
    assert log.read_text() == "x"


def test_folder_comes_from_argument_then_environment_then_platform(monkeypatch, tmp_path):
    monkeypatch.setenv("FEATVIZ_CACHE", str(tmp_path / "named"))
    assert Store(tmp_path / "given").folder == tmp_path / "given"
    assert Store().folder == tmp_path / "named"
    monkeypatch.setenv("FEATVIZ_CACHE", "")
    assert "featviz" in Store().folder.parts
    assert not (tmp_path / "named").exists()


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A small package on disk: a -> b -> sub.c; d stands apart; `__init__` imports everything."""
    root = tmp_path / "samplepackage"
    (root / "sub").mkdir(parents=True)
    sources = {
        "__init__.py": "from samplepackage.a import f\nfrom samplepackage import d\n",
        "a.py": "import numpy\nfrom samplepackage import b\n",
        "b.py": "def late():\n    from .sub.c import value\n",
        "sub/__init__.py": "",
        "sub/c.py": "from .. import a\nvalue = 1\n",
        "d.py": "",
        "e.py": "import samplepackage as s\n",
    }
    for name, source in sources.items():
        (root / name).write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    code_version.cache_clear()
    return root


def changed(path: Path, module: str, by: str = "changed = True\n") -> bool:
    before = code_version(module)
    path.write_text(path.read_text() + by)
    code_version.cache_clear()
    return code_version(module) != before


def test_code_version_follows_imports_of_the_package(package):
    assert changed(package / "a.py", "samplepackage.a")
    assert changed(package / "b.py", "samplepackage.a")
    assert changed(package / "sub" / "c.py", "samplepackage.a")
    assert changed(package / "a.py", "samplepackage.sub.c")
    assert not changed(package / "d.py", "samplepackage.a")
    assert not changed(package / "__init__.py", "samplepackage.a")
    assert changed(package / "__init__.py", "samplepackage.e")
    assert changed(package / "d.py", "samplepackage.e")
    assert not changed(package / "a.py", "samplepackage.a", '# a comment\n\n\n"""Words."""\n')
    assert "samplepackage" not in sys.modules  # read, not imported


@pytest.fixture
def fresh():
    """Surroundings that are asked for anew."""
    surroundings.cache_clear()
    yield
    surroundings.cache_clear()


NUMERIC = ["torch", "torchvision", "torchcam", "scikit-learn", "scikit-image", "pillow", "numpy"]


@pytest.mark.parametrize("library", NUMERIC)
@pytest.mark.usefixtures("fresh")
def test_another_version_of_a_library_asks_for_another_entry(library, monkeypatch):
    before = key(SPEC, CODE)
    real = store_module.metadata.version
    monkeypatch.setattr(
        store_module.metadata, "version", lambda name: "0" if name == library else real(name)
    )
    assert key(SPEC, CODE) == before  # a running process keeps the libraries it started with
    surroundings.cache_clear()
    assert key(SPEC, CODE) != before


@pytest.mark.usefixtures("fresh")
def test_another_kind_of_processor_asks_for_another_entry(monkeypatch):
    keys = {key(SPEC, CODE)}
    vectors = {"SIMD Extensions": {"found": ["another"]}}
    for module, name, value in (
        (store_module.platform, "machine", "another"),
        (store_module.np, "show_config", vectors),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, lambda mode=None, value=value: value)
            surroundings.cache_clear()
            keys.add(key(SPEC, CODE))
    assert len(keys) == 3


def test_changed_code_asks_for_another_entry(package, store, counter):
    store.arrays(SPEC, counter, "samplepackage.a")
    changed(package / "b.py", "samplepackage.a")
    store.arrays(SPEC, counter, "samplepackage.a")
    assert counter.calls == 2


@pytest.mark.parametrize("module", ["featviz.nothing", "nothing.at.all", "__main__", "", "sys"])
def test_unknown_module_is_said(module):
    with pytest.raises(ValueError, match=f"no module '{module}' whose source could be read"):
        code_version(module)


def test_store_imports_no_torch():
    program = "import sys, featviz.store; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)
