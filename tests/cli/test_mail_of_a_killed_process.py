"""A process that is killed while it sends a mail: one copy arrives, whatever it was doing."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from recon.simulator.channel import SIMULATED_KEY
from tests.cli.mailing import add_to_config, lose, mailed_nights
from tests.factories import DAY
from tests.forked import Forked
from tests.listener import Listener, listener
from tests.smtp import MailBox

Arm = Callable[[MailBox, Listener, Callable[[], None]], None]
"""Sets the servers up so that they call something at one moment of the mail's way."""


@dataclass
class Victim:
    """A command that is killed, once, when a server says so."""

    process: list[Forked] = field(default_factory=list)

    def kill(self) -> None:
        if self.process:
            victim = self.process.pop()
            ended = os.pidfd_open(victim.pid)
            victim.kill()
            select.select([ended], [], [])
            os.close(ended)


def at_reply(code: str) -> Arm:
    def arm(box: MailBox, _pinged: Listener, kill: Callable[[], None]) -> None:
        box.before_reply = lambda reply: kill() if reply.startswith(code) else None

    return arm


def in_data(box: MailBox, pinged: Listener, kill: Callable[[], None]) -> None:
    at_reply("354")(box, pinged, kill)
    box.cut_off = True


def once_kept(box: MailBox, _pinged: Listener, kill: Callable[[], None]) -> None:
    box.after_data = kill


def at_ping(ending: str) -> Arm:
    def arm(_box: MailBox, pinged: Listener, kill: Callable[[], None]) -> None:
        pinged.on_post = lambda path: kill() if path.endswith(ending) else None

    return arm


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("arm", "copies"),
    [
        pytest.param(at_ping("/start"), 1, id="before anything is stored"),
        pytest.param(at_reply("220"), 1, id="connecting"),
        pytest.param(at_reply("250 OK"), 1, id="after MAIL FROM"),
        pytest.param(in_data, 1, id="in DATA"),
        # Between the server's acceptance and our commit: the one documented case.
        pytest.param(once_kept, 2, id="accepted, unanswered"),
        pytest.param(at_reply("221"), 2, id="accepted, before the commit"),
        pytest.param(at_ping("/secret-token"), 1, id="after the commit"),
    ],
)
def test_one_copy_arrives_or_the_same_one_twice(
    tmp_path: Path, migrated_sqlite: Path, arm: Arm, copies: int
) -> None:
    database = tmp_path / "recon.db"
    database.write_bytes(migrated_sqlite.read_bytes())
    with listener() as pinged, mailed_nights(tmp_path, f"sqlite:///{database}") as (made, box):
        add_to_config(tmp_path, f'\n[monitoring]\nping_url = "{pinged.url}"\n')
        made.workshop.environ["KEY"] = SIMULATED_KEY
        lose(made)
        victim = Victim()
        arm(box, pinged, victim.kill)
        process = made.workshop.fork("run", "--offline", "--date", DAY)
        victim.process.append(process)
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL
        box.cut_off = False
        if made.workshop.query("SELECT count(*) FROM runs") == [(0,)]:
            assert made.workshop.recon("run", "--offline", "--date", DAY).code == 0
        assert made.workshop.recon("report", "--email").code == 0
    assert len(box.mails) == copies
    assert len({one.mail["Message-ID"] for one in box.mails}) == 1
