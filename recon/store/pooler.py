"""Detect connection poolers in front of PostgreSQL that recon cannot use.

The program depends on its session: the lock of an account is an advisory lock of the session, and
the options of a session (time zone, date style, `lock_timeout`) must apply to all its transactions.
A pooler that gives each transaction another session (pgbouncer with `pool_mode = transaction` or
`statement`) breaks that silently: two runs of one account would work at the same time.
"""

from __future__ import annotations

import uuid
from typing import Any, Final

import sqlalchemy as sa

from recon.errors import ConfigError
from recon.store.dialects import is_postgres
from recon.store.store_errors import described, translated

#: A setting of a session that nothing else knows; its name needs a dot.
_MARK: Final = "recon.session"

#: A pooler may hand out its sessions in turn; most give the one that was used last.
_TRIES: Final = 5


def refuse_shared_sessions(engine: sa.Engine) -> None:
    """Make sure that each connection to PostgreSQL has a session of its own.

    Without a pooler this takes one short query, and nothing for SQLite.

    Raises:
        ConfigError: a pooler shares sessions between connections.
        TemporaryError, OutputError: the database cannot be reached or is busy.
    """
    if not is_postgres(engine):
        return
    with translated(engine.url), engine.connect() as connection:
        if not is_pooled(connection):
            return
        with engine.connect() as other:
            shared = share_sessions(connection, other)
    if shared:
        raise ConfigError(
            f"{described(engine.url)} is behind a pooler that shares sessions between connections "
            "(such as pgbouncer with pool_mode = transaction), so locks have no effect",
            hint="Point database.url at PostgreSQL itself, or at a pool with pool_mode = session.",
        )


def is_pooled(connection: sa.Connection) -> bool:
    """Say whether a pooler is between this connection and the server.

    A pooler gives its clients an invented process number, since they may get another session later
    (https://www.postgresql.org/docs/current/protocol-flow.html, under "Canceling Requests in
    Progress").
    """
    driver: Any = connection.connection.driver_connection
    told: int = driver.info.backend_pid
    real: int = connection.execute(sa.select(sa.func.pg_backend_pid())).scalar_one()
    connection.rollback()
    return told != real


def share_sessions(one: sa.Connection, other: sa.Connection) -> bool:
    """Say whether two connections exchange or lose their sessions.

    Each marks its session in one transaction, and looks for its mark in the next.
    """
    marks = {one: uuid.uuid4().hex, other: uuid.uuid4().hex}
    for _ in range(_TRIES):
        for connection, mark in marks.items():
            connection.execute(sa.select(sa.func.set_config(_MARK, mark, False)))
            connection.commit()
        for connection, mark in marks.items():
            seen = connection.execute(sa.select(sa.func.current_setting(_MARK, True))).scalar()
            connection.rollback()
            if seen != mark:
                return True
    return False
