"""The reference that is made from docstrings holds every public name."""

import ast
import re
from pathlib import Path

import pytest
import yaml

import featviz
from tests.sites import ROOT, build, make_site

pytestmark = pytest.mark.slow

API = ROOT / "docs" / "reference" / "api"
FOLDER = Path(featviz.__file__).parent
ALONE = ("photos", "store")
"""Modules that are rooms by themselves; the other rooms name what they offer in `__init__`."""

ROOMS = sorted({path.parent.name for path in FOLDER.glob("*/__init__.py")} - {"article", "cli"})


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Give the built pages of the reference, as HTML by name."""
    sources = {f"api/{path.name}": path.read_text("utf-8") for path in sorted(API.glob("*.md"))}
    site = make_site(tmp_path_factory.mktemp("reference"), {"index.md": "# Start\n", **sources})
    result = build(site)
    assert result.returncode == 0, result.stdout + result.stderr
    return {path.stem: path.read_text("utf-8") for path in (site / "site" / "api").glob("*.html")}


def names_of_room(room):
    """List the names that a room's `__init__`, or the stub of the package, passes on."""
    suffix = "pyi" if room is None else "py"
    path = FOLDER.joinpath(*([room] if room else []), f"__init__.{suffix}")
    imports = [
        node for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.ImportFrom)
    ]
    return sorted(alias.asname for node in imports for alias in node.names if alias.asname)


def names_in(module):
    """List the public functions and classes of a module that is a room by itself."""
    tree = ast.parse((FOLDER / f"{module}.py").read_text("utf-8"))
    kinds = (ast.FunctionDef, ast.ClassDef)
    return sorted(node.name for node in tree.body if isinstance(node, kinds) if node.name[0] != "_")


@pytest.mark.parametrize(
    "path",
    sorted((ROOT / "docs").rglob("*.md")),
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)
def test_what_stands_above_a_page_is_read_and_not_shown(path):
    """An unquoted colon makes it prose: MkDocs then shows it, without a warning."""
    _, head, text = path.read_text("utf-8").split("---\n", 2)
    assert set(yaml.safe_load(head)) <= {"title", "description", "hide", "search", "template"}
    assert text.strip()


@pytest.mark.parametrize("room", [*ROOMS, *ALONE])
def test_a_room_has_a_page_with_an_entry_for_each_of_its_names(pages, room):
    names = names_in(room) if room in ALONE else names_of_room(room)
    assert names
    entries = set(re.findall(r'<h\d id="([\w.]+)"', "".join(pages.values())))
    place = f"featviz.{room}"
    missing = [n for n in names if not {f"{place}.{n}", f"{place}.{n}.{n}"} & entries]
    assert missing == []  # a function may bear the name of its module, and then has its path


def test_what_featviz_itself_gives_leads_to_its_entry(pages):
    links = re.findall(
        r'<a class="autorefs[^"]*" href="([^"#]*)#([\w.]+)">(\w+)</a>', pages["index"]
    )
    assert {name for *_, name in links} == set(names_of_room(None))
    for page, entry, _ in links:
        assert f'id="{entry}"' in pages[Path(page).stem]


def test_pages_describe_arguments_and_results(pages):
    climb = pages["ascent"].partition('id="featviz.ascent.maximize"')[2]
    text = re.sub(r"<[^>]+>|\s+", " ", climb.partition("<h2")[0])
    assert "Parameters:" in text
    assert "Returns:" in text
    assert "Raises:" in text
    assert re.search(r" objectives +\( .*? \) +– +One objective per image", text)
