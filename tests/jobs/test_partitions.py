"""A comparison in partitions gives the files that one piece gives, byte for byte."""

from __future__ import annotations

import os
import random
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from recon.core import calendar
from recon.core.policy import Policy
from recon.errors import InputError
from recon.jobs import file_diff
from recon.jobs.file_diff import DiffOptions
from recon.jobs.memory_budget import MemoryBudget
from recon.records.source import Source
from tests.jobs import odd_days

NOON = datetime(2026, 10, 27, 12, tzinfo=UTC)
ENOUGH = MemoryBudget(10**12)


@pytest.fixture(autouse=True)
def _without_tmpdir(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMPDIR", raising=False)


def budget(rows: int) -> MemoryBudget:
    """Return one that so many rows just fit into."""
    return MemoryBudget(rows, base=0, row=1)


def options(seed: int, folder: Path, sends: int) -> DiffOptions:
    """Return what to compare on one of the odd days, in files of one kind or another."""
    rng = random.Random(seed)
    day = odd_days.odd_day(seed, sends)
    kinds = [rng.choice(["csv", "jsonl", "parquet"]) for _ in range(2)]
    local = odd_days.write(day.local, odd_days.LOCAL, kinds[0], folder / "local")
    provider = odd_days.write(day.provider, odd_days.PROVIDER, kinds[1], folder / "provider")
    without = rng.choice([None, None, None, "phone_number", "status", "id"])
    days = [calendar.unbounded("Europe/Dublin")]
    if rng.random() < 0.5:
        days = [*calendar.windows(date(2026, 10, 24), date(2026, 10, 25), "Europe/Dublin")]
    return DiffOptions(
        local=Source(
            file=local,
            timezone="Europe/Dublin",
            columns={without: ""} if without else {},
            statuses={"queued": "not_sent"},
        ),
        provider=provider,
        days=days,
        policy=Policy(region=rng.choice([None, "IE"]), trust_input=rng.random() < 0.7),
        directory=folder / "whole",
        mask=True,
        budget=ENOUGH,
    )


def reports(one: DiffOptions) -> dict[str, str]:
    """Compare, and return what the files say, without the name of the run."""
    file_diff.diff(one, NOON)
    return {
        path.name: re.sub(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", "RUN", path.read_text())
        for path in sorted((one.directory / "diff").iterdir())
    }


@pytest.mark.parametrize("seed", [0, 5])
def test_partitions_change_nothing(seed: int, tmp_path: Path) -> None:
    check(seed, tmp_path, sends=100)


@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(100, 100 + int(os.environ.get("RECON_TESTS_DAYS", "2"))))
def test_partitions_of_many_odd_days_change_nothing(seed: int, tmp_path: Path) -> None:
    check(seed, tmp_path, sends=250)


def check(seed: int, folder: Path, sends: int) -> None:
    """Compare an odd day in one piece and in partitions: the files are equal, no others stay."""
    whole = options(seed, folder, sends)
    parts = replace(whole, directory=folder / "parts", budget=budget(sends // 2))
    assert reports(parts) == reports(whole)
    assert [path.name for path in parts.directory.iterdir()] == ["diff"]


@pytest.mark.thorough
def test_workers_change_nothing(tmp_path: Path) -> None:
    whole = options(3, tmp_path, sends=200)
    parts = replace(whole, directory=tmp_path / "parts", budget=replace(budget(100), workers=2))
    assert reports(parts) == reports(whole)


def test_a_file_that_cannot_be_used_leaves_nothing_behind(tmp_path: Path) -> None:
    whole = options(1, tmp_path, sends=100)
    odd = tmp_path / "odd.csv"
    odd.write_text("message_id,phone_number\n" * 100, encoding="ascii")
    parts = replace(whole, provider=odd, directory=tmp_path / "parts", budget=budget(60))
    with pytest.raises(InputError, match="sent_at"):
        file_diff.diff(parts, NOON)
    assert list(parts.directory.iterdir()) == []
