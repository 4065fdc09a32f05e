"""Files that are there whole or not at all."""

import os
import uuid
from pathlib import Path

PARTIAL = ".partial"
"""What the names of files end in while they are written."""


def write_whole(path: Path, data: bytes) -> None:
    """Writes a file beside its place, then renames it: a reader sees the whole file or none.

    Args:
        path: Its place; the folder is made if it isn't there.
        data: What is in it.

    Raises:
        OSError: It can't be written.
    """
    path = path.resolve()  # what a link leads to, not the link
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{uuid.uuid4().hex}{PARTIAL}")
    try:
        with beside.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())  # else a crash can leave the new name with nothing in it
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
