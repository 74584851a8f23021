"""For each kind and each trap two small files, and exactly what `recon diff` must say of them."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from recon.cli.common import Session
from recon.cli.diff import command
from recon.errors import ReconError
from recon.jobs.runtime import Runtime
from recon.model import Kind
from recon.report.csv_columns import COLUMNS
from tests.cli import corpus
from tests.cli.corpus import Case, Expected

CASES = corpus.cases()
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z|")

Row = dict[str, str]


def diff(case: Case, room: Path) -> int:
    """Run the command in a directory with the case's files; return how it ends."""
    room.mkdir(parents=True)
    paths = {}
    for name, content in case.files.items():
        paths[Path(name).stem] = room / name
        paths[Path(name).stem].write_bytes(content.encode())
    config = None
    if case.config is not None:
        config = room / "recon.toml"
        config.write_text(case.config)
    runtime = Runtime(clock=lambda: case.now, environ={})
    argv = [paths["sends"], paths["octopods"], "--output", room, "--exit-code", *case.options]
    try:
        with ExitStack() as at_exit:
            session = Session(config, runtime, at_exit)
            return int(command.main(list(map(str, argv)), obj=session, standalone_mode=False))
    except ReconError as error:
        return error.exit_code


def rows_of(room: Path, label: str, account: str = "diff") -> list[Row]:
    with (room / account / f"{label}.csv").open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file, strict=True)
        assert tuple(reader.fieldnames or ()) == COLUMNS
        return list(reader)


def report_of(room: Path, label: str, account: str = "diff") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((room / account / f"{label}.json").read_text("utf-8"))
    return found


def assert_found(expected: Expected, rows: list[Row]) -> None:
    """Compare every finding; a line's words after the colon must be among its detail."""
    if expected.finds is not None:
        lines = [line.partition(": ") for line in expected.finds]
        wanted = [(what, words) for what, _, words in lines]
        found = [
            (f"{row['kind']} {row['local_id'] or '-'} {row['message_id'] or '-'}", row["detail"])
            for row in rows
        ]
        if expected.unsorted:
            wanted, found = sorted(wanted), sorted(found)
        assert [what for what, _ in found] == [what for what, _ in wanted]
        for (_, detail), (_, words) in zip(found, wanted, strict=True):
            assert words in detail
    for row, cells in zip(rows, expected.rows, strict=False):
        assert {name: row[name] for name in cells} == cells
    if expected.finds is None:
        assert len(rows) == len(expected.rows)


def assert_well_formed(label: str, rows: list[Row], report: dict[str, Any]) -> None:
    """Check what holds of every report."""
    severities = [row["severity"] for row in rows]
    kinds = [row["kind"] for row in rows]
    times = [row["provider_sent_at"] or row["local_sent_at"] or "9" for row in rows]
    keys = list(zip(severities, kinds, times, strict=True))
    assert keys == sorted(keys)
    assert severities == [Kind(kind).severity for kind in kinds]
    assert len({row["discrepancy_id"] for row in rows}) == len(rows)
    for row in rows:
        assert (row["run_id"], row["date"]) == (report["run_id"], label)
        assert row["account"] == "diff"
        assert INSTANT.fullmatch(row["local_sent_at"])
        assert INSTANT.fullmatch(row["provider_sent_at"])
        assert row["detail"]
    counts = Counter(kinds)
    assert report["discrepancies"] == {kind.value: counts[kind] for kind in Kind}
    assert report["account"] == "diff"
    assert report["date"] == label
    assert report["coverage"] == {"complete": True, "gaps": [], "refused": [], "withdrawn": []}
    assert report["requests"] == {"list": 0, "status": 0, "rate_limited": 0}


def assert_says(case: Case, room: Path) -> None:
    for label, expected in case.windows.items():
        rows, report = rows_of(room, label), report_of(room, label)
        assert_found(expected, rows)
        assert report["verdict"] == expected.verdict
        for side in ("local", "provider"):
            buckets = dict(report[side])
            total = buckets.pop("total")
            assert {name: count for name, count in buckets.items() if count} == {
                name: count for name, count in getattr(expected, side).items() if count
            }
            assert total == sum(buckets.values())
        if expected.statuses is not None:
            assert {k: n for k, n in report["statuses"].items() if n} == expected.statuses
        if expected.window is not None:
            assert report["window"] == expected.window
        assert_well_formed(label, rows, report)
    written = {path.stem for path in (room / "diff").glob("*.csv")}
    assert written == set(case.windows)


@contextmanager
def without_customers_text(room: Path) -> Iterator[None]:
    """Check that nothing of a message's content was written."""
    yield
    for path in room.glob("diff/*"):
        assert b"SECRET" not in path.read_bytes()


@pytest.mark.parametrize("name", CASES)
def test_two_files_give_exactly_the_expected_findings(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    room = tmp_path / "room"
    with without_customers_text(room):
        assert diff(case, room) == case.code
    if case.windows:
        assert_says(case, room)
