"""How many points each command was killed at, in the summary of a test run."""

from __future__ import annotations

import os

import pytest

from tests.crash.killing import killing, room, url  # noqa: F401 - the fixtures
from tests.crash.scenes import Scene

_NAME = "crash points"
#: Whether all that can be killed is.
WHOLE = "RECON_TESTS_CRASH" in os.environ


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as thorough what takes long; the quick ones have an edge of each kind, on both."""
    for item in items[:]:
        call = getattr(item, "callspec", None)
        params = {} if call is None else call.params
        scene, database = params.get("killing"), params.get("database_url")
        # Without a database in its parameters, a test brings its own.
        if not isinstance(scene, Scene) or database is None:
            continue
        if database not in scene.on or (scene.quick is None and not WHOLE):
            items.remove(item)
        elif scene.quick is None or database not in scene.quick:
            item.add_marker("thorough")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say at how many of its edges each command was killed, where that was asked for."""
    reports = terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
    told = sorted(
        {str(said) for one in reports for name, said in one.user_properties if name == _NAME}
    )
    if told:
        terminalreporter.section(_NAME)
        for line in told:
            terminalreporter.line(line)
