from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from recon.store import stored_pauses
from recon.store.engine import reading
from recon.store.tables import pauses as table

NOW = datetime(2026, 4, 24, 3, tzinfo=UTC)
LATER = NOW + timedelta(minutes=30)


def test_a_pause_is_that_of_its_key_alone(engine: sa.Engine) -> None:
    stored_pauses.keep(engine, "f1a9", LATER, NOW)
    assert stored_pauses.until(engine, "f1a9") == LATER
    assert stored_pauses.until(engine, "c0de") is None


def test_the_latest_word_counts_even_if_it_is_the_shorter_pause(engine: sa.Engine) -> None:
    for until in (LATER, NOW + timedelta(minutes=5)):
        stored_pauses.keep(engine, "f1a9", until, NOW)
    assert stored_pauses.until(engine, "f1a9") == NOW + timedelta(minutes=5)


def test_pauses_that_have_passed_are_forgotten(engine: sa.Engine) -> None:
    stored_pauses.keep(engine, "f1a9", LATER, NOW)
    stored_pauses.keep(engine, "c0de", LATER + timedelta(hours=1), LATER)
    with reading(engine) as connection:
        kept = connection.execute(sa.select(table.c.fingerprint)).scalars().all()
    assert kept == ["c0de"]
