"""What the tests of the store share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from recon.store.engine import connect


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    """A store that is ready, on SQLite and on PostgreSQL."""
    made = connect(database_url)
    yield made
    made.dispose()


@pytest.fixture
def empty_engine(empty_database_url: str) -> Iterator[sa.Engine]:
    """A store without any table."""
    made = connect(empty_database_url)
    yield made
    made.dispose()
