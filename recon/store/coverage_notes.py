"""Sentences for people about clocks, keys and the listing, if they limit coverage."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from recon.core.coverage import SETTLING
from recon.core.key_use import trusted_keys
from recon.core.listing_evidence import CLOCKS_AGREE_WITHIN
from recon.store import accounts, key_history, time_disputes
from recon.store.dialects import among
from recon.store.tables import absences, polls

#: From these lengths on a length is given in hours, and in days.
_HOURS_FROM: Final = timedelta(hours=2)
_DAYS_FROM: Final = timedelta(hours=48)


def of_account(
    connection: sa.Connection, account_id: sa.ScalarSelect[int], rows: Sequence[sa.Row[Any]]
) -> list[str]:
    """Return the limits of an account's coverage, and what to do about them.

    Args:
        connection: to the store.
        account_id: which account.
        rows: its keys, whole rows.
    """
    last = last_poll(connection, account_id)
    return [
        *([] if last is None else of_clocks(last.date_at, last.kept_at)),
        *of_keys(connection, rows),
        *(note for row in rows for note in _notes_of_listing(connection, row)),
    ]


def last_poll(
    connection: sa.Connection, account_id: int | sa.ScalarSelect[int]
) -> sa.Row[Any] | None:
    """Return which key an account polled last, and the clocks at that time."""
    query: sa.Select[Any] = (
        sa.select(polls.c.key_id, polls.c.date_at, polls.c.kept_at)
        .where(polls.c.account_id == account_id)
        .order_by(polls.c.kept_at.desc(), polls.c.id.desc())
        .limit(1)
    )
    return connection.execute(query).one_or_none()


def of_clocks(theirs: datetime | None, ours: datetime) -> list[str]:
    """Return the meaning of a difference of clocks; nothing if they agree.

    Args:
        theirs: the `Date` header of an answer, if it had one.
        ours: our own clock when it came.
    """
    if theirs is None or abs(theirs - ours) <= CLOCKS_AGREE_WITHIN:
        return []
    ahead = "ahead of" if theirs > ours else "behind"
    length = _length(abs(theirs - ours))
    note = (
        f"Octopods' clock is {length} {ahead} this machine's; proof uses the earlier one. "
        "Keep this machine's clock right, for example with NTP."
    )
    return [note]


def of_keys(connection: sa.Connection, rows: Sequence[sa.Row[Any]]) -> list[str]:
    """Return why keys of an account prove nothing, and which other accounts use them.

    Args:
        connection: to the store.
        rows: the account's keys, whole rows.
    """
    notes: list[str] = []
    if not rows:
        return notes
    in_use = trusted_keys(key_history.uses(connection, rows[0].account_id))
    distrusted = [row for row in rows if row.id not in in_use]
    if len(distrusted) > 1:
        notes.append(
            "All messages of the key that was polled last are older than those of another key of "
            "this account, so neither proves anything. It may be an old key, or one of another "
            "channel. Set the key in use now, then run `recon collect --new-coverage` with it."
        )
    newest = max(rows, key=lambda row: row.started_by or 0, default=None)
    older = [row.id for row in rows if newest is not None and row.id != newest.id]
    last = connection.execute(
        sa.select(polls.c.key_id)
        .where(among(connection, polls.c.key_id, [row.id for row in rows]))
        .order_by(polls.c.id.desc())
        .limit(1)
    ).scalar()
    if last in older:
        notes.append(
            "The last poll used an older key than an earlier poll, and proves nothing. If it is "
            "the key in use now, run `recon collect --new-coverage` with it; if not, find the host "
            "whose configuration still has it."
        )
    for row in rows:
        others = accounts.accounts_with_key_of(connection, row.id)
        if others:
            notes.append(
                f"The same key is polled for {', '.join(map(repr, others))} too, so each account "
                "lists the messages of all. Give each account its own key, or merge the accounts."
            )
    return notes


def _notes_of_listing(connection: sa.Connection, row: sa.Row[Any]) -> list[str]:
    notes = []
    settling = timedelta(seconds=row.settling_seconds)
    if settling > SETTLING:
        notes.append(
            "Octopods has listed messages more than a minute after they were sent, so the last "
            f"{_length(settling)} before a poll prove nothing. Let the nightly run start at least "
            f"{_length(settling)} after midnight."
        )
    if row.item_cap is not None:
        notes.append(
            f"Octopods lists no more than {row.item_cap} messages, not the 100 of its "
            "documentation, so polls must be more frequent."
        )
    dispute = time_disputes.load(connection, row.id)
    if dispute is not None:
        notes.append(
            f"Since {dispute.first_at.isoformat(timespec='seconds')} Octopods' list has given "
            f"messages different times than before{_by(dispute.moved)}, so its answers are refused "
            "until they agree again, and what they contradict is not proven. After a day the new "
            "times count. If they are right, run `recon collect --new-coverage`."
        )
    hidden = connection.execute(
        sa.select(sa.func.count()).where(
            absences.c.key_id == row.id,
            absences.c.asked_at.is_not(None),
            absences.c.removed_at.is_(None),
        )
    ).scalar_one()
    if hidden:
        notes.append(
            f"Octopods no longer lists {hidden} messages that it listed before, and has not denied "
            "them when asked for single ones, so recon refuses its answers. If the list is right, "
            "run `recon collect --new-coverage`."
        )
    return notes


def _by(moved: timedelta | None) -> str:
    if moved is None:
        return ""
    return f" ({_length(abs(moved))} {'later' if moved > timedelta(0) else 'earlier'})"


def _length(time: timedelta) -> str:
    if time < _HOURS_FROM:
        return f"{round(time / timedelta(minutes=1))} minutes"
    if time < _DAYS_FROM:
        return f"{round(time / timedelta(hours=1))} hours"
    return f"{round(time / timedelta(days=1)):,} days"
