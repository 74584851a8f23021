from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests
from dateutil.parser import isoparse
from hypothesis import given, settings
from hypothesis import strategies as st

from recon.core import calendar, frames, judge
from recon.core.link import Side
from recon.core.listing_evidence import KeyHistory, prove
from recon.core.policy import Policy
from recon.errors import OutputError
from recon.model import Kind, Verdict, VerdictKind
from recon.simulator import contacts
from recon.simulator.channel import Shape
from recon.simulator.demo_day import DemoDay, plant, write_records
from recon.simulator.server import AUTH_HEADER, serve
from recon.simulator.simulated_message import SimulatedMessage
from recon.simulator.simulated_responses import LIST_PATH

TODAY = datetime(2026, 11, 24, 3, 40, tzinfo=UTC)
DUBLIN = "Europe/Dublin"

#: Ordinary zones, and those whose clocks do unusual things; half-hour offsets; both hemispheres.
ZONES = (DUBLIN, "UTC", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Cairo")
#: The days after the clocks of Dublin and Lord Howe changed, the days of the change, and others.
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)) | st.sampled_from(  # noqa: DTZ001 - made aware below
    [
        datetime(2026, month, day, 12)  # noqa: DTZ001 - made aware below
        for month, day in ((3, 29), (3, 30), (10, 25), (10, 26), (4, 5), (4, 6), (10, 4), (10, 5))
    ]
)

#: Machines are slow at times, and a day takes a while to compare.
MANY = settings(max_examples=40)
FEW = settings(max_examples=8)

days = st.builds(
    lambda seed, moment, zone, shape: plant(seed, moment.replace(tzinfo=UTC), zone, shape=shape),
    st.integers(0, 10_000),
    MOMENTS,
    st.sampled_from(ZONES),
    st.sampled_from(["A", "B"]),
)


def everything(planted: DemoDay) -> dict[str, SimulatedMessage]:
    return {str(m.message_id): m for m in planted.channel.sent(planted.now)}


def recorded(planted: DemoDay, *, through: str = "whatsapp") -> dict[str, Mapping[str, Any]]:
    return {str(row["id"]): row for row in planted.rows if row["channel"] == through}


def time_of(planted: DemoDay, row: Mapping[str, Any]) -> datetime | None:
    try:
        found = isoparse(row["sent_at"])
    except ValueError:
        return None
    zone = ZoneInfo(planted.zone)
    return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)


@MANY
@given(days)
def test_every_kind_is_planted_and_the_listing_is_full_whatever_the_seed(planted: DemoDay) -> None:
    assert {found.kind for found in planted.expected} == {kind.value for kind in Kind}
    listing = planted.channel.listing(planted.now)
    assert listing.item_count == 100
    window = calendar.window(planted.day, planted.zone)
    assert window.start
    assert window.end
    items = planted.channel.page(planted.now).items
    in_day = [item for item in items if item.sent_at < window.end]
    assert 82 <= len(in_day) <= 88
    assert window.start < items[-1].sent_at <= planted.now - timedelta(hours=25)
    local = planted.now.astimezone(ZoneInfo(planted.zone))
    assert (local.hour, local.date() - planted.day) == (6, timedelta(days=1))


@MANY
@given(days)
def test_ids_are_unique_rise_with_time_and_every_expectation_is_about_something_real(
    planted: DemoDay,
) -> None:
    sent, rows = everything(planted), recorded(planted)
    assert len(rows) + len(recorded(planted, through="sms")) == len(planted.rows)
    assert [int(key) for key in sent] == sorted({int(key) for key in sent})
    assert [m.sent_at for m in sent.values()] == sorted(m.sent_at for m in sent.values())
    assert len({(f.local_id, f.message_id) for f in planted.expected}) == len(planted.expected)
    for kind, local_id, message_id in planted.expected:
        assert local_id is None or local_id in rows
        assert (message_id in sent) is (message_id is not None and kind != Kind.MISSING_AT_PROVIDER)


def found(planted: DemoDay, *kinds: Kind) -> list[tuple[Any, Any]]:
    """Return the record and the message of each expectation of these kinds."""
    sent, rows = everything(planted), recorded(planted)
    return [
        (rows.get(local_id or ""), sent.get(message_id or ""))
        for kind, local_id, message_id in planted.expected
        if kind in kinds
    ]


def holders(planted: DemoDay) -> Counter[Any]:
    return Counter(row["octopods_message_id"] for row in recorded(planted).values())


