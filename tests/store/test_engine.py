from __future__ import annotations

import os
import sqlite3
import traceback
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from recon.errors import ConfigError, OutputError, TemporaryError
from recon.store import messages, schema
from recon.store.engine import connect, opened, reading, writing
from recon.store.store_errors import translated
from recon.store.tables import accounts
from tests.factories import KEY, listing, message
from tests.postgres import PASSWORD_USER
from tests.store.table_contents import rows

ANSWER = listing(message(1), answered=60)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """An SQLite file that is ready."""
    path = tmp_path / "recon.db"
    engine = connect(f"sqlite:///{path}")
    schema.ensure_ready(engine)
    engine.dispose()
    return path


def change(url: str, *, option: str) -> str:
    """Return a PostgreSQL URL with a setting of the server for its sessions."""
    changed = sa.make_url(url).update_query_dict({"options": f"-c {option}"})
    return changed.render_as_string(hide_password=False)


# --- connecting ---------------------------------------------------------------------------------


def test_sqlite_is_set_up_for_several_processes(file: Path) -> None:
    engine = connect(f"sqlite:///{file}")
    with reading(engine) as connection:
        said = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "foreign_keys", "busy_timeout", "synchronous")
        ]
    full = 2
    assert said == ["wal", 1, 10_000, full]
    engine.dispose()


def test_foreign_keys_hold(engine: sa.Engine) -> None:
    with pytest.raises(sa.exc.IntegrityError), writing(engine) as connection:
        connection.exec_driver_sql("INSERT INTO keys (account_id, fingerprint) VALUES (7, 'x')")


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_postgres_means_psycopg(postgres_url: str, scheme: str) -> None:
    url = postgres_url.replace("postgresql+psycopg", scheme)
    engine = connect(url)
    with reading(engine) as connection:
        name = connection.exec_driver_sql("SHOW application_name").scalar()
        timeout = connection.exec_driver_sql("SHOW lock_timeout").scalar()
    assert (engine.driver, name, timeout) == ("psycopg", "octopods-recon", "10s")
    engine.dispose()


def test_what_the_url_sets_for_postgres_stands(postgres_url: str) -> None:
    url = change(postgres_url, option="lock_timeout=70ms") + "&application_name=mine"
    engine = connect(url)
    with reading(engine) as connection:
        name = connection.exec_driver_sql("SHOW application_name").scalar()
        timeout = connection.exec_driver_sql("SHOW lock_timeout").scalar()
    assert (name, timeout) == ("mine", "70ms")
    engine.dispose()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "recon.db",
        "postgresql://recon:secret@host:port/recon",
        "mysql://recon:secret@host/recon",
        "postgresql+asyncpg://recon:secret@host/recon",
        "nonsense+driver://recon:secret@host/recon",
    ],
)
def test_a_url_that_cannot_be_used_is_reported_without_its_password(url: str) -> None:
    with pytest.raises(ConfigError, match=r"database\.url") as caught:
        connect(url)
    assert "secret" not in "".join(traceback.format_exception(caught.value))


# --- transactions -------------------------------------------------------------------------------


def test_a_transaction_that_fails_leaves_nothing(engine: sa.Engine) -> None:
    def fail() -> None:
        with writing(engine) as connection:
            connection.execute(sa.insert(accounts).values(name="main"))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert rows(engine, "accounts") == []


def test_who_writes_on_sqlite_holds_the_lock_from_the_start(file: Path) -> None:
    engine = connect(f"sqlite:///{file}?timeout=0.05")
    with writing(engine), pytest.raises(TemporaryError), writing(engine):
        pass
    engine.dispose()


def test_who_reads_on_sqlite_keeps_nobody_from_writing(file: Path) -> None:
    engine = connect(f"sqlite:///{file}?timeout=0.05")
    with reading(engine) as connection:
        connection.execute(sa.select(accounts)).all()
        messages.keep(engine, "main", KEY, ANSWER)
        assert connection.execute(sa.select(accounts)).all() == []
    assert rows(engine, "accounts", "name") == [("main",)]
    engine.dispose()


# --- errors -------------------------------------------------------------------------------------


