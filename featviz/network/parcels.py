"""What other processes get to work with: its structure with every task, its weights by one file."""

import functools
import hashlib
import io
import pickle
import sys
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from featviz.store import code_version, surroundings
from featviz.writing import write_whole

FOLDER = "weights"
"""The folder in a store where the weights lie that its workers read."""

_Place = tuple[int, bool, bool, bool]
"""A tensor's number, and whether it is a parameter, takes a gradient, has its channels last."""


@dataclass(frozen=True)
class Parcel:
    """A function of tasks, as other processes get it.

    Attributes:
        structure: What it holds beside tensors, pickled and compressed.
        weights: The file of its tensors, named by their hash.
        threads: Threads that a task computes with. Pictures have the same bits with any number, but
            more threads than cores stand in each other's way.
        code: The module that computes, as the store's keys name it.
        version: The hash of that code, and what else decides the bits of a result.
    """

    structure: bytes
    weights: str
    threads: int
    code: str
    version: str


def pack(
    do: Callable[[Any], object], folder: Path, code: str, *, same_script: bool, threads: int = 1
) -> Parcel:
    """Writes the tensors that a function holds to a folder, and pickles the rest.

    Args:
        do: The function.
        folder: Where the file goes; every process that gets the parcel reads it there.
        code: The module that computes.
        same_script: Whether those processes read the running script, as spawned ones do.
        threads: Threads that a task computes with. Executors have a worker for each core.

    Raises:
        ValueError: It holds what can't be handed to another process.
        OSError: The file can't be written.
    """
    stream = io.BytesIO()
    packer = _Packer(stream)
    try:
        packer.dump(do)
        # Copies, because several may be parts of one memory.
        data = safetensors.torch.save(
            {
                str(at): one.detach().cpu().clone(memory_format=torch.contiguous_format)
                for at, one in enumerate(packer.tensors)
            }
        )
    except (pickle.PicklingError, AttributeError, TypeError, KeyError) as error:
        raise ValueError(
            f"the network can't be handed to other processes: {error}; leave jobs and executor out."
        ) from error
    readable = same_script and hasattr(sys.modules["__main__"], "__file__")
    if packer.own and not readable:
        raise ValueError(
            f"other processes need {packer.own[0]}, which they can't import from a notebook or "
            "from the running script: move it to a module and import it from there, or leave jobs "
            "and executor out."
        )
    path = folder / f"{hashlib.sha256(data).hexdigest()}.safetensors"
    if not path.exists():
        write_whole(path, data)
    structure = zlib.compress(stream.getvalue())
    return Parcel(structure, str(path), threads, code, _version(code))


def unpack(parcel: Parcel) -> Callable[[Any], object]:
    """Returns the function in a parcel, which is opened once in a process.

    Raises:
        ChildProcessError: This process computes otherwise than the sender.
        FileNotFoundError: It can't reach the weights.
        ValueError: They are damaged.
    """
    with _lock:
        return _open(parcel)


_lock = threading.Lock()
"""Several threads of a process may get the same parcel at once."""


@functools.lru_cache(maxsize=1)
def _open(parcel: Parcel) -> Callable[[Any], object]:
    if _version(parcel.code) != parcel.version:
        raise ChildProcessError(
            "a worker has another version of featviz or of what it computes with, or another kind "
            f"of processor, so that its results would be others: {_version(parcel.code)} there, "
            f"{parcel.version} here."
        )
    path = Path(parcel.weights)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(
            f"a worker has no file {path}: all workers share one store, in a folder that each of "
            "them reaches by the same path; name it by FEATVIZ_CACHE."
        ) from None
    if hashlib.sha256(data).hexdigest() != path.stem:
        raise ValueError(f"the weights in {path} are damaged; delete that file.")
    do: Callable[[Any], object] = _Unpacker(
        io.BytesIO(zlib.decompress(parcel.structure)), safetensors.torch.load(data)
    ).load()
    return do


def _version(code: str) -> str:
    return f"{code_version(code)[:16]} {surroundings()}"


class _Packer(pickle.Pickler):
    """Pickles all but tensors, and notes what only the running script or notebook defines."""

    def __init__(self, stream: io.BytesIO) -> None:
        super().__init__(stream)
        self.tensors: list[Tensor] = []
        self.own: list[str] = []
        self._numbers: dict[int, int] = {}

    def persistent_id(self, obj: Any) -> _Place | None:
        if not isinstance(obj, Tensor):
            return None
        number = self._numbers.setdefault(id(obj), len(self.tensors))
        if number == len(self.tensors):
            self.tensors.append(obj)
        last = obj.ndim == 4 and not obj.is_contiguous()
        last = last and obj.is_contiguous(memory_format=torch.channels_last)
        return number, isinstance(obj, nn.Parameter), obj.requires_grad, last

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, type | FunctionType) and obj.__module__ == "__main__":
            self.own.append(obj.__qualname__)
        return NotImplemented


class _Unpacker(pickle.Unpickler):
    """Reads what `_Packer` has written; what was one tensor is one again."""

    def __init__(self, stream: io.BytesIO, tensors: dict[str, Tensor]) -> None:
        super().__init__(stream)
        self._tensors = tensors
        self._ready: dict[int, Tensor] = {}

    def persistent_load(self, pid: _Place) -> Tensor:
        number, is_parameter, has_gradient, last = pid
        if number not in self._ready:
            tensor = self._tensors[str(number)]
            if last:
                tensor = tensor.contiguous(memory_format=torch.channels_last)
            self._ready[number] = (
                nn.Parameter(tensor, has_gradient)
                if is_parameter
                else tensor.requires_grad_(has_gradient)
            )
        return self._ready[number]
