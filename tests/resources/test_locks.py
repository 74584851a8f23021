"""A database that another program has locked: try again later, and then all is right."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from recon.cli import ack, collect, purge, retries
from recon.errors import TemporaryError
from tests.cli.nights import nights
from tests.factories import DAY, NOON

pytestmark = pytest.mark.thorough


@contextmanager
def _locked(url: str) -> Iterator[None]:
    """Let another program write, and not finish."""
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        if url.startswith("sqlite"):
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            tables = sa.inspect(connection).get_table_names()
            connection.exec_driver_sql(f"LOCK TABLE {', '.join(tables)} IN EXCLUSIVE MODE")
        yield
    engine.dispose()


def test_what_writes_says_that_the_database_is_busy(
    tmp_path: Path, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = "timeout=0.1" if database_url.startswith("sqlite") else "options=-c lock_timeout=100"
    sign = "&" if "?" in database_url else "?"
    busy = TemporaryError.exit_code
    with nights(tmp_path, f"{database_url}{sign}{options}") as made:
        made.send(3, start=NOON)
        made.send(1, start=NOON.replace(hour=13), recorded=False)
        with _locked(database_url):
            assert made.run() == busy
            assert made.invoke(collect.command) == busy
            assert "is busy" in capsys.readouterr().err
        assert made.run() == 0
        [found] = made.workshop.rows()
        with _locked(database_url):
            assert made.invoke(ack.command, found["discrepancy_id"], "--reason", "test") == busy
            assert made.invoke(purge.command, "--older-than", "10") == busy
            assert made.invoke(retries.command, "--date", DAY, "--format", "csv") in {0, busy}
        assert made.run() == 0
        assert [one["state"] for one in made.workshop.rows()] == ["open"]
