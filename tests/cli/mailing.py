"""Nights that are mailed: the configuration of `[email]`, and a server that gets the mail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

from recon.cli import report
from recon.cli.common import Session
from recon.jobs.runtime import Runtime
from recon.simulator.channel import Channel
from tests.cli.nights import Nights, nights
from tests.factories import NOON
from tests.smtp import MailBox, mail_server

EMAIL = """
[email]
host = "127.0.0.1"
port = {port}
security = "none"
sender = "Recon <recon@example.com>"
recipients = ["ops@example.com", "Boss <boss@example.com>"]
{more}
"""


def add_to_config(path: Path, text: str) -> None:
    """Append to the configuration."""
    with (path / "recon.toml").open("a") as file:
        file.write(text)


@contextmanager
def mailed_nights(
    path: Path, database_url: str, *, more: str = "", channel: Channel | None = None
) -> Iterator[tuple[Nights, MailBox]]:
    """Serve a channel and a mail server; `more` are lines of `[email]`."""
    with mail_server(path) as box, nights(path, database_url, channel=channel) as made:
        add_to_config(path, EMAIL.format(port=box.port, more=more))
        yield made, box


def report_email(made: Nights) -> int:
    """Run `recon report --email` by the clock of the nights; return its exit code."""
    with ExitStack() as at_exit:
        runtime = Runtime(clock=made.clock, sleep=lambda _: None)
        session = Session(made.workshop.path / "recon.toml", runtime, at_exit)
        return int(report.command.main(["--email"], obj=session, standalone_mode=False))


def lose(made: Nights, count: int = 1, *, start: int = 500) -> None:
    """Record sends with a number that Octopods never got, on the day of the tests."""
    made.workshop.add_records(
        *(
            (n, n, f"+3538712{n:05}", NOON + timedelta(seconds=n), "sent")
            for n in range(start, start + count)
        )
    )
