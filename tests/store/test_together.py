"""Several processes at once."""

from __future__ import annotations

import pytest

from recon.model import Span
from recon.store import messages
from recon.store.engine import connect
from tests.factories import KEY, at, listing, message
from tests.store import processes
from tests.store.table_contents import everything, rows

POLLS = 25

COLLECTOR = """
    import sys
    from recon.store import messages
    from recon.store.engine import connect
    from tests.factories import KEY, at, listing, message
    engine = connect({url!r})
    print("ready", flush=True)
    sys.stdin.readline()
    for poll in range({polls}):
        status = "sent" if poll < 5 else "delivered"
        shown = [message(i, 10 * i, status) for i in range(poll, poll + 10)]
        messages.keep(engine, "main", KEY, listing(*shown, answered=100 + 10 * poll, limit=10))
"""


@pytest.mark.thorough
def test_collectors_that_keep_the_same_answers_at_once_lose_and_double_nothing(
    database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    code = COLLECTOR.format(url=database_url, polls=POLLS)
    processes.together(code, count=3)
    engine = connect(database_url)
    assert len(rows(engine, "polls")) == 3 * POLLS
    assert rows(engine, "accounts", "name") == [("main",)]
    assert rows(engine, "keys", "fingerprint", "since") == [(KEY, None)]
    together = everything(engine, without=frozenset({"polls", "coverage"}), polled=False)
    spans = messages.spans(engine, "main")
    assert sorted(rows(engine, "coverage", "basis")) == [("settled",), ("shared",)]
    engine.dispose()

    alone = connect(f"sqlite:///{tmp_path_factory.mktemp('alone') / 'recon.db'}")
    from recon.store import schema

    schema.ensure_ready(alone)
    for poll in range(POLLS):
        status = "sent" if poll < 5 else "delivered"
        shown = [message(i, 10 * i, status) for i in range(poll, poll + 10)]
        messages.keep(alone, "main", KEY, listing(*shown, answered=100 + 10 * poll, limit=10))
    assert together == everything(alone, without=frozenset({"polls", "coverage"}), polled=False)
    assert spans == messages.spans(alone, "main")
    assert spans[0] == Span(at(1), at(100 + 10 * (POLLS - 1) - 60))
    alone.dispose()


def test_runs_of_the_same_day_saved_at_once_open_each_finding_once(database_url: str) -> None:
    code = f"""
        import os, sys
        from recon.store import runs
        from recon.store.engine import connect
        from tests.factories import found, run
        engine = connect({database_url!r})
        print("ready", flush=True)
        sys.stdin.readline()
        for n in range(5):
            runs.save(engine, run(found("a", "b", "c"), run_id=f"r{{os.getpid()}}-{{n}}"), "run")
    """
    processes.together(code, count=2)
    engine = connect(database_url)
    assert rows(engine, "findings", "discrepancy_id", "status") == [
        ("a", "open"), ("b", "open"), ("c", "open"),
    ]  # fmt: skip
    assert len(rows(engine, "runs")) == 10
    assert rows(engine, "runs", "found") == [(["a", "b", "c"],)] * 10
    engine.dispose()
