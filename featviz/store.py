"""Results on disk, addressed by what was asked for and by the code that answers.

An entry's name, its key, is the hash of what decides its bits: the spec, in which `fingerprint`s
stand for arrays and networks; the source code that computes it (`code_version`); the versions of
`LIBRARIES`; and the kind of processor. A change of any of them asks for another entry, so that none
is out of date. A graphics card counts where the spec names it. Every entry carries the hash of its
arrays, so that a damaged one is noticed and made again. Entries lie in folders by the first two
digits of their keys, because many file systems are slow with a hundred thousand files in one.
"""

import ast
import contextlib
import dataclasses
import functools
import hashlib
import importlib.util
import json
import os
import platform
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import filelock
import numpy as np
import platformdirs
import safetensors
import safetensors.numpy
from numpy.typing import ArrayLike, NDArray

from featviz.writing import write_whole

Arrays = dict[str, NDArray[Any]]
"""What an entry holds: arrays by name."""

Make = Callable[[], Mapping[str, ArrayLike]]
"""What computes an entry."""

FOLDER_VARIABLE = "FEATVIZ_CACHE"
"""Names the folder of the store in place of the platform's cache folder."""

FORMAT = 1
"""Counts changes in what an entry's file looks like; part of every key."""

SUFFIX = ".safetensors"
"""What the names of entries end in, behind their keys."""

SHARD = 2
"""Digits of a key that name the folder of its entry: 256 folders."""

LIBRARIES = (
    "numpy",
    "pillow",
    "scikit-image",
    "scikit-learn",
    "torch",
    "torchcam",
    "torchvision",
)
"""Libraries whose version decides the bits of a result as much as our own source does."""

DAMAGE = (OSError, ValueError, KeyError, TypeError, safetensors.SafetensorError)
"""What reading a damaged entry can raise."""


class DamagedEntry(UserWarning):
    """An entry of the store could not be read and was made again."""


class UnsavedEntry(UserWarning):
    """A result could not be written to the store; it was returned all the same."""


class Store:
    """A folder of results, safe to share between processes.

    Args:
        folder: Where the entries lie, made at the first write; by default the folder that the
            environment variable FEATVIZ_CACHE names, else the platform's cache folder; where the
            user has no home, a temporary one, with a warning.
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        place = folder or os.environ.get(FOLDER_VARIABLE)
        self.folder = Path(place).expanduser() if place else _default_folder()

    def __repr__(self) -> str:
        return f"Store({str(self.folder)!r})"

    def path(self, spec: object, code: str) -> Path:
        """Tells where the entry of a spec lies, or would lie; the arguments are those of `key`."""
        return self.place(key(spec, code))

    def place(self, name: str) -> Path:
        """Tells where the entry of a key lies, or would lie."""
        return self.folder / name[:SHARD] / f"{name}{SUFFIX}"

    def has(self, spec: object, code: str) -> bool:
        """Tells whether a spec has an entry, sound or not; the arguments are those of `key`."""
        return self.path(spec, code).exists()

    def arrays(self, spec: object, make: Make, code: str) -> Arrays:
        """Gives the arrays that a spec stands for: reads them, or makes and keeps them.

        Of processes that ask at once one computes and the others wait for it, where the folder's
        file system can lock. A damaged entry is made again (`DamagedEntry`); a result that cannot
        be kept is still returned (`UnsavedEntry`).

        Args:
            spec: Everything the result depends on, as in `key`.
            make: Computes the arrays, by name; called only if there is no sound entry.
            code: The module that computes, as in `key`.

        Returns:
            The arrays in the order of their names, writable.

        Raises:
            TypeError: If the spec, or what `make` returns, cannot be stored.
        """
        path = self.path(spec, code)
        try:
            return read(path)
        except (FileNotFoundError, NotADirectoryError):
            pass
        except DAMAGE as error:
            message = f"The stored result {path} is damaged ({error}) and is made again."
            warnings.warn(message, DamagedEntry, stacklevel=2)
        with _alone(path):
            with contextlib.suppress(*DAMAGE):  # whoever was first has made it
                return read(path)
            arrays = _storable(make())
            self._keep(path, spec, code, arrays)
        return arrays

    def _keep(self, path: Path, spec: object, code: str, arrays: Arrays) -> None:
        about = json.dumps(
            {
                "spec": canonical(spec),
                "code": code,
                "sha256": _checksum(arrays),
                "processor": fingerprint_of_processor(),
            }
        )
        # One metadata key: safetensors writes several in an order that changes from run to run.
        data: bytes = safetensors.numpy.save(arrays, {"featviz": about})
        try:
            write_whole(path, data)
        except OSError as error:
            warnings.warn(
                f"The result was not kept in the folder {self.folder} ({error.strerror or error}); "
                f"name a writable folder with free space by {FOLDER_VARIABLE}.",
                UnsavedEntry,
                stacklevel=3,
            )


def _default_folder() -> Path:
    """The platform's cache folder, where it has one."""
    with contextlib.suppress(RuntimeError):
        folder = platformdirs.user_cache_path("featviz", appauthor=False)
        if folder.is_absolute():  # older platformdirs leave "~" where there is no home
            return folder
    folder = Path(tempfile.gettempdir(), "featviz")
    warnings.warn(
        f"There is no home folder, so results are kept in {folder}; name another folder by "
        f"{FOLDER_VARIABLE}.",
        stacklevel=3,
    )
    return folder


