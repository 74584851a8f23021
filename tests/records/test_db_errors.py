"""What databases say, put in words: the right exit code, and never a password."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, ProgrammingError

from recon.errors import ConfigError, InputError, TemporaryError
from recon.records import db_errors

URL = sa.make_url("mysql+pymysql://ops:p%40ss%2Fw0rd@db/records?ssl_key=secret.pem")


class DriverError(Exception):
    """What a driver raises."""


def trouble(
    *arguments: object, kind: type[DBAPIError] = OperationalError, state: str | None = None
) -> DBAPIError:
    cause = DriverError(*arguments)
    if state is not None:
        cause.sqlstate = state  # type: ignore[attr-defined]
    return kind("SELECT 1", {}, cause)


@pytest.mark.parametrize(
    ("said", "connecting", "error"),
    [
        (trouble(1045, "Access denied"), True, ConfigError),
        (trouble(1142, "SELECT command denied", kind=ProgrammingError), False, ConfigError),
        (trouble(2003, "Can't connect"), True, TemporaryError),
        (trouble(1205, "Lock wait timeout"), False, TemporaryError),
        (trouble(1054, "Unknown column 'x'"), False, InputError),
        (trouble("28000", "Login failed", kind=InterfaceError), True, ConfigError),
        (trouble("08001", "Unable to connect"), True, TemporaryError),
        (trouble("x", state="42P01", kind=ProgrammingError), False, InputError),
        (trouble("x", state="42501", kind=ProgrammingError), False, ConfigError),
        (trouble("x", state="57P01"), False, TemporaryError),
        (trouble("x", state="53300"), True, TemporaryError),
        (trouble("x", state="3D000"), True, ConfigError),
        (trouble("server closed the connection"), False, TemporaryError),
        (trouble("password authentication failed for user"), True, ConfigError),
        (trouble("syntax", kind=ProgrammingError), False, InputError),
        (trouble("no such option", kind=ProgrammingError), True, ConfigError),
    ],
)
def test_a_trouble_is_passing_a_matter_of_configuration_or_of_the_input(
    said: DBAPIError,
    connecting: bool,  # noqa: FBT001
    error: type[Exception],
) -> None:
    assert type(db_errors.translated(said, URL, connecting=connecting)) is error


@pytest.mark.parametrize("spelling", ["p@ss/w0rd", "p%40ss%2Fw0rd", "p%40ss/w0rd"])
def test_a_password_is_taken_out_of_what_a_driver_says(spelling: str) -> None:
    told = db_errors.translated(trouble(f"cannot open ops:{spelling}@db"), URL, connecting=True)
    assert "w0rd" not in str(told)
    assert "ops:***@db" in str(told)


def test_a_url_is_shown_without_password_and_options() -> None:
    assert db_errors.shown(URL) == "mysql+pymysql://ops:***@db/records"


def test_long_words_are_cut() -> None:
    assert len(db_errors.driver_text(trouble("x" * 10_000), URL)) == 500
