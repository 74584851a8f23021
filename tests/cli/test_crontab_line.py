"""The crontab line that a run advises works as it is pasted into a crontab."""

from __future__ import annotations

import subprocess
from pathlib import Path

from recon.cli import crontab_line
from recon.simulator.channel import SIMULATED_KEY, Channel
from recon.simulator.server import Received, serve
from tests.cli.workshop import MORNING_AFTER, NUMBER, Workshop, minute
from tests.clocks import ManualClock


def test_the_advised_line_polls_with_crons_environment(tmp_path: Path) -> None:
    # A per cent sign ends a line of cron, a blank ends a word of the shell.
    workshop = Workshop(tmp_path / "half off: 50%", environ={})
    workshop.path.mkdir()
    (workshop.path / "key").write_text(SIMULATED_KEY)
    workshop.add_records((1, None, NUMBER.format(900), minute(-60), "sent"))
    channel = Channel(first_id=101)
    for n in range(100):
        channel.send(NUMBER.format(n), minute(n / 10))
    log: list[Received] = []
    with serve(channel, clock=ManualClock(MORNING_AFTER), log=log) as url:
        workshop.configure(url)
        config = workshop.path / "recon.toml"
        text = config.read_text().replace('_env = "OCTOPODS_API_KEY"', '_file = "key"')
        config.write_text(text)
        said = workshop.recon("--config", config, "run", "--date", "2026-04-23").out
        [line] = [line for line in said.splitlines() if line.strip().startswith("* * * * *")]
        before = len(log)
        ended = as_cron_does(f"{line.strip()} --force", tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert len(log) == before + 1


def as_cron_does(line: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Run the command of a crontab line as cron does: few variables, at home, no terminal."""
    command = line.split(None, 5)[5] if line.startswith("*") else line.split(None, 1)[1]
    ended, _, _ = command.replace(r"\%", "\0").partition("%")
    return subprocess.run(  # noqa: S603 - our own line
        ["/bin/sh", "-c", ended.replace("\0", "%")],
        check=False,
        cwd=home,
        env={"HOME": str(home), "LOGNAME": "recon", "SHELL": "/bin/sh", "PATH": "/usr/bin:/bin"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def test_only_advised_lines_are_completed() -> None:
    text = "run `recon collect`\n    @reboot recon collect --follow\n* * * * * recon collect"
    plain, reboot, minutely = crontab_line.whole(text, Path("recon.toml")).splitlines()
    assert plain == "run `recon collect`"
    assert reboot.startswith("    @reboot cd ")
    assert reboot.endswith(f" --config {Path('recon.toml').absolute()} collect --follow")
    assert minutely.startswith("* * * * * cd ")
