"""A pytest plugin for `tests.mutation`: notes what each test takes, and runs chosen tests only."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import pytest

_seconds: dict[str, float] = defaultdict(float)
_failed: list[str] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the two options."""
    parser.addoption("--report-to", type=Path, help="write what the tests took, and which failed")
    parser.addoption("--chosen", type=Path, help="run the tests of this JSON list, in its order")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note what a test took, without the fixtures that it may share with others, and failures."""
    if report.failed:
        _failed.append(report.nodeid)
    if report.when == "call":
        _seconds[report.nodeid] += report.duration


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write what was noted."""
    target: Path | None = session.config.getoption("--report-to")
    if target is not None and not hasattr(session.config, "workerinput"):
        target.write_text(json.dumps({"seconds": _seconds, "failed": _failed}))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the chosen tests, in the order in which they are given."""
    given: Path | None = config.getoption("--chosen")
    if given is not None:
        found = {item.nodeid: item for item in items}
        items[:] = [found[name] for name in json.loads(given.read_text()) if name in found]
