"""What databases say, put in words: the right exit code, and never a password."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, ProgrammingError

from recon.errors import ConfigError, InputError, TemporaryError
from recon.records import db_errors

URL = sa.make_url("mysql+pymysql://ops:p%40ss%2Fw0rd@db/records?ssl_key=secret.pem")


class DriverError(Exception):
    """What a driver raises."""


def driver_error(
    *arguments: object, kind: type[DBAPIError] = OperationalError, state: str | None = None
) -> DBAPIError:
    cause = DriverError(*arguments)
    if state is not None:
        cause.sqlstate = state  # type: ignore[attr-defined]
    return kind("SELECT 1", {}, cause)


@pytest.mark.parametrize(
    ("said", "connecting", "error"),
    [
        (driver_error(1045, "Access denied"), True, ConfigError),
        (driver_error(1142, "SELECT command denied", kind=ProgrammingError), False, ConfigError),
        (driver_error(2003, "Can't connect"), True, TemporaryError),
        (driver_error(1205, "Lock wait timeout"), False, TemporaryError),
        (driver_error(1054, "Unknown column 'x'"), False, InputError),
        (driver_error(1130, "Host is not allowed"), True, ConfigError),
        (driver_error(2026, "TLS/SSL error"), True, ConfigError),
        (driver_error(2059, "Authentication plugin cannot be loaded"), True, ConfigError),
        (driver_error(1203, "Too many connections of this user"), True, TemporaryError),
        (driver_error(1969, "max_statement_time exceeded"), False, TemporaryError),
        (driver_error(3024, "maximum statement execution time exceeded"), False, TemporaryError),
        (driver_error(3572, "NOWAIT is set"), False, TemporaryError),
        (driver_error(1927, "Connection was killed"), False, TemporaryError),
        (driver_error(1146, "Table doesn't exist", kind=ProgrammingError), False, InputError),
        (driver_error(1064, "syntax", kind=ProgrammingError), False, InputError),
        (driver_error(1213, "Deadlock", state="40001"), False, TemporaryError),
        (driver_error(1054, "Unknown column", state="42S22"), False, InputError),
        (driver_error({"C": "42P01"}, kind=ProgrammingError), False, InputError),
        (driver_error({"C": "55P03"}, kind=ProgrammingError), False, TemporaryError),
        (driver_error("28000", "Login failed", kind=InterfaceError), True, ConfigError),
        (driver_error("08001", "Unable to connect"), True, TemporaryError),
        (driver_error("x", state="42P01", kind=ProgrammingError), False, InputError),
        (driver_error("x", state="42501", kind=ProgrammingError), False, ConfigError),
        (driver_error("x", state="57P01"), False, TemporaryError),
        (driver_error("x", state="53300"), True, TemporaryError),
        (driver_error("x", state="3D000"), True, ConfigError),
        (driver_error("server closed the connection"), False, TemporaryError),
        (driver_error("password authentication failed for user"), True, ConfigError),
        (driver_error("syntax", kind=ProgrammingError), False, InputError),
        (driver_error("no such option", kind=ProgrammingError), True, ConfigError),
    ],
)
def test_an_error_is_temporary_a_matter_of_configuration_or_of_the_input(
    said: DBAPIError,
    connecting: bool,  # noqa: FBT001
    error: type[Exception],
) -> None:
    assert type(db_errors.translated(said, URL, connecting=connecting)) is error


def test_the_servers_refusal_counts_and_not_the_broken_connection_after_it() -> None:
    """pg8000 says `network error` where the server has closed the connection after its answer."""
    refused = DriverError({"C": "28P01", "M": "password authentication failed"})
    broken = DriverError("network error")
    broken.__cause__ = BrokenPipeError(32, "Broken pipe")
    broken.__cause__.__context__ = refused
    error = db_errors.translated(InterfaceError("", {}, broken), URL, connecting=True)
    assert type(error) is ConfigError
    assert "password authentication failed" in str(error)


@pytest.mark.parametrize("spelling", ["p@ss/w0rd", "p%40ss%2Fw0rd", "p%40ss/w0rd"])
def test_a_password_is_taken_out_of_what_a_driver_says(spelling: str) -> None:
    told = db_errors.translated(
        driver_error(f"cannot open ops:{spelling}@db"), URL, connecting=True
    )
    assert "w0rd" not in str(told)
    assert "ops:***@db" in str(told)


def test_a_url_is_shown_without_password_and_options() -> None:
    assert db_errors.shown(URL) == "mysql+pymysql://ops:***@db/records"


def test_long_words_are_cut() -> None:
    assert len(db_errors.driver_text(driver_error("x" * 10_000), URL)) == 500


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///{here}/sends.db?mode=ro", "sqlite:///{here}/sends.db"),
        ("sqlite:///sends.db", "sqlite:///{here}/sends.db"),
        ("sqlite://", "sqlite://"),
        ("sqlite:///file:sends.db?uri=true", "sqlite:///file%3Asends.db"),
        (
            "postgresql+psycopg://me:secret@host/shop?sslmode=require",
            "postgresql+psycopg://me:***@host/shop",
        ),
    ],
)
def test_a_url_is_shown_without_its_password_and_with_the_whole_path(
    url: str, shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert db_errors.shown(sa.make_url(url.format(here=tmp_path))) == shown.format(here=tmp_path)
