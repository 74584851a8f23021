"""The roles of the documentation: what each of them can do, and what it is refused in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import exc

from recon.cli import check, collect, db, discrepancies, stats, status
from recon.errors import OutputError
from recon.store import schema
from recon.store.engine import connect
from tests.cli.mailing import lose
from tests.cli.nights import nights
from tests.factories import NOON
from tests.store.migrations import downgrade

PAGE = (Path(__file__).parents[2] / "docs" / "postgresql.md").read_text(encoding="utf-8")
DATABASE = "recon"
ROLES = ("recon_owner", "recon_run", "recon_views")


def execute(url: str, statements: str) -> None:
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        for statement in filter(str.strip, statements.split(";")):
            connection.exec_driver_sql(statement)


def as_role(url: str, role: str) -> str:
    named = sa.make_url(url).set(database=DATABASE, username=role)
    return named.render_as_string(hide_password=False)


@pytest.fixture(scope="module")
def store(postgres_url: str) -> Iterator[str]:
    """A store that was set up by the statements of the documentation."""
    roles, rights, after = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
    execute(postgres_url, roles)
    inside = as_role(postgres_url, "postgres")
    execute(inside, rights)
    owner = connect(as_role(postgres_url, "recon_owner"))
    schema.upgrade(owner)
    owner.dispose()
    execute(inside, after)
    yield postgres_url
    execute(postgres_url, f"DROP DATABASE {DATABASE} WITH (FORCE)")
    execute(postgres_url, "; ".join(f"DROP ROLE {role}" for role in ROLES))


@contextmanager
def engine_of(store: str, role: str) -> Iterator[sa.Engine]:
    engine = connect(as_role(store, role))
    yield engine
    engine.dispose()


def test_the_role_of_runs_does_a_night_and_all_that_reads(store: str, tmp_path: Path) -> None:
    with nights(tmp_path, as_role(store, "recon_run")) as night:
        night.send(3, start=NOON)
        lose(night)
        assert night.run("--exit-code") == 1
        assert night.invoke(collect.command, "--force") == 0
        assert night.invoke(check.command) == 0
        for reading in (status.command, stats.command, discrepancies.command):
            assert night.shown(reading)
        # There is nothing to do, and so it is allowed.
        assert night.invoke(db.command, "upgrade") == 0
    with engine_of(store, "recon_run") as engine:
        schema.ensure_writable(engine)
        assert schema.check(engine) == []


def test_the_role_of_runs_may_change_no_table(store: str) -> None:
    with engine_of(store, "recon_run") as engine, engine.connect() as connection:
        for statement in ("CREATE TABLE mine (id int)", "UPDATE alembic_version SET version_num=1"):
            with pytest.raises(exc.ProgrammingError, match="permission denied"):
                connection.exec_driver_sql(statement)
            connection.rollback()


def test_only_the_owner_migrates_and_the_others_are_told(store: str) -> None:
    with engine_of(store, "recon_owner") as owner:
        downgrade(owner, "-1")
        with engine_of(store, "recon_run") as engine, pytest.raises(OutputError) as raised:
            schema.upgrade(engine)
        assert "the role that owns the tables" in str(raised.value)
        schema.upgrade(owner)
        assert schema.check(owner) == []


def test_the_role_of_views_reads_them_and_is_told_that_it_cannot_write(store: str) -> None:
    with engine_of(store, "recon_views") as engine:
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM daily_volume").scalar() == 1
            with pytest.raises(exc.ProgrammingError, match="permission denied"):
                connection.exec_driver_sql("SELECT phone_number FROM messages")
        with pytest.raises(OutputError, match="cannot be written"):
            schema.ensure_writable(engine)


def test_a_role_without_sequences_is_told_beforehand(store: str) -> None:
    inside = as_role(store, "postgres")
    execute(inside, "REVOKE USAGE ON SEQUENCE runs_id_seq FROM recon_run")
    try:
        with (
            engine_of(store, "recon_run") as engine,
            pytest.raises(OutputError, match="lacks rights") as raised,
        ):
            schema.ensure_writable(engine)
        assert "USAGE on their sequences" in str(raised.value)
    finally:
        execute(inside, "GRANT USAGE ON SEQUENCE runs_id_seq TO recon_run")
