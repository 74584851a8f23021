"""Answers of status calls: messages that Octopods has, and ids that it denies."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from recon.core import key_use
from recon.core.calendar import day_at
from recon.core.statuses import NOT_TERMINAL
from recon.model import LISTING_LIMIT, Listing, Message
from recon.store import accounts, coverage_proof, forgotten_numbers, key_history
from recon.store.dialects import among, id_chunks, insert
from recon.store.engine import reading, writing
from recon.store.tables import denied_ids, keys, messages, provider_rejects, withdrawals
from recon.store.upserts import keep_messages, keep_rejects, stored_messages

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from recon.core.absence_doubts import Denials

#: A denied id is asked for once more, at least so long after: on a later night, when a disturbance
#: of the first one is over.
ASK_AGAIN_AFTER: Final = timedelta(hours=12)

#: Why the proof of a day is withdrawn when Octopods turns out to have an accused message.
COUNTEREXAMPLE: Final = "Octopods has a message of this time that its list did not show"

#: A status seen less than this ago is fresh enough.
FRESH: Final = timedelta(hours=1)


def keep(
    engine: sa.Engine,
    account: str,
    key_fingerprint: str,
    *,
    found: Sequence[Message],
    denied: Sequence[int],
    at: datetime,
) -> None:
    """Store answers of status calls, in one transaction; they prove no span of time.

    Args:
        engine: the store.
        account: the account's name.
        key_fingerprint: distinguishes the key that asked from the account's others.
        found: messages that Octopods has; earlier denials of these are deleted.
        denied: ids that it denies, in a run in which it answered for a listed message.
        at: the provider's clock.
    """
    with writing(engine) as connection:
        account_id = accounts.lock_account(connection, account)
        key = accounts.get_or_create_key(connection, account_id, key_fingerprint, at)
        purged = accounts.purged_before(connection, account_id)
        if purged is not None:
            found = [message for message in found if message.sent_at >= purged]
        found = forgotten_numbers.load(connection).without_in(found)
        answer = Listing(found, [], len(found), LISTING_LIMIT, at)
        stored = stored_messages(connection, account_id, [message.message_id for message in found])
        keep_messages(connection, account_id, key.id, answer, stored)
        # A list may have shown some of them in a form that cannot be read.
        keep_rejects(connection, account_id, answer)
        if not denied:
            return
        of_key = {"account_id": account_id, "key_id": key.id}
        rows = [{**of_key, "message_id": message_id, "asked_at": at} for message_id in denied]
        for some in id_chunks(denied):
            connection.execute(
                sa.update(denied_ids)
                .where(
                    denied_ids.c.account_id == account_id,
                    denied_ids.c.key_id == key.id,
                    denied_ids.c.asked_at <= at - ASK_AGAIN_AFTER,
                    denied_ids.c.asked_again_at.is_(None),
                    among(connection, denied_ids.c.message_id, some),
                )
                .values(asked_again_at=at)
            )
        connection.execute(insert(connection, denied_ids).on_conflict_do_nothing(), rows)


def denials(engine: sa.Engine, account: str) -> Denials:
    """Return the ids that Octopods denied to a key of the account."""
    import numpy as np

    from recon.core.absence_doubts import Denials
    from recon.core.coverage import microseconds

    query = (
        sa.select(denied_ids.c.message_id, denied_ids.c.key_id)
        .where(denied_ids.c.account_id == accounts.id_of(account))
        .order_by(denied_ids.c.message_id)
    )
    with reading(engine) as connection:
        used = key_use.periods(key_history.uses(connection, accounts.id_of(account)))
        rows = [row for row in connection.execute(query) if row.key_id in used]
        purged = coverage_proof.unproven_before(connection, account)
    bounds = np.iinfo(np.int64)
    # Octopods may deny a message that it has forgotten, if it remembers less than recon did.
    least = bounds.min if purged is None else microseconds(purged)
    since = {
        key: least if period.start is None else max(microseconds(period.start), least)
        for key, period in used.items()
    }
    until = {
        key: bounds.max if period.end is None else microseconds(period.end)
        for key, period in used.items()
    }
    # A key is used until the next one is.
    until = {
        key: min([end, *(at for other, at in since.items() if other > key)])
        for key, end in until.items()
    }
    return Denials(
        np.array([row.message_id for row in rows], dtype=np.int64),
        np.array([since[row.key_id] for row in rows], dtype=np.int64),
        np.array([until[row.key_id] for row in rows], dtype=np.int64),
    )


def settled_denials(
    engine: sa.Engine, account: str, key_fingerprint: str, now: datetime
) -> npt.NDArray[np.int64]:
    """Return the denied ids for which no status call with this key is needed now.

    These were denied on two nights, or less than `ASK_AGAIN_AFTER` ago; `now` is the provider's
    clock.
    """
    import numpy as np

    query = (
        sa.select(denied_ids.c.message_id)
        .join_from(denied_ids, keys)
        .where(
            denied_ids.c.account_id == accounts.id_of(account),
            keys.c.fingerprint == key_fingerprint,
            sa.or_(
                denied_ids.c.asked_again_at.is_not(None),
                denied_ids.c.asked_at > now - ASK_AGAIN_AFTER,
            ),
        )
    )
    with reading(engine) as connection:
        ids = connection.execute(query).scalars().all()
    return np.array(ids, dtype=np.int64)


def waiting(
    engine: sa.Engine,
    account: str,
    key_fingerprint: str,
    *,
    start: datetime,
    end: datetime,
    now: datetime,
    most: int,
) -> list[Message]:
    """Return messages whose status may have changed since it was last seen, the oldest first.

    Args:
        engine: the store.
        account: the account's name.
        key_fingerprint: the key for the calls; Octopods answers only for its own messages.
        start: the first time at which a message was sent.
        end: the time after the last.
        now: the provider's clock; messages seen less than `FRESH` ago are left out.
        most: how many, at most.
    """
    query = (
        _of_key(account, key_fingerprint)
        .where(
            messages.c.sent_at >= start,
            messages.c.sent_at < end,
            messages.c.status.in_(sorted(NOT_TERMINAL)),
            messages.c.observed_at <= now - FRESH,
        )
        .order_by(messages.c.sent_at, messages.c.message_id)
        .limit(most)
    )
    with reading(engine) as connection:
        return [_message(row) for row in connection.execute(query)]


def _of_key(account: str, key_fingerprint: str) -> sa.Select[Any]:
    """Return the query of all stored messages of an account's key."""
    return (
        sa.select(messages)
        .join_from(messages, keys, messages.c.key_id == keys.c.id)
        .where(
            messages.c.account_id == accounts.id_of(account),
            keys.c.fingerprint == key_fingerprint,
        )
    )


