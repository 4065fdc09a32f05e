"""Pages run side by side, and none is left running."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml
from mkdocs.utils.yaml import yaml_load

from featviz.article.bridge import execution
from tests.sites import ROOT, build, command, environment, make_site

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
COUNTS = """
# %% [markdown]
# # Page

# %%
import os
from pathlib import Path

Path("threads").write_text(os.environ["OMP_NUM_THREADS"])
"""
NOTES = """
# %% [markdown]
# # Page

# %%
import os

with open("notes", "a") as notes:
    print("{name}", os.environ["GLIBC_TUNABLES"], file=notes)
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


def test_pages_run_side_by_side_once_and_only_if_they_must(tmp_path):
    pages = {
        "index.py": MEETS.format(mine="a", other="b"),
        "second.py": MEETS.format(mine="b", other="a"),
    }
    folder = make_site(tmp_path, pages)
    made = build(folder)
    assert made.returncode == 0, made.stderr
    assert len(re.findall(r"\.py: running\n", made.stderr)) == 2
    assert "running" not in build(folder).stderr


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="cores aren't told")
@pytest.mark.parametrize("jobs", [1, 2, 10_000])
def test_pages_share_the_cores(tmp_path, monkeypatch, jobs):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    folder = make_site(tmp_path, {"index.py": COUNTS})
    settings = folder / "mkdocs.yml"
    settings.write_text(re.sub(r"jobs: \d+", f"jobs: {jobs}", settings.read_text()))
    made = build(folder)
    assert made.returncode == 0, made.stderr
    (threads,) = folder.rglob("threads")
    assert int(threads.read_text()) == max(1, len(os.sched_getaffinity(0)) // jobs)


@pytest.mark.parametrize("own", [None, "glibc.malloc.check=0"])
def test_what_takes_long_runs_first_in_the_order_given_and_keeps_its_memory(
    tmp_path, monkeypatch, own
):
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    if own:
        monkeypatch.setenv("GLIBC_TUNABLES", own)
    pages = {f"{name}.py": NOTES.format(name=name) for name in ("index", "second", "third")}
    folder = make_site(tmp_path, pages)
    settings = folder / "mkdocs.yml"
    loaded = yaml_load(settings.read_text())
    loaded["extra"] |= {"jobs": 1, "early": ["third.py", "second.py"]}
    settings.write_text(yaml.safe_dump(loaded))
    made = build(folder)
    assert made.returncode == 0, made.stderr
    (notes,) = folder.rglob("notes")
    lines = [line.split() for line in notes.read_text().splitlines()]
    assert [line[0] for line in lines] == ["third", "second", "index"]
    assert lines[0][1] == (own or execution._MALLOC)


def test_no_more_pages_run_at_a_time_than_the_user_wants(tmp_path):
    pages = {
        "index.py": MEETS.format(mine="a", other="b").replace("30", "2"),
        "second.py": MEETS.format(mine="b", other="a").replace("30", "2"),
    }
    folder = make_site(tmp_path, pages)
    settings = folder / "mkdocs.yml"
    settings.write_text(re.sub(r"jobs: \d+", "jobs: 1", settings.read_text()))
    made = build(folder)
    assert made.returncode != 0
    assert "AssertionError: alone" in made.stderr


def test_the_user_says_how_many(monkeypatch):
    monkeypatch.setenv("JOBS", "3")
    settings = yaml_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    assert settings["extra"]["jobs"] == 3


def test_a_page_that_raises_ends_the_others_and_is_named(tmp_path):
    folder = make_site(tmp_path, {"index.py": WAITS, "second.py": FAILS})
    start = time.monotonic()
    made = build(folder)
    assert made.returncode != 0
    assert "second.py: ZeroDivisionError: division by zero" in made.stderr
    assert time.monotonic() - start < 60
    assert not is_alive(int((folder / "pid").read_text()))


def test_an_interrupt_leaves_no_page_running(tmp_path):
    folder = make_site(tmp_path, {"index.py": WAITS})
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
