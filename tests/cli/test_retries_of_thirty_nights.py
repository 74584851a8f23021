"""`recon retries` over thirty nights with failures of every class, against plain counts."""

from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any, Final

import pytest

from recon.cli import collect, stats
from recon.cli.retries import command
from recon.simulator.simulated_message import (
    DELIVERED,
    FAILED_AT_ONCE,
    READ,
    Reason,
    StatusCourse,
)
from tests.cli.nights import Nights, nights

NIGHTS: Final = 30
A_NIGHT: Final = 6
BUSY: Final = "(#131016) Service unavailable"
#: The record whose send fails again and again, and the night from which on nothing is proposed.
STUBBORN: Final = 1
CORPUS: Final = Path(__file__).parents[1] / "corpus" / "failure_reasons.csv"


def one_of_each_class() -> list[dict[str, str]]:
    with CORPUS.open(newline="") as file:
        return list({row["name"]: row for row in csv.DictReader(file)}.values())


@dataclass
class Truth:
    """What was sent, and what has to be decided about it."""

    stage: Nights
    decisions: dict[int, str] = field(default_factory=dict)
    waits: dict[int, float] = field(default_factory=dict)
    classes: dict[int, str] = field(default_factory=dict)
    sent_at: dict[int, datetime] = field(default_factory=dict)
    exported_at: dict[int, datetime] = field(default_factory=dict)
    retried: dict[str, datetime] = field(default_factory=dict)
    """The numbers to which a proposed send went out again, and when."""
    records: dict[int, int] = field(default_factory=dict)

    def send(
        self,
        number: str,
        at: datetime,
        *,
        reason: str = BUSY,
        course: StatusCourse = FAILED_AT_ONCE,
        status: str = "failed",
        record: int | None = None,
        decision: str = "",
    ) -> int:
        """Send a message and record it; without a decision it is none of the failed sends."""
        failed = Reason(reason) if course is FAILED_AT_ONCE else None
        made = self.stage.channel.send(number, at, course=course, reason=failed)
        key = made.message_id
        self.sent_at[key], self.records[key] = at, record or key
        if record is None or all(one != record for one in list(self.records.values())[:-1]):
            self.stage.workshop.add_records((record or key, key, number, at, status))
        else:
            self.stage.set_record(record, message_id=key, sent_at=at.isoformat())
        if decision:
            self.decisions[key] = decision
            self.waits[key] = 1.0
            self.classes[key] = "service_unavailable"
        return key

    def night(self, night: int, classes: list[dict[str, str]]) -> None:
        """Send what fails in each way, and what went out after all."""
        start = self.stage.clock() - timedelta(hours=20)
        phone = f"+35387{night:03}{{:04}}".format

        def at(minute: int) -> datetime:
            return start + timedelta(minutes=minute)

        for n, one in enumerate(classes):
            # What holds an account or a template back is repaired before its sends are decided.
            waits = one["scope"] in {"account", "template"} and one["decision"] != "retry"
            decision = "review" if waits else one["decision"]
            key = self.send(phone(n), at(n), reason=one["text"], decision=decision)
            self.waits[key], self.classes[key] = float(one["wait_hours"]), one["name"]
        self.send(phone(20), at(20), decision="review")
        self.send(phone(20), at(25), decision="retry")
        self.send(phone(21), at(30), decision="do_not_retry")
        self.send(phone(21), at(45), course=READ, status="read")
        went_out = self.send(phone(22), at(50), course=DELIVERED, decision="do_not_retry")
        self.classes[went_out] = ""
        self.send(phone(23), at(55), course=DELIVERED, status="sent")
        if night % 2 == 0:
            decision = "retry" if night < 6 else "review"
            self.send("+353861111111", at(60), record=STUBBORN, decision=decision)

    def retry(self, proposed: list[dict[str, Any]]) -> None:
        """Send some of what was proposed again; all of it is read."""
        start = self.stage.clock() - timedelta(hours=18)
        others = [one for one in proposed if one["local_id"] != str(STUBBORN)]
        for n, one in enumerate(others[::3]):
            self.retried[one["phone_number"]] = start + timedelta(minutes=n)
            self.send(one["phone_number"], start + timedelta(minutes=n), course=READ, status="read")


