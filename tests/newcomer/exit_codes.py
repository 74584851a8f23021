"""Each documented exit code once, by the command as a wheel installs it.

    python -m tests.newcomer.exit_codes RECON

RECON is the installed command. Ends with 1 and names what differs where a code is not the one that
docs/commands.md says.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from recon.simulator.channel import SIMULATED_KEY, Channel
from recon.simulator.server import serve
from tests.cli.workshop import MORNING_AFTER, NUMBER, Workshop, minute
from tests.clocks import ManualClock
from tests.factories import DAY

RUN: Final = ("run", "--date", DAY, "--exit-code")

#: A mail server that is not there.
MAIL: Final = """
[email]
host = "127.0.0.1"
port = 1
security = "none"
sender = "recon@example.com"
recipients = ["ops@example.com"]
"""

#: Imported by Python itself before the command: it makes a command fail as a bug does.
BUG: Final = """
from recon.store import schema

def bug(*_):
    raise LookupError

schema.check = bug
"""


@contextmanager
def shop(room: Path, recorded: int = 1, *, sent: int = 1) -> Iterator[Workshop]:
    """Give a directory in which messages were sent, and the first of them recorded."""
    room.mkdir()
    workshop, channel = Workshop(room), Channel(first_id=101)
    # A hundred fill the list, and then nothing is proven of the time before them.
    start = 1 if sent < 100 else 720
    for n in range(sent):
        channel.send(NUMBER.format(n), minute(start + n))
    workshop.add_records(
        *((n, 101 + n, NUMBER.format(n), minute(1 + n), "sent") for n in range(recorded))
    )
    with serve(channel, clock=ManualClock(MORNING_AFTER)) as url:
        workshop.configure(url)
        yield workshop


def codes(recon: Path, room: Path) -> Iterator[tuple[int, int]]:
    """Yield each code that is expected, and the one with which the command ends."""

    def ended(workshop: Workshop, *arguments: str, **environ: str) -> int:
        return subprocess.run(  # noqa: S603 - the command under test
            [recon, *arguments],
            cwd=workshop.path,
            env={"OCTOPODS_API_KEY": SIMULATED_KEY, "HOME": str(room), **environ},
            check=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=120,
        ).returncode

    with shop(room / "agrees") as agreeing:
        yield 0, ended(agreeing, *RUN)
        yield 2, ended(agreeing, "nonsense")
        yield 65, ended(agreeing, "diff", "no.csv", "such.csv")
        yield 77, ended(agreeing, *RUN, OCTOPODS_API_KEY="another")
        (room / "sitecustomize.py").write_text(BUG)
        yield 70, ended(agreeing, "db", "check", PYTHONPATH=str(room))
        config = agreeing.path / "recon.toml"
        config.write_text(config.read_text() + MAIL)
        yield 69, ended(agreeing, *RUN)
        (agreeing.path / "in the way").touch()
        yield 73, ended(agreeing, *RUN, "--no-email", "--output", "in the way")
        agreeing.configure("http://127.0.0.1:1")
        yield 75, ended(agreeing, *RUN)
        config.unlink()
        yield 78, ended(agreeing, *RUN)
    with shop(room / "differs", recorded=0) as differing:
        yield 1, ended(differing, *RUN)
    with shop(room / "gap", sent=100) as uncovered:
        uncovered.change_records("UPDATE sends SET message_id = NULL")
        yield 3, ended(uncovered, *RUN)


def main() -> int:
    """Try them all; return how many differ, at most 1."""
    recon = Path(sys.argv[1]).absolute()
    with tempfile.TemporaryDirectory() as room:
        seen = list(codes(recon, Path(room)))
    wrong = [f"{got} instead of {expected}" for expected, got in seen if got != expected]
    said = ", ".join(str(got) for _, got in sorted(seen))
    sys.stdout.write("\n".join([f"exit codes of {recon.name}: {said}", *wrong]) + "\n")
    return min(len(wrong), 1)


if __name__ == "__main__":
    sys.exit(main())
