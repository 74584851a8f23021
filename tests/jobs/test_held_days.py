"""The days of a range that are done: what is held of them, and what is read at the end."""

from __future__ import annotations

import gc
import shutil
import weakref
from datetime import timedelta
from pathlib import Path

import pytest

from recon import config
from recon.core import calendar
from recon.jobs import night
from recon.jobs.held_days import HeldDays
from recon.jobs.run_options import RunOptions
from recon.jobs.run_results import ReportedRun
from recon.store.engine import opened
from tests.cli.nights import nights
from tests.cli.workshop import minute

#: More than are judged together.
DAYS = 9


def test_values_are_read_in_their_order() -> None:
    held = HeldDays[str]()
    held.append("a")
    held.append("b")
    assert len(held) == 2
    assert [*held] == ["a", "b"]
    held.append("c")
    assert (held[-1], held[1:]) == ("c", ["b", "c"])
    with pytest.raises(IndexError):
        held[3]


def test_no_findings_of_a_day_stay_in_memory_while_later_days_are_judged(
    tmp_path: Path, migrated_sqlite: Path
) -> None:
    frames: list[weakref.ref[object]] = []
    alive: list[int] = []

    def progress(one: ReportedRun) -> None:
        frames.append(weakref.ref(one.run.verdict.findings))
        if len(frames) == DAYS:
            gc.collect()
            alive.append(sum(frame() is not None for frame in frames))

    shutil.copy(migrated_sqlite, tmp_path / "recon.db")
    database_url = f"sqlite:///{tmp_path / 'recon.db'}"
    with nights(tmp_path, database_url) as stage:
        stage.send(3, start=minute(0), recorded=False)
        assert stage.run() == 0
        settings = config.load(tmp_path / "recon.toml", {"KEY": stage.key})
        last = stage.clock().date() - timedelta(days=1)
        first = last - timedelta(days=DAYS - 1)
        options = RunOptions(
            days=(first, last),
            accounts=["main"],
            offline=True,
            directory=tmp_path,
            again=True,
        )
        with opened(database_url) as engine:
            [outcome] = night.run(settings, engine, options, stage.runtime(), progress)
    assert outcome.error is None
    # Those of the last stretch, which are judged together.
    assert alive == [DAYS - 7]
    days = [one.run.verdict.window.label for one in outcome.days]
    assert days == [one.label for one in calendar.windows(first, last, "UTC")]
    assert len(outcome.days[-1].run.verdict.findings) == 3
