"""What each answer was taken for, and what its key is known to list.

Proof so far went by the provider's clock alone. Where a `Date` header was ahead of our own clock,
coverage reached into time that no answer could know of, and joined answers across it. Such a key's
coverage is built again from its polls.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_Rows = list[tuple[datetime | None, datetime]]
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_UTC = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_EPOCH = datetime.fromtimestamp(0, tz=UTC)
_SETTLING = timedelta(seconds=60)


class _Time(sa.types.TypeDecorator[datetime]):
    """A time as this program stores it: SQLite keeps microseconds since the epoch."""

    impl = _UTC
    cache_ok = True

    def process_bind_param(
        self, value: datetime | None, dialect: sa.Dialect
    ) -> datetime | int | None:
        if value is None or dialect.name == "postgresql":
            return value
        return (value - _EPOCH) // timedelta(microseconds=1)

    def process_result_value(
        self, value: datetime | int | None, dialect: sa.Dialect
    ) -> datetime | None:
        del dialect  # the value shows it
        if isinstance(value, datetime):
            return value.astimezone(UTC)
        return None if value is None else _EPOCH + timedelta(microseconds=value)


_KEYS = ("started_by", "first_listed_at", "last_listed_at", "item_cap", "settling_seconds")
_INDEXES = {
    "polls": (("account_id", "kept_at"), ("coverage_id",), ("key_id", "id")),
    "messages": (("key_id", "sent_at"), ("listed_by",)),
    "coverage": (("key_id", "basis", "seen_at"),),
}


def upgrade() -> None:
    op.add_column("keys", sa.Column("started_by", _ID))
    op.add_column("keys", sa.Column("first_listed_at", _UTC))
    op.add_column("keys", sa.Column("last_listed_at", _UTC))
    op.add_column("keys", sa.Column("item_cap", sa.Integer()))
    op.add_column(
        "keys", sa.Column("settling_seconds", sa.Integer(), nullable=False, server_default="60")
    )
    op.create_table(
        "absences",
        sa.Column("key_id", _ID, nullable=False),
        sa.Column("message_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first_at", _UTC, nullable=False),
        sa.Column("last_at", _UTC, nullable=False),
        sa.Column("answers", sa.Integer(), nullable=False),
        sa.Column("asked_at", _UTC),
        sa.Column("removed_at", _UTC),
        sa.PrimaryKeyConstraint("key_id", "message_id", name=op.f("pk_absences")),
        sa.ForeignKeyConstraint(
            ["key_id"], ["keys.id"], name=op.f("fk_absences_key_id_keys"), ondelete="CASCADE"
        ),
    )
    op.add_column("runs", sa.Column("evidence", _JSON))
    op.add_column("polls", sa.Column("date_at", _UTC))
    op.add_column("polls", sa.Column("reading", sa.Text()))
    op.add_column("polls", sa.Column("why", sa.Text()))
    op.execute(
        "UPDATE polls SET date_at = answered_at, reading = CASE "
        "WHEN coverage_id IS NULL THEN 'nothing' "
        "WHEN item_count < item_limit THEN 'whole' ELSE 'after_oldest' END"
    )
    _build_again()
    op.execute("UPDATE polls SET answered_at = kept_at WHERE answered_at > kept_at")
    for table in ("messages", "provider_rejects"):
        op.execute(
            f"UPDATE {table} SET observed_at = (SELECT max(p.kept_at) FROM polls p "  # noqa: S608
            f"WHERE p.account_id = {table}.account_id) WHERE observed_at > "
            f"(SELECT max(p.kept_at) FROM polls p WHERE p.account_id = {table}.account_id)"
        )
    with op.batch_alter_table("polls") as batch:
        batch.alter_column("reading", existing_type=sa.Text(), nullable=False)
    op.execute(
        "UPDATE keys SET "
        "started_by = (SELECT min(p.id) FROM polls p WHERE p.key_id = keys.id), "
        "first_listed_at = (SELECT min(p.oldest_sent_at) FROM polls p WHERE p.key_id = keys.id), "
        "last_listed_at = (SELECT max(p.newest_sent_at) FROM polls p WHERE p.key_id = keys.id)"
    )
    op.execute(
        "UPDATE messages SET key_id = (SELECT p.key_id FROM polls p WHERE p.id = listed_by) "
        "WHERE EXISTS (SELECT 1 FROM polls p "
        "WHERE p.id = listed_by AND p.key_id <> messages.key_id)"
    )
    for table, indexes in _INDEXES.items():
        for columns in indexes:
            op.create_index(op.f(_name(table, columns)), table, list(columns))


def downgrade() -> None:
    for table, indexes in _INDEXES.items():
        for columns in indexes:
            op.drop_index(op.f(_name(table, columns)), table_name=table)
    op.drop_column("runs", "evidence")
    for column in ("date_at", "reading", "why"):
        op.drop_column("polls", column)
    op.drop_table("absences")
    for column in _KEYS:
        op.drop_column("keys", column)


def _name(table: str, columns: tuple[str, ...]) -> str:
    return f"ix_{table}_{'_'.join(columns)}"


def _build_again() -> None:
    """Build the coverage of each key again of which an answer claimed to be from the future."""
    connection = op.get_bind()
    polls = sa.table(
        "polls",
        sa.column("id", _ID),
        sa.column("account_id", _ID),
        sa.column("key_id", _ID),
        sa.column("answered_at", _Time),
        sa.column("kept_at", _Time),
        sa.column("oldest_sent_at", _Time),
        sa.column("shared_count", sa.Integer()),
        sa.column("coverage_id", _ID),
        sa.column("reading", sa.Text()),
    )
    coverage = sa.table(
        "coverage",
        sa.column("id", _ID),
        sa.column("account_id", _ID),
        sa.column("key_id", _ID),
        sa.column("starts_at", _Time),
        sa.column("seen_at", _Time),
        sa.column("basis", sa.Text()),
    )
    keys = sa.table("keys", sa.column("id", _ID), sa.column("since", _Time))
    wrong = (
        sa.select(polls.c.key_id, polls.c.account_id, keys.c.since)
        .join_from(polls, keys, keys.c.id == polls.c.key_id)
        .where(polls.c.answered_at > polls.c.kept_at, polls.c.coverage_id.is_not(None))
        .distinct()
    )
    for key in connection.execute(wrong).all():
        answers = connection.execute(
            sa.select(polls)
            .where(polls.c.key_id == key.key_id, polls.c.reading != "nothing")
            .order_by(polls.c.id)
        )
        since = None if key.since is None else _next_second(key.since)
        shared, settled, polls_of = _replay(answers.all(), since)
        connection.execute(sa.delete(coverage).where(coverage.c.key_id == key.key_id))
        mine = {"account_id": key.account_id, "key_id": key.key_id}
        for basis, rows in (("shared", shared), ("settled", settled)):
            for number, (starts_at, seen_at) in enumerate(rows):
                made = connection.execute(
                    sa.insert(coverage)
                    .values(mine | {"basis": basis, "starts_at": starts_at, "seen_at": seen_at})
                    .returning(coverage.c.id)
                )
                row_id = made.scalar_one()
                if basis == "shared":
                    connection.execute(
                        sa.update(polls)
                        .where(polls.c.id == sa.bindparam("poll"))
                        .values(coverage_id=row_id),
                        [{"poll": poll} for poll in polls_of[number]],
                    )


def _replay(answers: Sequence[Any], since: datetime | None) -> tuple[_Rows, _Rows, list[list[int]]]:
    """Join the answers of a key in their order, each with the latest coverage before it alone."""
    shared: _Rows = []
    settled: _Rows = []
    polls_of: list[list[int]] = []
    for one in answers:
        at = min(one.answered_at, one.kept_at)
        start = None if one.reading == "whole" else _next_second(one.oldest_sent_at)
        if since is not None and (start is None or start < since):
            start = since
        _add(shared, start, at, is_joined=one.shared_count > 0)
        if len(polls_of) < len(shared):
            polls_of.append([])
        polls_of[-1].append(one.id)
        if start is None or start < at - _SETTLING:
            _add(settled, start, at, is_joined=False)
    return shared, settled, polls_of


def _add(rows: _Rows, start: datetime | None, at: datetime, *, is_joined: bool) -> None:
    if not rows:
        rows.append((start, at))
        return
    begun, until = rows[-1]
    meets = start is None or start <= until - _SETTLING
    if not (is_joined or meets):
        rows.append((start, at))
        return
    begins = None if start is None or begun is None else min(start, begun)
    rows[-1] = (begins, max(until, at))


def _next_second(time: datetime) -> datetime:
    return time.replace(microsecond=0) + timedelta(seconds=1)
