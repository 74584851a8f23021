from __future__ import annotations

import stat
from argparse import Namespace
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
from _pytest.mark import ParameterSet
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from recon.errors import ConfigError, OutputError
from recon.model import Span
from recon.store import (
    expected_findings,
    finding_history,
    finding_list,
    messages,
    retry_exports,
    runs,
    schema,
)
from recon.store.column_types import UtcDateTime
from recon.store.engine import connect, writing
from recon.store.tables import METADATA
from tests.factories import DAY, NUMBER, at, found, listing, message, run
from tests.store import processes
from tests.store.migrations import alembic, described, downgrade
from tests.store.table_contents import rows


def set_version(engine: sa.Engine, version: str) -> None:
    with writing(engine) as connection:
        stored = sa.table("alembic_version", sa.column("version_num"))
        connection.execute(sa.update(stored).values(version_num=version))


def test_alembic_finds_nothing_left_to_migrate(engine: sa.Engine) -> None:
    assert schema.check(engine) == []


def test_a_difference_from_the_models_is_reported(engine: sa.Engine) -> None:
    with writing(engine) as connection:
        connection.exec_driver_sql("ALTER TABLE polls DROP COLUMN request_id")
    assert schema.check(engine) == [
        "differs from what this program needs: add column polls.request_id"
    ]


def test_tables_of_other_programs_are_no_difference(engine: sa.Engine) -> None:
    with writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE sends (id INTEGER)")
    assert schema.check(engine) == []


def test_a_missing_table_is_reported(engine: sa.Engine) -> None:
    with writing(engine) as connection:
        connection.exec_driver_sql("DROP TABLE pauses")
    assert schema.check(engine) == ["differs from what this program needs: add table pauses"]


def test_down_takes_everything_away_and_up_brings_it_back(engine: sa.Engine) -> None:
    before = described(engine)
    with writing(engine, foreign_keys=False) as connection:
        command.downgrade(alembic(connection), "base")
    assert described(engine) == {}
    assert schema.current(engine) is None
    assert schema.upgrade(engine) == (None, schema.head())
    assert described(engine) == before


def test_what_was_proven_before_coverage_was_joined_by_messages_stays_proven(
    engine: sa.Engine,
) -> None:
    with writing(engine, foreign_keys=False) as connection:
        command.downgrade(alembic(connection), "0001")
    old = sa.Table("coverage", sa.MetaData(), autoload_with=engine)
    time = UtcDateTime()
    spans = [(None, at(100)), (at(200), at(300))]
    with writing(engine) as connection:
        connection.execute(sa.insert(METADATA.tables["accounts"]), [{"id": 1, "name": "main"}])
        connection.exec_driver_sql("INSERT INTO keys VALUES (1, 1, 'f1a9', NULL)")
        for start, end in spans:
            values = {"starts_at": sa.literal(start, time), "ends_at": sa.literal(end, time)}
            connection.execute(sa.insert(old).values(account_id=1, key_id=1, **values))
    schema.upgrade(engine)
    assert messages.spans(engine, "main") == tuple(Span(*span) for span in spans)
    messages.keep(engine, "main", "f1a9", listing(message(1, 310), answered=400))
    assert messages.spans(engine, "main") == (Span(None, at(340)),)
    with writing(engine, foreign_keys=False) as connection:
        command.downgrade(alembic(connection), "0001")
        found = connection.execute(sa.select(old.c.starts_at, sa.type_coerce(old.c.ends_at, time)))
        assert found.all() == [(None, at(340))]
    schema.upgrade(engine)


def test_the_first_answer_after_coverage_was_joined_by_messages_joins_the_last_before(
    engine: sa.Engine,
) -> None:
    full = listing(message(1, 0), message(2, 100), answered=200, limit=2)
    messages.keep(engine, "main", "f1a9", full)
    with writing(engine, foreign_keys=False) as connection:
        command.downgrade(alembic(connection), "0001")
    schema.upgrade(engine)
    soon = listing(message(2, 100), message(3, 190), message(4, 202), answered=203, limit=3)
    late = listing(message(4, 202), message(5, 400), answered=500, limit=2)
    messages.keep(engine, "main", "f1a9", soon)
    messages.keep(engine, "main", "f1a9", late)
    assert messages.spans(engine, "main") == (Span(at(1), at(440)),)


