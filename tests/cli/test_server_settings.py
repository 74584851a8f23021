"""A PostgreSQL server, database or user may have settings of its own: no result depends on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeAlias

import pytest
import sqlalchemy as sa

from recon.cli.collect import command as collect
from recon.simulator.simulated_message import FAILED_AT_ONCE, Reason
from recon.store import schema
from recon.store.engine import connect
from tests.cli.nights import nights
from tests.cli.workshop import MORNING_AFTER, NUMBER, minute

#: The rows of the CSV file, and the JSON report.
Outcome: TypeAlias = tuple[list[dict[str, str]], dict[str, Any]]

#: Settings by which a session would read and write otherwise.
SETTINGS = (
    "TimeZone = 'Asia/Kathmandu'",
    "DateStyle = 'SQL, DMY'",
    "client_encoding = 'LATIN1'",
    "default_transaction_isolation = 'serializable'",
    "search_path = own, public",
    "IntervalStyle = 'sql_standard'",
    "bytea_output = 'escape'",
    "extra_float_digits = 0",
)


def change(url: str, how: str) -> None:
    """Change the settings of a database, or of its user in this database."""
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    name = engine.url.database
    of = f"DATABASE {name}" if how == "database" else f"ROLE postgres IN DATABASE {name}"
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE SCHEMA own")
        for setting in SETTINGS:
            connection.exec_driver_sql(f"ALTER {of} SET {setting}")


def tables_of(url: str) -> str:
    """Return the schema in which the tables are."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    query = "SELECT schemaname FROM pg_tables WHERE tablename = 'messages'"
    with engine.connect() as connection:
        return str(connection.exec_driver_sql(query).scalar_one())


def night(path: Path, url: str) -> Outcome:
    """Collect and run on a store; return the rows and the report of the day, without its run."""
    path.mkdir()
    engine = connect(url)
    schema.upgrade(engine)
    engine.dispose()
    with nights(path, url, now=minute(10)) as stage:
        stage.send(40, start=minute(-600), minutes=15)
        failed = stage.channel.send(
            NUMBER.format(77), minute(5), course=FAILED_AT_ONCE, reason=Reason("Χρήστης 😀")
        )
        stage.workshop.add_records((500, failed.message_id, NUMBER.format(77), minute(5), "sent"))
        stage.shown(collect)
        stage.send(150, start=minute(30))
        stage.workshop.add_records((900, None, NUMBER.format(900), minute(-300), "sent"))
        stage.clock.now = MORNING_AFTER
        assert stage.run() == 0
        report = stage.workshop.report()
        rows = stage.workshop.rows()
    return [{**row, "run_id": ""} for row in rows], {**report, "run_id": ""}


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """The outcome on SQLite, which has no such settings."""
    path = tmp_path_factory.mktemp("usual")
    return night(path / "night", f"sqlite:///{path / 'recon.db'}")


@pytest.mark.parametrize("empty_database_url", ["postgres"], indirect=True)
@pytest.mark.parametrize("how", ["database", "user"])
def test_a_night_is_the_same_whatever_the_settings_of_the_server(
    tmp_path: Path,
    empty_database_url: str,
    how: str,
    usual: Outcome,
) -> None:
    change(empty_database_url, how)
    rows, report = night(tmp_path / "night", empty_database_url)
    assert tables_of(empty_database_url) == "own"
    assert (rows, report) == usual
    assert "Χρήστης 😀" in {row["failure_reason"] for row in rows}
    assert report["coverage"]["gaps"]
