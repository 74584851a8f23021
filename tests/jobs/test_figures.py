"""The figures of the last days against slow counts of the same messages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from recon.core import calendar
from recon.core.cost_rates import CostRates, RateChange
from recon.core.day_figures import CostEstimate
from recon.jobs import figures
from recon.model import Kind, Listing, Message, Status
from recon.store import messages, runs
from recon.store.column_types import UtcDateTime
from recon.store.engine import connect, writing
from recon.store.tables import METADATA
from tests.factories import finding, findings_frame, run

ZONE = "Europe/Dublin"
DAYS = 30
REASONS = (
    "Recipient is not a WhatsApp user.",
    "No route to +353871234567",
    "No route to +353871234568",
    None,
)
NUMBERS = ("+35387{:07}", "+4477{:08}", "+1555{:07}", "US.{:07}", "")
STATUSES = (*Status, "sleeping")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


#: The clocks of Dublin went forward on 29 March 2026 and go back on 25 October.
SPRING, AUTUMN = utc("2026-04-10T09:30:00"), utc("2026-11-06T09:30:00")


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    made = connect(database_url)
    yield made
    made.dispose()


def sends(now: datetime, days: int = DAYS, a_day: int = 23, seed: int = 1) -> list[Message]:
    """Return messages of all statuses at random times, some of them around midnight and changes."""
    random = Random(seed)
    start = calendar.window(now.date() - timedelta(days=days), ZONE).start
    assert start is not None
    span = int((now - start).total_seconds())
    times = [start + timedelta(seconds=random.randrange(span)) for _ in range(days * a_day)]
    midnights = [calendar.window(now.date() - timedelta(days=n), ZONE).start for n in range(days)]
    times += [at + timedelta(microseconds=n) for at in midnights if at for n in (-1, 0)]
    made = []
    for number, time in enumerate(sorted(time for time in times if time < now), start=1):
        status = random.choice(STATUSES)
        reason = random.choice(REASONS) if status == Status.FAILED else None
        phone = random.choice(NUMBERS).format(number)
        made.append(Message(number, phone, time, str(status), reason))
    return made


def keep(
    engine: sa.Engine, sent: Sequence[Message], answered: datetime, *, full: bool = False
) -> None:
    """Keep one answer that lists these messages."""
    newest_first = sorted(sent, key=lambda one: one.sent_at, reverse=True)
    limit = len(sent) if full else len(sent) + 1
    answer = Listing(newest_first, [], len(sent), limit, answered)
    messages.keep(engine, "main", "f1a9", answer, answered)


def local(message: Message) -> datetime:
    return message.sent_at.astimezone(ZoneInfo(ZONE))


@pytest.mark.parametrize("now", [SPRING, AUTUMN])
def test_every_count_of_a_day_is_that_of_a_slow_count(engine: sa.Engine, now: datetime) -> None:
    sent = sends(now)
    keep(engine, sent, now)
    found = figures.by_day(ZONE, engine, ["main"], now, DAYS)
    assert [one.date for one in found] == [
        now.date() - timedelta(days=n) for n in reversed(range(DAYS))
    ]
    for one in found:
        mine = [message for message in sent if local(message).date() == one.date]
        words = Counter(message.status for message in mine)
        assert one.total == len(mine)
        for status in Status:
            more = words["sleeping"] if status is Status.UNKNOWN else 0
            assert getattr(one, status.value) == words[status.value] + more
        final = sum(words[status] for status in ("delivered", "read", "deleted", "failed"))
        assert one.failure_rate == words["failed"] / final
        failed = [message.failure_reason or "" for message in mine if message.status == "failed"]
        texts = ["No route to …" if text.startswith("No") else text for text in failed]
        assert one.failure_reasons == dict(Counter(texts))
        assert one.coverage == (1.0 if one.date < now.date() else pytest.approx(1.0, abs=0.01))


@pytest.mark.parametrize("now", [SPRING, AUTUMN])
def test_every_count_of_an_hour_is_that_of_a_slow_count(engine: sa.Engine, now: datetime) -> None:
    sent = sends(now)
    keep(engine, sent, now)
    found = list(figures.by_hour(ZONE, engine, ["main"], now, DAYS))
    slow = Counter((local(one).date(), local(one).hour, one.status) for one in sent)
    assert sum(one.total for one in found) == sum(
        count for (day, *_), count in slow.items() if day > now.date() - timedelta(days=DAYS)
    )
    for one in found:
        assert one.failed == slow[one.date, one.hour, "failed"]
        assert one.read == slow[one.date, one.hour, "read"]
    shown = {(one.date, one.hour) for one in found}
    assert (date(2026, 3, 29), 1) not in shown  # the clocks skip it
    last = found[-1]
    assert (last.date, last.hour) == (now.date(), now.astimezone(ZoneInfo(ZONE)).hour)
    lengths = {(one.date, one.hour): one.seconds for one in found}
    if now == AUTUMN:
        assert lengths[date(2026, 10, 25), 1] == 7200


def test_countries_are_those_of_the_numbers(engine: sa.Engine) -> None:
    sent = sends(SPRING)
    keep(engine, sent, SPRING)
    found = list(figures.by_country(ZONE, engine, ["main"], SPRING, DAYS))
    places = {"+353": ("353", "IE"), "+447": ("44", "GB"), "+155": ("1", "US"), "US.0": ("", "US")}
    slow = Counter(
        (local(one).date(), *places.get(one.phone_number[:4], ("", "")))
        for one in sent
        if local(one).date() > SPRING.date() - timedelta(days=DAYS)
    )
    assert {(one.date, one.calling_code, one.country): one.total for one in found} == dict(slow)


def test_reasons_come_with_their_counts_the_commonest_first(engine: sa.Engine) -> None:
    sent = sends(SPRING)
    keep(engine, sent, SPRING)
    found = list(figures.by_reason(ZONE, engine, ["main"], SPRING, 2))
    today = [one for one in found if one.date == SPRING.date()]
    assert [one.failed for one in today] == sorted((one.failed for one in today), reverse=True)
    slow = [one for one in sent if local(one).date() == SPRING.date() and one.status == "failed"]
    assert sum(one.total for one in today) == len(slow)
    assert {one.reason for one in found} <= {REASONS[0], "No route to …", ""}


def test_time_that_is_not_covered_is_shown_and_is_no_zero(engine: sa.Engine) -> None:
    noon = utc("2026-04-09T11:00:00")  # 12:00 in Dublin
    keep(engine, [Message(1, "+353871234567", noon, "sent")], noon, full=True)
    last = utc("2026-04-10T08:00:00")
    keep(engine, [Message(2, "+353871234567", last, "read")], last, full=True)
    before, first, today = figures.by_day(ZONE, engine, ["main"], SPRING, 3)
    assert (before.is_known, before.coverage, before.failure_rate) == (False, None, None)
    assert (first.total, first.coverage) == (1, 0.0)
    assert (today.total, today.failure_rate, today.is_known) == (1, 0.0, True)


def test_an_account_that_was_never_polled_is_not_known(engine: sa.Engine) -> None:
    [today] = figures.by_day(ZONE, engine, ["main"], SPRING, 1)
    assert (today.coverage, today.is_known, today.total) == (None, False, 0)
    for count in (figures.by_country, figures.by_reason):
        assert list(count(ZONE, engine, ["main"], SPRING, 1)) == []


def test_purged_days_are_not_known(engine: sa.Engine) -> None:
    keep(engine, [Message(1, "+353871234567", SPRING, "read")], SPRING)
    accounts = sa.table("accounts", sa.column("purged_before", UtcDateTime()))
    with writing(engine) as connection:
        purged = utc("2026-04-06T00:00:00")
        connection.execute(sa.update(accounts).values(purged_before=purged))
    found = figures.by_day(ZONE, engine, ["main"], SPRING, 5)
    assert [one.coverage is None for one in found] == [True, True, False, False, False]


def test_accounts_stand_beside_each_other_by_day(engine: sa.Engine) -> None:
    found = figures.by_day(ZONE, engine, ["b", "a"], SPRING, 2)
    assert [(one.date.day, one.account) for one in found] == [
        (9, "b"),
        (9, "a"),
        (10, "b"),
        (10, "a"),
    ]


def test_delivery_takes_between_the_polls_that_saw_it(engine: sa.Engine) -> None:
    """Ten messages a minute apart are polled on their way, and again when they are delivered."""
    start = utc("2026-04-10T08:00:00")
    sent = [Message(n, "+353871234567", start + timedelta(minutes=n), "sent") for n in range(10)]
    keep(engine, sent, start + timedelta(minutes=10))
    done = [Message(one.message_id, one.phone_number, one.sent_at, "delivered") for one in sent]
    keep(engine, done, start + timedelta(minutes=30))
    [today] = figures.by_day(ZONE, engine, ["main"], SPRING, 1)
    assert today.delivery is not None
    assert today.delivery.messages == 10
    # Last seen on their way 1 to 10 minutes after they were sent, delivered 20 minutes later.
    delivery = today.delivery
    assert [delivery.median, delivery.percentile_90] == [(300.0, 1500.0), (540.0, 1740.0)]


RATES = CostRates("EUR", {"353": 0.05, "44": 0.04}, [RateChange(date(2026, 4, 1), {"44": 0.08})])


@pytest.mark.parametrize("now", [SPRING, AUTUMN])
def test_every_estimate_is_that_of_a_slow_count(engine: sa.Engine, now: datetime) -> None:
    sent = sends(now)
    keep(engine, sent, now)
    for one in figures.by_day(ZONE, engine, ["main"], now, DAYS, RATES):
        prices = {"+353": 0.05, "+447": 0.08 if one.date >= date(2026, 4, 1) else 0.04}
        paid = [
            prices.get(message.phone_number[:4])
            for message in sent
            if local(message).date() == one.date
            and message.status in {"delivered", "read", "deleted"}
        ]
        assert one.cost is not None
        assert one.cost.spent == pytest.approx(sum(price for price in paid if price))
        assert one.cost.unpriced == paid.count(None)


def test_duplicates_are_paid_twice_and_wrong_recipients_are_wasted(engine: sa.Engine) -> None:
    kinds = [Kind.DUPLICATE_SEND, Kind.RECIPIENT_MISMATCH, Kind.MISSING_LOCALLY]
    costly = [
        finding(kind, f"{n}{kind}", phone_number=number, provider_status=status)
        for n, (number, status) in enumerate(
            [("+353871", "read"), ("+353872", "failed"), ("+1555", "read"), ("+447700", "read")]
        )
        for kind in kinds
    ]
    runs.save(engine, run(findings_frame(costly), day="2026-04-09"), "run")
    [day, _] = figures.by_day(ZONE, engine, ["main"], SPRING, 2, RATES)
    assert day.cost == CostEstimate(spent=0.0, twice=0.05 + 0.08, wasted=2 * (0.05 + 0.08))
    assert (day.findings, day.opened) == ({kind.value: 4 for kind in kinds}, 12)


def test_without_rates_nothing_is_estimated(engine: sa.Engine) -> None:
    keep(engine, sends(SPRING), SPRING)
    assert all(one.cost is None for one in figures.by_day(ZONE, engine, ["main"], SPRING, 2))


def test_of_many_messages_a_part_is_measured_whatever_their_ids(engine: sa.Engine) -> None:
    start = utc("2026-04-10T00:00:00")
    columns = METADATA.tables["messages"]
    changes = METADATA.tables["status_changes"]
    keep(engine, [Message(1, "+353871234567", start, "sent")], start)
    ids = range(10, 30_010, 10)
    with writing(engine) as connection:
        row = {"account_id": 1, "key_id": 1, "phone_number": "", "status": "read"}
        row |= {"sent_at": start, "first_seen_at": start, "observed_at": start}
        connection.execute(sa.insert(columns), [row | {"message_id": one} for one in ids])
        seen = {"account_id": 1, "status": "read", "seen_at": start + timedelta(seconds=9)}
        connection.execute(sa.insert(changes), [seen | {"message_id": one} for one in ids])
    [today] = figures.by_day("UTC", engine, ["main"], SPRING, 1)
    assert today.total == 3_001
    assert today.delivery is not None
    assert 250 < today.delivery.messages < 1_000
    assert today.delivery.median == (0, 9)
