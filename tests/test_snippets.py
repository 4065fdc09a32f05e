"""What the README and the guide show runs as it stands."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"```python[^\n]*\n(.*?)```", re.DOTALL)


@pytest.mark.slow
@pytest.mark.parametrize("page", ["README.md", "docs/reference/library.md"])
def test_every_python_block_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FEATVIZ_CACHE", str(tmp_path / "cache"))
    blocks = BLOCK.findall((ROOT / page).read_text("utf-8"))
    assert blocks
    names = {"__name__": "snippets"}
    for block in blocks:
        exec(compile(block, page, "exec"), names)
