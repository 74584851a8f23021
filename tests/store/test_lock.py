from __future__ import annotations

import os
import signal
from contextlib import ExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa

from recon.errors import OutputError, TemporaryError
from recon.store.engine import connect
from recon.store.lock import LockHeldError, hold, hold_in_turn
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


def test_who_shares_a_lock_keeps_out_who_wants_it_alone(engine: sa.Engine) -> None:
    with hold(engine, "main", shared=True):
        with hold(engine, "main", shared=True):
            pass
        with pytest.raises(LockHeldError), hold(engine, "main"):
            pass
    with (
        hold(engine, "main"),
        pytest.raises(LockHeldError),
        hold(engine, "main", shared=True),
    ):
        pass


def test_a_turn_comes_when_the_one_before_has_ended(engine: sa.Engine) -> None:
    before = ExitStack()
    before.enter_context(hold(engine, "main"))
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            before.close()

    with hold_in_turn(engine, "main", sleep=sleep, most=10), pytest.raises(LockHeldError):
        before.enter_context(hold(engine, "main"))
    assert slept == [1, 1, 1]


def test_a_turn_is_not_awaited_for_ever(engine: sa.Engine) -> None:
    slept: list[float] = []
    with (
        hold(engine, "main"),
        pytest.raises(LockHeldError),
        hold_in_turn(engine, "main", sleep=slept.append, most=2),
    ):
        pass
    assert slept == [1, 1]


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