#: Columns of runs that an earlier schema has no room for.
LATER = frozenset({"evidence", "changes", "incidents", "advice", "failures"})


def test_what_runs_reported_is_kept_when_each_finding_loses_its_row(engine: sa.Engine) -> None:
    for run_id, account, ids in (
        ("r1", "main", ("c", "a", "b")),
        ("r2", "main", ("b", "a")),
        ("r3", "main", ()),
        ("r4", "other", ("a",)),
    ):
        runs.save(engine, run(found(*ids), run_id=run_id, account=account), "run")
        finding_list.acknowledge(engine, {"b": "a test number"}, at(0))
    kept = [one.name for one in METADATA.tables["runs"].columns if one.name not in LATER]
    stored = rows(engine, "runs", *kept)
    with writing(engine, foreign_keys=False) as connection:
        command.downgrade(alembic(connection), "0002")
        one_by_one = connection.exec_driver_sql(
            "SELECT r.run_id, f.discrepancy_id, rf.position, rf.status FROM runs r "
            "JOIN run_findings rf ON rf.run_id = r.id JOIN findings f ON f.id = rf.finding_id "
            "AND f.account_id = r.account_id ORDER BY r.id, rf.position"
        ).all()
    assert one_by_one == [
        ("r1", "c", 0, "open"),
        ("r1", "a", 1, "open"),
        ("r1", "b", 2, "open"),
        ("r2", "b", 0, "acknowledged"),
        ("r2", "a", 1, "open"),
        ("r4", "a", 0, "open"),
    ]
    schema.upgrade(engine)
    assert rows(engine, "runs", *kept) == stored
    assert schema.check(engine) == []


def told(engine: sa.Engine, one: str) -> list[tuple[str, str | None, str | None]]:
    history = finding_history.of(engine, "main", one)
    return [(change.change.value, change.run_id, change.reason) for change in history]


#: Schemas that findings come from; the test of coverage has findings in each of the first eight.
EARLIER = ["0001", "0003", "0006", *(f"{number:04d}" for number in range(9, int(schema.head())))]


def but_for_some_thorough(versions: Sequence[str]) -> list[ParameterSet]:
    """Mark as thorough all but the first and the last: the first one's data go all the way."""
    some = {versions[0], versions[-1]}
    return [
        pytest.param(one, marks=() if one in some else pytest.mark.thorough) for one in versions
    ]


@pytest.mark.parametrize("version", but_for_some_thorough(EARLIER))
def test_what_people_did_with_findings_comes_along_from_each_earlier_schema(
    engine: sa.Engine, version: str
) -> None:
    for number, ids in enumerate((("a", "b", "c", "d", "e"), ("a", "b", "d", "e"), ("a", "b"))):
        made = run(found(*ids), run_id=f"r{number}", finished=at(86_400 * (number + 1)))
        runs.save(engine, made, "run")
        if number == 0:
            finding_list.acknowledge(
                engine, {"b": "a test number", "d": "a test number"}, at(90_000)
            )
    if version >= "0011":
        expected_findings.change(engine, "main", {"a": "a test phone"}, [], at(300_000))
    send = {"message_id": 7, "date": DAY, "local_id": "7", "phone_number": NUMBER, "attempt": 1}
    if version >= "0019":
        retry_exports.store(engine, "main", pd.DataFrame([send]), at(0), None)
    before = rows(engine, "findings")
    with writing(engine, foreign_keys=False) as connection:
        command.downgrade(alembic(connection), version)
    schema.upgrade(engine)
    assert schema.check(engine) == []
    assert rows(engine, "findings") == before
    expected = [("expected", None, "a test phone")] if version >= "0011" else []
    assert told(engine, "a") == [("opened", "r0", None), *expected]
    assert told(engine, "b") == [("opened", "r0", None), ("acknowledged", None, "a test number")]
    assert told(engine, "c") == [("opened", "r0", None), ("resolved", "r1", None)]
    assert [change for change, *_ in told(engine, "d")] == ["opened", "acknowledged", "resolved"]
    assert len(retry_exports.proposed(engine, "main")) == (version >= "0019")
    with engine.connect() as connection:
        shown = connection.exec_driver_sql(
            "SELECT discrepancy_id, state FROM discrepancies ORDER BY 1"
        )
        assert dict(map(tuple, shown)) == {
            "a": "expected" if expected else "open",
            "b": "acknowledged",
            "c": "resolved",
            "d": "resolved",
            "e": "resolved",
        }
    loaded = runs.load(engine, "r1")
    assert loaded is not None
    assert (loaded.changes.acknowledged, loaded.verdict.expected) == (2, {})