@MANY
@given(days)
def test_records_without_a_message_lie_where_their_kind_says(planted: DemoDay) -> None:
    oldest = planted.channel.page(planted.now).items[-1].sent_at
    for row, _ in found(planted, Kind.MISSING_AT_PROVIDER):
        at = time_of(planted, row)
        assert at
        assert at > oldest + timedelta(minutes=1)
        assert row["octopods_message_id"] not in everything(planted)
    split = set()
    for row, _ in found(planted, Kind.UNVERIFIABLE):
        at = time_of(planted, row)
        assert at
        assert at < oldest + timedelta(seconds=1)
        assert row["octopods_message_id"] is None
        split.add(at >= oldest)
    assert split == {True, False}
    for row, _ in found(planted, Kind.INVALID_LOCAL):
        assert time_of(planted, row) is None or not any(map(str.isdigit, row["recipient"]))


@MANY
@given(days)
def test_messages_without_a_record_are_named_by_none(planted: DemoDay) -> None:
    held = holders(planted)
    for kind in (Kind.MISSING_LOCALLY, Kind.DUPLICATE_SEND):
        for _, message in found(planted, kind):
            assert held[str(message.message_id)] == 0
            near = [
                other
                for other in everything(planted).values()
                if other.phone_number == message.phone_number
                and abs(other.sent_at - message.sent_at) <= timedelta(seconds=60)
                and held[str(other.message_id)]
            ]
            assert bool(near) is (kind is Kind.DUPLICATE_SEND)
    assert all(message.junk for _, message in found(planted, Kind.INVALID_PROVIDER))


@MANY
@given(days)
def test_pairs_differ_in_what_their_kind_says(planted: DemoDay) -> None:
    held, sent = holders(planted), everything(planted)
    for row, message in found(planted, Kind.DUPLICATE_LOCAL):
        assert held[row["octopods_message_id"]] == held[str(message.message_id)] == 2
    for row, message in found(planted, Kind.MESSAGE_ID_MISMATCH):
        assert row["octopods_message_id"] not in {None, *sent}
        assert row["recipient"] == message.phone_number
        at = time_of(planted, row)
        assert at
        assert abs(at - message.sent_at) <= timedelta(seconds=120)
    for row, message in found(planted, Kind.RECIPIENT_MISMATCH):
        assert row["recipient"] != message.phone_number
    for row, message in found(planted, Kind.SENT_AT_DRIFT):
        at = time_of(planted, row)
        assert at
        assert abs(at - message.sent_at) > timedelta(seconds=300)
    for row, message in found(planted, Kind.STATUS_MISMATCH):
        assert planted.statuses.get(row["state"], row["state"]) != message.status(planted.now)


@MANY
@given(days)
def test_what_is_stuck_is_a_day_old_and_nothing_else_that_waits_is(planted: DemoDay) -> None:
    stuck = [message for _, message in found(planted, Kind.STUCK)]
    waiting = [
        message
        for message in planted.channel.page(planted.now).items
        if message.status(planted.now) in {"sent", "unknown"}
    ]
    old = [m for m in waiting if planted.now - m.sent_at >= timedelta(hours=24)]
    assert {m.message_id for m in stuck} == {m.message_id for m in old}
    assert len(waiting) > len(old)


def real_comparison(planted: DemoDay, *, where: bool = True) -> Verdict:
    """Ask the provider over HTTP, and let the product's own core compare."""
    with serve(planted.channel, clock=planted.clock) as url:
        key = {AUTH_HEADER: planted.api_key}
        answered = requests.get(url + LIST_PATH, headers=key, timeout=5).json()
    items = (
        [
            (item["message_id"], item["phone_number"], item["sent_at"], item["status"])
            for item in answered["messages"]
        ]
        if isinstance(answered, dict)
        else [
            (
                item["message_status"]["channel_message_id"],
                item["user_phone_number"],
                item["created_at"],
                item["message_status"]["message_status"],
            )
            for item in answered
        ]
    )
    fields = ("message_id", "phone_number", "sent_at", "status")
    raw = dict(zip(fields, map(list, zip(*items, strict=True)), strict=True))
    rows = recorded(planted).values() if where else planted.rows
    columns = {field: [row[column] for row in rows] for field, column in planted.columns.items()}
    proof = prove(planted.channel.listing(planted.now), KeyHistory())
    span = proof.shown and proof.shown.span()
    assert span
    [verdict] = judge.judge(
        "demo",
        [calendar.window(planted.day, planted.zone)],
        Side(*frames.local_frame(columns, zone=planted.zone, statuses=planted.statuses)),
        Side(*frames.provider_frames([raw], observed_at=planted.now)),
        spans=[span],
        policy=Policy(region=planted.default_region),
    )
    return verdict


def findings(verdict: Verdict) -> list[tuple[str | None, ...]]:
    names = ["kind", "local_id", "message_id"]
    rows = verdict.findings[names].astype(object).itertuples(index=False, name=None)
    return [tuple(cell if isinstance(cell, str) else None for cell in row) for row in rows]


@FEW
@given(days)
def test_the_real_comparison_finds_everything_planted_once_and_nothing_else(
    planted: DemoDay,
) -> None:
    verdict = real_comparison(planted)
    assert verdict.kind is VerdictKind.DISCREPANCIES
    assert Counter(findings(verdict)) == Counter(map(tuple, planted.expected))
    assert verdict.local.not_sent == 4


