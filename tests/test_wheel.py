"""What `pip install featviz` brings is enough for every command that the README shows."""

import email
import os
import re
import shlex
import subprocess
import sys
import venv
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.sites import ROOT

pytestmark = pytest.mark.slow

SMALLER = {
    "layers": "",
    "render": "--steps 2 --size 64",
    "attribute": "",
    "circuit": "--keep 1",
    "microscope build": "--layers conv1 --units 0-1 --out few",
    "microscope open": "--page few/microscope.html --print",
}
"""What is added to the README's commands, so that each takes seconds."""

WITHOUT = """
import sys
from importlib.machinery import PathFinder


class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        absent = name.partition(".")[0] in {absent!r}
        return None if absent else super().find_spec(name, path, target)


sys.meta_path[sys.meta_path.index(PathFinder)] = Without
"""


def readme_commands() -> list[str]:
    """List the commands of the README's section on the command line."""
    section = (ROOT / "README.md").read_text("utf-8").partition("## Use the command line")[2]
    block = re.search(r"```sh\n(.*?)```", section, re.DOTALL)
    return re.findall(r"^featviz (.*?)\s*(?:#.*)?$", block[1], re.MULTILINE)


def distributions(requirements: list[str]) -> set[str]:
    """Name the installed distributions that requirements bring, near or far."""
    names: set[str] = set()
    queue = [(Requirement(requirement), ()) for requirement in requirements]
    while queue:
        requirement, extras = queue.pop()
        environments = [{"extra": extra} for extra in ("", *extras)]
        if requirement.marker and not any(map(requirement.marker.evaluate, environments)):
            continue
        name = canonicalize_name(requirement.name)
        if name not in names:
            names.add(name)
            further = metadata.requires(name) or []
            queue += [(Requirement(one), tuple(requirement.extras)) for one in further]
    return names


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = ["wheel", "--no-deps", "--no-build-isolation", "--quiet", "--wheel-dir", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", *build, str(ROOT)], check=True)
    return next(folder.glob("featviz-*.whl"))


@pytest.fixture(scope="module")
def scripts(wheel, tmp_path_factory) -> Path:
    """Install the wheel where nothing can be imported but what it asks for; give the scripts."""
    home = tmp_path_factory.mktemp("home") / "venv"
    venv.create(home)
    bin_ = home / ("Scripts" if os.name == "nt" else "bin")
    pip = [sys.executable, "-m", "pip", "--python", str(bin_ / "python"), "install", "--quiet"]
    subprocess.run([*pip, "--no-deps", "--no-index", str(wheel)], check=True)
    with zipfile.ZipFile(wheel) as file:
        name = next(name for name in file.namelist() if name.endswith("/METADATA"))
        asks = email.message_from_bytes(file.read(name)).get_all("Requires-Dist")
    packages = {"featviz", *distributions(asks)}
    absent = {
        module
        for module, owners in metadata.packages_distributions().items()
        if not packages & {canonicalize_name(owner) for owner in owners}
    }
    assert {"mkdocs", "nbformat", "IPython", "pytest"} <= absent
    here = next(home.rglob("site-packages"))
    (here / "without.py").write_text(WITHOUT.format(absent=absent), "utf-8")
    outside = Path(pytest.__file__).parents[1]
    (here / "outside.pth").write_text(f"import without\n{outside}\n", "utf-8")
    return bin_


def run(scripts, folder, *command):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["FEATVIZ_CACHE"] = str(folder / "cache")
    return subprocess.run(
        [str(scripts / command[0]), *command[1:]],
        check=False,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )


def test_the_wheel_holds_the_library_and_not_the_article(wheel):
    with zipfile.ZipFile(wheel) as file:
        names = file.namelist()
    assert not [name for name in names if name.startswith(("featviz/article", "tests", "docs"))]
    files = ("__init__.pyi", "py.typed", "zoo/alexnet.safetensors", "figures/web/fv-base.js")
    assert {f"featviz/{name}" for name in files} <= set(names)


def test_what_is_installed_is_the_wheel_alone(scripts, tmp_path):
    code = "import featviz, torch; print(featviz.__file__); import mkdocs"
    process = run(scripts, tmp_path, "python", "-c", code)
    assert Path(process.stdout.strip()).is_relative_to(scripts.parent)
    assert "No module named 'mkdocs'" in process.stderr


def test_every_command_of_the_readme_works(scripts, tmp_path):
    commands = readme_commands()
    kinds = {kind: [c for c in commands if c.startswith(kind)] for kind in SMALLER}
    assert all(kinds.values())
    assert sum(map(len, kinds.values())) == len(commands)
    for kind, group in kinds.items():
        for command in group:
            if kind == "microscope open":
                command = command.replace("conv5:12", "conv1:1")  # a unit that was built
            words = shlex.split(f"{command} {SMALLER[kind]}")
            process = run(scripts, tmp_path, "featviz", *words)
            assert process.returncode == 0, f"featviz {command}: {process.stderr}"
    for picture in ("two.png", "spotted.png", "cat.png", "circuit.svg"):
        assert (tmp_path / picture).stat().st_size > 1000