def exported(stage: Nights) -> list[dict[str, Any]]:
    """Export what failed on the last two days."""
    last = stage.clock().date() - timedelta(days=1)
    days = ("--from", str(last - timedelta(days=1)), "--to", str(last))
    found: list[dict[str, Any]] = json.loads(stage.shown(command, *days, "--format", "json"))
    return found


@pytest.mark.thorough
def test_every_decision_is_right_and_nothing_is_proposed_twice(
    tmp_path: Path, database_url: str
) -> None:
    every = cycle(one_of_each_class())
    proposed: list[dict[str, Any]] = []
    fresh: list[dict[str, Any]] = []
    seen: set[int] = set()
    with nights(tmp_path, database_url) as stage:
        truth = Truth(stage)
        for night in range(NIGHTS):
            truth.night(night, [next(every) for _ in range(A_NIGHT)])
            truth.retry(fresh)
            fresh = []
            assert stage.invoke(collect.command, "--force") == 0
            if night % 2:
                found = exported(stage)
                assert {one["message_id"]: one["decision"] for one in found} == {
                    key: decision for key, decision in truth.decisions.items() if key not in seen
                }
                seen |= {one["message_id"] for one in found}
                fresh = [one for one in found if one["decision"] == "retry"]
                truth.exported_at |= dict.fromkeys((x["message_id"] for x in fresh), stage.clock())
                proposed += fresh
            if night in {1, NIGHTS - 1}:
                assert not [one for one in exported(stage) if one["decision"] == "retry"]
            stage.clock.advance(86_400)
        assert seen == set(truth.decisions)
        assert_limits(truth, proposed)
        assert_counts(truth, proposed)


def assert_limits(truth: Truth, proposed: list[dict[str, Any]]) -> None:
    ids = [one["message_id"] for one in proposed]
    assert len(ids) == len(set(ids))
    assert max(Counter((one["phone_number"], one["date"]) for one in proposed).values()) == 1
    of_record = Counter(truth.records[key] for key in ids)
    assert of_record[STUBBORN] == max(of_record.values()) == 3
    assert [one["attempt"] for one in proposed if one["local_id"] == str(STUBBORN)] == [1, 2, 3]
    for one in proposed:
        key = one["message_id"]
        hours = truth.waits[key] if one["attempt"] == 1 else None
        earliest = datetime.fromisoformat(one["not_before"]) - truth.sent_at[key]
        assert hours is None or earliest == timedelta(hours=hours)


def assert_counts(truth: Truth, proposed: list[dict[str, Any]]) -> None:
    def rows(*options: str) -> list[dict[str, Any]]:
        days = ("--days", str(NIGHTS + 2), "--format", "json")
        found: list[dict[str, Any]] = json.loads(truth.stage.shown(stats.command, *days, *options))
        return found

    days = {key: at.date().isoformat() for key, at in truth.sent_at.items()}
    sends = Counter(one["date"] for one in proposed)
    delivered = Counter(
        one["date"]
        for one in proposed
        if (at := truth.retried.get(one["phone_number"]))
        and at >= truth.exported_at[one["message_id"]]
    )
    assert delivered
    for row in rows():
        counts = {"proposed": sends[row["date"]], "delivered": delivered[row["date"]]}
        assert row["retries"] == counts
    slow = Counter((days[key], name) for key, name in truth.classes.items() if name)
    counted: Counter[tuple[str, str]] = Counter()
    for row in rows("--by", "reason"):
        counted[row["date"], row["class"]] += row["failed"]
    assert counted == slow