def _message(row: sa.Row[Any]) -> Message:
    return Message(row.message_id, row.phone_number, row.sent_at, row.status, row.failure_reason)


def was_listed(engine: sa.Engine, account: str, message_id: int) -> bool:
    """Say whether a list showed this id in an unreadable item."""
    query = sa.select(provider_rejects.c.key).where(
        provider_rejects.c.account_id == accounts.id_of(account),
        provider_rejects.c.message_id == message_id,
    )
    with reading(engine) as connection:
        return connection.execute(query.limit(1)).first() is not None


def listed_around(
    engine: sa.Engine, account: str, key_fingerprint: str, message_id: int
) -> tuple[datetime | None, datetime | None]:
    """Return when the two listed messages of a key with ids next to `message_id` were sent.

    The first has the next lower id, the second the next higher id; `None` without one.
    """
    listed = _of_key(account, key_fingerprint).where(messages.c.listed_by.is_not(None))
    of_key = listed.with_only_columns(messages.c.sent_at).limit(1)
    number = messages.c.message_id
    with reading(engine) as connection:
        below = connection.execute(of_key.where(number < message_id).order_by(number.desc()))
        above = connection.execute(of_key.where(number > message_id).order_by(number))
        return below.scalar(), above.scalar()


def listed_before(
    engine: sa.Engine, account: str, key_fingerprint: str, time: datetime, *, most: int
) -> list[Message]:
    """Return the last listed messages of a key that were sent up to `time`, the newest first.

    Args:
        engine: the store.
        account: the account's name.
        key_fingerprint: the key.
        time: the end of the time, inclusive.
        most: how many.
    """
    query = (
        _of_key(account, key_fingerprint)
        .where(messages.c.listed_by.is_not(None), messages.c.sent_at <= time)
        .order_by(messages.c.sent_at.desc())
        .limit(most)
    )
    with reading(engine) as connection:
        return [_message(row) for row in connection.execute(query)]


def contradicted_nights(engine: sa.Engine, account: str, zone: str) -> int:
    """Return on how many days, in `zone`, a status call withdrew proof, see `COUNTEREXAMPLE`."""
    query = sa.select(withdrawals.c.withdrawn_at).where(
        withdrawals.c.account_id == accounts.id_of(account), withdrawals.c.reason == COUNTEREXAMPLE
    )
    with reading(engine) as connection:
        return len({day_at(at, zone) for at in connection.execute(query).scalars()})
