"""`pytest --quick` finds by itself which tests are quick."""

import pytest

from tests import quick

SUITE = """
import time
import pytest

@pytest.fixture
def browser():
    return None

@pytest.mark.slow
def test_marked(): pass

def test_in_a_browser(browser): pass

def test_long(): time.sleep(0.1)

def test_short(): pass
"""


@pytest.fixture
def suite(pytester, monkeypatch):
    monkeypatch.setattr(quick, "LONGEST", 0.05)
    pytester.makepyfile(SUITE)
    pytester.makeini("[pytest]\nmarkers = slow\n")
    return lambda *options: pytester.inline_run("-p", "tests.quick", *options)


def names_of_passes(result):
    return [report.nodeid.partition("::")[2] for report in result.listoutcomes()[0]]


def test_what_has_not_run_is_quick_unless_it_says_otherwise(suite):
    assert names_of_passes(suite("--quick")) == ["test_long", "test_short"]


def test_what_took_long_is_left_out_from_then_on(suite):
    assert len(names_of_passes(suite())) == 4
    assert names_of_passes(suite("--quick")) == ["test_short"]
    assert names_of_passes(suite("--quick")) == ["test_short"], "a quick run forgot what took long"
