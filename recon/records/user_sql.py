"""Prepare the user's own SQL for running: escape its colons, and check that it is one statement."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from recon.errors import ConfigError
from recon.records import mysql_columns
from recon.records.sql_syntax import PieceKind, Syntax, pieces

#: The parameters of a query: the bounds as times, as seconds and as milliseconds since the epoch.
BINDS: Final = ("start", "end", "start_epoch", "end_epoch", "start_ms", "end_ms")

#: The bounds are wider than the window by this, so that no spelling, offset or zone of a stored
#: time can put it on the wrong side of them. The exact cut is made where times are read.
_WIDER: Final = timedelta(days=1)
_WIDER_AS_TEXT: Final = timedelta(days=2)

_BIND: Final = re.compile(rf"(?<![:\w\\]):({'|'.join(BINDS)})(?!\w)")
_BLANKS_AND_ENDS: Final = "; \t\r\n\f\v"
#: Characters of an unclosed quote that an error shows.
_SHOWN: Final = 30


@dataclass(frozen=True, slots=True)
class UserSql:
    """SQL in the form for SQLAlchemy's `text`."""

    text: str
    """With all colons escaped except those of `binds`, and without a semicolon at its end."""
    binds: frozenset[str]
    """The names of `BINDS` that it uses."""


def user_sql(sql: str, syntax: Syntax, *, what: str, takes_bounds: bool) -> UserSql:
    """Prepare a query, or a condition, for `text`.

    Args:
        sql: the text from the configuration.
        syntax: of the database that runs it.
        what: the setting that contains it, for errors.
        takes_bounds: whether `:start` and the others are bounds; if not, a colon is only a colon.

    Raises:
        ConfigError: there is more than one statement in it, or a quote or comment is not closed.
    """
    parts: list[str] = []
    binds: set[str] = set()
    has_ended = False
    for kind, piece in pieces(sql, syntax):
        if kind is PieceKind.OPEN:
            raise ConfigError(
                f"{what}: a quote or comment is not closed: {piece[:_SHOWN]}", hint="Close it."
            )
        code, end, rest = piece.partition(";") if kind is PieceKind.CODE else (piece, "", "")
        more = piece if has_ended and kind is not PieceKind.COMMENT else rest
        if more.strip(_BLANKS_AND_ENDS):
            raise ConfigError(
                f"{what}: more than one statement",
                hint="Give one SELECT." if takes_bounds else "Give one condition.",
            )
        if not has_ended:
            takes = takes_bounds and kind is PieceKind.CODE
            parts += _with_binds(code, binds) if takes else [_escaped(code)]
        has_ended = has_ended or bool(end)
    return UserSql("".join(parts), frozenset(binds))


def _with_binds(code: str, binds: set[str]) -> Iterator[str]:
    """Yield code with its colons escaped except those of bounds, which are added to `binds`."""
    at = 0
    for bind in _BIND.finditer(code):
        yield _escaped(code[at : bind.start()])
        yield bind[0]
        binds.add(bind[1])
        at = bind.end()
    yield _escaped(code[at:])


def _escaped(sql: str) -> str:
    return sql.replace(":", "\\:")


def condition(where: str, syntax: Syntax) -> sa.TextClause:
    """Return the user's condition in parentheses.

    Raises:
        ConfigError: it is more than a condition.
    """
    prepared = user_sql(where, syntax, what="where", takes_bounds=False)
    # A comment at its end must not swallow the parenthesis.
    return sa.text(f"({prepared.text}\n)")


def query(
    sql: str, start: datetime | None, end: datetime | None, dialect: str, syntax: Syntax
) -> sa.TextClause:
    """Return the user's query with the values of the bounds that it uses.

    SQLite has no type for times, so there the bounds are dates as text: they compare in the same
    way with every ISO spelling. MySQL has no times with an offset, so there they are in UTC, the
    session's zone. Elsewhere they are aware times.

    Raises:
        ConfigError: there is more than one statement in it, or a quote or comment is not closed.
    """
    # It loads pandas, which a condition does without.
    from recon.core.frames.timestamps import EARLIEST, LATEST

    prepared = user_sql(sql, syntax, what="query", takes_bounds=True)

    values = _bounds(start or EARLIEST, end or LATEST, dialect)
    return sa.text(prepared.text).bindparams(*(values[name] for name in sorted(prepared.binds)))


def _bounds(start: datetime, end: datetime, dialect: str) -> Mapping[str, sa.BindParameter[Any]]:
    values: dict[str, sa.BindParameter[Any]] = {}
    for name, time, sign in (("start", start, -1), ("end", end, 1)):
        wide = time + sign * _WIDER
        if dialect == "sqlite":
            day = (time + sign * _WIDER_AS_TEXT).date().isoformat()
            values[name] = sa.bindparam(name, day, sa.String())
        elif dialect in mysql_columns.DIALECTS:
            there = wide.astimezone(UTC).replace(tzinfo=None)
            values[name] = sa.bindparam(name, there, sa.DateTime())
        else:
            values[name] = sa.bindparam(name, wide, sa.DateTime(timezone=True))
        seconds = int(wide.timestamp())
        values[f"{name}_epoch"] = sa.bindparam(f"{name}_epoch", seconds, sa.BigInteger())
        values[f"{name}_ms"] = sa.bindparam(f"{name}_ms", seconds * 1000, sa.BigInteger())
    return values
