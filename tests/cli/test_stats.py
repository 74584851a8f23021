"""`recon stats`: thirty nights against a simulated Octopods, and slow counts of the same sends."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from recon.cli.collect import command as collect
from recon.cli.discrepancies import command as discrepancies
from recon.cli.stats import command
from recon.model import Kind, Status
from recon.simulator.channel import Channel
from recon.simulator.simulated_message import (
    DELETED,
    DELIVERED,
    FAILED_AT_ONCE,
    FAILED_LATER,
    ONLY_SENT,
    ONLY_UNKNOWN,
    READ,
    Reason,
    SimulatedMessage,
)
from tests.cli.nights import Nights, nights
from tests.cli.workshop import MORNING_AFTER, Workshop

DAYS = 30
REACHED = {"delivered", "read", "deleted"}
REASONS = ("Recipient is not a WhatsApp user.", "(#131049) Not delivered: healthy ecosystem", "")

MEANINGS = {
    REASONS[0]: ("not_on_whatsapp", "the number cannot be reached on WhatsApp", "do_not_retry"),
    REASONS[1]: (
        "marketing_cap",
        "the user gets too much marketing at the moment, from all businesses together",
        "retry",
    ),
    "": ("unknown", "no reason given", "review"),
}


def rows(stage: Nights, *options: str) -> list[dict[str, Any]]:
    found = json.loads(stage.shown(command, "--format", "json", *options))
    assert isinstance(found, list)
    return found


def test_an_account_that_was_never_polled_has_rows_of_nothing(
    tmp_path: Path, database_url: str
) -> None:
    with nights(tmp_path, database_url) as stage:
        found = rows(stage, "--days", "2")
        assert [one["date"] for one in found] == ["2026-04-23", "2026-04-24"]
        for one in found:
            counts = [one[name] for name in ("total", *map(str, Status))]
            assert counts == [None] * 7
            assert (one["failure_rate"], one["coverage"]) == (None, None)
        assert "Nothing is known" in stage.shown(command)
        assert stage.requests == []


def thirty_nights(stage: Nights) -> list[SimulatedMessage]:
    """Send some messages of every status each day, poll each night, and reconcile two."""
    sent: list[SimulatedMessage] = []
    courses = (READ, DELIVERED, DELETED, FAILED_AT_ONCE, FAILED_LATER, ONLY_SENT, ONLY_UNKNOWN)
    for night in range(DAYS):
        start, records = stage.clock() - timedelta(hours=20), []
        for number in range(night % 5 + 7):
            course = courses[(night + number) % len(courses)]
            reason = Reason(REASONS[(night * number) % 3])
            phone = ("+35387", "+44770")[number % 2] + f"{night:03}{number:04}"
            at = start + timedelta(minutes=7 * number)
            made = stage.channel.send(phone, at, course=course, reason=reason)
            sent.append(made)
            if number:  # the first of a day is not recorded
                records.append((made.message_id, made.message_id, phone, at, "sent"))
        stage.workshop.add_records(*records)
        if night in {12, DAYS - 1}:
            day = stage.clock().date() - timedelta(days=1)
            assert stage.run(day=day.isoformat()) == 0
        else:
            assert stage.invoke(collect, "--force") == 0
        stage.clock.advance(86_400)
    stage.clock.advance(-86_400)
    return sent


def test_every_figure_of_thirty_days_is_that_of_a_slow_count(
    tmp_path: Path, database_url: str
) -> None:
    with nights(tmp_path, database_url, channel=Channel(first_id=101)) as stage:
        sent = thirty_nights(stage)
        now = stage.clock()
        found = rows(stage)
        assert len(found) == DAYS
        for one in found:
            mine = [each for each in sent if each.sent_at.date().isoformat() == one["date"]]
            counts = Counter(each.status(now) for each in mine)
            assert one["total"] == len(mine)
            assert {status: one[status] for status in map(str, Status)} == {
                status: counts[status] for status in map(str, Status)
            }
            assert_rates(one)
            assert_delivery(one, mine, now)
            why = Counter(
                each.reason.title for each in mine if each.status(now) == "failed" and each.reason
            )
            shown = {each["reason"] or "": each["count"] for each in one["failure_reasons"]}
            assert shown == dict(why)
            assert one["coverage"] == 1.0 or one["date"] == now.date().isoformat()
        assert_findings(stage, found)
        assert_groups(stage, sent)


def assert_findings(stage: Nights, found: list[dict[str, Any]]) -> None:
    listed = json.loads(stage.shown(discrepancies, "--status", "all", "--format", "json"))
    assert listed
    for one in found:
        about = [each for each in listed if each["date"] == one["date"]]
        still_open = Counter(each["kind"] for each in about if each["state"] == "open")
        assert one["findings"] == {kind: still_open[kind] for kind in map(str, Kind)}
        assert one["opened"] == len(about)
        assert one["resolved"] == sum(each["state"] == "resolved" for each in about)
    report = stage.workshop.report(day=found[-2]["date"])
    assert found[-2]["incidents"] == len(report["incidents"])
    assert found[-2]["requests"]["list"] >= report["requests"]["list"]


def assert_groups(stage: Nights, sent: Sequence[SimulatedMessage]) -> None:
    """Compare every count of the groups with those of the messages."""
    now = stage.clock()
    groups: dict[str, Callable[[SimulatedMessage], object]] = {
        "hour": lambda one: one.sent_at.hour,
        "country": lambda one: {"+353": "IE", "+447": "GB"}[one.phone_number[:4]],
        "reason": lambda one: one.reason.title if one.reason else "",
    }
    for by, group in groups.items():
        slow = Counter(
            (each.sent_at.date().isoformat(), group(each), each.status(now))
            for each in sent
            if by != "reason" or each.status(now) == "failed"
        )
        found: Counter[tuple[str, object, str]] = Counter()
        for row in rows(stage, "--by", by, "--days", str(DAYS + 1)):
            assert_rates(row)
            shown = "" if row[by] is None else row[by]
            for status in map(str, Status):
                found[row["date"], shown, status] += row[status] or 0
            if by == "country":
                assert row["calling_code"] == {"IE": "353", "GB": "44"}[row["country"]]
            if by == "reason":
                about = (row["class"], row["meaning"], row["decision"])
                assert about == MEANINGS[shown]
        assert +found == slow
    table = stage.shown(command, "--by", "reason")
    assert REASONS[0] in table
    assert "not_on_whatsapp: the number cannot be reached on WhatsApp (do_not_retry)" in table
    assert "(no reason given)" in table
    for by in ("day", "hour", "country"):
        assert "failure rate" in stage.shown(command, "--by", by)


def assert_rates(row: dict[str, Any]) -> None:
    """Compare the total and the rates of a row with its counts."""
    counts = {status: row[status] or 0 for status in map(str, Status)}
    assert (row["total"] or 0) == sum(counts.values())
    reached = counts["delivered"] + counts["read"] + counts["deleted"]
    final = reached + counts["failed"]

    def share(part: int, whole: int) -> Any:  # noqa: ANN401 - approx
        return pytest.approx(part / whole, abs=1e-6) if whole else None

    assert row["failure_rate"] == share(counts["failed"], final)
    assert row["delivered_rate"] == share(reached, final)
    assert row["read_rate"] == share(counts["read"], reached)


def assert_delivery(row: dict[str, Any], mine: Sequence[SimulatedMessage], now: datetime) -> None:
    """Compare the times to delivery: all were first seen by the poll of the same night."""
    polled_at = mine[0].sent_at + timedelta(hours=20) if mine else now
    polled = [
        (polled_at - each.sent_at).total_seconds() for each in mine if each.status(now) in REACHED
    ]
    found = row["delivery_seconds"]
    if not polled:
        assert found is None
        return
    longest = sorted(polled)
    assert found["measured"] == len(longest)
    for name, per_cent in (("median", 50), ("percentile_90", 90)):
        place = -(-len(longest) * per_cent // 100) - 1
        assert found[name]["min"] == 0
        assert found[name]["max"] == pytest.approx(longest[place], abs=2)


def test_csv_has_the_values_of_json(tmp_path: Path, database_url: str) -> None:
    with nights(tmp_path, database_url) as stage:
        stage.send(3, start=MORNING_AFTER - timedelta(hours=9))
        reason = Reason("=HYPERLINK(x)")
        stage.channel.send(
            "+353871111111",
            MORNING_AFTER - timedelta(hours=8),
            course=FAILED_AT_ONCE,
            reason=reason,
        )
        assert stage.run() == 0
        for by in ("day", "hour", "country", "reason"):
            text = stage.shown(command, "--days", "2", "--by", by, "--format", "csv")
            cells = list(csv.DictReader(io.StringIO(text)))
            objects = rows(stage, "--days", "2", "--by", by)
            assert len(cells) == len(objects)
            for cell, one in zip(cells, objects, strict=True):
                for name in ("total", "failed", "failure_rate", "coverage"):
                    assert (float(cell[name]) if cell[name] else None) == one[name]
        assert cells[0]["reason"] == "'=HYPERLINK(x)"


def test_uncovered_time_is_shown(tmp_path: Path, database_url: str) -> None:
    with nights(tmp_path, database_url) as stage:
        start = MORNING_AFTER - timedelta(hours=20)
        stage.send(150, start=start, minutes=0.5, recorded=False)
        assert stage.run() == 0
        [before, _] = rows(stage, "--days", "2")
        assert before["total"] == 100
        assert 0 < before["coverage"] < 1
        table = stage.shown(command, "--days", "2")
        assert "are not covered" in table


@pytest.mark.parametrize("options", [["--days", "0"], ["--by", "week"], ["--account", "nobody"]])
def test_options_that_cannot_be_meant_are_refused(workshop: Workshop, options: list[str]) -> None:
    workshop.configure("http://127.0.0.1:9")
    assert workshop.recon("stats", *options).code == 2


def test_costs_are_labelled_as_estimates(tmp_path: Path, database_url: str) -> None:
    with nights(tmp_path, database_url) as stage:
        with (tmp_path / "recon.toml").open("a") as config:
            config.write('[cost]\ncurrency = "EUR"\nrates = { "353" = 0.05 }\n')
        stage.send(3, start=MORNING_AFTER - timedelta(hours=9))
        assert stage.run() == 0
        [before, _] = rows(stage, "--days", "2")
        money = {"spent": 0.15, "twice": 0.0, "wasted": 0.0, "unpriced": 0}
        assert before["cost_estimate"] == {"currency": "EUR"} | money
        assert "Cost (estimate): EUR 0.15 spent" in stage.shown(command, "--days", "2")
        table = stage.shown(command, "--days", "2", "--format", "csv")
        assert next(csv.DictReader(io.StringIO(table)))["cost_estimate_spent"] == "0.15"
