"""Small sites that differ from the real one in their pages only."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import yaml
from mkdocs.utils.yaml import yaml_load

ROOT = Path(__file__).parents[1]

API = "reference/api/"
"""The real site's pages that one template makes of the docstrings."""

SOURCE = "source/"
"""The real site's pages of the code that computes its figures."""

REFERENCES = """
@article{olah,
  author  = {Olah, Chris and Mordvintsev, Alexander},
  title   = {{Feature Visualization}},
  journal = {Distill},
  year    = {2017},
  doi     = {10.23915/distill.00007},
}
"""


def make_site(folder: Path, pages: Mapping[str, str]) -> Path:
    """Write a site.

    Args:
        folder: Where.
        pages: The text of each page by its path; Python's are in the navigation's order.
    """
    settings = yaml_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    del settings["watch"]
    settings["nav"] = [{Path(name).stem.title(): name} for name in pages]
    settings["hooks"] = [str(ROOT / hook) for hook in settings["hooks"]]
    settings["theme"]["custom_dir"] = str(ROOT / settings["theme"]["custom_dir"])
    plugins = {
        name: options
        for one in settings["plugins"]
        if isinstance(one, dict)
        for name, options in one.items()
    }
    reader = plugins["mkdocstrings"]
    reader["custom_templates"] = str(ROOT / reader["custom_templates"])
    reader["handlers"]["python"]["paths"] = [str(ROOT)]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mkdocs.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    for name, text in {**pages, "references.bib": REFERENCES}.items():
        path = folder / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.lstrip(), encoding="utf-8")
    return folder


def command(folder: Path, *arguments: str) -> list[str]:
    """Give the command by which a person builds."""
    python = [sys.executable, "-m", "mkdocs", *(arguments or ("build",))]
    return [*python, "-f", str(folder / "mkdocs.yml")]


def environment(**more: str) -> dict[str, str]:
    """Give the environment that the command runs in."""
    return {**os.environ, "NO_MKDOCS_2_WARNING": "true", **more}


def build(folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Build as a person does."""
    return subprocess.run(
        command(folder),
        check=False,
        cwd=Path(folder.anchor),
        env=environment(**more),
        capture_output=True,
        text=True,
    )
