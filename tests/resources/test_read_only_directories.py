"""Directories that cannot be written: an error that names the next step, and nothing is lost."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from recon.cli import check
from recon.errors import OutputError
from tests.cli.nights import Nights, nights
from tests.cli.workshop import Ended
from tests.factories import DAY, NOON
from tests.resources.read_only import read_only

_DENIED = OutputError.exit_code


@pytest.fixture
def made(tmp_path: Path, migrated_sqlite: Path) -> Iterator[Nights]:
    """A day with a message that nobody recorded; the database has a directory of its own."""
    folder = tmp_path / "database"
    folder.mkdir()
    file = folder / "recon.db"
    file.write_bytes(migrated_sqlite.read_bytes())
    with nights(tmp_path, f"sqlite:///{file}") as made:
        made.send(3, start=NOON)
        made.send(1, start=NOON.replace(hour=13), recorded=False)
        made.workshop.environ = {"KEY": made.key}
        yield made


def _assert_right(made: Nights) -> None:
    """The next run ends as if nothing had happened."""
    assert made.workshop.run().code == 0
    assert [kind for kind, *_ in made.workshop.kinds()] == ["missing_locally"]
    assert len(made.workshop.findings()) == 1


def _assert_says(ended: Ended, what: Path | str) -> None:
    assert ended.code == _DENIED, ended
    assert str(what) in ended.err + ended.out
    assert "Traceback" not in ended.err


def test_reports(made: Nights) -> None:
    folder = made.workshop.path / "reports"
    folder.mkdir()
    with read_only(folder):
        _assert_says(made.workshop.run(), "reports/main")
        # It is stored all the same.
        assert len(made.workshop.findings()) == 1
        _assert_says(made.workshop.recon("report", "--date", DAY), "reports/main")
        page = folder / "dashboard.html"
        _assert_says(made.workshop.recon("dashboard", "--output", page), page)
    _assert_right(made)


@pytest.mark.parametrize("command", [["run", "--date", DAY], ["collect"], ["retries"], ["purge"]])
def test_the_directory_of_the_database(made: Nights, command: list[str]) -> None:
    folder = made.workshop.path / "database"
    more = {"purge": ["--older-than", "10"], "retries": ["--date", DAY, "--format", "csv"]}
    with read_only(folder):
        _assert_says(made.workshop.recon(*command, *more.get(command[0], [])), folder / "recon.db")
    _assert_right(made)


def test_the_directory_for_temporary_files(
    made: Nights, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = made.workshop.path / "temporary"
    folder.mkdir()
    with read_only(folder):
        monkeypatch.setattr(tempfile, "tempdir", str(folder))
        assert made.run("--dry-run") == _DENIED
        assert made.invoke(check.command) == _DENIED
        assert "TMPDIR" in capsys.readouterr().out
        # A run itself needs none.
        assert made.run() == 0
        monkeypatch.undo()
    _assert_right(made)
