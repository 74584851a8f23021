"""What does not fit into memory lies in a private directory, and nothing of it stays."""

from __future__ import annotations

import stat
from contextlib import suppress
from pathlib import Path

import pytest

from recon.errors import OutputError
from recon.jobs.scratch_directory import scratch_directory


@pytest.fixture(autouse=True)
def _without_tmpdir(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMPDIR", raising=False)


def test_it_is_private_and_gone_at_the_end(tmp_path: Path) -> None:
    with scratch_directory(tmp_path / "reports") as folder:
        (folder / "rows").touch()
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert folder.parent == tmp_path / "reports"
    assert list((tmp_path / "reports").iterdir()) == []


def test_it_is_gone_after_an_error(tmp_path: Path) -> None:
    with suppress(KeyboardInterrupt), scratch_directory(tmp_path) as folder:
        (folder / "rows").touch()
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_it_lies_in_tmpdir_where_that_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    with scratch_directory(tmp_path / "reports") as folder:
        assert folder.parent == tmp_path / "tmp"


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    left, other = tmp_path / ".recon-partitions-abcdefgh", tmp_path / ".recon-partitions-mine"
    for folder in (left, other):
        folder.mkdir()
        (folder / "rows").touch()
    with scratch_directory(tmp_path) as used, scratch_directory(tmp_path):
        assert used.exists()
        assert not left.exists()
    assert [path.name for path in tmp_path.iterdir()] == [other.name]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file"), scratch_directory(tmp_path / "file"):
        pass
