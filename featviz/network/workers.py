"""Tasks shared by processes: those of any executor, or some of our own that end when we do."""

import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import (
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    as_completed,
)
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import connection, current_process, get_context, parent_process
from typing import Any, TypeVar

import torch
from tqdm import tqdm

from featviz.network.memory import keep_freed
from featviz.network.parcels import Parcel, unpack

_Task = TypeVar("_Task")


def results(
    executor: Executor, parcel: Parcel, tasks: Iterable[_Task], *, kept: bool
) -> Iterator[tuple[_Task, Any]]:
    """Does tasks by an executor; when one fails, those that have not begun are taken back.

    Args:
        executor: Any of `concurrent.futures.Executor`'s kind.
        parcel: What does a task.
        tasks: The tasks.
        kept: Whether the workers keep what they have done, which an error then says.

    Yields:
        Each task and what it gave, as they are done.

    Raises:
        ChildProcessError: A worker was ended from outside, or can't do the work.
    """
    threads = torch.get_num_threads()
    futures: dict[Future[Any], _Task] = {}
    try:
        for task in tasks:
            futures[executor.submit(pickle.loads, _Call(parcel, task).sent())] = task
        for future in as_completed(futures):
            yield futures.pop(future), future.result()  # what was given is not held
    except BaseException as error:
        if not isinstance(executor, _Own):  # whose shutdown takes them back
            for future in futures:
                future.cancel()
        words = _complaint(error)
        if words is None:
            raise
        raise ChildProcessError(words + " What is done is kept." * kept) from error
    finally:
        # What a thread of this process has set for its tasks holds for threads that start later.
        torch.set_num_threads(threads)


def _complaint(error: BaseException) -> str | None:
    """What to say of an error that is the executor's and not the work's own."""
    if isinstance(error, BrokenExecutor):
        return (
            "a worker was ended from outside, perhaps because memory ran out; fewer workers take "
            "less memory."
        )
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    # Dask's adaptor stumbles in code of its own over what was lost with the scheduler.
    stumbled = frame.f_globals.get("__name__", "").startswith("distributed.")
    if isinstance(error, CancelledError) or (isinstance(error, TypeError) and stumbled):
        return "the executor ended, or its scheduler went away, before the work was done."
    if isinstance(error, ModuleNotFoundError):
        return f"a worker can't import {error.name}: install there what is installed here."
    if type(error).__module__.startswith("distributed"):
        return f"the cluster could not do the work: {' '.join(str(error).split())}"
    return None


@dataclass(frozen=True)
class _Call:
    """A task that is done by unpickling it.

    What executors send is then bytes and a function of Python's own: where featviz is missing the
    task fails, and says so. Dask's workers fall silent over what they can't import as it arrives.
    """

    parcel: Parcel
    task: object

    def __reduce__(self) -> tuple[Callable[..., object], tuple[Parcel, object]]:
        return _do, (self.parcel, self.task)

    def sent(self) -> bytes:
        return pickle.dumps(self)


def _do(parcel: Parcel, task: object) -> object:
    do = unpack(parcel)
    # Executors promise no initializer, and threads that run already keep the number they have.
    torch.set_num_threads(parcel.threads)
    keep_freed()
    return do(task)


class _Own(ProcessPoolExecutor):
    """Processes that end when their pool does.

    A pool that loses its processes stumbles over tasks that others have taken back before: it wants
    to tell each that it failed.
    """


@contextmanager
def processes(jobs: int) -> Iterator[Executor]:
    """Starts processes of this machine, which end at once when this one does.

    Args:
        jobs: How many.

    Raises:
        ChildProcessError: One of them couldn't start, or was ended from outside.
    """
    if getattr(current_process(), "_inheriting", False):
        os._exit(1)  # this is such a process, which reads the script anew; the first one tells
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    with ours, theirs, _Own(jobs, context, _enter, (theirs,)) as pool:
        try:
            yield pool
        except BaseException as error:
            if isinstance(error, ChildProcessError) and not ours.poll():
                raise ChildProcessError(
                    f"jobs={jobs} starts processes that read the running script anew, and none "
                    "came to its work: put what the script does under "
                    '`if __name__ == "__main__":`, or leave jobs out.'
                ) from None
            pool.shutdown(wait=False, cancel_futures=True)
            ours.close()
            raise


def _enter(end: "connection.Connection[bytes, bytes]") -> None:
    # Ctrl-C reaches every process of a terminal; the first of them ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The bars' own lock is shared between processes, and would be left behind by `os._exit`.
    tqdm.set_lock(threading.RLock())
    threading.Thread(target=_leave_with_parent, args=(end,), daemon=True).start()
    end.send_bytes(b"entered")


def _leave_with_parent(end: "connection.Connection[bytes, bytes]") -> None:
    """Ends a worker when its parent closes the other end of a pipe, or was killed."""
    parent = parent_process()
    connection.wait([end] if parent is None else [end, parent.sentinel])
    os._exit(1)
