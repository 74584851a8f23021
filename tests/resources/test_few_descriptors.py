"""Processes that may open only a few more files: each ends in words, and the next one is right."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from recon.errors import TemporaryError
from tests.cli.nights import Nights, nights
from tests.factories import DAY, NOON
from tests.forked import Forked

pytestmark = pytest.mark.thorough

_RUN = """
import sys
from recon.cli import main
from tests.descriptors import few_files
with few_files(int(sys.argv.pop(1))):
    main()
"""
_BEFORE = (NOON - timedelta(days=1)).date().isoformat()
_BACKFILL = ["run", "--from", _BEFORE, "--to", DAY]
_COMMANDS = {
    "report": ["report", "--date", DAY],
    "backfill": _BACKFILL,
    "workers": [*_BACKFILL, "--workers", "2"],
}
_ENOUGH = 1_000
#: Whether each number of files is tried, from 1 on, until there are enough.
_WHOLE = "RECON_TESTS_CRASH" in os.environ


def _right(made: Nights) -> bool:
    """Say whether the reports tell of the message that nobody recorded, on both days."""
    kinds = [[row["kind"] for row in made.workshop.rows(day=day)] for day in (_BEFORE, DAY)]
    return kinds == [["missing_locally"]] * 2


@pytest.mark.parametrize("command", _COMMANDS if _WHOLE else ["backfill"])
def test_a_shortage_is_told_and_the_next_command_is_right(made: Nights, command: str) -> None:
    room = made.workshop.path
    if command == "report":
        assert _ended(made, _ENOUGH, *_BACKFILL)[0] == 0
    start = room.with_name("start")
    shutil.copytree(room, start)
    right_in_a_row = 0
    for left in count(1) if _WHOLE else [6]:
        shutil.rmtree(room)
        shutil.copytree(start, room)
        code, said = _ended(made, left, *_COMMANDS[command])
        assert code in {0, TemporaryError.exit_code}, (left, said)
        assert code == 0 or "ulimit -n" in said, (left, said)
        if code != 0:
            assert _ended(made, _ENOUGH, *_COMMANDS[command])[0] == 0, left
        assert _right(made), left
        assert not list((room / "reports").rglob("*.tmp")), left
        right_in_a_row = 0 if code else right_in_a_row + 1
        if right_in_a_row == 5:
            break


def _ended(made: Nights, left: int, *argv: str) -> tuple[int, str]:
    """Run a command in a process that may open so many files; return its code and its errors."""
    environ = {
        "KEY": made.key,
        "TMPDIR": str(made.workshop.path),
        "RECON_REPORT__DIRECTORY": "reports",
    }
    process = Forked(_RUN, str(left), "-q", *argv, cwd=made.workshop.path, environ=environ)
    _, said = process.communicate()
    assert process.returncode is not None
    return process.returncode, said


@pytest.fixture
def made(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> Iterator[Nights]:
    """Two days, each with a message that nobody recorded."""
    room = tmp_path_factory.mktemp("descriptors") / "room"
    room.mkdir()
    (room / "recon.db").write_bytes(migrated_sqlite.read_bytes())
    with nights(room, f"sqlite:///{room / 'recon.db'}") as made:
        for day in (NOON - timedelta(days=1), NOON):
            made.send(3, start=day)
            made.send(1, start=day + timedelta(hours=1), recorded=False)
        yield made
