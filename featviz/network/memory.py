"""What the C library does with memory that was freed: keeps it for the next step, or gives it back.

Only glibc is told; other C libraries do as they do.
"""

import ctypes
import os
from contextlib import suppress

_MALLOC = ((-1, 2**30), (-3, 2**25))
"""Options of glibc's `mallopt`, in bytes: M_TRIM_THRESHOLD, how much freed memory is kept, and
M_MMAP_THRESHOLD, from which size on blocks are the system's own; 32 MB is its largest."""


def keep_freed() -> None:
    """Lets the C library keep freed memory for the next step of a task.

    Dask starts its workers with `MALLOC_TRIM_THRESHOLD_`, by which glibc gives large blocks back to
    the system one by one and takes new ones, page for page: half of a climb's time went into that.
    """
    if "MALLOC_TRIM_THRESHOLD_" in os.environ:
        for option, size in _MALLOC:
            _call("mallopt", option, size)


def give_back_freed() -> None:
    """Gives freed memory back to the system, which takes some 20 ms.

    Each thread takes memory from one of several stocks, which hardly shrink. Threads that come
    after others take any of them, so that in time all are as large as the largest needs.
    """
    _call("malloc_trim", 0)


def _call(function: str, *arguments: int) -> None:
    with suppress(OSError, TypeError, AttributeError):  # other C libraries have no such function
        getattr(ctypes.CDLL(None), function)(*arguments)