@pytest.mark.parametrize(
    "version", but_for_some_thorough([f"{number:04d}" for number in range(1, 9)])
)
def test_coverage_that_a_date_in_the_future_proved_is_taken_back_and_other_data_stays(
    engine: sa.Engine, version: str
) -> None:
    """One answer of the past went by a `Date` header a year ahead of our clock."""
    year = timedelta(days=365)
    messages.keep(engine, "main", "f1a9", listing(message(1, 0), answered=100, limit=1))
    messages.keep(engine, "main", "f1a9", listing(message(1, 0), answered=200, limit=1))
    runs.save(engine, run(found("a"), run_id="r0"), "run")
    finding_list.acknowledge(engine, {"a": "a test number"}, at(90_000))
    with writing(engine, foreign_keys=False) as connection:
        command.downgrade(alembic(connection), version)
    end, time = ("ends_at" if version == "0001" else "seen_at"), UtcDateTime()
    polls = sa.table("polls", sa.column("id"), sa.column("answered_at", time))
    coverage = sa.table("coverage", sa.column(end, time))
    with writing(engine) as connection:
        # The newer answer is the one, and so it is what the coverage ends with.
        connection.execute(
            sa.update(polls).where(polls.c.id == 2).values(answered_at=at(200) + year)
        )
        settled = timedelta(seconds=60) if version == "0001" else timedelta()
        connection.execute(sa.update(coverage).values({end: at(200) + year - settled}))
    schema.upgrade(engine)
    assert messages.spans(engine, "main") == (Span(at(1), at(140)),)
    messages.keep(engine, "main", "f1a9", listing(message(2, 900), answered=1000, limit=1))
    assert messages.spans(engine, "main") == (Span(at(1), at(140)), Span(at(901), at(940)))
    assert told(engine, "a") == [("opened", "r0", None), ("acknowledged", None, "a test number")]
    assert schema.check(engine) == []


def test_a_date_in_the_future_of_the_first_schema_is_taken_back_behind_later_answers(
    engine: sa.Engine,
) -> None:
    """The polls of that schema do not tell which of them coverage rests on."""
    for answered in (100, 200, 300):
        messages.keep(engine, "main", "f1a9", listing(message(1, 0), answered=answered, limit=1))
    with writing(engine, foreign_keys=False) as connection:
        command.downgrade(alembic(connection), "0001")
    time, ahead = UtcDateTime(), at(200) + timedelta(days=365)
    polls = sa.table("polls", sa.column("id"), sa.column("answered_at", time))
    coverage = sa.table("coverage", sa.column("ends_at", time))
    with writing(engine) as connection:
        connection.execute(sa.update(polls).where(polls.c.id == 2).values(answered_at=ahead))
        connection.execute(sa.update(coverage).values(ends_at=ahead))
    schema.upgrade(engine)
    assert messages.spans(engine, "main") == (Span(at(1), at(140)),)


def test_upgrading_twice_does_nothing_the_second_time(empty_engine: sa.Engine) -> None:
    assert schema.upgrade(empty_engine) == (None, schema.head())
    assert schema.upgrade(empty_engine) == (schema.head(), schema.head())
    assert schema.current(empty_engine) == schema.head()


def test_the_latest_file_is_the_head_that_alembic_knows() -> None:
    assert ScriptDirectory.from_config(alembic()).get_current_head() == schema.head()


