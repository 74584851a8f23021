from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import sqlalchemy as sa

from recon.errors import OutputError, TemporaryError
from recon.store.engine import connect
from recon.store.lock import hold
from tests.store import processes

HOLDER = """
    import sys
    from recon.store.engine import connect
    from recon.store.lock import hold
    with hold(connect({url!r}), "main"):
        print("held", flush=True)
        sys.stdin.readline()
"""


def test_a_held_account_is_refused_and_free_again_afterwards(engine: sa.Engine) -> None:
    with hold(engine, "main"):
        with (
            pytest.raises(TemporaryError, match="another run holds the lock"),
            hold(engine, "main"),
        ):
            pass
        with hold(engine, "other"):
            pass
    with hold(engine, "main"):
        pass


def test_the_lock_is_free_the_moment_it_is_given_back(engine: sa.Engine) -> None:
    for _ in range(30):
        with hold(engine, "main"):
            pass


def test_a_run_that_fails_gives_the_lock_back(engine: sa.Engine) -> None:
    with pytest.raises(KeyError), hold(engine, "main"):
        raise KeyError
    with hold(engine, "main"):
        pass


def test_another_process_is_kept_out_until_it_is_killed(database_url: str) -> None:
    engine = connect(database_url)
    with processes.started(HOLDER.format(url=database_url)) as other:
        assert processes.awaited(other) == "held"
        with pytest.raises(TemporaryError), hold(engine, "main"):
            pass
        os.kill(other.pid, signal.SIGKILL)
        other.wait()
        if engine.dialect.name == "postgresql":
            # The server needs a moment to see that nobody is at the other end: wait for it.
            with engine.begin() as connection:
                connection.execute(
                    sa.text(
                        "SELECT pg_advisory_xact_lock(classid::bigint << 32 | objid::bigint)"
                        " FROM pg_locks WHERE locktype = 'advisory'"
                    )
                )
        with hold(engine, "main"):
            pass
    engine.dispose()


def test_a_directory_that_takes_no_file_is_reported(tmp_path: Path) -> None:
    room = tmp_path / "room"
    room.mkdir()
    engine = connect(f"sqlite:///{room / 'recon.db'}")
    room.rmdir()
    with pytest.raises(OutputError, match="lock"), hold(engine, "main"):
        pass


def test_a_database_in_memory_needs_no_lock() -> None:
    engine = connect("sqlite://")
    with hold(engine, "main"), hold(engine, "main"):
        pass
