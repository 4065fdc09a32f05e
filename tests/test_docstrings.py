"""Docstrings of the library speak one dialect, which the reference is made from."""

import ast
import re
from pathlib import Path

import pytest

import featviz

FOLDER = Path(featviz.__file__).parent
SOURCES = sorted(p for p in FOLDER.rglob("*.py") if "article" not in p.parts)
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef)
SECTION = re.compile(r"^(?:Args|Attributes|Raises):\n((?:    .*\n?|\n)+)", re.MULTILINE)


@pytest.fixture(params=SOURCES, ids=lambda path: path.relative_to(FOLDER).as_posix())
def tree(request):
    return ast.parse(request.param.read_text("utf-8"))


def test_docstrings_are_markdown_with_capitals_in_their_lists(tree):
    nodes = [node for node in ast.walk(tree) if isinstance(node, DOCUMENTED)]
    for text in filter(None, map(ast.get_docstring, nodes)):
        assert not re.search(r"``|:\w+:`", text), text
        for section in SECTION.findall(text):
            assert not re.findall(r"^    [*\w]+: [a-z].*", section, re.MULTILINE), text


def constant(node):
    """Give the name that an assignment makes a public constant of."""
    target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
    name = target.id if isinstance(target, ast.Name) else ""
    return name if name.isupper() and name[0] != "_" else ""


def test_public_constants_are_described_below_the_last_of_their_group(tree):
    pairs = zip(tree.body, [*tree.body[1:], ast.Pass()], strict=True)
    silent = [constant(node) for node, after in pairs if not describes(after)]
    assert [name for name in silent if name] == []


def describes(node):
    """Say whether a statement is a constant's description, or the next of its group."""
    words = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return words or constant(node)
