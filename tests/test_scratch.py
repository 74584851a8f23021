"""Temporary directories are gone at the end, and after a kill with the next command."""

from __future__ import annotations

import signal
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest

from recon import scratch
from recon.errors import OutputError
from tests.forked import Forked

_HOLDS = """
import sys
from recon import scratch
with scratch.directory("check") as room:
    (room / "numbers").write_text("+353871200000")
    print(room, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_directory_is_this_users_alone_and_gone_at_the_end(folder: Path) -> None:
    with suppress(KeyError), scratch.directory("dry-run") as room:
        assert room.stat().st_mode & 0o777 == 0o700
        (room / "recon.db").touch()
        raise KeyError
    assert list(folder.iterdir()) == []


def test_what_a_killed_process_left_is_removed_and_what_another_works_on_is_not(
    folder: Path,
) -> None:
    with Forked(_HOLDS, environ={"TMPDIR": str(folder)}) as process:
        room = Path(process.stdout.readline().strip())
        scratch.sweep()
        with scratch.directory("dry-run"):
            assert (room / "numbers").exists()
        process.send_signal(signal.SIGKILL)
    assert (room / "numbers").exists()
    scratch.sweep()
    assert list(folder.iterdir()) == []


def test_what_is_not_recons_stays(folder: Path) -> None:
    others = [folder / "recon-check.tmp", folder / "recon-check.abcdefgh.tmp.old"]
    for one in others:
        one.mkdir()
    link = folder / "recon-check.abcdefgh.tmp"
    link.symlink_to(others[0])
    scratch.sweep()
    assert sorted(folder.iterdir()) == sorted([*others, link])


def test_a_place_where_nothing_can_be_made_is_an_error_that_names_the_variable(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "not there"))
    scratch.sweep()
    with pytest.raises(OutputError, match="TMPDIR"), scratch.directory("dry-run"):
        pass
