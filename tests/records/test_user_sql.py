"""The user's own SQL: what survives, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy.dialects import postgresql, sqlite

from recon.errors import ConfigError
from recon.records import user_sql

START = datetime(2026, 4, 22, 23, tzinfo=UTC)
END = datetime(2026, 4, 23, 23, tzinfo=UTC)


def compiled(sql: str, dialect: str = "sqlite") -> tuple[str, dict[str, object]]:
    made = user_sql.query(sql, START, END, dialect)
    kinds = {"sqlite": sqlite.dialect, "postgresql": postgresql.dialect}
    done = made.compile(dialect=kinds[dialect](paramstyle="named"))
    return str(done), dict(done.params)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT a::date, '10:30', ':start', \"x:end\" FROM t",
        "SELECT '{\"a\": 1}'::jsonb -> 'it''s :start'",
        "SELECT 1 -- until :start\n, 2 /* :end */",
        "SELECT $$ :start $$, $q$ ':end' $q$",
        "SELECT E'it\\'s :start', arr[1:2], x:y",
        "SELECT 1 FROM t WHERE a = ':starting' AND b LIKE '50%'",
        "SELECT 'a\\:b', `c:start`",
    ],
)
def test_colons_that_are_no_bounds_survive(sql: str) -> None:
    assert compiled(sql) == (sql, {})


def test_bounds_are_bound_wherever_they_stand() -> None:
    text, values = compiled("SELECT ':start' WHERE a>=:start::date AND b<(:end) OR c=:start_ms")
    assert text == "SELECT ':start' WHERE a>=:start::date AND b<(:end) OR c=:start_ms"
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


@pytest.mark.parametrize("sql", ["SELECT 1; DELETE FROM t", "SELECT 1; COMMIT; --"])
def test_a_second_statement_is_refused(sql: str) -> None:
    with pytest.raises(ConfigError, match="more than one statement"):
        user_sql.query(sql, START, END, "sqlite")
    with pytest.raises(ConfigError, match="more than one statement"):
        user_sql.condition(sql)


def test_a_comment_at_the_end_of_a_condition_swallows_nothing() -> None:
    made = user_sql.condition("channel = 'a:b' AND x::int = 1 -- :start")
    assert str(made.compile(dialect=sqlite.dialect())) == (
        "(channel = 'a:b' AND x::int = 1 -- :start\n)"
    )