def test_an_absent_sqlite_file_is_created_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "recon.db"
    engine = connect(f"sqlite:///{path}")
    assert schema.current(engine) is None
    assert not path.exists()
    schema.ensure_ready(engine)
    assert schema.current(engine) == schema.head()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    engine.dispose()


def test_an_empty_sqlite_file_is_filled(tmp_path: Path) -> None:
    path = tmp_path / "recon.db"
    path.touch()
    engine = connect(f"sqlite:///{path}")
    schema.ensure_ready(engine)
    assert schema.check(engine) == []
    engine.dispose()


def test_a_database_in_memory_is_created() -> None:
    engine = connect("sqlite://")
    schema.ensure_ready(engine)
    assert schema.check(engine) == []
    engine.dispose()


def test_a_ready_database_is_left_alone(engine: sa.Engine) -> None:
    schema.ensure_ready(engine)


def test_a_postgres_database_without_tables_says_what_to_type(postgres_url: str) -> None:
    engine = connect(postgres_url)
    with pytest.raises(ConfigError, match="recon db upgrade"):
        schema.ensure_ready(engine)
    engine.dispose()


def test_an_sqlite_file_of_another_program_is_not_filled_unasked(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path / 'other.db'}")
    with writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE records (id INTEGER)")
    told = "belongs to another program: it has the tables records and none of recon's"
    with pytest.raises(ConfigError, match=rf"{told}\n.*recon db upgrade"):
        schema.ensure_ready(engine)
    engine.dispose()


def test_tables_of_another_program_are_not_taken_over(empty_engine: sa.Engine) -> None:
    with writing(empty_engine) as connection:
        connection.exec_driver_sql("CREATE TABLE messages (id INTEGER)")
    with pytest.raises(ConfigError, match="already has tables of these names: messages"):
        schema.upgrade(empty_engine)
    assert sa.inspect(empty_engine).get_table_names() == ["messages"]