def key(spec: object, code: str) -> str:
    """Hashes what a result depends on.

    Args:
        spec: None, bools, ints, floats, strings and frozen dataclasses, nested in lists, tuples
            and dicts with string keys. Stand-ins for large things are their `fingerprint`.
        code: Dotted name of the module that computes the result; see `code_version`.

    Returns:
        64 hexadecimal digits.

    Raises:
        TypeError: If the spec holds anything else, naming it and where it is.
    """
    return key_of(canonical(spec), code)


def key_of(text: str, code: str) -> str:
    """Hashes what a result depends on, as `key` does, from the canonical text of its spec."""
    whole = json.dumps([FORMAT, text, code, code_version(code), surroundings()])
    return hashlib.sha256(whole.encode()).hexdigest()


@functools.cache
def surroundings() -> str:
    """Names what decides the bits of a result beside the code that computes it.

    Returns:
        The versions of `LIBRARIES`, and the processor's kind and the vector instructions that NumPy
        has found in it: libraries choose by them in which order they add.
    """
    versions = [f"{library} {metadata.version(library)}" for library in LIBRARIES]
    return json.dumps([versions, *_processor()])


def _processor() -> tuple[str, list[str]]:
    vectors = np.show_config(mode="dicts").get("SIMD Extensions", {})
    return platform.machine(), vectors.get("found", [])


@functools.cache
def fingerprint_of_processor() -> str:
    """Hashes the processor's kind as far as `surroundings` names it: 16 hexadecimal digits."""
    return hashlib.sha256(json.dumps(_processor()).encode()).hexdigest()[:16]


def canonical(spec: object) -> str:
    """Writes a spec as JSON, equal for equal specs and different for different ones.

    Args:
        spec: As in `key`. A list and a tuple of the same items are equal; 1, 1.0 and True differ.

    Raises:
        TypeError: As in `key`.
    """
    return json.dumps(_plain(spec, "spec"), sort_keys=True, separators=(",", ":"))


