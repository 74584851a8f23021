"""Find literals, names and comments in the SQL of each database.

This distinguishes a colon or semicolon of the syntax from one inside a text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from typing import Final, NamedTuple

import sqlalchemy as sa

from recon.records.mysql_columns import DIALECTS as _MYSQL

#: Databases whose syntax is known to the last quote; of others an open one is not reported.
_KNOWN: Final = _MYSQL | {"sqlite", "postgresql", "duckdb"}


@dataclass(frozen=True, slots=True)
class Syntax:
    """The literals, names and comments of an SQL dialect, in addition to the standard."""

    is_known: bool = False
    """Whether a literal or comment that is not closed is certainly an error."""
    backslash_escapes: bool = False
    """`'it\\'s'`: MySQL, unless its sql_mode has NO_BACKSLASH_ESCAPES."""
    escape_literals: bool = False
    """`E'it\\'s'`: PostgreSQL."""
    dollar_quotes: bool = False
    """`$tag$ … $tag$`: PostgreSQL."""
    backticks: bool = False
    """A name in backticks: MySQL, SQLite."""
    brackets: bool = False
    """A name in brackets: SQL Server, SQLite. Elsewhere brackets are for arrays."""
    hash_comments: bool = False
    """`#` to the end of the line: MySQL. In PostgreSQL it begins a JSON operator."""
    spaced_dashes: bool = False
    """Two dashes begin a comment only before a blank: MySQL. `5--3` is 8 there."""
    nested_comments: bool = False
    """A comment in a comment: PostgreSQL, SQL Server."""


def syntax_of(connection: sa.Connection) -> Syntax:
    """Return the syntax of the database for the session of this connection."""
    name = connection.dialect.name
    mode = ""
    if name in _MYSQL:
        mode = str(connection.exec_driver_sql("SELECT @@sql_mode").scalar())
    return syntax_named(name, mode)


def syntax_named(dialect: str, sql_mode: str = "") -> Syntax:
    """Return the syntax of a dialect, by SQLAlchemy's name of it.

    Args:
        dialect: such as `postgresql`.
        sql_mode: the mode of MySQL's session.
    """
    is_mysql = dialect in _MYSQL
    return Syntax(
        is_known=dialect in _KNOWN,
        backslash_escapes=is_mysql and "NO_BACKSLASH_ESCAPES" not in sql_mode,
        escape_literals=dialect in ("postgresql", "duckdb"),
        dollar_quotes=dialect in ("postgresql", "duckdb"),
        backticks=is_mysql or dialect == "sqlite",
        brackets=dialect in ("sqlite", "mssql"),
        hash_comments=is_mysql,
        spaced_dashes=is_mysql,
        nested_comments=dialect in ("postgresql", "mssql"),
    )


class PieceKind(Enum):
    """The kind of a piece of SQL."""

    CODE = auto()
    QUOTED = auto()
    """A literal, or a name in quotes."""
    COMMENT = auto()
    OPEN = auto()
    """A literal, name or comment that does not end, up to the end of the SQL."""


class Piece(NamedTuple):
    """A stretch of SQL."""

    kind: PieceKind
    text: str


def pieces(sql: str, syntax: Syntax) -> Iterator[Piece]:
    """Split SQL into code, quoted parts and comments; concatenated, they are the SQL again."""
    at = 0
    while (token := _tokens(syntax).search(sql, at)) is not None:
        if token.start() > at:
            yield Piece(PieceKind.CODE, sql[at : token.start()])
        kind, at = _ended(sql, token, syntax)
        yield Piece(kind, sql[token.start() : at])
    if at < len(sql):
        yield Piece(PieceKind.CODE, sql[at:])


def _ended(sql: str, token: re.Match[str], syntax: Syntax) -> tuple[PieceKind, int]:
    """Return what a token is, and where it ends."""
    if token["block"]:
        end = _comment_end(sql, token.end(), nested=syntax.nested_comments)
        return (PieceKind.OPEN, len(sql)) if end is None else (PieceKind.COMMENT, end)
    if token["open"]:
        return (PieceKind.OPEN, len(sql)) if syntax.is_known else (PieceKind.CODE, token.end())
    return (PieceKind.COMMENT if token["line"] else PieceKind.QUOTED), token.end()


def _comment_end(sql: str, at: int, *, nested: bool) -> int | None:
    """Return where a comment ends whose beginning ends at `at`."""
    depth = 1
    for mark in re.compile(r"/\*|\*/").finditer(sql, at):
        depth += -1 if mark[0] == "*/" else int(nested)
        if depth == 0:
            return mark.end()
    return None


@lru_cache(maxsize=8)
def _tokens(syntax: Syntax) -> re.Pattern[str]:
    # A doubled quote stands for itself; where backslashes escape, so does whatever follows one.
    quoted = (
        r"{q}(?:[^{q}\\]|\\.|{q}{q})*+{q}"
        if syntax.backslash_escapes
        else "{q}(?:[^{q}]|{q}{q})*+{q}"
    )
    starts = "'\""
    parts = [quoted.format(q="'"), quoted.format(q='"')]
    if syntax.escape_literals:
        parts.insert(0, r"(?<![\w$])[eE]'(?:[^'\\]|\\.|'')*+'")
    if syntax.dollar_quotes:
        parts.append(r"(?<![\w$])\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$")
    if syntax.backticks:
        parts.append("`(?:[^`]|``)*+`")
        starts += "`"
    if syntax.brackets:
        parts.append(r"\[[^\]]*\]")
    dashes = r"--(?=\s|$)[^\n]*" if syntax.spaced_dashes else r"--[^\n]*"
    line = rf"{dashes}|\#[^\n]*" if syntax.hash_comments else dashes
    dollar = r"|(?<![\w$])\$(?:[^\W\d]\w*)?\$" if syntax.dollar_quotes else ""
    return re.compile(
        rf"(?P<quoted>{'|'.join(parts)})|(?P<line>{line})|(?P<block>/\*)|(?P<open>[{starts}]{dollar})",
        re.DOTALL,
    )