def test_an_older_schema_says_what_to_type(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    versions = tmp_path / "versions"
    versions.mkdir()
    for name in (f"{schema.head()}_latest.py", "9000_more.py", "README"):
        (versions / name).touch()
    told = rf"(?s)schema {schema.head()}.*needs 9000.*recon db upgrade"
    monkeypatch.setattr(schema, "location", lambda: tmp_path)
    with pytest.raises(ConfigError, match=told):
        schema.ensure_ready(engine)
    (line,) = schema.check(engine)
    assert "recon db upgrade" in line


def test_a_newer_schema_says_to_update_the_program(engine: sa.Engine) -> None:
    set_version(engine, "9999")
    for use in (schema.ensure_ready, schema.upgrade, schema.check):
        with pytest.raises(ConfigError, match="9999, which is newer than this program"):
            use(engine)


def test_a_migration_that_fails_leaves_nothing_behind(
    empty_engine: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "migrations"
    (broken / "versions").mkdir(parents=True)
    for source in (schema.location() / "env.py", *(schema.location() / "versions").glob("*.py")):
        target = broken / source.relative_to(schema.location())
        target.write_text(source.read_text())
    (broken / "versions" / "9000_broken.py").write_text(
        "from alembic import op\n"
        f'revision, down_revision = "9000", "{schema.head()}"\n'
        "def upgrade():\n"
        '    op.execute("CREATE TABLE half (id INTEGER)")\n'
        '    op.execute("nonsense")\n'
    )
    monkeypatch.setattr(schema, "location", lambda: broken)
    with pytest.raises(sa.exc.DBAPIError, match="nonsense"):
        schema.upgrade(empty_engine)
    assert sa.inspect(empty_engine).get_table_names() == []


def test_rebuilding_a_table_keeps_the_rows_that_refer_to_it(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path / 'recon.db'}")
    schema.ensure_ready(engine)
    with writing(engine) as connection:
        connection.exec_driver_sql("INSERT INTO accounts (id, name) VALUES (1, 'main')")
        connection.exec_driver_sql(
            "INSERT INTO keys (id, account_id, fingerprint) VALUES (1, 1, 'f1a9')"
        )
    with writing(engine, foreign_keys=False) as connection:
        connection.exec_driver_sql("CREATE TABLE new (id INTEGER PRIMARY KEY, name TEXT)")
        connection.exec_driver_sql("INSERT INTO new SELECT id, name FROM accounts")
        connection.exec_driver_sql("DROP TABLE accounts")
        connection.exec_driver_sql("ALTER TABLE new RENAME TO accounts")
    with writing(engine) as connection:
        assert connection.exec_driver_sql("SELECT id FROM keys").all() == [(1,)]
        # Views that read from it still do.
        assert connection.exec_driver_sql("SELECT * FROM daily_volume").all() == []
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    engine.dispose()


def test_a_directory_that_is_missing_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="does not exist"):
        connect(f"sqlite:///{tmp_path / 'nowhere' / 'recon.db'}")


def test_a_file_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    room = tmp_path / "room"
    room.mkdir()
    engine = connect(f"sqlite:///{room / 'recon.db'}")
    room.rmdir()
    with pytest.raises(OutputError, match="cannot be created"):
        schema.ensure_ready(engine)


def test_several_that_upgrade_at_once_all_succeed(empty_database_url: str) -> None:
    code = f"""
        import sys
        import alembic.command
        from recon.store import schema
        from recon.store.engine import connect
        engine = connect({empty_database_url!r})
        print("ready", flush=True)
        sys.stdin.readline()
        schema.upgrade(engine)
    """
    processes.together(code, count=3)
    engine = connect(empty_database_url)
    assert schema.check(engine) == []
    engine.dispose()


#: Writes to accounts as runs and collectors do, which begin with the row of the account.
WRITER = """
    import sys
    import sqlalchemy as sa
    from recon.store.accounts import lock_account
    from recon.store.engine import connect, writing
    engine = connect({url!r})
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(60):
        with writing(engine) as connection:
            lock_account(connection, "main")
            connection.execute(sa.text("UPDATE runs SET mode = mode"))
            connection.execute(sa.text("UPDATE messages SET status = status"))
            connection.execute(sa.text("UPDATE polls SET new_count = new_count + 1"))
"""
UPGRADE = """
    import sys
    import alembic.command
    from recon.store import schema
    from recon.store.engine import connect
    engine = connect({url!r})
    print("ready", flush=True)
    sys.stdin.readline()
    schema.upgrade(engine)
"""


def test_an_upgrade_beside_others_who_write_loses_nothing(database_url: str) -> None:
    engine = connect(database_url)
    messages.keep(engine, "main", "f1a9", listing(message(1, 0), answered=100, limit=1))
    runs.save(engine, run(found("a")), "run")
    downgrade(engine, "0020")
    both = [WRITER.format(url=database_url)] * 2 + [UPGRADE.format(url=database_url)] * 2
    processes.at_once(both)
    assert schema.check(engine) == []
    assert rows(engine, "polls", "new_count") == [(1 + 2 * 60,)]
    assert len(rows(engine, "runs")) == len(rows(engine, "findings")) == 1
    engine.dispose()


def test_a_developer_can_ask_alembic_for_the_next_migration(tmp_path: Path) -> None:
    copy = tmp_path / "migrations"
    (copy / "versions").mkdir(parents=True)
    for source in (*schema.location().glob("*.*"), *(schema.location() / "versions").glob("*.py")):
        target = copy / source.relative_to(schema.location())
        target.write_text(source.read_text())
    database = tmp_path / "recon.db"
    engine = connect(f"sqlite:///{database}")
    schema.upgrade(engine)
    with writing(engine) as connection:
        connection.exec_driver_sql("ALTER TABLE polls DROP COLUMN newest_sent_at")
    engine.dispose()
    config = Config()
    config.set_main_option("script_location", str(copy))
    config.cmd_opts = Namespace(x=[f"url=sqlite:///{database}"])
    command.revision(config, message="newest_sent_at again", autogenerate=True)
    number = int(schema.head()) + 1
    made = (copy / "versions" / f"{number:04d}_newest_sent_at_again.py").read_text()
    assert 'sa.TIMESTAMP(timezone=True), "postgresql")' in made
    assert "recon.store" not in made
