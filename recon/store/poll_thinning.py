"""Delete old polls from the log, a few with each poll, so that no poll takes much longer."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from recon.core.poll_retention import StoredPoll, superfluous
from recon.core.polling_rhythm import LEARN_POLLS
from recon.store.accounts import Key
from recon.store.dialects import among
from recon.store.tables import polls

#: How many of the polls that are old enough are read at a time.
_AT_A_TIME: Final = 128


def thin(connection: sa.Connection, key: Key, *, recent: int = LEARN_POLLS) -> None:
    """Delete polls of a key that are no longer needed and whose neighbours say the same.

    Each call reads the same number of polls, in order of an index. A log that was never thinned
    becomes short over many polls.

    Args:
        connection: in a transaction that has locked the account.
        key: which key.
        recent: how many of the latest polls are kept.
    """
    rows = connection.execute(
        sa.select(
            polls.c.id, polls.c.kept_at, polls.c.reading, polls.c.coverage_id, polls.c.item_count
        )
        .where(polls.c.key_id == key.id)
        .order_by(polls.c.id.desc())
        .limit(_AT_A_TIME)
        .offset(recent)
    ).all()
    gone = superfluous([StoredPoll(*row) for row in reversed(rows)])
    # Only what was listed from there on is compared, so its id has to stay.
    gone = [poll_id for poll_id in gone if poll_id != key.started_by]
    if gone:
        connection.execute(sa.delete(polls).where(among(connection, polls.c.id, gone)))
