"""Every query of `recon collect` finds its rows by an index, so a poll never costs more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from recon.model import Listing, RejectedItem
from recon.store import messages, removed_messages
from recon.store.dialects import is_postgres
from recon.store.engine import connect
from tests.factories import KEY, at, listing, message
from tests.jobs.stage import staged

#: The tables that get rows as long as the program is used.
GROWING = frozenset(
    {
        "absences",
        "coverage",
        "denied_ids",
        "findings",
        "messages",
        "polls",
        "provider_rejects",
        "runs",
        "status_changes",
        "withdrawals",
    }
)
_DAY = 86_400
_VERBS = ("SELECT", "INSERT", "UPDATE", "DELETE")


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    made = connect(database_url)
    yield made
    made.dispose()


@dataclass(slots=True)
class Asked:
    """The statements that were sent, each text once, with the parameters of the first time."""

    statements: dict[str, Any]

    def scans(self, engine: sa.Engine) -> list[str]:
        """Return each statement that reads the whole of a table that grows, and its plan."""
        found = []
        with engine.connect() as connection:
            if is_postgres(connection):
                # The tables of a test are too small for an index to be worth it.
                connection.exec_driver_sql("SET enable_seqscan = off")
            for statement, parameters in self.statements.items():
                plan = _plan(connection, statement, parameters)
                if any(_is_scan(line) for line in plan):
                    found.append("\n".join([statement, *plan]))
        return found


def _plan(connection: sa.Connection, statement: str, parameters: Any) -> list[str]:  # noqa: ANN401 - the driver's
    if is_postgres(connection):
        rows = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).all()
        return [str(row[0]) for row in rows]
    rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
    return [str(row.detail) for row in rows]


def _is_scan(line: str) -> bool:
    """Say whether a line of a plan reads all rows of a table that grows."""
    words = line.replace("->", " ").split()
    if words[:1] == ["SCAN"]:
        return words[1] in GROWING
    return words[:3] == ["Seq", "Scan", "on"] and words[3] in GROWING


@contextmanager
def listening(engine: sa.Engine) -> Iterator[Asked]:
    """Note all statements that are sent within the block."""
    asked = Asked({})

    def note(
        _connection: Any,  # noqa: ANN401 - SQLAlchemy's
        _cursor: Any,  # noqa: ANN401
        statement: str,
        parameters: Any,  # noqa: ANN401
        _context: Any,  # noqa: ANN401
        executemany: bool,  # noqa: FBT001
    ) -> None:
        if statement.lstrip().startswith(_VERBS):
            asked.statements.setdefault(statement, parameters[0] if executemany else parameters)

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


def reject(key: str, message_id: int | None) -> RejectedItem:
    return RejectedItem(key, "no time", message_id=message_id)


def unusual_answers() -> Iterator[Listing]:
    """Answers that lead through every rule: refused, short, full, cut, late, out of order, gone."""
    first = [message(n, n) for n in range(10, 20)]
    yield listing(*first, answered=300)
    yield listing(*first, message(21, 400, "failed"), answered=500, rejects=[reject("a", 20)])
    yield listing(*first, message(20, 350), message(21, 400, "read"), answered=700)
    # A lower cap, twice the same.
    for step in (1, 2):
        yield listing(*first[5:], message(20, 350), message(21, 400), answered=700 + step)
    # Late, older than all, out of order.
    newer = [message(20, 350), message(21, 400), message(22, 410)]
    yield listing(*first[6:], *newer, answered=2_000)
    yield listing(message(1, -500), *first, *newer, answered=2_100)
    yield listing(*first[7:9], message(30, 18), *first[9:], *newer, answered=2_200)
    shown = [message(n, 3_000 + n) for n in range(100, 104)]
    yield listing(*shown, answered=3_200, limit=4)
    yield replace(listing(*shown, answered=3_210), is_partial=True)
    yield listing(answered=3_220)
    # Some messages are lacking for a day.
    for hours in (1, 13, 26):
        yield listing(*shown[:1], *shown[2:], answered=3_300 + hours * 3_600)
    yield listing(*(message(n, 2 * _DAY + n) for n in range(200, 204)), answered=3 * _DAY, limit=4)
    # Late, and the list does not reach back to what was listed before.
    late = [message(n, 3 * _DAY - 43_200 + n) for n in range(300, 304)]
    yield listing(*late, answered=4 * _DAY, limit=4)


def answers_with_other_times() -> Iterator[Listing]:
    """Answers that give messages other times for more than a day, with one that says they are new.

    At first the earlier times come again, which ends the dispute.
    """
    first = [message(n, n) for n in range(10, 20)]
    yield listing(*first, answered=300)
    yield listing(*(message(n, n + 3_600) for n in range(14, 22)), answered=4_000)
    yield listing(*first, answered=4_300)
    for hours in (2, 14, 28):
        # Some of the listed messages are not shown: their times are corrected all the same.
        shown = [message(n, n + 3_600) for n in range(14, 23)]
        yield listing(*shown, answered=hours * 3_600 + 300)


def test_every_query_of_collect_uses_an_index(tmp_path: Path, engine: sa.Engine) -> None:
    with staged(tmp_path, engine) as stage, listening(engine) as asked:
        stage.send(30, seconds=60)
        for _ in range(3):
            assert stage.codes(force=True) == [0]
            stage.send(30, seconds=60)
            assert stage.codes() == [0]
        for answer in unusual_answers():
            kept = messages.keep(engine, "other", KEY, answer)
            if kept.ask_for:
                settle(engine, kept.ask_for)
        for answer in answers_with_other_times():
            messages.keep(engine, "third", KEY, answer)
        messages.keep(engine, "other", "second", listing(message(999, 0), answered=4 * _DAY))
        again = listing(message(999, 0), answered=5 * _DAY)
        messages.keep(engine, "other", KEY, again, new_coverage=True)
    told = {verb: sum(one.startswith(verb) for one in asked.statements) for verb in _VERBS}
    assert all(told.values()), told
    assert not asked.scans(engine), "\n\n".join(asked.scans(engine))


def settle(engine: sa.Engine, ids: Any) -> None:  # noqa: ANN401
    removed_messages.settle(engine, "other", KEY, denied=ids, found=(), at=at(3 * _DAY))


def test_a_scan_would_be_noticed(engine: sa.Engine) -> None:
    with listening(engine) as asked, engine.connect() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM polls WHERE new_count > 3")
        connection.exec_driver_sql("SELECT count(*) FROM accounts WHERE name > 'a'")
    assert [one.splitlines()[0] for one in asked.scans(engine)] == [
        "SELECT count(*) FROM polls WHERE new_count > 3"
    ]
