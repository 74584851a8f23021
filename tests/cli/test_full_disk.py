"""A disk that is full at any write: a sentence, nothing half-written, and the next run mends it."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from recon.cli import collect, dashboard, purge
from recon.simulator.channel import Channel
from tests.cli.nights import Nights, nights
from tests.factories import DAY, NOON

#: Free bytes of the disk when the command begins: from none at all to more than all that it writes.
FREE = [4_096 * pages for pages in (0, 1, 2, 4, 8, 12, 16, 20, 24, 32, 40, 48, 64, 96)]
#: The codes of what a person can mend by making room: reports, and recon's own database.
ROOM_IS_NEEDED = {73, 75}


@contextmanager
def _disk(path: Path, size: int) -> Iterator[None]:
    """Mount a small disk of its own; only root may."""
    path.mkdir()
    mounted = subprocess.run(  # noqa: S603 - our own words
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "recon-tests", path],  # noqa: S607
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("needs the right to mount a small disk")
    try:
        yield
    finally:
        subprocess.run(["umount", path], check=True)  # noqa: S603, S607


def _enlarge(path: Path) -> None:
    command = ["mount", "-o", "remount,size=64m", str(path)]
    subprocess.run(command, check=True)  # noqa: S603 - our own words


def _day(made: Nights) -> None:
    """Thirty messages with records, three without, and three records that nobody sent."""
    made.send(15, start=NOON)
    made.send(3, start=NOON.replace(hour=13), recorded=False)
    made.send(15, start=NOON.replace(hour=14))
    made.workshop.add_records(
        *((n, 9_000 + n, f"+3538799{n:05}", NOON, "sent") for n in range(500, 503))
    )


def _findings(made: Nights) -> list[tuple[str, str, str]]:
    return sorted(made.workshop.kinds())


def _assert_whole(room: Path) -> None:
    """Each report that lies there is complete, and nothing lies beside it."""
    for path in (room / "reports").rglob("*"):
        if path.is_file():
            assert not path.name.startswith("."), path
            if path.suffix == ".csv":
                assert len({len(row) for row in csv.reader(path.read_text().splitlines())}) == 1
            elif path.suffix == ".json":
                assert json.loads(path.read_text())["date"] == DAY
            else:
                assert path.read_text().rstrip().endswith("</html>")


@pytest.mark.thorough
@pytest.mark.parametrize("free", FREE)
def test_a_run_on_a_full_disk_is_mended_by_the_next(
    tmp_path: Path, migrated_sqlite: Path, free: int
) -> None:
    room = tmp_path / "room"
    used = migrated_sqlite.stat().st_size
    with _disk(room, 64 << 20):
        shutil.copy(migrated_sqlite, room / "recon.db")
        with nights(room, f"sqlite:///{room / 'recon.db'}", channel=Channel(first_id=101)) as made:
            _day(made)
            files = sum(path.stat().st_blocks * 512 for path in room.iterdir())
            assert files >= used
            shrunk = ["mount", "-o", f"remount,size={files + free}", str(room)]
            subprocess.run(shrunk, check=True)  # noqa: S603 - our own words
            code = made.run()
            assert code in {FREE[0]: ROOM_IS_NEEDED, FREE[-1]: {0}}.get(free, {0, *ROOM_IS_NEEDED})
            _assert_whole(room)
            for command in (collect.command, dashboard.command):
                assert made.invoke(command) in {0, *ROOM_IS_NEEDED}
            assert made.invoke(purge.command, "--older-than", "100") in {0, *ROOM_IS_NEEDED}
            _enlarge(room)
            assert made.run() == 0
            _assert_whole(room)
            kinds = [kind for kind, *_ in _findings(made)]
            assert kinds == ["missing_at_provider"] * 3 + ["missing_locally"] * 3
            assert len(made.workshop.findings()) == 6
