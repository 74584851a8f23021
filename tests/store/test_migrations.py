"""Each migration, with rows in every table that there is."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command

from recon.model import RejectedItem
from recon.store import finding_list, messages, runs, schema, status_answers
from recon.store.column_types import UtcDateTime
from recon.store.engine import reading, writing
from recon.store.tables import METADATA
from tests.factories import DAY, KEY, at, found, listing, message, run
from tests.store.migrations import alembic, downgrade
from tests.store.table_contents import rows

#: Values for the rows of tables that a night rarely fills.
VALUES: dict[type, Any] = {
    UtcDateTime: at(100),
    sa.Date: date.fromisoformat(DAY),
    sa.Integer: 1,
    sa.JSON: ["ops@example.com"],
}


def fill(engine: sa.Engine) -> None:
    """Store what nights and people store, and a row in each table that this leaves empty."""
    bad = RejectedItem("bad", "no status", message_id=99, sent_at=at(5))
    messages.keep(engine, "main", KEY, listing(message(1, 0, "sent"), answered=60, rejects=[bad]))
    messages.keep(engine, "main", KEY, listing(message(1, 0, "read"), answered=200))
    status_answers.keep(engine, "main", KEY, found=[], denied=[5_000], at=at(60))
    runs.save(engine, run(found("a", "b", "c"), run_id="r0"), "run")
    finding_list.acknowledge(engine, {"b": "a test number"}, at(90_000))
    runs.save(engine, run(found("a", "b"), run_id="r1", finished=at(172_800)), "run")
    with writing(engine) as connection:
        for table in METADATA.sorted_tables:
            if not connection.execute(sa.select(table).limit(1)).first():
                connection.execute(sa.insert(table).values(_row(table)))


def _row(table: sa.Table) -> dict[str, Any]:
    return {
        column.name: next(
            (value for kind, value in VALUES.items() if isinstance(column.type, kind)), column.name
        )
        for column in table.columns
        if column is not table.autoincrement_column
    }


def contents(engine: sa.Engine, version: str) -> dict[str, list[str]]:
    """Return the rows of each table that is in the schema of a version and is to be kept."""
    left_out = {"alembic_version", *(["denied_ids"] if version <= "0005" else [])}
    there = sa.MetaData()
    with reading(engine) as connection:
        there.reflect(connection)
        return {
            name: sorted(str(row) for row in connection.execute(sa.select(table)))
            for name, table in there.tables.items()
            if name not in left_out
        }


@pytest.mark.thorough
def test_each_migration_keeps_the_rows_of_every_table(engine: sa.Engine) -> None:
    """Down one version, up and down again: so from any version, what is there comes along.

    Only denials from before version 6 do not: they were stored without a control id.
    """
    fill(engine)
    before = {name: rows(engine, name) for name in ("findings", "messages", "runs")}
    for number in range(int(schema.head()) - 1, 0, -1):
        version, above = f"{number:04d}", f"{number + 1:04d}"
        downgrade(engine, version)
        there = contents(engine, version)
        assert [name for name, held in there.items() if not held] == [], version
        with writing(engine, foreign_keys=False) as connection:
            command.upgrade(alembic(connection), above)
        counts = {name: len(held) for name, held in contents(engine, version).items()}
        for name in there.keys() & counts.keys():
            assert counts[name] >= len(there[name]), (name, above)
        downgrade(engine, version)
        assert contents(engine, version) == there, version
    schema.upgrade(engine)
    assert schema.check(engine) == []
    assert rows(engine, "findings") == before["findings"]
    assert rows(engine, "messages") == before["messages"]
    assert len(rows(engine, "runs")) == len(before["runs"])
