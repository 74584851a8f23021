"""SQL statements are compiled once a test process, not once for each engine that a test makes.

SQLAlchemy keeps what it compiled with the engine. A command has one engine, and compiles each
statement once; thousands of tests have one each, and compiling took a fifth of their time.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

#: Some tests have statements of their own; all are forgotten before they take much memory.
_MAX_STATEMENTS = 1_000


class _Shared(dict[Any, Any]):
    """What was compiled, by the kind of dialect where SQLAlchemy asks by the engine's own one.

    All engines of a kind are alike here: none is made with options that change its SQL, and there
    is one server of each kind.
    """

    def get(self, key: Any, default: Any = None) -> Any:  # noqa: ANN401 - SQLAlchemy's own
        return super().get(_by_kind(key), default)

    def __setitem__(self, key: Any, compiled: Any) -> None:  # noqa: ANN401 - SQLAlchemy's own
        if len(self) >= _MAX_STATEMENTS:
            self.clear()
        super().__setitem__(_by_kind(key), compiled)


def _by_kind(key: tuple[Any, ...]) -> tuple[Any, ...]:
    dialect, *rest = key
    if not isinstance(dialect, Dialect):
        return key
    return (type(dialect), dialect.paramstyle, dialect.server_version_info, *rest)


def share() -> None:
    """Let all engines of this process use the same compiled statements."""
    shared = _Shared()

    @sa.event.listens_for(sa.Engine, "engine_connect")
    def _use(connection: sa.Connection) -> None:
        connection.execution_options(compiled_cache=shared)
