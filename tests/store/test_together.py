"""Several processes at once, and processes that are killed."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from recon.model import Span
from recon.store import messages, runs
from recon.store.engine import connect
from tests.factories import KEY, at, found, listing, message, run
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

#: Stops in the middle of its transaction, and says so.
VICTIM = """
    import sys
    import sqlalchemy as sa
    from recon.store import messages, runs
    from recon.store.engine import connect
    from tests.factories import KEY, found, listing, message, run
    engine = connect({url!r})

    @sa.event.listens_for(engine, "after_cursor_execute")
    def stop(connection, cursor, statement, parameters, context, executemany):
        if statement.startswith({statement!r}):
            wait()

    @sa.event.listens_for(engine, "commit")
    def stop_at_the_end(connection):
        if {statement!r} == "COMMIT":
            wait()

    def wait():
        print("half way", flush=True)
        sys.stdin.readline()

    {act}
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


@pytest.mark.parametrize(
    "statement", ["INSERT INTO messages", "INSERT INTO polls", "UPDATE coverage"]
)
def test_a_collector_that_is_killed_leaves_nothing_half(engine: sa.Engine, statement: str) -> None:
    url = engine.url.render_as_string(hide_password=False)
    messages.keep(engine, "main", KEY, listing(message(1), answered=60))
    before = everything(engine)
    act = 'messages.keep(engine, "main", KEY, listing(message(1), message(2), answered=300))'
    with processes.started(VICTIM.format(url=url, statement=statement, act=act)) as victim:
        assert processes.awaited(victim) == "half way"
        victim.kill()
        victim.wait()
    assert everything(engine) == before
    messages.keep(engine, "main", KEY, listing(message(1), message(2), answered=300))
    assert len(rows(engine, "messages")) == 2


@pytest.mark.parametrize("statement", ["UPDATE findings", "INSERT INTO runs", "COMMIT"])
def test_a_run_that_is_killed_while_it_saves_leaves_nothing_half(
    engine: sa.Engine, statement: str
) -> None:
    url = engine.url.render_as_string(hide_password=False)
    runs.save(engine, run(found("a"), run_id="r1"), "run")
    before = everything(engine)
    act = 'runs.save(engine, run(found("b"), run_id="r2"), "run")'
    with processes.started(VICTIM.format(url=url, statement=statement, act=act)) as victim:
        assert processes.awaited(victim) == "half way"
        victim.kill()
        victim.wait()
    assert everything(engine) == before
    runs.save(engine, run(found("b"), run_id="r2"), "run")
    assert rows(engine, "findings", "discrepancy_id", "status") == [
        ("a", "resolved"),
        ("b", "open"),
    ]


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
