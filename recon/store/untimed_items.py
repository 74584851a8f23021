"""Unreadable items with neither id nor time, which cannot be told apart between answers.

Two such items of different answers may have the same key: two that are no objects, or two to the
same number. Each may be a message between its own neighbours. So the time where an earlier item may
lie is kept when a later one takes over its row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa

from recon.store.dialects import among, insert
from recon.store.tables import provider_rejects

_PAST: Final = datetime.min.replace(tzinfo=UTC)
_FUTURE: Final = datetime.max.replace(tzinfo=UTC)


def keep_stretches(
    connection: sa.Connection, account_id: int, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Keep the stretches of time that would be lost when the rows of an answer are stored.

    A stretch is lost if it is not within the one of the row that stays, the later of the two. It is
    kept in a row of its own. Equal stretches of alike items share one row, so what is stored grows
    with the messages and not with the answers.

    Args:
        connection: in a transaction that has locked the account.
        account_id: whose items.
        rows: the rows of `provider_rejects` that are about to be stored.
    """
    untimed = {
        row["key"]: row for row in rows if row["message_id"] is None and row["sent_at"] is None
    }
    if not untimed:
        return
    query = sa.select(provider_rejects).where(
        provider_rejects.c.account_id == account_id,
        among(connection, provider_rejects.c.key, list(untimed)),
    )
    lost = []
    for stored in (row._asdict() for row in connection.execute(query)):
        new = untimed[stored["key"]]
        is_later = new["observed_at"] > stored["observed_at"]
        before, after = (stored, new) if is_later else (new, stored)
        if not _is_within(before, after):
            lost.append({**before, "account_id": account_id, "key": _key(before)})
    if lost:
        connection.execute(insert(connection, provider_rejects).on_conflict_do_nothing(), lost)


def earliest_of(stored: sa.Table, new: sa.ColumnCollection[str, Any]) -> sa.ColumnElement[Any]:
    """Return the earliest time of an item that is stored again, as part of the statement.

    The oldest item of an answer has no older neighbour; in an earlier answer it had one.
    """
    return sa.case(
        (stored.c.earliest <= new.latest, sa.func.coalesce(new.earliest, stored.c.earliest)),
        else_=new.earliest,
    )


def _is_within(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    start, end = before["earliest"] or _PAST, before["latest"] or _FUTURE
    first, last = after["earliest"] or _PAST, after["latest"] or _FUTURE
    return first <= start and end <= last


def _key(row: Mapping[str, Any]) -> str:
    parts = (row["reason"], row["phone_number"], row["earliest"], row["latest"])
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()[:32]