def test_a_locked_sqlite_file_is_a_temporary_error(file: Path) -> None:
    engine = connect(f"sqlite:///{file}?timeout=0.05")
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(TemporaryError, match="busy") as caught:
        messages.keep(engine, "main", KEY, ANSWER)
    assert isinstance(caught.value.__cause__, sa.exc.OperationalError)
    other.execute("ROLLBACK")
    messages.keep(engine, "main", KEY, ANSWER)
    other.close()
    engine.dispose()


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_a_locked_account_is_a_temporary_error_on_postgres(database_url: str) -> None:
    engine = connect(change(database_url, option="lock_timeout=50ms"))
    messages.keep(engine, "held", KEY, ANSWER)
    with writing(engine) as other:
        other.execute(sa.select(accounts).with_for_update())
        with pytest.raises(TemporaryError, match="busy"):
            messages.keep(engine, "held", KEY, ANSWER)
    engine.dispose()


def test_a_read_only_sqlite_file_can_be_read_and_not_written(file: Path) -> None:
    engine = connect(f"sqlite:///file:{file}?mode=ro&uri=true")
    schema.ensure_ready(engine)
    assert len(messages.read(engine, "main", None, None)) == 0
    with pytest.raises(OutputError, match=r"cannot be written.*\n.*Take mode=ro out"):
        messages.keep(engine, "main", KEY, ANSWER)
    engine.dispose()


