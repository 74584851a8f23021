"""Pauses that the provider asked for, stored for the next process with the same key."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from recon.store.dialects import insert
from recon.store.engine import reading, writing
from recon.store.tables import pauses


def until(engine: sa.Engine, key_fingerprint: str) -> datetime | None:
    """Return the end of the pause of a key, by our own clock; `None` if no pause is stored.

    It may have passed.

    Args:
        engine: the store.
        key_fingerprint: distinguishes the key from all others; never the key.
    """
    query = sa.select(pauses.c.until).where(pauses.c.fingerprint == key_fingerprint)
    with reading(engine) as connection:
        found: datetime | None = connection.execute(query).scalar_one_or_none()
    return found


def keep(engine: sa.Engine, key_fingerprint: str, moment: datetime, now: datetime) -> None:
    """Store the end of the pause of a key, in place of an earlier value.

    Pauses that have passed are deleted.

    Args:
        engine: the store.
        key_fingerprint: distinguishes the key from all others; never the key.
        moment: the end of the pause, aware, by our own clock.
        now: our own clock.
    """
    with writing(engine) as connection:
        connection.execute(sa.delete(pauses).where(pauses.c.until <= now))
        upsert = insert(connection, pauses).values(fingerprint=key_fingerprint, until=moment)
        connection.execute(
            upsert.on_conflict_do_update(
                index_elements=["fingerprint"], set_={"until": upsert.excluded.until}
            )
        )
