"""How large a comparison is expected to be, and what memory there is for it."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recon.errors import UsageError
from recon.jobs import memory_budget
from recon.jobs.memory_budget import MemoryBudget, RunMemory

GIB = 1 << 30
MEMINFO = "MemTotal:       33554432 kB\nMemFree: 99 kB\nMemAvailable:   16777216 kB\n"


def test_what_fits_is_done_in_one_piece() -> None:
    assert MemoryBudget(500_000_000).sizes(1_000_000) is None


def test_partitions_become_more_with_the_rows_and_with_the_workers() -> None:
    one, more = (MemoryBudget(512_000_000).sizes(rows) for rows in (10**7, 10**8))
    beside = MemoryBudget(10**9, workers=2).sizes(10**7)
    assert one is not None
    assert more is not None
    assert beside is not None
    assert 1 < one.by_id < more.by_id
    assert (one.ahead, beside.ahead) == (0, 2)


@pytest.mark.parametrize(("limit", "workers"), [(100_000_000, 1), (400_000_000, 2)])
def test_a_limit_without_room_for_rows_says_what_would_do(limit: int, workers: int) -> None:
    with pytest.raises(UsageError, match=r"Give [0-9,]+MB or more") as refused:
        MemoryBudget(limit, workers=workers).sizes(10_000_000)
    found = re.search(r"Give ([0-9,]+)MB", str(refused.value))
    assert found is not None
    enough = int(found[1].replace(",", "")) * 1_000_000
    assert MemoryBudget(enough, workers=workers).sizes(10_000_000) is not None


def test_rows_are_estimated_by_the_first_ones(tmp_path: Path) -> None:
    line = "1,2,+353871234567,2026-04-23T10:00:00Z,sent\n"
    (tmp_path / "a.csv").write_text(line * 30_000, encoding="ascii")
    (tmp_path / "a.jsonl").write_text('{"id": 1, "message_id": 2}\n' * 9_000, encoding="ascii")
    with gzip.open(tmp_path / "a.csv.gz", "wt", encoding="ascii") as file:
        file.write("".join(f"{n}{line}" for n in range(3_000)))
    pq.write_table(pa.table({"id": range(123)}), tmp_path / "a.parquet")
    assert memory_budget.estimated_rows(tmp_path / "a.csv") == pytest.approx(30_000, rel=0.01)
    assert memory_budget.estimated_rows(tmp_path / "a.jsonl") == pytest.approx(9_000, rel=0.01)
    assert memory_budget.estimated_rows(tmp_path / "a.csv.gz") > 0
    assert memory_budget.estimated_rows(tmp_path / "a.parquet") == 123
    assert memory_budget.estimated_rows(tmp_path) == 123


@pytest.mark.parametrize(
    "name", ["absent.csv", "odd.csv.gz", "odd.parquet", "odd.name", "none.csv"]
)
def test_what_cannot_be_read_has_no_rows_yet(name: str, tmp_path: Path) -> None:
    for odd in ("odd.csv.gz", "odd.parquet", "odd.name"):
        (tmp_path / odd).write_bytes(b"\x1f\x8bodd")
    (tmp_path / "none.csv").touch()
    assert memory_budget.estimated_rows(tmp_path / name) == 0


def test_half_of_the_free_memory_is_taken(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text(MEMINFO, encoding="ascii")
    limit = memory_budget.default_limit(tmp_path / "meminfo", tmp_path / "none", tmp_path)
    assert limit == 8 * GIB


@pytest.mark.parametrize(
    ("line", "group", "most", "used"),
    [
        ("0::/pod/job", "pod", "memory.max", "memory.current"),
        ("0::/pod/job", "", "memory.max", "memory.current"),
        ("7:cpu,memory:/job", "memory/job", "memory.limit_in_bytes", "memory.usage_in_bytes"),
    ],
)
def test_the_least_that_a_container_leaves_counts(
    line: str, group: str, most: str, used: str, tmp_path: Path
) -> None:
    (tmp_path / "meminfo").write_text(MEMINFO, encoding="ascii")
    (tmp_path / "cgroup").write_text(f"3:pids:/x\n{line}\n", encoding="ascii")
    inside = tmp_path / group
    inside.mkdir(parents=True, exist_ok=True)
    (inside / most).write_text(f"{3 * GIB}\n", encoding="ascii")
    (inside / used).write_text(f"{GIB}\n", encoding="ascii")
    nested = tmp_path / "pod" / "job"
    nested.mkdir(parents=True, exist_ok=True)
    (nested / "memory.max").write_text("max\n", encoding="ascii")
    limit = memory_budget.default_limit(tmp_path / "meminfo", tmp_path / "cgroup", tmp_path)
    assert limit == GIB


def test_where_the_system_says_nothing_two_gibibytes_are_taken(tmp_path: Path) -> None:
    none = tmp_path / "none"
    assert memory_budget.default_limit(none, none, none) == 2 * GIB


def test_a_run_without_a_limit_never_has_too_little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_budget, "default_limit", lambda: 1)
    assert RunMemory(None, None).budget().rows >= 100_000
    assert RunMemory(None, None, processes=4).budget().rows >= 100_000


def test_processes_share_the_limit_of_a_run() -> None:
    alone = RunMemory(GIB, None).budget().rows
    assert alone == MemoryBudget(GIB).rows
    assert RunMemory(GIB, None, processes=2).budget().rows < alone / 2


@pytest.mark.parametrize(("limit", "processes"), [(100_000_000, 0), (400_000_000, 2)])
def test_a_limit_of_a_run_without_room_says_what_would_do(limit: int, processes: int) -> None:
    with pytest.raises(UsageError, match=r"Give [0-9,]+MB or more") as refused:
        RunMemory(limit, None, processes).budget()
    enough = int(re.findall(r"Give ([0-9,]+)MB", str(refused.value))[0]) * 1_000_000
    assert RunMemory(enough, None, processes).budget().rows > 0
