"""Failed sends that were proposed for a retry, and their outcome."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from recon.core.retry_outcomes import Outcome, RetryCounts
from recon.store import forgotten_numbers
from recon.store.accounts import id_of, lock_account
from recon.store.dialects import insert, microseconds
from recon.store.engine import counting, reading, writing
from recon.store.figure_counts import REACHED
from recon.store.tables import accounts, messages, retry_exports

if TYPE_CHECKING:
    import pandas as pd

#: A number is proposed once within so much time.
_DAY: Final = timedelta(days=1)
#: Proposals that are stored by one statement.
_CHUNK: Final = 500


def proposed(engine: sa.Engine, account: str) -> pd.DataFrame:
    """Return the earlier proposals of an account, `retry_decisions.EXPORT_COLUMNS`."""
    import pandas as pd

    from recon.core.retry_decisions import EXPORT_COLUMNS

    kept = retry_exports.c
    with reading(engine) as connection:
        query = sa.select(
            kept.message_id,
            kept.local_id,
            kept.phone_number,
            kept.date,
            microseconds(connection, kept.exported_at),
            kept.attempt,
        ).where(kept.account_id == id_of(account))
        rows = connection.execute(query).all()
    columns = dict(zip(EXPORT_COLUMNS, zip(*rows, strict=True), strict=True)) if rows else {}
    days = [one.isoformat() for one in columns.get("date", ())]
    return pd.DataFrame(
        {
            "message_id": pd.Series(columns.get("message_id", ()), dtype="int64"),
            "local_id": pd.Series(columns.get("local_id", ()), dtype="str"),
            "phone_number": pd.Series(columns.get("phone_number", ()), dtype="str"),
            "date": pd.Series(days, dtype="str"),
            "exported_at": pd.Series(
                pd.Series(columns.get("exported_at", ()), dtype="int64").astype("datetime64[us]")
            ).dt.tz_localize("UTC"),
            "attempt": pd.Series(columns.get("attempt", ()), dtype="int64"),
        }
    )


def store(
    engine: sa.Engine, account: str, sends: pd.DataFrame, now: datetime, region: str | None
) -> list[int]:
    """Store proposals in one transaction; return the messages that another export proposed.

    These are messages that are already stored, or whose number already has another one that was
    proposed within a day or failed on the same day. Another export has stored it since these were
    decided. Forgotten numbers, which records may still contain, are not stored.

    Args:
        engine: the store.
        account: whose sends.
        sends: the proposed sends, with `retry_decisions.COLUMNS`.
        now: our own clock.
        region: of national numbers.
    """
    if sends.empty:
        return []
    ids = [int(one) for one in sends["message_id"]]
    with writing(engine) as connection:
        account_id = lock_account(connection, account)
        kept = forgotten_numbers.load(connection).blanked(sends, region, None)
        cells = (kept[name].astype("object") for name in ("local_id", "phone_number"))
        local_ids, numbers = ([None if one != one else one for one in column] for column in cells)  # noqa: PLR0124 - NaN
        rows = [
            {
                "account_id": account_id,
                "message_id": message_id,
                "date": date.fromisoformat(day),
                "local_id": local_id,
                "phone_number": number,
                "exported_at": now,
                "attempt": int(attempt),
            }
            for message_id, day, local_id, number, attempt in zip(
                ids, sends["date"], local_ids, numbers, sends["attempt"], strict=True
            )
        ]
        made: set[int] = set()
        for start in range(0, len(rows), _CHUNK):
            some = rows[start : start + _CHUNK]
            taken = _taken(connection, account_id, some, now)
            free = [one for one in some if one["message_id"] not in taken]
            if not free:
                continue
            stored = connection.execute(
                insert(connection, retry_exports)
                .values(free)
                .on_conflict_do_nothing()
                .returning(retry_exports.c.message_id)
            )
            made.update(stored.scalars())
    return [one for one in ids if one not in made]


def _taken(
    connection: sa.Connection, account_id: int, rows: Sequence[dict[str, Any]], now: datetime
) -> set[int]:
    """Return proposals that a stored proposal for the same number excludes."""
    kept = retry_exports.c
    numbers = {row["phone_number"] for row in rows} - {None}
    query = sa.select(kept.message_id, kept.phone_number, kept.date, kept.exported_at).where(
        kept.account_id == account_id, kept.phone_number.in_(numbers)
    )
    others: dict[str, list[tuple[int, date, datetime]]] = {}
    for message_id, number, day, exported_at in connection.execute(query):
        others.setdefault(number, []).append((message_id, day, exported_at))
    return {
        row["message_id"]
        for row in rows
        if any(
            message_id != row["message_id"] and (day == row["date"] or exported_at > now - _DAY)
            for message_id, day, exported_at in others.get(row["phone_number"], ())
        )
    }


def outcomes(
    engine: sa.Engine, names: Sequence[str] | None, days: tuple[date, date] | None
) -> list[Outcome]:
    """Return, for each account and day, how many sends were proposed, and how many worked.

    A proposal has worked if a message sent to its number after the export reached the recipient.

    Args:
        engine: the store.
        names: only these accounts; `None` is all.
        days: only failed sends of these days, the first and the last one included.
    """
    kept = retry_exports.c
    delivered = sa.exists().where(
        messages.c.account_id == kept.account_id,
        messages.c.phone_number == kept.phone_number,
        messages.c.sent_at >= kept.exported_at,
        messages.c.status.in_(REACHED),
    )
    each = sa.case((delivered, 1), else_=0)
    query = (
        sa.select(accounts.c.name, kept.date, sa.func.count(), sa.func.sum(each))
        .join_from(retry_exports, accounts)
        .group_by(accounts.c.name, kept.date)
        .order_by(accounts.c.name, kept.date)
    )
    if names is not None:
        query = query.where(accounts.c.name.in_(names))
    if days is not None:
        query = query.where(kept.date.between(*days))
    with counting(engine) as connection:
        return [
            Outcome(name, day, RetryCounts(count, reached))
            for name, day, count, reached in connection.execute(query)
        ]
