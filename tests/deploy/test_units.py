"""The systemd units fit the program, and systemd takes them."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from recon.errors import WORST_FIRST
from tests.deploy.commands import DEPLOY, must_parse

SERVICES = ["recon.service", "recon-collect.service"]
UNITS = [*SERVICES, "recon.timer", "recon-failure@.service"]

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="no systemd-analyze here"
)


@pytest.fixture
def units(tmp_path: Path) -> list[Path]:
    """The units with a program that is there, which systemd asks for."""
    made = []
    for name in UNITS:
        text = (DEPLOY / name).read_text().replace("/opt/recon/bin/recon ", "/bin/true ")
        made.append(tmp_path / name)
        made[-1].write_text(text)
    return made


def setting(unit: str, name: str) -> str:
    [value] = re.findall(rf"^{name}=(.*)", (DEPLOY / unit).read_text(), re.MULTILINE)
    return str(value)


def test_a_night_restarts_only_for_what_is_temporary_half_an_hour_apart() -> None:
    codes = {int(code) for code in setting("recon.service", "RestartPreventExitStatus").split()}
    assert codes == {*WORST_FIRST, 2, 70} - {0, 69, 75}
    assert setting("recon.service", "RestartSec") == "30min"
    # The first start and three more, and the timer's next start is free again.
    assert setting("recon.service", "StartLimitBurst") == "4"
    assert setting("recon.service", "StartLimitIntervalSec") == "6h"


@pytest.mark.parametrize("unit", SERVICES)
def test_a_unit_runs_a_command_of_the_program_as_the_user_of_its_files(unit: str) -> None:
    program, *arguments = shlex.split(setting(unit, "ExecStart"))
    assert program == "/opt/recon/bin/recon"
    must_parse(arguments)
    assert "/etc/recon/recon.toml" in arguments
    assert (setting(unit, "User"), setting(unit, "WorkingDirectory")) == ("recon", "/var/lib/recon")


@pytest.mark.parametrize("unit", SERVICES)
def test_a_unit_that_fails_is_told(unit: str) -> None:
    assert setting(unit, "OnFailure") == "recon-failure@%n.service"
    assert (DEPLOY / "recon-failure@.service").is_file()


def test_a_bad_night_fails_the_unit() -> None:
    assert setting("recon.service", "ExecStart").endswith(" run --exit-code")


@needs_systemd
def test_systemd_takes_the_units(units: list[Path]) -> None:
    ended = analyze("verify", *units)
    assert (ended.returncode, ended.stderr) == (0, "")


@needs_systemd
@pytest.mark.parametrize("unit", SERVICES)
def test_systemd_rates_the_exposure_of_a_unit_as_small(units: list[Path], unit: str) -> None:
    [path] = [path for path in units if path.name == unit]
    ended = analyze("security", "--offline=yes", "--no-pager", "--threshold=20", path)
    if "nrecognized option" in ended.stderr or "nknown" in ended.stderr:
        pytest.skip("this systemd rates installed units only")
    assert ended.returncode == 0, ended.stdout[-400:] + ended.stderr


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - the machine's own, on files of this test
        ["systemd-analyze", *arguments],  # noqa: S607
        check=False,
        capture_output=True,
        text=True,
    )
