from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from random import Random

from recon.simulator import traffic
from recon.simulator.simulated_message import SimulatedMessage

START = datetime(2026, 4, 24, 10, 30, tzinfo=UTC)


def drawn(seed: int, **shares: float) -> list[SimulatedMessage]:
    rng = Random(seed)
    moments = traffic.times(rng, START, 2000, traffic.OFFICE_RHYTHM)
    return list(islice(traffic.messages(rng, moments, **shares), 2000))  # type: ignore[arg-type]


def test_equal_seeds_give_equal_traffic_and_others_another() -> None:
    assert drawn(1, late=0.1, junk=0.1) == drawn(1, late=0.1, junk=0.1)
    assert drawn(1) != drawn(2)


def test_ids_and_times_rise_and_few_customers_get_many_messages() -> None:
    sent = drawn(3)
    assert [m.message_id for m in sent] == sorted({m.message_id for m in sent})
    assert [m.sent_at for m in sent] == sorted(m.sent_at for m in sent)
    assert sent[0].sent_at >= START
    assert 100 < len({m.phone_number for m in sent}) <= 200


def test_sends_come_as_often_as_configured_and_as_the_rhythm_says() -> None:
    days = 20
    end = START + timedelta(days=days)
    moments = traffic.times(Random(4), START, 1000, traffic.OFFICE_RHYTHM)
    seen = list(takewhile(lambda at: at < end, moments))
    assert abs(len(seen) / days - 1000) < 50
    hours = Counter(at.hour for at in seen)
    assert hours[3] / days < 5
    assert abs(hours[9] / days - 100) < 15


def test_a_rhythm_is_a_whole_day() -> None:
    for rhythm in (traffic.OFFICE_RHYTHM, traffic.STEADY):
        assert len(rhythm) == 24
        assert abs(sum(rhythm) - 1) < 1e-9


def test_a_silent_hour_is_silent() -> None:
    rhythm = [0.0] * 24
    rhythm[7] = 1.0
    moments = list(islice(traffic.times(Random(5), START, 50, rhythm), 100))
    assert {at.hour for at in moments} == {7}
    assert len({at.date() for at in moments}) > 1


def test_a_campaign_sends_evenly_every_day_from_the_start_on() -> None:
    lasting = timedelta(minutes=4)
    moments = list(islice(traffic.campaigns(START, (9, 13), 4, lasting), 9))
    assert [at.strftime("%d %H:%M") for at in moments] == [
        *("24 13:00", "24 13:01", "24 13:02", "24 13:03"),
        *("25 09:00", "25 09:01", "25 09:02", "25 09:03"),
        "25 13:00",
    ]


def test_the_shares_of_late_and_of_junk_messages_are_as_configured() -> None:
    sent = drawn(6, late=0.1, junk=0.2)
    late = [m for m in sent if m.appears_at is not None]
    assert 0.05 < len(late) / len(sent) < 0.15
    assert all(
        timedelta(seconds=5) <= m.appears_at - m.sent_at <= timedelta(seconds=50)
        for m in late
        if m.appears_at
    )
    assert 0.12 < sum(m.junk is not None for m in sent) / len(sent) < 0.22
    assert any(m.status(m.sent_at + timedelta(days=9)) == "held" for m in sent)
    clean = drawn(6)
    assert all(m.appears_at is None and m.junk is None for m in clean)
    assert {m.status(m.sent_at + timedelta(days=9)) for m in clean} == {
        *("sent", "delivered", "read", "deleted", "failed"),
    }
