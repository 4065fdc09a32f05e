"""Pages run side by side, and none is left running."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from featviz.article.bridge import execute
from featviz.article.bridge.progress import Progress
from tests.sites import build, command, environment, make_site

pytestmark = pytest.mark.slow

# Runs to its end only if the other page is running at the same time.
MEETS = """
# %% [markdown]
# # Page

# %%
import time
from pathlib import Path

Path("{mine}").touch()
deadline = time.monotonic() + 30
while not Path("{other}").exists():
    assert time.monotonic() < deadline, "alone"
    time.sleep(0.05)
"""
WAITS = """
# %% [markdown]
# # Page

# %%
import os, time
from pathlib import Path

Path("pid").write_text(str(os.getpid()))
time.sleep(120)
"""
FAILS = """
# %% [markdown]
# # Page

# %%
import time
from pathlib import Path

while not Path("pid").exists():
    time.sleep(0.05)
1 / 0
"""


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"


def test_pages_run_side_by_side(tmp_path):
    pages = {
        "index.py": MEETS.format(mine="a", other="b"),
        "second.py": MEETS.format(mine="b", other="a"),
    }
    made = build(make_site(tmp_path, pages, pages_at_once=2))
    assert made.returncode == 0, made.stderr
    assert len(re.findall(r"done after \d+ s", made.stderr)) == 2


def test_a_page_that_raises_ends_the_others_and_is_named(tmp_path):
    folder = make_site(tmp_path, {"index.py": WAITS, "second.py": FAILS}, pages_at_once=2)
    start = time.monotonic()
    made = build(folder)
    assert made.returncode != 0
    assert "second.py: ZeroDivisionError: division by zero" in made.stderr
    assert time.monotonic() - start < 60
    assert not is_alive(int((folder / "pid").read_text()))
    assert not (folder / "site").exists()


def test_an_interrupt_leaves_no_page_running(tmp_path):
    folder = make_site(tmp_path, {"index.py": WAITS}, pages_at_once=2)
    building = subprocess.Popen(
        command(folder), env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 30
    while not (folder / "pid").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    building.send_signal(signal.SIGINT)
    assert building.wait(timeout=30) != 0
    assert not is_alive(int((folder / "pid").read_text()))


@pytest.mark.parametrize(
    ("cores", "free", "pages"),
    [(2, 20e9, 2), (16, 64e9, 4), (8, 3.2e9, 2), (4, 0.5e9, 1), (1, 8e9, 1)],
)
def test_as_many_pages_run_as_there_are_cores_and_memory_for(monkeypatch, cores, free, pages):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)))
    memory = SimpleNamespace(available=free)
    monkeypatch.setattr(execute.psutil, "virtual_memory", lambda: memory)
    assert execute.pages_at_once() == pages


class Terminal:
    """A stream that says it is a terminal and keeps what was written."""

    def __init__(self) -> None:
        self.text = ""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        pass


def test_progress_of_several_pages_fits_one_row():
    terminal = Terminal()
    progress = Progress(terminal)
    with progress.page("[1/2] first.py") as first, progress.page("[2/2] second.py") as second:
        first.cell(1, 3)
        second.cell(2, 5)
        second.note("\r 50%")
        deadline = time.monotonic() + 10
        while "50%" not in terminal.text:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    row = next(row for row in terminal.text.split("\r\x1b[2K") if "50%" in row)
    assert re.fullmatch(
        r"\[1/2\] first.py: cell 1 of 3, \d+ s \| \[2/2\] second.py: cell 2 of 5, \d+ s  50%", row
    )
    assert "\n" not in row