def test_without_the_filter_text_messages_are_taken_for_lost_ones() -> None:
    planted = plant(1, TODAY, DUBLIN)
    extra = {*findings(real_comparison(planted, where=False))} - set(planted.expected)
    assert Counter(kind for kind, *_ in extra) == {
        Kind.MISSING_AT_PROVIDER: 3,
        Kind.DUPLICATE_LOCAL: 1,
    }


@pytest.mark.parametrize("shape", ["A", "B"])
def test_the_same_seed_is_the_same_day_and_another_one_another_day(shape: Shape) -> None:
    first, again, later, other = (
        plant(seed, now, DUBLIN, shape=shape)
        for seed, now in ((3, TODAY), (3, TODAY), (3, TODAY + timedelta(hours=9)), (4, TODAY))
    )
    assert first.rows == again.rows == later.rows
    assert first.expected == again.expected == later.expected
    assert everything(first) == everything(again) == everything(later)
    assert first.rows != other.rows
    assert first.expected != other.expected


def test_both_shapes_describe_the_same_day() -> None:
    one, two = (plant(3, TODAY, DUBLIN, shape=shape) for shape in ("A", "B"))
    assert one.rows == two.rows
    assert everything(one) == everything(two)
    assert one.expected == two.expected


def test_the_day_is_yesterday_in_its_zone() -> None:
    late = datetime(2026, 11, 24, 23, 30, tzinfo=UTC)
    assert plant(1, late, "UTC").day == date(2026, 11, 23)
    assert plant(1, late, "Asia/Kolkata").day == date(2026, 11, 24)


@MANY
@given(days)
def test_the_records_spell_times_and_numbers_in_many_ways_and_none_is_ambiguous(
    planted: DemoDay,
) -> None:
    spelled = [str(row["sent_at"]) for row in planted.rows]
    assert {True, False} == {"T" in text for text in spelled} == {"." in text for text in spelled}
    assert any(text.endswith("Z") for text in spelled)
    zone = ZoneInfo(planted.zone)
    readings = []
    for row in planted.rows:
        try:
            at = isoparse(str(row["sent_at"]))
        except ValueError:
            continue
        if at.tzinfo is None:
            assert (
                at.replace(tzinfo=zone, fold=0).utcoffset()
                == at.replace(tzinfo=zone, fold=1).utcoffset()
            )
            readings.append(at)
    assert len(readings) > len(planted.rows) / 2


def test_the_records_are_a_table_of_sqlite_with_ids_as_text(tmp_path: Path) -> None:
    planted = plant(5, TODAY, DUBLIN)
    path = tmp_path / "sends.db"
    path.write_text("an earlier demo's")
    write_records(planted, path)
    assert [*tmp_path.iterdir()] == [path]
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    rows = [dict(row) for row in connection.execute(f"SELECT * FROM {planted.table} ORDER BY id")]  # noqa: S608 - our own table
    [count] = connection.execute(
        f"SELECT count(*) FROM {planted.table} WHERE {planted.where}"  # noqa: S608 - our own table
    ).fetchone()
    kinds = {
        kind for (kind,) in connection.execute("SELECT typeof(octopods_message_id) FROM sends")
    }
    connection.close()
    assert rows == [*planted.rows]
    assert count == len(recorded(planted))
    assert kinds == {"text", "null"}
    assert set(planted.columns.values()) <= set(rows[0])


def test_records_that_cannot_be_written_are_reported(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="the demo's records cannot be written"):
        write_records(plant(5, TODAY, DUBLIN), tmp_path / "nowhere" / "sends.db")
    assert not [*tmp_path.iterdir()]


def test_every_word_of_the_records_means_something_but_the_one_that_is_planted() -> None:
    planted = plant(6, TODAY, DUBLIN)
    words = {row["state"] for row in planted.rows} - {None}
    assert words - set(planted.statuses) == {"delivered", "bounced"}


@pytest.mark.parametrize(
    ("spell", "number", "spelled"),
    [
        (contacts.spaced, "+353875551234", "+353 875 551 234"),
        (contacts.with_zeros, "+353875551234", "00353875551234"),
        (contacts.irish_national, "+353875551234", "087 555 1234"),
        (contacts.american_style, "+14155550123", "+1 (415) 555-0123"),
        (contacts.whatsapp, "+14155550123", "whatsapp:+14155550123"),
        (contacts.without_ninth, "+5511995551234", "+551195551234"),
        (contacts.without_mobile_digit, "+5215555551234", "+525555551234"),
        (contacts.without_mobile_digit, "+5491155551234", "+541155551234"),
    ],
)
def test_numbers_are_spelled_as_people_do(spell: Any, number: str, spelled: str) -> None:  # noqa: ANN401 - a plain function
    assert spell(number) == spelled
