"""Tasks shared by several processes, which end at once when the one that started them does."""

import io
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection, current_process, get_context, parent_process
from os import _exit
from types import FunctionType
from typing import Any, TypeVar

import torch
from tqdm import tqdm

_Task = TypeVar("_Task")

_Do = Callable[[Any], object]


def share(
    do: Callable[[_Task], object],
    groups: Iterable[Sequence[_Task]],
    jobs: int,
    report: Callable[[_Task], None],
) -> None:
    """Does tasks in several processes.

    Args:
        do: Does one of them; it is copied to the processes.
        groups: Groups of tasks; each begins when the one before is done.
        jobs: How many processes.
        report: Told of each task that is done.

    Raises:
        ValueError: What is to be done can't be handed to another process.
        ChildProcessError: A process couldn't start, or was ended from outside.
    """
    if getattr(current_process(), "_inheriting", False):
        _exit(1)  # this is such a process, which reads the script anew; the first one tells
    _check_portable(do, jobs)
    context = get_context("spawn")
    # Sums over images that must differ round by the number of threads: the same in every job.
    arguments = do, torch.get_num_threads()
    ours, theirs = context.Pipe()
    with ours, theirs, ProcessPoolExecutor(jobs, context, _enter, (*arguments, theirs)) as pool:
        try:
            for tasks in groups:
                futures = {pool.submit(_do, task): task for task in tasks}
                for future in as_completed(futures):
                    future.result()
                    report(futures[future])
        except BrokenProcessPool:
            raise ChildProcessError(_why_broken(jobs, entered=ours.poll())) from None
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            ours.close()
            raise


def _why_broken(jobs: int, *, entered: bool) -> str:
    if entered:
        return (
            f"one of {jobs} processes was ended from outside, perhaps because memory ran out; "
            "what is done is kept, and fewer jobs take less memory."
        )
    return (
        f"jobs={jobs} starts processes that read the running script anew, and none came to its "
        'work: put what the script does under `if __name__ == "__main__":`, or leave jobs out.'
    )


class _Structure(pickle.Pickler):
    """Pickles all but tensors, and notes what only the running script or notebook defines."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO())
        self.own: list[str] = []

    def persistent_id(self, obj: Any) -> str | None:
        return "tensor" if isinstance(obj, torch.Tensor) else None

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, type | FunctionType) and obj.__module__ == "__main__":
            self.own.append(obj.__qualname__)
        return NotImplemented


def _check_portable(do: _Do, jobs: int) -> None:
    """Says what other processes would fail on, in many lines."""
    structure = _Structure()
    try:
        structure.dump(do)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ValueError(
            f"jobs={jobs} hands the network to other processes, which it can't be: {error}; "
            "leave jobs out."
        ) from error
    if structure.own and not hasattr(sys.modules["__main__"], "__file__"):
        raise ValueError(
            f"jobs={jobs} needs {structure.own[0]} in other processes, which can't import it from "
            "a notebook: move it to a file and import it from there, or leave jobs out."
        )


_work: list[_Do] = []
"""What a worker process does."""


def _enter(do: _Do, threads: int, end: "connection.Connection[bytes, bytes]") -> None:
    # Ctrl-C reaches every process of a terminal; the first of them ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The bars' own lock is shared between processes, and would be left behind by `_exit`.
    tqdm.set_lock(threading.RLock())
    torch.set_num_threads(threads)
    _work.append(do)
    threading.Thread(target=_leave_with_parent, args=(end,), daemon=True).start()
    end.send_bytes(b"entered")


def _leave_with_parent(end: "connection.Connection[bytes, bytes]") -> None:
    """Ends a worker when its parent closes the other end of a pipe, or was killed."""
    parent = parent_process()
    connection.wait([end] if parent is None else [end, parent.sentinel])
    _exit(1)


def _do(task: object) -> None:
    _work[0](task)
