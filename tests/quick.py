"""`pytest --quick`: the tests that took less than a second when they last ran here.

Durations are kept in pytest's own cache, so that no one has to mark what becomes slow. A test that
has not run yet is quick unless it is marked slow or opens a browser.
"""

import pytest

LONGEST = 1.0
"""Seconds that a quick test may take."""

CACHE_KEY = "featviz/seconds"


def pytest_addoption(parser):
    parser.addoption("--quick", action="store_true", help="run what takes under a second")


def pytest_configure(config):
    config.pluginmanager.register(Durations(config), "featviz-durations")


class Durations:
    def __init__(self, config):
        self.config = config
        self.seconds = dict(config.cache.get(CACHE_KEY, {})) if hasattr(config, "cache") else {}

    def pytest_collection_modifyitems(self, config, items):
        if not config.getoption("quick"):
            return
        slow = [item for item in items if self._is_slow(item)]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]

    def _is_slow(self, item):
        marked = item.get_closest_marker("slow") or "browser" in item.fixturenames
        return marked or self.seconds.get(item.nodeid, 0) > LONGEST

    def pytest_runtest_logreport(self, report):
        if report.when == "call":
            self.seconds[report.nodeid] = round(report.duration, 3)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self):
        if hasattr(self.config, "cache"):
            self.config.cache.set(CACHE_KEY, self.seconds)
