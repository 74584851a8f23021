"""What is killed: commands, each with what there is before it and what is run after it."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from recon.simulator.simulated_message import FAILED_AT_ONCE, Reason
from recon.store.engine import connect, reading
from recon.store.tables import findings
from tests.cli.nights import Nights
from tests.cli.workshop import NUMBER
from tests.factories import DAY, NOON
from tests.smtp import MailBox
from tests.store.migrations import downgrade

Argv = tuple[str, ...]
Prepare = Callable[[Nights, MailBox, str], None]
"""Makes what there is before the command, in the database with this URL."""

_DAY: Final = timedelta(days=1)
_BOTH: Final = frozenset({"sqlite", "postgres"})
#: The file names a chat service.
_CHAT: Final = """
[notify]
urls_file = "{room}/urls"
when = "changes"
"""
_AUTOMATIC: Final = """
[retention]
days = 10
automatic = true
"""
_BACKFILL: Final = ("run", "--from", "2026-04-21", "--to", DAY, "--no-email")
_SHORTER: Final = ("run", "--from", "2026-04-22", "--to", DAY, "--no-email")
#: Edges that no shorter command has.
_OF_FILES: Final = frozenset({"open", "fsync", "rename", "remove"})
_BUSY: Final = Reason("(#131016) Service unavailable")


@dataclass(frozen=True, slots=True)
class Scene:
    """A command that is killed."""

    name: str
    argv: Argv
    prepare: Prepare
    afterwards: tuple[Argv, ...] = ()
    """What is run before what is left is compared, by `make crash`: a night that relies on it."""
    repeated: Argv = ()
    """What is run after it was killed, where that is not the same command."""
    begun: Argv = ()
    """What does the first part of the command, where the log of a command that was killed and run
    again is not that of two whole ones."""
    on: frozenset[str] = _BOTH
    """The databases on which it is killed."""
    stores: bool = True
    """Whether it stores anything."""
    at_once: bool = False
    """Whether it stores everything in one transaction, or nothing."""
    has_workers: bool = False
    """Whether processes beside it write files meanwhile: how far they are when it is killed is not
    the same each time."""
    config: str = ""
    """More of the configuration, before the command."""
    done_already: int = 0
    """The exit code of the command where it has been done."""
    quick: frozenset[str] | None = frozenset({"sqlite"})
    """The databases on which it is among the tests that do not take long; with `None`, `make crash`
    alone kills it."""
    points: int = 10
    """At how many edges the ordinary tests kill it."""
    kinds: frozenset[str] | None = None
    """Of which kinds of edges one is among them; `None` is of all."""


def recon(made: Nights, *argv: str) -> int:
    """Run a command in this process, by the clock of the nights; return its exit code."""
    command = import_module(f"recon.cli.{argv[0]}").command
    return made.invoke(command, *argv[1:])


def _sends(made: Nights, days: int, *, base: int) -> None:
    """Send and record on a day: agreement, a failure, one send unrecorded, one never sent."""
    noon = NOON + days * _DAY
    made.send(3, start=noon)
    failed = made.channel.send(
        NUMBER.format(10), noon + timedelta(minutes=10), course=FAILED_AT_ONCE, reason=_BUSY
    )
    made.send(1, start=noon + timedelta(minutes=20), recorded=False)
    made.workshop.add_records(
        (failed.message_id, failed.message_id, failed.phone_number, failed.sent_at, "failed"),
        (base, base, NUMBER.format(base), noon + timedelta(minutes=30), "sent"),
    )


def _nothing(_made: Nights, _box: MailBox, _url: str) -> None:
    """A database that is ready, and no sends."""


def _a_second_night(made: Nights, _box: MailBox, _url: str) -> None:
    """A night was run; since then there are sends of another day, and a record has changed."""
    _sends(made, 0, base=800)
    assert recon(made, "run") == 0
    made.clock.advance(_DAY.total_seconds())
    _sends(made, 1, base=801)
    made.set_record(101, status="failed")


def _a_second_poll(made: Nights, _box: MailBox, _url: str) -> None:
    """A poll was kept; since then there are more messages, and a status has changed."""
    _sends(made, 0, base=800)
    made.clock.now = NOON + timedelta(minutes=15)
    assert recon(made, "collect") == 0
    made.clock.now = NOON + _DAY - timedelta(hours=5)


def _three_days(made: Nights, _box: MailBox, _url: str) -> None:
    """Three days that were never run."""
    for days in (-2, -1, 0):
        _sends(made, days, base=800 + days)


def _a_mail_that_waits(made: Nights, box: MailBox, _url: str) -> None:
    """A night was run while the mail server took no mail."""
    _sends(made, 0, base=800)
    box.on_data = lambda: "451 4.3.0 try again later"
    assert recon(made, "run") == 69
    box.on_data = lambda: None


def _an_old_night(made: Nights, _box: MailBox, _url: str) -> None:
    """A night, and another twelve days later."""
    _another_night(made, _box, _url)
    assert recon(made, "run", "--date", (NOON + 12 * _DAY).date().isoformat()) == 0


def _another_night(made: Nights, _box: MailBox, _url: str) -> None:
    """A night was run, and twelve days later there were sends again."""
    _sends(made, 0, base=800)
    assert recon(made, "run") == 0
    made.clock.advance(12 * _DAY.total_seconds())
    _sends(made, 12, base=801)


def _a_night(made: Nights, _box: MailBox, _url: str) -> None:
    """A night was run."""
    _sends(made, 0, base=800)
    assert recon(made, "run") == 0


def _findings(made: Nights, _box: MailBox, url: str) -> None:
    """A night was run; a file gives the findings two reasons."""
    _a_night(made, _box, url)
    engine = connect(url)
    with reading(engine) as connection:
        ids = connection.execute(sa.select(findings.c.discrepancy_id)).scalars().all()
    engine.dispose()
    assert len(ids) == 2
    with (made.workshop.path / "acks.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("discrepancy_id", "reason"))
        rows.writerows((one, f"reason {number}") for number, one in enumerate(ids))


def _acknowledged(made: Nights, box: MailBox, url: str) -> None:
    """The findings are acknowledged, which was a mistake."""
    _findings(made, box, url)
    assert recon(made, "ack", "--from-csv", str(made.workshop.path / "acks.csv")) == 0


def _no_database(_made: Nights, _box: MailBox, url: str) -> None:
    """A new installation: there is no file, and in PostgreSQL no table."""
    _sends(_made, 0, base=800)
    if url.startswith("sqlite"):
        Path(url.removeprefix("sqlite:///")).unlink()
        return
    engine = connect(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    engine.dispose()


def _an_older_schema(made: Nights, box: MailBox, url: str) -> None:
    """A night was run, and the program updated since."""
    _a_night(made, box, url)
    engine = connect(url)
    downgrade(engine, "0018")
    engine.dispose()


SCENES: Final = (
    Scene(
        "run",
        ("run",),
        _a_second_night,
        config=_CHAT,
        quick=frozenset(),
        points=5,
        kinds=_OF_FILES,
    ),
    Scene(
        "collect",
        ("collect",),
        _a_second_poll,
        (("run", "--date", DAY, "--offline"),),
        at_once=True,
    ),
    Scene(
        "follow",
        ("collect", "--follow"),
        _a_second_poll,
        repeated=("collect",),
        at_once=True,
        quick=None,
    ),
    Scene(
        "coverage",
        ("collect", "--new-coverage"),
        _a_second_poll,
        (("run", "--date", DAY, "--offline"),),
        at_once=True,
        quick=None,
    ),
    Scene("first", ("run", "--date", DAY), _no_database, on=frozenset({"sqlite"}), quick=None),
    Scene("create", ("db", "upgrade"), _no_database, (("run",),), at_once=True, quick=None),
    Scene(
        "backfill", _BACKFILL, _three_days, quick=frozenset(), points=2, kinds=frozenset({"mkdir"})
    ),
    Scene(
        "workers",
        (*_SHORTER, "--workers", "2"),
        _three_days,
        repeated=_SHORTER,
        quick=None,
        has_workers=True,
    ),
    Scene(
        "automatic",
        ("run", "--date", "2026-05-05"),
        _another_night,
        begun=("collect", "--force"),
        config=_AUTOMATIC,
        quick=None,
    ),
    Scene("rehearsal", ("run", "--dry-run"), _a_second_night, quick=None, stores=False),
    Scene("check", ("check",), _a_night, quick=None, stores=False),
    Scene("mail", ("report", "--email"), _a_mail_that_waits),
    Scene("purge", ("purge", "--older-than", "10"), _an_old_night, (("run", "--date", DAY),)),
    Scene("forget", ("purge", "--phone-number", NUMBER.format(0)), _a_night, (("run",),)),
    Scene(
        "ack", ("ack", "--from-csv", "acks.csv"), _findings, (("run",),), at_once=True, quick=_BOTH
    ),
    Scene(
        "undo",
        ("ack", "--undo", "--from-csv", "acks.csv"),
        _acknowledged,
        (("run",),),
        at_once=True,
        done_already=65,
    ),
    Scene("retries", ("retries", "--date", DAY, "--format", "csv"), _a_night, at_once=True),
    Scene("upgrade", ("db", "upgrade"), _an_older_schema, (("run",),), at_once=True),
)
