"""The user's own SQL, made fit to be run: its colons survive, and it is one statement."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from recon.core.frames.timestamps import EARLIEST, LATEST
from recon.errors import ConfigError

#: What a query may ask for: the bounds as times, as seconds and as milliseconds since the epoch.
BINDS: Final = ("start", "end", "start_epoch", "end_epoch", "start_ms", "end_ms")

#: The bounds are wider than the window by this, so that no spelling, offset or zone of a stored
#: time can put it on the wrong side of them. The exact cut is made where times are read.
_WIDER: Final = timedelta(days=1)
_WIDER_AS_TEXT: Final = timedelta(days=2)

_TOKENS: Final = re.compile(
    rf"""
      (?<!\w)[eE]'(?:[^'\\]|\\.|'')*'          # a literal with escapes
    | '(?:[^']|'')*' | "(?:[^"]|"")*" | `[^`]*` # a literal, a name
    | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$           # a dollar-quoted literal
    | (?P<comment>--[^\n]* | /\*.*?\*/)
    | (?P<end>;)
    | (?<![:\w\\]):(?P<bind>{"|".join(BINDS)})(?!\w)
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class UserSql:
    """SQL as SQLAlchemy's `text` takes it."""

    text: str
    """Every colon escaped but those of `binds`."""
    binds: frozenset[str]
    """Which of `BINDS` it asks for."""


def user_sql(sql: str, *, what: str) -> UserSql:
    """Prepare a query, or a condition, for `text`.

    Raises:
        ConfigError: there is more than one statement in it.
    """
    parts: list[str] = []
    binds: set[str] = set()
    at = 0
    for token in _TOKENS.finditer(sql):
        parts.append(_escaped(sql[at : token.start()]))
        at = token.end()
        if token["bind"]:
            binds.add(token["bind"])
            parts.append(token[0])
        elif token["end"]:
            if not _is_empty(sql[at:]):
                raise ConfigError(f"{what}: more than one statement", hint="give one SELECT")
            break
        else:
            parts.append(_escaped(token[0]))
    else:
        parts.append(_escaped(sql[at:]))
    return UserSql("".join(parts), frozenset(binds))


def _escaped(sql: str) -> str:
    return sql.replace(":", "\\:")


def _is_empty(sql: str) -> bool:
    """Say whether there is nothing in it but blanks, comments and semicolons."""
    left = _TOKENS.sub(lambda token: "" if token["comment"] or token["end"] else token[0], sql)
    return not left.strip()


def condition(where: str) -> sa.TextClause:
    """Return the user's condition in parentheses.

    Raises:
        ConfigError: there is more than a condition in it.
    """
    # A condition takes no bounds, so every colon in it is its own; and a comment at its end must
    # not swallow the parenthesis.
    user_sql(where, what="where")
    return sa.text(f"({_escaped(where)}\n)")


def query(sql: str, start: datetime | None, end: datetime | None, dialect: str) -> sa.TextClause:
    """Return the user's query with the bounds of a span that it asks for.

    SQLite has no type for times, so there the bounds are dates, as text: they compare alike with
    every ISO spelling. Elsewhere they are aware times.

    Raises:
        ConfigError: there is more than one statement in it.
    """
    prepared = user_sql(sql, what="query")
    values = _bounds(start or EARLIEST, end or LATEST, dialect)
    return sa.text(prepared.text).bindparams(*(values[name] for name in sorted(prepared.binds)))


def _bounds(start: datetime, end: datetime, dialect: str) -> Mapping[str, sa.BindParameter[Any]]:
    values: dict[str, sa.BindParameter[Any]] = {}
    for name, time, sign in (("start", start, -1), ("end", end, 1)):
        wide = time + sign * _WIDER
        if dialect == "sqlite":
            day = (time + sign * _WIDER_AS_TEXT).date().isoformat()
            values[name] = sa.bindparam(name, day, sa.String())
        else:
            values[name] = sa.bindparam(name, wide, sa.DateTime(timezone=True))
        seconds = int(wide.timestamp())
        values[f"{name}_epoch"] = sa.bindparam(f"{name}_epoch", seconds, sa.BigInteger())
        values[f"{name}_ms"] = sa.bindparam(f"{name}_ms", seconds * 1000, sa.BigInteger())
    return values
