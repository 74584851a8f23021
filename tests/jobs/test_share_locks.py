"""Who may work beside whom on the days of an account."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa

from recon.core.shards import Share
from recon.jobs import share_locks
from recon.store.lock import LockHeldError
from tests.jobs.stage import staged

FIRST, SECOND = (Share("main", date(2026, 4, n), date(2026, 4, n + 8), n // 9, 2) for n in (1, 10))
WHOLE = Share("main", date(2026, 4, 1), date(2026, 4, 18))


def test_parts_of_an_account_work_beside_each_other_and_nothing_else_does(
    engine: sa.Engine,
) -> None:
    with share_locks.held(engine, "main", FIRST):
        with share_locks.held(engine, "main", SECOND):
            pass
        with share_locks.held(engine, "other", WHOLE):
            pass
        for other, said in (
            (FIRST, "is processing 2026-04-01 to 2026-04-09 of account"),
            (WHOLE, "another run holds the lock"),
            (None, "another run holds the lock"),
        ):
            with pytest.raises(LockHeldError, match=said), share_locks.held(engine, "main", other):
                pass
    with (
        share_locks.held(engine, "main", None),
        pytest.raises(LockHeldError),
        share_locks.held(engine, "main", SECOND),
    ):
        pass


def test_one_part_at_a_time_makes_requests_and_keeps_its_distance_from_the_last(
    tmp_path: Path, engine: sa.Engine
) -> None:
    with staged(tmp_path, engine) as stage:
        with share_locks.turn_to_ask(engine, FIRST, stage.settings, stage.runtime):
            assert stage.slept == [stage.settings.octopods.min_interval_seconds]
            second = share_locks.turn_to_ask(engine, SECOND, stage.settings, stage.runtime)
            with (
                pytest.raises(LockHeldError, match="account 'main': other parts of the range"),
                second,
            ):
                pass
        assert sum(stage.slept) >= stage.settings.octopods.max_wait_seconds