def _plain(value: object, where: str) -> Any:
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, list | tuple):
        return [_plain(item, f"{where}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, dict):
        for name in value:
            if not isinstance(name, str):
                raise TypeError(f"{where} has the key {name!r}; keys must be strings.")
        return {name: _plain(item, f"{where}[{name!r}]") for name, item in value.items()}
    kind = type(value)
    parameters = getattr(kind, "__dataclass_params__", None)
    if parameters is not None and parameters.frozen and not isinstance(value, type):
        fields = {
            field.name: _plain(getattr(value, field.name), f"{where}.{field.name}")
            for field in dataclasses.fields(value)  # type: ignore[arg-type]
        }
        return {"@dataclass": f"{kind.__module__}.{kind.__qualname__}", "fields": fields}
    raise TypeError(
        f"{where} is a {kind.__module__}.{kind.__qualname__}, which cannot be part of a key; use "
        "None, bool, int, float, str, list, tuple, dict or a frozen dataclass."
    )


def fingerprint(array: ArrayLike) -> str:
    """Hashes an array's type, shape and values, to stand for it in a spec.

    Args:
        array: Anything NumPy can view as an array.

    Returns:
        64 hexadecimal digits.
    """
    return _checksum({"": np.asarray(array)})


@functools.cache  # a running process keeps the code it started with, whatever becomes of the files
def code_version(module: str) -> str:
    """Hashes the code of a module and of all modules of its package that it imports, near or far.

    Comments, docstrings and layout don't count: what they change is no result. Imports inside
    functions count. A package's `__init__` counts where a name is taken from it,
    not where it is only passed through.

    Args:
        module: Dotted name, such as "featviz.ascent.climb". It is read, not imported.

    Returns:
        64 hexadecimal digits.

    Raises:
        ValueError: If there is no source file for the module.
    """
    # What runs as __main__ has another name for everyone who imports it.
    if module == "__main__" or _source(module) is None:
        raise ValueError(
            f"There is no module {module!r} whose source could be read; "
            'give the dotted name of an importable one, such as "featviz.ascent.climb".'
        )
    sources: dict[str, str] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = _source(name)
        if name in sources or path is None:
            continue
        tree = ast.parse(path.read_bytes())
        waiting += _imports(name, path, tree)
        sources[name] = ast.dump(_WithoutWords().visit(tree))
    digest = hashlib.sha256()
    for name in sorted(sources):
        digest.update(f"{name} {len(sources[name])}\n{sources[name]}".encode())
    return digest.hexdigest()


class _WithoutWords(ast.NodeTransformer):
    """Drops docstrings, those of attributes and constants too."""

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        words = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if words else node


def _source(module: str) -> Path | None:
    """Finds a module's file below its top-level package, importing neither."""
    top, *parts = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    if not parts:
        return Path(spec.origin)
    below = Path(spec.origin).parent.joinpath(*parts)
    candidates = (below.with_name(f"{below.name}.py"), below / "__init__.py")
    return next((path for path in candidates if path.is_file()), None)


def _imports(module: str, path: Path, tree: ast.Module) -> Iterator[str]:
    """Lists the modules of the same top-level package that a module imports."""
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            deeper = [f"{base}.{alias.name}" for alias in node.names]
            names = [name if _belongs(name, module) and _source(name) else base for name in deeper]
        else:
            continue
        yield from (name for name in names if _belongs(name, module))


def _belongs(name: str, module: str) -> bool:
    return name.split(".")[0] == module.split(".")[0]


def _storable(arrays: Mapping[str, ArrayLike]) -> Arrays:
    """Copies to arrays that come back as they are: plain numbers, native byte order, C order."""
    copies = {}
    for name in sorted(arrays):
        array = np.array(arrays[name], order="C")
        if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
            raise TypeError(f"The array {name!r} has type {array.dtype}, which cannot be stored.")
        copies[name] = array.astype(array.dtype.newbyteorder("="), copy=False)
    return copies


def _checksum(arrays: Mapping[str, NDArray[Any]]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.asarray(arrays[name], order="C")
        digest.update(json.dumps([name, array.dtype.str, array.shape]).encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def read(path: Path) -> Arrays:
    """Reads an entry's file.

    Raises:
        OSError: It can't be read.
        ValueError: It is damaged; other errors of `DAMAGE` say so too.
    """
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")  # safetensors: header length, header, arrays
    about = json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["featviz"])
    tensors = safetensors.numpy.load(data)
    arrays = {name: np.array(tensors[name]) for name in sorted(tensors)}
    if _checksum(arrays) != about["sha256"]:
        raise ValueError("its checksum does not match")
    return arrays


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keeps other processes from making the same entry, where files can be locked."""
    lock = filelock.FileLock(path.with_suffix(".lock"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except (OSError, NotImplementedError):
        pass  # then two may compute, to equal files
    try:
        yield
    finally:
        if lock.is_locked:
            with contextlib.suppress(OSError):  # Windows lets go of it only on release
                Path(lock.lock_file).unlink(missing_ok=True)
            lock.release()
