"""The files of a run on disk: whole or not at all, and nobody else's to read."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from recon.errors import OutputError
from recon.model import RunFigures, VerdictKind
from recon.report import report_files
from tests.factories import finding, run

ROOT = Path(__file__).parents[2]

FULL = """
import resource, signal, sys
from pathlib import Path
from recon.errors import OutputError
from recon.report import report_files
from tests.factories import finding, run
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    report_files.write(run([finding("stuck")]), Path(sys.argv[1]), mask=True)
except OutputError as error:
    print(error)
    sys.exit(error.exit_code)
"""


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def left_in(directory: Path) -> set[str]:
    return {path.name for path in directory.rglob("*") if path.is_file()}


def test_a_run_is_three_files_named_after_account_and_day(tmp_path: Path) -> None:
    written = report_files.write(run([finding("stuck")]), tmp_path / "new", mask=True)
    folder = tmp_path / "new" / "main"
    assert (written.csv, written.json, written.html) == (
        folder / "2026-04-23.csv",
        folder / "2026-04-23.json",
        folder / "2026-04-23.html",
    )
    assert written.csv.read_bytes().startswith(b"discrepancy_id,")
    assert json.loads(written.json.read_bytes())["verdict"] == "discrepancies"
    assert b"<!doctype html>" in written.html.read_bytes()
    assert left_in(tmp_path) == {"2026-04-23.csv", "2026-04-23.json", "2026-04-23.html"}


def test_writing_again_replaces_the_files(tmp_path: Path) -> None:
    report_files.write(run([finding("stuck")]), tmp_path, mask=True)
    written = report_files.write(run(), tmp_path, mask=True)
    assert len(written.csv.read_bytes().splitlines()) == 1
    assert json.loads(written.json.read_bytes())["verdict"] == "clean"


@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077, 0o377])
def test_only_the_owner_may_read_whatever_the_umask_and_the_old_mode(
    tmp_path: Path, mask: int
) -> None:
    folder = tmp_path / "main"
    folder.mkdir(mode=0o755)
    old = folder / "2026-04-23.csv"
    old.write_text("old")
    old.chmod(0o666)
    os.umask(mask)
    written = report_files.write(run([finding("stuck")]), tmp_path, mask=True)
    assert {mode(path) for path in (written.csv, written.json, written.html)} == {0o600}


def test_a_full_disk_leaves_all_three_files_of_the_earlier_run(tmp_path: Path) -> None:
    earlier = report_files.write(run(), tmp_path, mask=True)
    before = [path.read_bytes() for path in (earlier.csv, earlier.json, earlier.html)]
    ended = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", FULL, str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (73, "")
    assert "2026-04-23.html cannot be written: File too large." in ended.stdout
    assert [path.read_bytes() for path in (earlier.csv, earlier.json, earlier.html)] == before
    assert len(left_in(tmp_path)) == 3


def test_a_directory_in_the_way_is_reported_before_anything_is_replaced(tmp_path: Path) -> None:
    in_the_way = tmp_path / "main" / "2026-04-23.html"
    in_the_way.mkdir(parents=True)
    with pytest.raises(OutputError, match=r"2026-04-23\.html.*\n.*Remove it") as refused:
        report_files.write(run(), tmp_path, mask=True)
    assert refused.value.exit_code == 73
    assert left_in(tmp_path) == set()


def test_a_file_where_the_directory_belongs_is_reported(tmp_path: Path) -> None:
    (tmp_path / "main").write_text("")
    with pytest.raises(
        OutputError,
        match=r"main cannot be written: .*\n.*the place of a directory.* set by report\.directory",
    ):
        report_files.write(run(), tmp_path, mask=True)
    with pytest.raises(OutputError, match="the place of a directory"):
        report_files.write(run(), tmp_path / "main", mask=True)


def test_a_file_system_that_takes_nothing_is_reported() -> None:
    with pytest.raises(OutputError, match=r"^/proc/main cannot be written") as refused:
        report_files.write(run(), Path("/proc"), mask=True)
    assert refused.value.hint


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_missing_permission_is_reported(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="right to write"):
        report_files.write(run(), tmp_path, mask=True)


def test_a_link_is_replaced_and_what_it_points_to_is_left_alone(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("mine")
    target = tmp_path / "main" / "2026-04-23.csv"
    target.parent.mkdir()
    target.symlink_to(elsewhere)
    report_files.write(run(), tmp_path, mask=True)
    assert not target.is_symlink()
    assert elsewhere.read_text() == "mine"


def test_the_index_lists_all_days_and_links_those_whose_page_is_there(tmp_path: Path) -> None:
    report_files.write(run(), tmp_path, mask=True)
    days = [
        RunFigures(date(2026, 4, day), VerdictKind.CLEAN, 5, 1204, 12, 3, 0) for day in (23, 22)
    ]
    target = report_files.write_index("main", days, tmp_path)
    assert target == tmp_path / "main" / "index.html"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    page = target.read_text()
    assert page.count('href="2026-04-23.html"') == 1
    assert "Wed 2026-04-22" in page
    assert 'href="2026-04-22.html"' not in page
    assert "1,204" in page
