"""The user's own SQL: what survives, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql, sqlite

from recon.errors import ConfigError
from recon.records import sql_syntax, user_sql

START = datetime(2026, 4, 22, 23, tzinfo=UTC)
END = datetime(2026, 4, 23, 23, tzinfo=UTC)


DIALECTS: dict[str, Any] = {
    "sqlite": sqlite.dialect,
    "postgresql": postgresql.dialect,
    "mysql": mysql.dialect,
}


def bound(made: sa.TextClause) -> dict[str, object]:
    return dict(made.compile(dialect=DIALECTS["sqlite"]()).params)


def compiled(sql: str, dialect: str = "sqlite") -> tuple[str, dict[str, object]]:
    made = user_sql.query(sql, START, END, dialect, sql_syntax.syntax_named(dialect))
    done = made.compile(dialect=DIALECTS[dialect](paramstyle="named"))
    return str(done), dict(done.params)


STANDARD = [
    "SELECT a::date, '10:30', ':start', \"x:end\" FROM t",
    "SELECT 1 -- until :start\n, 2 /* :end */",
    "SELECT 1 FROM t WHERE a = ':starting' AND b LIKE '50%'",
    "SELECT 'a\\:b', x:y, 'it''s :start'",
]
OF_A_DIALECT = {
    "postgresql": [
        "SELECT '{\"a\": 1}'::jsonb -> 'it''s :start'",
        "SELECT body #>> '{a,b}', body #> '{\"c\"}', body ->> 'd:start', body ? ':end' FROM t",
        "SELECT '[{\"at\":\":start\"}]'::jsonb @> '[{}]', body @? '$.x ? (@ > 1)' # 1",
        "SELECT $$ it's :start $$, $q$ ':end' $$ $q$, a$1, b$$c",
        "SELECT E'it\\'s :start', e'\\\\', arr[1:2], 'c:\\'",
        "SELECT 1 /* a /* :start */ ' :end */, 5 #- '{:start}'",
    ],
    "sqlite": ["SELECT `c:start`, [it's :end], 'c:\\' FROM t"],
    "mysql": [
        "SELECT 'it\\'s :start', \"say \\\":end\\\"\", `c:start`, 'c:\\\\' FROM t",
        "SELECT 1 # it's :start\n, 2 -- it's :end\n, 3 /* it's */",
        "SELECT @n := 1, doc->>'$.a:start', 5--3",
    ],
}


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [(dialect, sql) for dialect, own in OF_A_DIALECT.items() for sql in [*STANDARD, *own]],
)
def test_colons_that_are_no_bounds_survive(dialect: str, sql: str) -> None:
    text, binds = compiled(sql, dialect)
    # The dialect of MySQL doubles what its driver would take for a placeholder.
    assert (text.replace("%%", "%"), binds) == (sql, {})


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        ("postgresql", "SELECT 'c:\\' WHERE a >= :start"),
        ("postgresql", "SELECT a # :start # ':end'"),
        ("postgresql", "SELECT a$$b, :start, c$$d"),
        ("postgresql", "SELECT 5--3\n, :start"),
        ("mysql", "SELECT 5--3, :start"),
        ("mysql", "SELECT 'a\\\\', :start"),
        ("mysql", "SELECT 'a\\'b', :start"),
        ("mysql", "SELECT a[1], :start"),
        ("mysql", "SELECT 1 /* /* */ , :start"),
        ("sqlite", "SELECT json_extract(a, '$.b') -> 'c', :start"),
        ("oracle", "SELECT q'[it's]', :start FROM dual"),
    ],
)
def test_a_bound_after_what_only_another_dialect_would_take_for_a_quote_is_one(
    dialect: str, sql: str
) -> None:
    made = user_sql.query(sql, START, END, dialect, sql_syntax.syntax_named(dialect))
    assert set(bound(made)) == {"start"}


def test_without_backslash_escapes_a_backslash_of_mysql_is_a_character() -> None:
    syntax = sql_syntax.syntax_named("mysql", "STRICT_TRANS_TABLES,NO_BACKSLASH_ESCAPES")
    made = user_sql.query("SELECT 'c:\\', :start", START, END, "mysql", syntax)
    assert set(bound(made)) == {"start"}


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        ("sqlite", "SELECT 'it''s"),
        ("sqlite", "SELECT 1 /* open"),
        ("postgresql", "SELECT $a$ open $$"),
        ("postgresql", "SELECT 1 /* a /* b */"),
        ("mysql", "SELECT 'c:\\'"),
        ("mysql", "SELECT `a"),
    ],
)
def test_an_open_quote_or_comment_is_refused(dialect: str, sql: str) -> None:
    syntax = sql_syntax.syntax_named(dialect)
    with pytest.raises(ConfigError, match="query: a quote or comment is not closed"):
        user_sql.query(sql, START, END, dialect, syntax)
    with pytest.raises(ConfigError, match="where: a quote or comment is not closed"):
        user_sql.condition(sql, syntax)


def test_bounds_are_bound_wherever_they_stand() -> None:
    sql = "SELECT ':start' WHERE a>=:start::date AND b<(:end) OR c=:start_ms"
    text, values = compiled(sql)
    assert text == sql
    assert set(values) == {"start", "end", "start_ms"}


def test_on_sqlite_the_bounds_are_dates_two_days_wider() -> None:
    _, values = compiled("SELECT :start, :end")
    assert values == {"start": "2026-04-20", "end": "2026-04-25"}


def test_elsewhere_the_bounds_are_aware_times_a_day_wider() -> None:
    _, values = compiled("SELECT :start, :end", "postgresql")
    assert values == {
        "start": datetime(2026, 4, 21, 23, tzinfo=UTC),
        "end": datetime(2026, 4, 24, 23, tzinfo=UTC),
    }


def test_bounds_as_epochs_are_a_day_wider_too() -> None:
    _, values = compiled("SELECT :start_epoch, :end_epoch, :start_ms, :end_ms")
    assert values == {
        "start_epoch": 1776812400,
        "end_epoch": 1777071600,
        "start_ms": 1776812400000,
        "end_ms": 1777071600000,
    }


@pytest.mark.parametrize("sql", ["SELECT 1;", "SELECT ';' ; -- done", "SELECT 1;; /* ; */ "])
def test_one_statement_may_end_with_a_semicolon(sql: str) -> None:
    assert ";" not in compiled(sql)[0].replace("';'", "")


@pytest.mark.parametrize("sql", ["SELECT 1; DELETE FROM t", "SELECT 1; COMMIT; --", "1; ''"])
def test_a_second_statement_is_refused(sql: str) -> None:
    syntax = sql_syntax.syntax_named("sqlite")
    with pytest.raises(ConfigError, match="more than one statement"):
        user_sql.query(sql, START, END, "sqlite", syntax)
    with pytest.raises(ConfigError, match="more than one statement"):
        user_sql.condition(sql, syntax)


@pytest.mark.parametrize("end", ["", ";", " ;; ", "; -- done", "; /* done; */"])
def test_a_condition_keeps_its_colons_and_may_end_with_a_comment_or_a_semicolon(end: str) -> None:
    where = "channel = 'a;b' AND x::int = 1 AND y = ':start' -- :start\n"
    made = user_sql.condition(f"{where}{end}", sql_syntax.syntax_named("postgresql"))
    said = str(made.compile(dialect=DIALECTS["postgresql"]()))
    assert said.startswith(f"({where}")
    assert said.endswith("\n)")
    assert "; " not in said


def test_on_mysql_the_bounds_are_times_in_utc_without_an_offset() -> None:
    start = START.astimezone(ZoneInfo("Pacific/Auckland"))
    made = user_sql.query("SELECT :start", start, END, "mysql", sql_syntax.syntax_named("mysql"))
    assert bound(made) == {"start": datetime(2026, 4, 21, 23)}  # noqa: DTZ001
