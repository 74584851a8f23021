"""The lines of deploy/crontab, as the cron of Debian, RHEL and Alpine runs them."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from recon.errors import WORST_FIRST
from tests.deploy.commands import DEPLOY, must_parse

LINES = [line for line in (DEPLOY / "crontab").read_text().splitlines() if line and line[0] != "#"]
JOBS = [line.split(None, 5) for line in LINES if not re.match(r"[A-Z_]+=", line)]
[NIGHT] = [job[5] for job in JOBS if " collect" not in job[5]]

SHELLS = [["/bin/sh"], ["busybox", "sh"]]
ONLY_ONCE = sorted({*WORST_FIRST, 0, 1, 2, 3, 70} - {69, 75})

#: Notes what it is called with, and ends with the next of the codes.
STUB = """#!/bin/sh
shift 3
echo "$@" >>"$HOME/calls"
code=$(head -n 1 "$HOME/codes"); sed -i 1d "$HOME/codes"
exit "${code:-99}"
"""


@pytest.mark.skipif(shutil.which("crontab") is None, reason="no cron here to check its syntax")
def test_cron_takes_the_file() -> None:
    ended = subprocess.run(  # noqa: S603 - only checks
        ["crontab", "-n", DEPLOY / "crontab"],  # noqa: S607 - the machine's own
        check=False,
        capture_output=True,
        text=True,
    )
    if "option" in ended.stderr:
        pytest.skip("this cron cannot check a file: it has no -n")
    assert ended.returncode == 0, ended.stderr


def test_no_line_needs_what_only_some_crons_have() -> None:
    assert [line for line in LINES if re.match(r"[A-Z_]+=", line)] == ["MAILTO=root"]
    assert len(JOBS) == 2
    for *times, command in JOBS:
        assert all(re.fullmatch(r"\*|\d+", time) for time in times)
        # Cron takes it for the end of the line, and Debian's reads no more than 998 characters.
        assert "%" not in command
        assert len(command) < 998


def test_every_path_is_whole_and_every_command_is_one_of_the_program() -> None:
    for *_, command in JOBS:
        [called] = re.findall(r"(\S*recon) (-q .*?) \d?>>", command)
        assert called[0] == "/opt/recon/bin/recon"
        must_parse(shlex.split(called[1].replace('"$@"', "run")))
    assert "; set run; " in NIGHT
    [again] = re.findall(r"set (report [^;]*);", NIGHT)
    must_parse(shlex.split(again))


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@pytest.mark.parametrize(
    ("codes", "calls"),
    [
        ([75, 0], ["run", "sleep 1800", "run"]),
        ([75, 75, 75, 75], ["run", *["sleep 1800", "run"] * 3]),
        ([69, 0], ["run", "sleep 1800", "report --email"]),
        ([75, 69, 69, 0], ["run", "sleep 1800", "run", *["sleep 1800", "report --email"] * 2]),
        ([75, 78], ["run", "sleep 1800", "run"]),
    ],
)
def test_what_is_temporary_is_tried_again_and_only_a_mail_after_69(
    tmp_path: Path, shell: list[str], codes: list[int], calls: list[str]
) -> None:
    assert night(tmp_path, shell, codes)[0] == calls


@pytest.mark.parametrize("code", ONLY_ONCE)
def test_any_other_code_is_not_retried(tmp_path: Path, code: int) -> None:
    assert night(tmp_path, ["/bin/sh"], [code]) == (["run"], code)


def night(home: Path, shell: list[str], codes: list[int]) -> tuple[list[str], int]:
    """Run the nightly line with a stub that ends with these codes; return what was called."""
    if shutil.which(shell[0]) is None:
        pytest.skip(f"no {shell[0]} here")
    stub = home / "recon"
    stub.write_text(STUB)
    stub.chmod(0o700)
    (home / "codes").write_text("".join(f"{code}\n" for code in codes))
    line = NIGHT.replace("/opt/recon/bin/recon", str(stub)).replace("/var/lib/recon", str(home))
    sleeps = 'sleep() { [ "$1" = 0 ] || echo "sleep $1" >>"$HOME/calls"; }\n'
    ended = subprocess.run(  # noqa: S603 - our own line
        [*shell, "-c", sleeps + line],
        check=False,
        cwd="/",
        env={"HOME": str(home), "LOGNAME": "recon", "SHELL": "/bin/sh", "PATH": "/usr/bin:/bin"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert not ended.stderr
    assert not (home / "codes").read_text()
    return (home / "calls").read_text().splitlines(), ended.returncode


@pytest.mark.skipif(
    shutil.which("logrotate", path="/usr/sbin:/usr/bin") is None, reason="no logrotate here"
)
def test_logs_are_rotated(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    text = (DEPLOY / "logrotate.conf").read_text()
    logs = set(re.findall(r">>(\S+\.log)", (DEPLOY / "crontab").read_text()))
    for log in logs:
        (tmp_path / log).write_text("one\n")
    mine = f"{tmp_path.owner()} {tmp_path.group()}"
    rules = text.replace("/var/lib/recon", str(tmp_path)).replace("recon recon", mine)
    if tmp_path.owner() != "root":
        rules = re.sub(r"^ *su .*\n", "", rules, flags=re.MULTILINE)
    config = tmp_path / "logrotate.conf"
    config.touch(0o644)
    config.write_text(rules)
    ended = subprocess.run(  # noqa: S603 - in the directory of this test
        ["logrotate", "--force", "--state", tmp_path / "state", config],  # noqa: S607 - the machine's own
        check=False,
        env={"PATH": "/usr/sbin:/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    for log in logs:
        assert (tmp_path / f"{log}.1").read_text() == "one\n"
        assert (tmp_path / log).stat().st_mode & 0o777 == 0o600
