"""Parts of a work that is done by several processes which know nothing of each other."""

import re
from collections.abc import Mapping

Part = tuple[int, int]
"""Which part of how many, from 1: (3, 16)."""

_PAIRS = (
    ("SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT"),
    ("RANK", "WORLD_SIZE"),
)
"""Variables that say which process of how many this is: SLURM's job arrays, torchrun and others."""


def check_part(part: Part) -> Part:
    """Returns a part if there is one such.

    Raises:
        ValueError: There isn't.
    """
    number, count = part
    if not 1 <= number <= count:
        raise ValueError(f"a part is one of 1/N to N/N, such as 3/16, not {number}/{count}.")
    return number, count


def parse_part(text: str) -> Part:
    """Reads "3/16".

    Raises:
        ValueError: It is no part.
    """
    found = re.fullmatch(r"\s*(\d+)\s*/\s*(\d+)\s*", text)
    if not found:
        raise ValueError(f"a part is one of 1/N to N/N, such as 3/16, not {text!r}.")
    return check_part((int(found[1]), int(found[2])))


def part_of_environment(environment: Mapping[str, str]) -> tuple[Part, str] | None:
    """Returns the part that a scheduler gives to this process, and the variable that says so.

    Args:
        environment: As in `os.environ`: SLURM_ARRAY_TASK_ID with its _COUNT, _MIN and _STEP, or
            RANK with WORLD_SIZE.

    Returns:
        None outside of such a scheduler.

    Raises:
        ValueError: The variables name no part.
    """
    for name, total in _PAIRS:
        if name in environment and total in environment:
            try:
                at, count = int(environment[name]), int(environment[total])
                if name.startswith("SLURM"):
                    first = int(environment.get("SLURM_ARRAY_TASK_MIN", 0))
                    at = (at - first) // int(environment.get("SLURM_ARRAY_TASK_STEP", 1))
                return check_part((at + 1, count)), name
            except ValueError as error:
                raise ValueError(
                    f"{name}={environment[name]} of {total}={environment[total]} names no part of "
                    "the work; say which by --part, 1/1 for all."
                ) from error
    return None


def share_of(part: Part, work: list[int]) -> range:
    """Returns which things of a list are a part's: a stretch of about as much work as any other.

    Args:
        part: Which part.
        work: How much each thing takes.

    Returns:
        Their indices. Each thing is of one part, whatever the work is.
    """
    number, count = part
    total, done, ends = max(1, sum(work)), 0, [0] * (count + 1)
    for each in work:
        # A thing belongs to the part in which its middle lies.
        ends[min(count, (2 * done + each) * count // (2 * total) + 1)] += 1
        done += each
    first = sum(ends[:number])
    return range(first, first + ends[number])
