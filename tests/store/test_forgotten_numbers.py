"""A person is forgotten in every table, and stays so."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from recon.core.person import Person
from recon.model import Message, RejectedItem, Unreadable
from recon.store import forgotten_numbers, messages, runs, status_answers
from recon.store.engine import connect
from recon.store.tables import METADATA
from tests.factories import KEY, NOON, NUMBER, at, finding, listing, run
from tests.store.table_contents import everything, rows

OTHER = "+353879999999"
NATIONAL = "087 123 4567"
#: A thousand messages to one number.
MORE = """
WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 1999)
INSERT INTO messages SELECT account_id, i, key_id, '+491701111111', sent_at, status, NULL,
  first_seen_at, observed_at, listed_by FROM messages, n WHERE message_id = 2
"""


def whom(number: str = NUMBER) -> Person:
    found = Person.of(number, "IE")
    assert found is not None
    return found


def forget(engine: sa.Engine, number: str = NUMBER, *, dry_run: bool = False) -> dict[str, int]:
    rng = random.Random(1)
    return forgotten_numbers.forget(engine, whom(number), NOON, rng, dry_run=dry_run)


def fill(engine: sa.Engine) -> None:
    mine = Message(1, NUMBER, at(1), "failed", f"{NUMBER} is not a WhatsApp user")
    other = Message(2, OTHER, at(2), "sent")
    bad = RejectedItem("bad", "no status", message_id=9, phone_number=NUMBER, sent_at=at(3))
    messages.keep(engine, "main", KEY, listing(mine, other, answered=60, rejects=[bad]))
    found = [
        finding(
            "recipient_mismatch",
            "a" * 16,
            phone_number=OTHER,
            detail=f"recorded for {NATIONAL}, sent to {OTHER}",
        ),
        finding("missing_locally", "b" * 16, phone_number=NUMBER, detail="no record holds it"),
    ]
    unread = [Unreadable("local", f"no message_id, {NUMBER}", 1)]
    made = replace(run(found, unreadable=unread), notices=(f"{NUMBER} again",))
    runs.save(engine, made, mode="run")


def test_the_number_is_nowhere_and_all_else_is_there(engine: sa.Engine) -> None:
    fill(engine)
    before = everything(engine)
    counted = forget(engine, dry_run=True)
    assert everything(engine) == before
    counts = forget(engine)
    assert counts == counted
    assert counts["messages"] == 2  # the number, and a failure reason
    after = everything(engine)
    assert NUMBER not in str(after)
    assert NATIONAL not in str(after)
    assert OTHER in str(after)
    for table, was in before.items():
        if table not in {"hash_keys", "forgotten_numbers"}:
            assert len(after[table]) == len(was)
    kept = ("message_id", "sent_at", "status")
    assert rows(engine, "messages", *kept) == [(1, at(1), "failed"), (2, at(2), "sent")]
    assert [row[0] for row in rows(engine, "messages", "phone_number")] == ["", OTHER]


@pytest.mark.parametrize("spelled", [NUMBER, "353871234567", "+353 87 123 4567"])
def test_no_later_answer_brings_the_number_back(engine: sa.Engine, spelled: str) -> None:
    fill(engine)
    forget(engine)
    again = [Message(1, spelled, at(1), "failed"), Message(2, OTHER, at(2), "read")]
    new = Message(3, spelled, at(90), "sent")
    bad = RejectedItem("worse", "no status", message_id=10, phone_number=spelled, sent_at=at(95))
    messages.keep(engine, "main", KEY, listing(*again, new, answered=120, rejects=[bad]))
    asked = Message(4, spelled, at(100), "sent")
    status_answers.keep(engine, "main", KEY, found=[asked], denied=[], at=at(130))
    assert [row[0] for row in rows(engine, "messages", "phone_number")] == ["", OTHER, "", ""]
    assert set(rows(engine, "provider_rejects", "phone_number")) == {(None,)}


def test_a_purge_that_is_killed_keeps_the_number_out_and_goes_on(engine: sa.Engine) -> None:
    fill(engine)

    def kill(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("UPDATE"):
            raise KeyboardInterrupt

    sa.event.listen(engine, "before_cursor_execute", kill)
    with pytest.raises(KeyboardInterrupt):
        forget(engine)
    sa.event.remove(engine, "before_cursor_execute", kill)
    messages.keep(engine, "main", KEY, listing(Message(3, NUMBER, at(90), "sent"), answered=120))
    assert [row[0] for row in rows(engine, "messages", "phone_number")] == [NUMBER, OTHER, ""]
    forget(engine)
    assert NUMBER not in str(everything(engine))


def test_records_of_the_person_have_no_number_for_the_judge(engine: sa.Engine) -> None:
    fill(engine)
    frame = pd.DataFrame({"phone_number": pd.Series([NATIONAL, OTHER, None, NUMBER], dtype="str")})
    assert forgotten_numbers.forgotten(engine).blanked(frame, "IE", None) is frame
    forget(engine)
    blanked = forgotten_numbers.forgotten(engine).blanked(frame, "IE", None)["phone_number"]
    assert blanked.isna().tolist() == [True, False, True, True]


def test_only_a_keyed_hash_is_kept_and_equal_numbers_differ_between_databases(
    engine: sa.Engine,
) -> None:
    forget(engine)
    forget(engine)
    [(digest,)] = rows(engine, "forgotten_numbers", "digest")
    assert len(digest) == 64
    [(_, secret)] = rows(engine, "hash_keys")
    assert len(secret) == 64
    assert forgotten_numbers.Forgotten(b"other", frozenset({digest})).holds(whom().key) is False


def test_every_column_of_numbers_is_searched() -> None:
    columns = [c for table in METADATA.tables.values() for c in table.c if "phone" in c.name]
    assert columns
    assert all(column.name.endswith("phone_number") for column in columns)


def test_searching_sqlite_costs_a_comparison_a_message_and_counting_uses_the_index(
    tmp_path: Path, migrated_sqlite: Path
) -> None:
    engine = connect(f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path)}")
    fill(engine)
    steps, asked = [0], list[tuple[str, Any]]()

    def step() -> None:
        steps[0] += 1

    def count(connection: Any, _record: object, _proxy: object) -> None:  # noqa: ANN401
        connection.set_progress_handler(step, 1)

    def keep(_conn: Any, _cursor: Any, statement: str, given: Any, *_: Any) -> None:  # noqa: ANN401
        asked.append((statement, given))

    sa.event.listen(engine, "checkout", count)
    forget(engine, OTHER, dry_run=True)
    of_few = steps[0]
    with engine.begin() as connection:
        connection.exec_driver_sql(MORE)
    steps[0] = 0
    forget(engine, OTHER, dry_run=True)
    # Seven for each of the thousand messages. It takes twenty more to take the separators out of
    # each number before it is compared.
    assert steps[0] - of_few < 12 * 1_000

    sa.event.listen(engine, "before_cursor_execute", keep)
    forget(engine, OTHER)
    sa.event.remove(engine, "before_cursor_execute", keep)
    by_number = [one for one in asked if "messages" in one[0] and "phone_number IN (" in one[0]]
    assert [one[0].split()[0] for one in by_number] == ["SELECT", "UPDATE"]
    with engine.connect() as connection:
        for statement, given in by_number:
            plan = str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given).all())
            assert "SCAN messages" not in plan
            assert "phone_number=?" in plan
    engine.dispose()
