"""Each cause, planted on the demo's day and found by `recon diff`: that incident, and no other."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import pytest
from dateutil.parser import isoparse

from recon.cli import diff
from recon.cli.common import Session
from recon.jobs.runtime import Runtime
from recon.simulator.demo_day import DemoDay, plant

DUBLIN = "Europe/Dublin"
TODAY = datetime(2026, 11, 24, 3, 40, tzinfo=UTC)

CONFIG = """
timezone = "Europe/Dublin"
[matching]
default_region = "IE"
[accounts.demo]
api_key_env = "KEY"
[accounts.demo.local]
file = "sends.csv"
timezone = "Europe/Dublin"
columns = {columns}
statuses = {statuses}
"""

Row: TypeAlias = dict[str, Any]


@dataclass
class PlantedDay:
    """Both sides of the demo's day, and the rows of the findings that one cause makes."""

    demo: DemoDay
    records: list[Row]
    messages: list[Row]
    planted: set[tuple[str, str]] = field(default_factory=set)
    """Kind, and the record's id or else the message's."""

    @classmethod
    def of_seed(cls, seed: int) -> PlantedDay:
        demo = plant(seed, TODAY, DUBLIN)
        messages = [
            {
                "message_id": one.message_id,
                "phone_number": one.phone_number,
                "sent_at": one.sent_at,
                "status": one.status(demo.now),
                "failure_reason": one.reason.title if one.reason else "",
            }
            for one in demo.channel.sent(demo.now)
            if one.junk is None
        ]
        records = [dict(row) for row in demo.rows if row["channel"] == "whatsapp"]
        return cls(demo, records, messages)

    def at(self, hour: int, minute: float = 0) -> datetime:
        day = self.demo.day
        there = datetime(day.year, day.month, day.day, hour, tzinfo=ZoneInfo(DUBLIN))
        return there.astimezone(UTC) + timedelta(minutes=minute)

    def time(self, record: Row) -> datetime | None:
        try:
            found = isoparse(record["sent_at"])
        except ValueError:
            return None
        zoned = found if found.tzinfo else found.replace(tzinfo=ZoneInfo(DUBLIN))
        return zoned.astimezone(UTC)

    def end_at(self, moment: datetime) -> None:
        """Take away what lies after a moment, on both sides."""
        self.messages = [one for one in self.messages if one["sent_at"] < moment]
        self.records = [
            one for one in self.records if (time := self.time(one)) is None or time < moment
        ]

    def add(
        self,
        times: Iterable[datetime],
        *,
        sides: str = "both",
        prefix: str = "+35387",
        kind: str = "",
        **columns: str,
    ) -> None:
        """Add sends at these times to one side or both; each is a finding of `kind`, if any."""
        for at in times:
            n = 900_000 + len(self.records) + len(self.messages)
            number = f"{prefix}{n:07}"
            row = {"octopods_message_id": n, "recipient": number, "state": "accepted"}
            if sides != "messages":
                self.records.append({"id": n, "sent_at": at.isoformat(), **row})
            if sides != "records":
                message = {"message_id": n, "phone_number": number, "sent_at": at}
                self.messages.append({**message, "status": "delivered", **columns})
            if kind:
                self.planted.add((kind, str(n)))

    def each(self, minutes: float, count: int, start: datetime) -> list[datetime]:
        return [start + timedelta(minutes=minutes * n) for n in range(count)]

    def with_id(self) -> list[Row]:
        """Return the records that hold the id of a message."""
        ids = {str(one["message_id"]) for one in self.messages}
        return [one for one in self.records if one["octopods_message_id"] in ids]


# --- the causes --------------------------------------------------------------------------------


def outage(day: PlantedDay) -> None:
    day.add(day.each(1, 12, day.at(11, 30)), sides="records", kind="missing_at_provider")


def key_or_process(day: PlantedDay) -> None:
    day.end_at(day.at(22))
    day.add(day.each(2, 12, day.at(22)), sides="records", kind="missing_at_provider")


def recording_outage(day: PlantedDay) -> None:
    day.add(day.each(1, 12, day.at(11, 30)), sides="messages", kind="missing_locally")


def recording_stopped(day: PlantedDay) -> None:
    day.end_at(day.at(22))
    day.add(day.each(2, 12, day.at(22)), sides="messages", kind="missing_locally")


def stale_records(day: PlantedDay) -> None:
    day.end_at(day.at(17))
    day.add(day.each(20, 12, day.at(19)), sides="messages", kind="unverifiable")


def one_country(day: PlantedDay) -> None:
    times = day.each(47, 12, day.at(10))
    day.add(times, sides="records", prefix="+2547", kind="missing_at_provider")


def status_word(day: PlantedDay) -> None:
    times = day.each(47, 8, day.at(10))
    day.add(times)
    for record in day.records[-8:]:
        record["state"] = "shipped"
        day.planted.add(("status_mismatch", str(record["id"])))


def failure_reason(day: PlantedDay) -> None:
    reason = "The template is paused."
    day.add(
        day.each(47, 14, day.at(10)),
        kind="status_mismatch",
        status="failed",
        failure_reason=reason,
    )
    for record in day.records[-14:]:
        record["state"] = "delivered"


def an_hour(day: PlantedDay) -> None:
    for minute in range(0, 55, 11):
        day.add(day.each(1, 4, day.at(13, minute)), sides="messages", kind="missing_locally")
        day.add(day.each(1, 3, day.at(13, minute + 5)))


def shifted(day: PlantedDay, by: timedelta) -> None:
    for record in day.with_id():
        if (time := day.time(record)) is not None:
            record["sent_at"] = (time + by).isoformat()


def time_zone(day: PlantedDay) -> None:
    shifted(day, timedelta(hours=4))


