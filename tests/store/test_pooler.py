"""Poolers that share sessions between connections are told from those that do not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from recon.errors import ConfigError
from recon.store import pooler, schema
from recon.store.engine import connect
from recon.store.store_errors import translated


@pytest.fixture
def engine(postgres_url: str) -> Iterator[sa.Engine]:
    made = connect(postgres_url)
    yield made
    made.dispose()


def test_a_direct_connection_is_not_pooled(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        assert not pooler.is_pooled(connection)
    pooler.refuse_shared_sessions(engine)


def test_connections_with_sessions_of_their_own_keep_their_marks(engine: sa.Engine) -> None:
    with engine.connect() as one, engine.connect() as other:
        assert not pooler.share_sessions(one, other)


def test_connections_that_share_a_session_lose_their_marks(postgres_url: str) -> None:
    """So it is behind a pooler that gives each transaction whichever session is free."""
    shared = sa.create_engine(postgres_url, poolclass=sa.StaticPool)
    with shared.connect() as one, shared.connect() as other:
        assert pooler.share_sessions(one, other)
    shared.dispose()


def test_a_pooler_that_shares_sessions_is_refused(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = sa.create_engine(postgres_url, poolclass=sa.StaticPool)
    monkeypatch.setattr(pooler, "is_pooled", lambda _: True)
    with pytest.raises(ConfigError, match="pooler that shares sessions"):
        schema.ensure_ready(shared)
    with pytest.raises(ConfigError, match="pool_mode = session"):
        schema.upgrade(shared)
    shared.dispose()


def test_a_pooler_without_transactions_is_refused(engine: sa.Engine) -> None:
    said = "transaction blocks not allowed in statement pooling mode"
    raising = f"DO $$ BEGIN RAISE EXCEPTION '{said}' USING ERRCODE = '08P01'; END $$"
    with (
        pytest.raises(ConfigError, match="allows no transactions"),
        translated(engine.url),
        engine.connect() as connection,
    ):
        connection.exec_driver_sql(raising)
