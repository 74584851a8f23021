"""A file is there whole or not at all, with its mode from the first byte."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from recon.report.atomic_files import staged


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def replace_file(target: Path, pieces: Iterable[bytes]) -> None:
    with staged(target, pieces) as put_in_place:
        put_in_place()


def names_in(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()]


@pytest.mark.usefixtures("umask")
def test_the_mode_is_tight_before_the_first_byte_is_written(tmp_path: Path) -> None:
    seen: list[int] = []

    def pieces() -> Iterator[bytes]:
        for _ in range(2):
            seen.extend(mode(path) for path in tmp_path.iterdir())
            yield b"x" * 100_000

    replace_file(tmp_path / "a.csv", pieces())
    assert seen == [0o600, 0o600]


def test_an_error_half_way_leaves_the_old_file_whole_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "a.csv"
    target.write_bytes(b"old")

    def pieces() -> Iterator[bytes]:
        yield b"new" * 100_000
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replace_file(target, pieces())
    assert target.read_bytes() == b"old"
    assert names_in(tmp_path) == ["a.csv"]


def test_what_is_staged_and_not_put_in_place_is_gone(tmp_path: Path) -> None:
    target = tmp_path / "a.csv"
    with staged(target, [b"new"]):
        assert not target.exists()
        assert len(names_in(tmp_path)) == 1
    assert names_in(tmp_path) == []


def test_what_a_killed_process_left_is_taken_away_and_nothing_else(tmp_path: Path) -> None:
    left, foreign = ".2026-04-22.csv.k3x_a9zq.tmp", ".somebody.tmp"
    for name in (left, foreign):
        (tmp_path / name).write_bytes(b"+353871234567")
    with staged(tmp_path / "b.csv", [b"being written"]) as put_in_place:
        replace_file(tmp_path / "a.csv", [b"new"])
        put_in_place()
    assert sorted(names_in(tmp_path)) == [foreign, "a.csv", "b.csv"]


@pytest.mark.parametrize(("age", "is_left"), [(3500, False), (3700, True)])
def test_where_nothing_can_be_locked_age_tells_what_was_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, age: int, *, is_left: bool
) -> None:
    def refused(_number: int, _operation: int) -> None:
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(fcntl, "flock", refused)
    left = tmp_path / ".2026-04-22.csv.k3x_a9zq.tmp"
    left.write_bytes(b"+353871234567")
    before = left.stat().st_mtime - age
    os.utime(left, (before, before))
    replace_file(tmp_path / "a.csv", [b"new"])
    assert left.exists() is not is_left


def test_a_file_that_was_taken_for_one_left_behind_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = fcntl.flock

    def removed_first(number: int, operation: int) -> None:
        monkeypatch.setattr(fcntl, "flock", lock)
        next(tmp_path.iterdir()).unlink()
        lock(number, operation)

    monkeypatch.setattr(fcntl, "flock", removed_first)
    replace_file(tmp_path / "a.csv", [b"new"])
    assert names_in(tmp_path) == ["a.csv"]
    assert (tmp_path / "a.csv").read_bytes() == b"new"
