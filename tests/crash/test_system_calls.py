"""The order of syncs, as the system sees it: what Python and SQLite really ask for."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.nights import nights
from tests.factories import DAY, NOON

#: A call with the path of its descriptor, or its two paths, as `strace -y` prints it.
_CALL = re.compile(
    r"(?P<call>fsync|fdatasync|pwrite64)\(\d+<(?P<path>[^>]+)>"
    r'|rename(?:at2?)?\((?:AT_FDCWD<[^>]*>, )?"(?P<source>[^"]+)", '
    r'(?:AT_FDCWD<[^>]*>, )?"(?P<target>[^"]+)"'
)
_TRACED = "trace=fsync,fdatasync,pwrite64,rename,renameat,renameat2"


@pytest.mark.thorough
def test_files_and_the_log_of_the_database_are_synced_before_a_report_is_put_in_its_place(
    tmp_path: Path, migrated_sqlite: Path
) -> None:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("needs strace")
    room = tmp_path.resolve()
    shutil.copy(migrated_sqlite, room / "recon.db")
    with nights(room, f"sqlite:///{room / 'recon.db'}") as made:
        made.send(3, start=NOON)
        command = [sys.executable, "-m", "recon", "run", "--date", DAY]
        traced = [strace, "-f", "-y", "-s", "300", "-e", _TRACED, "-o", "calls", *command]
        ended = subprocess.run(  # noqa: S603 - our own command
            traced, cwd=room, env={"KEY": made.key}, capture_output=True, check=False
        )
    if b"ptrace" in ended.stderr:
        pytest.skip("needs the right to trace")
    assert ended.returncode == 0, ended.stderr
    synced: set[str] = set()
    unsynced: set[str] = set()
    logs = renames = 0
    for line in (room / "calls").read_text(errors="replace").splitlines():
        found = _CALL.search(line)
        if found is None:
            continue
        path = found["path"] or ""
        if found["call"] == "pwrite64" and path.endswith("recon.db-wal"):
            logs += 1
            unsynced.add(path)
        elif found["call"]:
            synced.add(path)
            unsynced.discard(path)
        elif found["source"].endswith(".tmp"):
            assert str(room / found["source"]) in synced, line
            # Neither the log of the database nor the directory of the file before it.
            assert unsynced == set(), line
            renames += 1
            unsynced.add(str((room / found["target"]).parent))
    assert unsynced == set()
    assert logs
    assert renames >= 3
