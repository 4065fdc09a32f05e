"""The figures' code: what is linked from a page, and what stands on a study's own page."""

import re

from featviz.article.bridge import sources

PAGE = """
from featviz.article.studies import deep as study
from featviz.article.studies import deep_judge, shared
import numpy as np
"""
STUDY = '''"""A study."""

from functools import cache

LIMIT = 3
"""A constant."""


@cache
def one() -> int:
    """Returns one."""
    return 1


class Two:
    """Two."""


LAST = ["````"]
'''


def test_studies_are_known_by_the_names_that_the_page_gives_them():
    assert sources.studies(PAGE) == {
        "study": "deep",
        "deep_judge": "deep_judge",
        "shared": "shared",
    }
    assert sources.studies("import numpy\nfrom featviz import photos") == {}
    assert sources.studies("%matplotlib inline") == {}


def test_a_cell_links_each_function_of_a_study_that_it_calls_once():
    cell = "image = np.zeros(3)\nstudy.units(study.units('conv3'), deep_judge.judged())"
    names = sources.studies(PAGE)
    assert sources.links(cell, names, "chapters/deep.py") == (
        "Source: [`deep.units`](../source/deep.md#units), "
        "[`deep_judge.judged`](../source/deep_judge.md#judged)"
    )
    assert "(source/deep.md#units)" in sources.links("study.units()", names, "index.py")
    assert sources.links("np.zeros(3)", names, "index.py") == ""


def test_a_page_holds_every_line_of_its_study_under_a_heading_per_function():
    page = sources.page("study", STUDY)
    assert re.findall(r"^## `(\w+)` \{#(\w+)\}$", page, re.MULTILINE) == [
        ("one", "one"),
        ("Two", "Two"),
    ]
    code = "\n".join(re.findall(r"^`{5} python\n(.*?)\n`{5}$", page, re.MULTILINE | re.DOTALL))
    assert [line for line in code.split("\n") if line] == [x for x in STUDY.split("\n") if x]
    assert page.index("{#one}") < page.index("@cache")
