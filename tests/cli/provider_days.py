"""Days of sends with planted discrepancies, polled and judged while the clock moves.

What Octopods has and what was recorded is known, so each finding is right or wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from recon import config
from recon.jobs.collector import collect
from recon.simulator.channel import SIMULATED_KEY, Channel
from recon.simulator.http_faults import Fault
from recon.simulator.simulated_message import (
    DELETED,
    FAILED_AT_ONCE,
    READ,
    SimulatedMessage,
    StatusCourse,
)
from recon.store.engine import connect
from recon.store.tables import messages
from tests.cli.nights import Nights, nights
from tests.cli.workshop import NUMBER
from tests.factories import DAY, NOON

#: The midnight before the day that is judged; all hours count from here.
START = NOON - timedelta(hours=36)

COURSES = (FAILED_AT_ONCE, READ, READ, DELETED)
#: A record whose message was never sent holds an id from here on, or none.
NEVER_SENT = 9_000_000

_ERRORS = {
    "local": {"missing_at_provider"},
    "provider": {"missing_locally", "duplicate_send"},
}


def hour(hours: float) -> datetime:
    """Return the time so many hours after the start."""
    return START + timedelta(hours=hours)


@dataclass(slots=True)
class Days:
    """A provider, records and a store, and what is true of them."""

    night: Nights
    engine: sa.Engine
    missing: dict[str, datetime] = field(default_factory=dict)
    """By id, when records say that a message was sent that never was."""
    unrecorded: dict[str, datetime] = field(default_factory=dict)
    """By id, when messages were sent that no record knows."""
    recorded: list[datetime] = field(default_factory=list)
    """The times of all records."""

    def send(
        self,
        hours: Iterable[float],
        *,
        key: str = SIMULATED_KEY,
        with_ids: bool = True,
        courses: tuple[StatusCourse, ...] = COURSES,
        change: Callable[[int], Mapping[str, Any]] = lambda _n: {},
    ) -> None:
        """Send and record; every fifth is only recorded or only sent, every third has no id.

        Args:
            hours: when, rising.
            key: through which key.
            with_ids: whether records hold the ids of messages.
            courses: the statuses, in turn.
            change: more about the nth message, as `Channel.send` takes it.
        """
        rows = []
        for n, at in enumerate(hours, 1 + len(self.recorded) + len(self.unrecorded)):
            time = hour(at).replace(microsecond=0)
            number = NUMBER.format(n if n % 9 == 0 else n % 12)
            course = courses[n % len(courses)]
            message_id: int | None = NEVER_SENT + n
            if n % 10 == 3:
                self.missing[str(n)] = time
                course = READ
            else:
                more = {"course": course, **change(n)}
                message = self.night.channel.send(number, time, key=key, **more)
                message_id = message.message_id
                if n % 10 == 8:
                    self.unrecorded[str(message_id)] = time
                    continue
            if not with_ids or n % 3 == 1:
                message_id = None
            status = "failed" if course is FAILED_AT_ONCE else "sent"
            rows.append((n, message_id, number, time, status))
            self.recorded.append(time)
        self.night.workshop.add_records(*rows)

    def record(self, n: int, message: SimulatedMessage) -> None:
        """Record a message that Octopods has."""
        row = (n, message.message_id, message.phone_number, message.sent_at, "sent")
        self.night.workshop.add_records(row)
        self.recorded.append(message.sent_at)

    def poll(self, at: float, *, key: str | None = None, force: bool = True) -> None:
        """Poll so many hours after the start, with the key in use if no other is given."""
        self.night.clock.now = hour(at)
        runtime = self.night.runtime(key)
        settings = config.load(self.night.workshop.path / "recon.toml", {})
        for outcome in collect(settings, self.engine, ["main"], runtime, force=force):
            assert outcome.error is None

    def judge(self, at: float) -> None:
        """Run the nightly job for the day before, and check every report as it is then."""
        self.night.clock.now = hour(at)
        assert self.night.run(day=hour(at - 24).date().isoformat()) == 0
        for path in sorted((self.night.workshop.path / "reports" / "main").glob("*.json")):
            self._check(path.stem)

    def report(self, day: str = DAY) -> dict[str, Any]:
        """Return the JSON report of a day."""
        return self.night.workshop.report(day=day)

    def gaps(self, day: str = DAY) -> list[tuple[datetime, datetime]]:
        """Return the gaps that the report of a day tells."""
        gaps = self.report(day)["coverage"]["gaps"]
        return [(_time(gap["start"]), _time(gap["end"])) for gap in gaps]

    def _check(self, day: str) -> None:
        """Check that no error is false, and that what is planted in proven time was found."""
        report, rows = self.report(day), self.night.workshop.rows(day=day)
        start, end = (_time(report["window"][bound]) for bound in ("start", "end"))
        found: dict[tuple[str, str], str] = {}
        for row in rows:
            assert row["severity"] == "warning" or self._is_planted(row), row
            side = "local" if row["local_id"] else "provider"
            found[side, row["local_id"] or row["message_id"]] = row["kind"]
        assert report["local"]["total"] == sum(start <= time < end for time in self.recorded)
        assert len(rows) == sum(report["discrepancies"].values())
        gaps = self.gaps(day)
        listed = self._first_listed()
        for side, planted in (("local", self.missing), ("provider", self.unrecorded)):
            for name, time in planted.items():
                is_open = any(since <= time < until for since, until in gaps) or time < listed
                if start <= time < end and not is_open:
                    assert found.get((side, name), "") in _ERRORS[side], (name, time)
        local = [(n, time) for n, time in self.missing.items() if start <= time < end]
        # What was never sent is an error or open, never taken for sent.
        assert all(("local", n) in found for n, _ in local)

    def _is_planted(self, row: Mapping[str, str]) -> bool:
        if row["kind"] in _ERRORS["local"]:
            return row["local_id"] in self.missing
        return row["kind"] in _ERRORS["provider"] and row["message_id"] in self.unrecorded

    def _first_listed(self) -> datetime:
        """Return when the oldest message was sent that a list showed: before it, all is open."""
        query = sa.select(sa.func.min(messages.c.sent_at)).where(messages.c.listed_by.is_not(None))
        with self.engine.connect() as connection:
            first: datetime = connection.execute(query).scalar_one()
        return first


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


@contextmanager
def provider_days(
    path: Path, database_url: str, *, channel: Channel | None = None, fault: Fault | None = None
) -> Iterator[Days]:
    """Serve a channel; nothing has been sent yet. `fault` is played for each status call."""
    engine = connect(database_url)
    try:
        with nights(
            path,
            database_url,
            channel=channel or Channel(first_id=101),
            status_fault=fault,
        ) as night:
            yield Days(night, engine)
    finally:
        engine.dispose()
