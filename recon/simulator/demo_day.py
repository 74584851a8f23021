"""The demo's day: a provider, a business's records, and exactly what there is to be found."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from recon.core import calendar
from recon.errors import OutputError
from recon.simulator import demo_cases
from recon.simulator.channel import SIMULATED_KEY, Channel, Shape
from recon.simulator.day_plan import DayPlan, ExpectedFinding

#: The hour of the morning after at which Octopods is asked.
ASKED_AT: Final = 6

TABLE: Final = "sends"

_CREATE: Final = """
CREATE TABLE sends (
    id INTEGER PRIMARY KEY,
    octopods_message_id TEXT,
    recipient TEXT,
    sent_at TEXT,
    state TEXT,
    channel TEXT NOT NULL
)
"""
_INSERT: Final = """
INSERT INTO sends VALUES
    (:id, :octopods_message_id, :recipient, :sent_at, :state, :channel)
"""


@dataclass(frozen=True, slots=True, eq=False)
class DemoDay:
    """A day with known discrepancies, and the settings under which it is to be read."""

    channel: Channel
    """What Octopods knows; ask it as of `now`."""
    now: datetime
    """When the provider is asked: the morning after the day. Aware."""
    day: date
    """The calendar day to run, in `zone`."""
    zone: str
    """The zone of the window, and of the records' times without an offset."""
    rows: Sequence[Mapping[str, object]]
    """The records' table, in the order of its ids."""
    expected: frozenset[ExpectedFinding]
    """Every finding that a run of the day has to make, and no other."""
    api_key: str = SIMULATED_KEY
    default_region: str = "IE"
    table: str = TABLE
    where: str = "channel = 'whatsapp'"

    @property
    def columns(self) -> dict[str, str]:
        """Which field stands in which column, as `[accounts.….local.columns]` wants it."""
        return {
            "id": "id",
            "message_id": "octopods_message_id",
            "phone_number": "recipient",
            "sent_at": "sent_at",
            "status": "state",
        }

    @property
    def statuses(self) -> dict[str, str]:
        """What the records' words mean, as `[accounts.….local.statuses]` wants it."""
        return dict(demo_cases.STATES)

    def clock(self) -> datetime:
        """Return `now`: the clock of this simulation stands still."""
        return self.now


def plant(seed: int, today_now: datetime, zone: str, *, shape: Shape = "A") -> DemoDay:
    """Plan the day before today, with every kind of discrepancy and every trap at least once.

    The same arguments always give the same day.

    Args:
        seed: another seed gives another day, with the same guarantees.
        today_now: any moment of today, aware; only its calendar day in `zone` counts.
        zone: name of the zone of the window and of the records.
        shape: in which documented shape the provider answers.

    The listing is full: it shows 100 messages, 12 to 18 of them sent this morning, and reaches
    back to the early morning of the day. What was sent before is out of reach.
    """
    rng = Random(f"octopods-recon day {seed}")  # noqa: S311 - a plan to be repeated, no secret
    window = calendar.window(calendar.yesterday(today_now, zone), zone)
    assert window.start is not None
    assert window.end is not None
    today = calendar.day_at(today_now, zone)
    asked = datetime(today.year, today.month, today.day, ASKED_AT, tzinfo=ZoneInfo(zone))
    now = asked.astimezone(window.end.tzinfo)
    day = DayPlan(rng=rng, window=window, start=window.start, end=window.end, now=now)
    for case in (*demo_cases.DISCREPANCIES, *demo_cases.TRAPS):
        case(day)
    # Two more were sent just after midnight.
    demo_cases.ordinary(day, morning=rng.randint(10, 16))
    day.number_everything()
    channel = Channel(shape=shape)
    day.fill(channel)
    return DemoDay(
        channel=channel,
        now=now,
        day=today - timedelta(days=1),
        zone=zone,
        rows=day.rows(),
        expected=day.expectations(),
    )


def write_records(planted: DemoDay, path: Path) -> None:
    """Write the records to a new SQLite file at `path`; one that stands there is replaced.

    Raises:
        OutputError: the file cannot be written.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        connection = sqlite3.connect(beside)
        try:
            with connection:
                connection.execute(_CREATE)
                connection.executemany(_INSERT, planted.rows)
        finally:
            connection.close()
        beside.replace(path)
    except (OSError, sqlite3.Error) as cause:
        beside.unlink(missing_ok=True)
        raise OutputError(f"the demo's records cannot be written to {path}: {cause}") from cause