def test_a_directory_that_cannot_be_written_is_named(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = connect(f"sqlite:///{file}")
    refusal = sqlite3.OperationalError("unable to open database file")
    refusal.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
    monkeypatch.setattr(os, "access", lambda path, _mode: path != file.parent)
    with (
        pytest.raises(OutputError, match=f"{file.parent} cannot be written, where SQLite"),
        translated(engine.url),
    ):
        raise refusal
    engine.dispose()


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_a_read_only_postgres_cannot_be_written(database_url: str) -> None:
    engine = connect(change(database_url, option="default_transaction_read_only=on"))
    with pytest.raises(OutputError, match="read-only"):
        messages.keep(engine, "unwritten", KEY, ANSWER)
    engine.dispose()


def test_a_full_disk_is_reported(file: Path) -> None:
    engine = connect(f"sqlite:///{file}")

    @sa.event.listens_for(engine, "connect")
    def no_room(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # it never shrinks below what is there

    full = listing(*(message(i) for i in range(3000)), answered=60, limit=9999)
    with pytest.raises(OutputError, match="full"):
        messages.keep(engine, "main", KEY, full)
    assert rows(engine, "messages") == []
    engine.dispose()


def test_a_path_that_is_a_directory_cannot_be_opened(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path}")
    with pytest.raises(OutputError, match=rf"(?s)cannot be opened.*sqlite:///{tmp_path}/recon\.db"):
        schema.ensure_ready(engine)
    engine.dispose()


def test_a_file_that_is_no_database_is_a_wrong_setting(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, " * 100)
    engine = connect(f"sqlite:///{path}")
    with pytest.raises(ConfigError, match="not an SQLite file"):
        schema.ensure_ready(engine)
    engine.dispose()


def test_a_server_that_is_not_there_is_a_temporary_error(tmp_path: Path) -> None:
    engine = connect(f"postgresql://recon:secret@/recon?host={tmp_path}")
    with pytest.raises(TemporaryError, match="cannot be reached") as caught:
        schema.ensure_ready(engine)
    assert "secret" not in str(caught.value)
    engine.dispose()


def test_a_wrong_password_is_a_wrong_setting_and_not_shown(postgres_url: str) -> None:
    admin = connect(postgres_url)
    with writing(admin) as connection:
        connection.exec_driver_sql(f"DROP ROLE IF EXISTS {PASSWORD_USER}")
        connection.exec_driver_sql(f"CREATE ROLE {PASSWORD_USER} LOGIN PASSWORD 'right'")
    url = sa.make_url(postgres_url).set(username=PASSWORD_USER, password="wr0ng-secret")
    engine = connect(url.render_as_string(hide_password=False))
    with pytest.raises(ConfigError, match="refuses the login") as caught:
        schema.ensure_ready(engine)
    assert "wr0ng-secret" not in str(caught.value)
    with writing(admin) as connection:
        connection.exec_driver_sql(f"DROP ROLE {PASSWORD_USER}")
    engine.dispose()
    admin.dispose()


def test_a_database_that_does_not_exist_is_a_wrong_setting(postgres_url: str) -> None:
    url = sa.make_url(postgres_url).set(database="nowhere").render_as_string()
    engine = connect(url)
    with pytest.raises(ConfigError, match="nowhere"):
        schema.ensure_ready(engine)
    engine.dispose()


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("40P01", TemporaryError),
        ("40001", TemporaryError),
        ("55P03", TemporaryError),
        ("53300", TemporaryError),
        ("57P01", TemporaryError),
        ("08006", TemporaryError),
        ("53100", OutputError),
        ("42501", OutputError),
    ],
)
def test_what_the_server_says_decides_whether_to_try_again(
    postgres_url: str, state: str, kind: type[Exception]
) -> None:
    engine = connect(postgres_url)
    with pytest.raises(kind), writing(engine) as connection:
        connection.exec_driver_sql(f"DO $$ BEGIN RAISE SQLSTATE '{state}'; END $$")
    engine.dispose()


def test_a_session_that_the_server_ends_is_a_temporary_error(postgres_url: str) -> None:
    engine = connect(postgres_url)
    with pytest.raises(TemporaryError), writing(engine) as connection:
        connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")
    engine.dispose()


def test_a_bug_keeps_its_own_error_without_what_it_carried(engine: sa.Engine) -> None:
    with pytest.raises(sa.exc.DBAPIError) as caught, writing(engine) as connection:
        connection.execute(sa.text("nonsense :number"), {"number": "+353871234567"})
    assert "+353871234567" not in str(caught.value)


# --- closing -------------------------------------------------------------------------------------


def test_an_opened_store_is_in_its_one_file_at_the_end(file: Path) -> None:
    with opened(f"sqlite:///{file}") as engine:
        messages.keep(engine, "main", KEY, ANSWER)
    assert [path.name for path in file.parent.iterdir()] == ["recon.db"]


def test_also_where_a_connection_is_still_in_use(file: Path) -> None:
    with opened(f"sqlite:///{file}") as engine:
        held = engine.connect()
        messages.keep(engine, "main", KEY, ANSWER)
    assert file.with_name("recon.db-wal").stat().st_size == 0
    held.invalidate()
    held.close()


@pytest.mark.parametrize("statement", ["BEGIN; SELECT count(*) FROM accounts", "BEGIN IMMEDIATE"])
def test_a_process_in_a_transaction_is_not_waited_for_and_empties_the_log_itself(
    file: Path, statement: str
) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        with opened(f"sqlite:///{file}") as engine:
            messages.keep(engine, "main", KEY, ANSWER)
            for each in statement.split("; "):
                other.execute(each).fetchall()
        assert other.execute("SELECT count(*) FROM polls").fetchone() == (1,)
    assert not file.with_name("recon.db-wal").exists()
    with opened(f"sqlite:///{file}") as engine:
        assert len(messages.read(engine, "main", None, None)) == 1


def test_a_file_that_is_not_there_is_not_made_by_closing(tmp_path: Path) -> None:
    with opened(f"sqlite:///{tmp_path / 'recon.db'}"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_what_stands_in_place_of_a_database_is_left_alone(tmp_path: Path) -> None:
    for name in ("recon.db", "recon.db-wal"):
        (tmp_path / name).write_text("not a database")
    with opened(f"sqlite:///{tmp_path / 'recon.db'}"):
        pass
    assert {path.read_text() for path in tmp_path.iterdir()} == {"not a database"}


@pytest.mark.parametrize(
    "change",
    ["DROP TABLE polls", "ALTER TABLE messages RENAME COLUMN status TO state"],
)
def test_a_schema_that_is_not_what_its_version_says_is_told_in_words(
    change: str, engine: sa.Engine
) -> None:
    with writing(engine) as connection:
        if "DROP" in change and engine.dialect.name == "postgresql":
            change += " CASCADE"
        connection.exec_driver_sql(change)
    with pytest.raises(ConfigError, match="does not have the tables of its version") as told:
        messages.keep(engine, "main", KEY, listing(message(1), answered=60))
    assert "recon db check" in str(told.value)
    assert schema.check(engine)