def clock(day: PlantedDay) -> None:
    shifted(day, timedelta(minutes=-7))


def foreign_ids(day: PlantedDay) -> None:
    for record in day.with_id():
        record["octopods_message_id"] = f"ERP-{record['id']}"


def other_numbers(day: PlantedDay) -> None:
    for record in day.with_id():
        record["recipient"] = f"+35386{record['id']:07}"


Cause: TypeAlias = Callable[[PlantedDay], None]


def diffed(day: PlantedDay, path: Path) -> tuple[list[Row], list[Row]]:
    """Return the incidents of the day and the rows of its findings."""
    columns = ", ".join(f'{name} = "{column}"' for name, column in day.demo.columns.items())
    statuses = ", ".join(f'{word} = "{said}"' for word, said in day.demo.statuses.items())
    config = CONFIG.format(columns=f"{{{columns}}}", statuses=f"{{{statuses}}}")
    (path / "recon.toml").write_text(config)
    for name, rows, names in (
        ("sends.csv", day.records, list(day.demo.columns.values())),
        (
            "octopods.csv",
            sorted(day.messages, key=lambda row: row["sent_at"], reverse=True),
            ["message_id", "phone_number", "sent_at", "status", "failure_reason"],
        ),
    ):
        with (path / name).open("w", newline="") as file:
            writer = csv.DictWriter(file, names, extrasaction="ignore", restval="")
            writer.writeheader()
            writer.writerows(rows)
    with ExitStack() as at_exit:
        runtime = Runtime(clock=day.demo.clock, environ={"KEY": "k"})
        session = Session(path / "recon.toml", runtime, at_exit)
        files = [str(path / "sends.csv"), str(path / "octopods.csv")]
        options = ["--date", day.demo.day.isoformat(), "--output", str(path / "reports")]
        code = diff.command.main([*files, *options], obj=session, standalone_mode=False)
    assert code == 0
    report = path / "reports/diff" / f"{day.demo.day}.json"
    incidents = json.loads(report.read_text())["incidents"]
    with report.with_suffix(".csv").open(newline="") as file:
        return incidents, list(csv.DictReader(file))


def name(row: Row) -> tuple[str, str]:
    return row["kind"], row["local_id"] or row["message_id"]


def apart(row: Row) -> timedelta:
    return isoparse(row["local_sent_at"]) - isoparse(row["provider_sent_at"])


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(
    ("plant_it", "cause", "begins"),
    [
        (outage, "outage", r"(All 12|12 of 1\d) sends between 11:30 and 11:41 are missing"),
        (key_or_process, "key_or_process", "All 12 sends since 22:00 are missing"),
        (recording_outage, "recording_outage", r"(All 12|12 of 1\d) messages between 11:30 and"),
        (recording_stopped, "recording_stopped", "All 12 messages since 22:00 are not"),
        (stale_records, "stale_records", r"The records end at \S+ 16:.*; 12 later messages"),
        (one_country, "country", r"All 12 sends to numbers that begin with \+254 are missing"),
        (status_word, "status_word", "8 records have the status 'shipped'"),
        (
            failure_reason,
            "failure_reason",
            "14 of 15 failed messages give the same reason: The temp",
        ),
        (an_hour, "hour", r"20 of 2\d findings of the kind missing locally lie between 13:00 and"),
    ],
)
def test_a_cause_on_the_demo_is_one_incident_of_exactly_its_findings(
    tmp_path: Path, seed: int, plant_it: Cause, cause: str, begins: str
) -> None:
    day = PlantedDay.of_seed(seed)
    plant_it(day)
    [incident], rows = diffed(day, tmp_path)
    assert incident["cause"] == cause
    assert re.match(begins, incident["summary"])
    members = {name(row) for row in rows if row["incident_id"] == incident["incident_id"]}
    assert members == day.planted
    assert incident["kinds"] == Counter(kind for kind, _ in day.planted)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(
    ("plant_it", "cause", "kind", "words"),
    [
        (time_zone, "timezone", "sent_at_drift", "pairs differ by 4 h 0 min"),
        (clock, "clock", "sent_at_drift", "pairs differ by 0 h 7 min"),
        (foreign_ids, "foreign_ids", "message_id_mismatch", "the ids of another system"),
        (other_numbers, "numbers", "recipient_mismatch", "went to another number than recorded"),
    ],
)
def test_a_cause_of_the_whole_day_takes_in_all_findings_of_its_kind(
    tmp_path: Path, seed: int, plant_it: Cause, cause: str, kind: str, words: str
) -> None:
    day = PlantedDay.of_seed(seed)
    plant_it(day)
    [incident], rows = diffed(day, tmp_path)
    assert incident["cause"] == cause
    assert words in incident["summary"]
    inside = [row for row in rows if row["incident_id"]]
    others = [row for row in rows if row["kind"] == kind and not row["incident_id"]]
    if kind == "sent_at_drift":
        # Two pairs of the demo are far apart, and some records are a minute late.
        usual = sorted(map(apart, inside))[len(inside) // 2]
        assert all(abs(apart(row) - usual) <= timedelta(minutes=1) for row in inside)
        assert all(abs(apart(row) - usual) > timedelta(minutes=1) for row in others)
    assert len(others) <= (4 if kind == "sent_at_drift" else 0)
    assert incident["kinds"] == Counter(row["kind"] for row in inside) == {kind: len(inside)}
    assert len(inside) > 50


def test_the_demo_itself_has_findings_of_every_kind_and_no_incident(tmp_path: Path) -> None:
    for seed in range(3):
        incidents, rows = diffed(PlantedDay.of_seed(seed), tmp_path)
        assert incidents == []
        assert len(rows) > 20
