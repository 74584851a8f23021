"""What tests of records share: a schema of their own on a real PostgreSQL server."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import psycopg
import pytest
import sqlalchemy as sa

_numbers = count(1)


@pytest.fixture
def server(postgres_url: str) -> Iterator[psycopg.Connection]:
    """A connection that may write, as an application has one."""
    name = sa.make_url(postgres_url).set(drivername="postgresql")
    with psycopg.connect(name.render_as_string(hide_password=False), autocommit=True) as made:
        yield made


@pytest.fixture
def schema(server: psycopg.Connection) -> Iterator[str]:
    """The name of an empty schema."""
    name = f"records_{next(_numbers)}"
    server.execute(f"CREATE SCHEMA {name}".encode())
    yield name
    server.execute(f"DROP SCHEMA {name} CASCADE".encode())
