from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
import sqlalchemy as sa

from recon.errors import KeyRefusedError, TemporaryError
from recon.jobs import latest_poll, wiring
from recon.jobs.collector import collect
from recon.simulator import http_faults
from recon.simulator.channel import SIMULATED_KEY, Channel
from recon.store import messages, polls
from tests.clocks import ManualClock
from tests.factories import NOON
from tests.jobs.stage import Stage, staged


@pytest.fixture
def stage(tmp_path: Path, engine: sa.Engine) -> Iterator[Stage]:
    """One account, some messages, a provider that works."""
    with staged(tmp_path, engine) as made:
        made.send(30, seconds=60)
        made.clock.advance(1800)
        yield made


def test_the_first_call_polls_and_the_next_decides_without_a_request(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "recon")
    assert stage.codes() == [0]
    assert len(messages.read(stage.engine, "main", None, None)) == 30
    assert "30 of 30 messages are new" in caplog.text
    caplog.clear()
    stage.clock.advance(60)
    assert stage.codes() == [0]
    assert (len(stage.requests), stage.polls()) == (1, 1)
    [line] = [one for one in caplog.records if one.name.startswith("recon.jobs")]
    assert (line.levelname, "no poll is due" in line.message) == ("DEBUG", True)


def test_the_records_say_when_an_answer_would_overflow(stage: Stage) -> None:
    stage.collect()
    for _ in range(94):
        stage.send(1, seconds=20)
        stage.collect()
    assert len(stage.requests) == 2
    assert len(messages.spans(stage.engine, "main")) == 1
    assert len(messages.read(stage.engine, "main", None, None)) > 100


def test_force_polls_in_any_case(stage: Stage) -> None:
    stage.collect()
    assert stage.codes(force=True) == [0]
    assert (len(stage.requests), stage.polls()) == (2, 2)


def test_a_poll_comes_right_after_the_end_of_each_day(stage: Stage) -> None:
    stage.collect()
    stage.clock.now = NOON.replace(hour=23, minute=59, second=30)
    stage.collect()
    before = len(stage.requests)
    for _ in range(4):
        stage.clock.advance(60)
        stage.collect()
    assert len(stage.requests) == before + 1


def test_the_poll_of_the_nightly_run_counts(stage: Stage) -> None:
    with wiring.KeptSession() as session:
        latest_poll.pull(stage.settings, stage.engine, "main", stage.runtime, session)
    stage.clock.advance(60)
    assert stage.codes() == [0]
    assert len(stage.requests) == 1


def test_a_new_key_is_polled_at_once(stage: Stage) -> None:
    stage.collect()
    stage.channel.rotate(SIMULATED_KEY, "new", stage.clock.now)
    stage.environ["KEY_main"] = "new"
    assert stage.codes() == [0]
    assert len(stage.requests) == 2


def test_an_account_that_another_collector_polls_is_left_to_it(stage: Stage) -> None:
    with polls.hold_poll_lock(stage.engine, "main"):
        assert stage.codes() == [0]
        assert stage.codes(force=True) == [0]
    assert stage.requests == []


def test_the_error_of_one_account_costs_the_others_nothing(
    tmp_path: Path, engine: sa.Engine
) -> None:
    with staged(tmp_path, engine, accounts=["bad", "lost", "good"]) as stage:
        stage.send(3)
        stage.environ["KEY_bad"] = "typo"
        del stage.environ["KEY_lost"]
        assert stage.codes() == [77, 78, 0]
        assert len(messages.read(engine, "good", None, None)) == 3


def test_accounts_with_the_same_key_keep_their_requests_apart(
    tmp_path: Path, engine: sa.Engine
) -> None:
    with staged(tmp_path, engine, accounts=["one", "two"]) as stage:
        stage.send(3)
        assert stage.codes() == [0, 0]
        assert stage.slept == [pytest.approx(1.0)]


def test_a_provider_that_is_down_is_reported_and_nothing_is_kept(
    tmp_path: Path, engine: sa.Engine
) -> None:
    script = [http_faults.unavailable()] * 5
    with staged(tmp_path, engine, script=script) as stage:
        stage.send(3)
        assert stage.codes() == [75]
        assert stage.polls() == 0
        assert stage.codes() == [0]
        assert stage.polls() == 1


def test_records_that_are_down_cost_the_hint_and_nothing_else(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    (stage.room / "records.db").unlink()
    assert stage.codes() == [0]
    stage.clock.advance(60)
    assert stage.codes() == [0]
    stage.clock.advance(6 * 3600)
    assert stage.codes() == [0]
    assert len(stage.requests) == 2
    assert "records.db" in caplog.text


def test_records_that_lag_are_not_taken_for_silence(
    tmp_path: Path, engine: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    with staged(tmp_path, engine) as stage:
        stage.send(60, seconds=6, recorded=False)
        for _ in range(60):
            stage.collect()
            stage.send(10, seconds=6, recorded=False)
        [span] = messages.spans(engine, "main")
        assert span.start is None
        assert span.end is not None
        assert span.end > stage.clock.now - timedelta(minutes=15)
        assert len(stage.requests) < 25
    assert "they lag, their clock or time zone is wrong" in caplog.text


@pytest.mark.parametrize("skew", [-120, 120])
def test_a_campaign_is_seen_in_records_that_go_by_our_clock_when_octopods_goes_by_another(
    stage: Stage, skew: int
) -> None:
    ours = stage.runtime
    runtime = replace(ours, clock=lambda: stage.clock.now + timedelta(seconds=skew))
    for minute in range(20):
        list(collect(stage.settings, stage.engine, stage.names, runtime))
        if 3 < minute < 12:
            stage.send(60, recorded=False)
            stage.add_records(runtime.clock() - timedelta(seconds=n) for n in range(60))
        else:
            stage.clock.advance(60)
    assert len(messages.spans(stage.engine, "main")) == 1
    assert len(messages.read(stage.engine, "main", None, None)) == 30 + 8 * 60


def test_records_full_of_what_was_never_sent_do_not_poll_again_and_again(stage: Stage) -> None:
    stage.collect()
    stage.send(20, seconds=3)
    stage.collect(force=True)
    for _ in range(20):
        stage.clock.advance(60)
        stage.add_records([stage.clock.now] * 60)
        stage.collect()
    assert len(stage.requests) < 6


def test_a_gap_between_two_polls_is_reported_at_once(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    stage.collect()
    stage.send(300, recorded=False)
    stage.collect(force=True)
    [warning] = [one.message for one in caplog.records if one.levelname == "WARNING"]
    assert "may be unknown: more messages were sent between two polls" in warning


# --- following -----------------------------------------------------------------------------------


def test_following_polls_when_due_and_ends_when_asked(stage: Stage) -> None:
    assert stage.follow(timedelta(minutes=5)) == []
    assert len(stage.requests) == 1
    stage.send(94)
    assert stage.follow(timedelta(seconds=5)) == []
    assert len(stage.requests) == 2


class SlowKeys(dict[str, str]):
    """An environment in which each look at a key takes two seconds."""

    clock: ManualClock

    def get(self, key: str, default: str | None = None) -> str | None:  # type: ignore[override]
        self.clock.advance(2)
        return super().get(key, default)


def test_a_decision_that_takes_long_is_repeated_the_less_often(stage: Stage) -> None:
    stage.collect()
    stage.clock.advance(10)
    stage.environ = SlowKeys(stage.environ)
    stage.environ.clock = stage.clock
    assert stage.follow(timedelta(minutes=5)) == []
    # Without a pause for it there would be one each few seconds.
    assert len(stage.slept) < 12


@pytest.mark.thorough
def test_following_keeps_up_with_a_burst_by_its_records(stage: Stage) -> None:
    sent = 0

    def meanwhile() -> None:
        # One a second, while the collector sleeps.
        nonlocal sent
        passed = int((stage.clock.now - began).total_seconds())
        times = [began + n * timedelta(seconds=1) for n in range(sent, passed)]
        for at in times:
            stage.channel.send("+353871234567", at)
        stage.add_records(times)
        sent = max(sent, passed)

    began = stage.clock.now
    stage.follow(timedelta(minutes=6), meanwhile=meanwhile)
    assert sent >= 360
    [span] = messages.spans(stage.engine, "main")
    assert span.end is not None
    assert span.end > began + timedelta(minutes=3)
    assert len(stage.requests) <= 20


def test_following_survives_an_outage_and_asks_less_and_less_often(
    tmp_path: Path, engine: sa.Engine
) -> None:
    script = [http_faults.unavailable()] * 12
    with staged(tmp_path, engine, script=script) as stage:
        stage.send(3)
        assert stage.follow(timedelta(minutes=30)) == []
        times = [one.at for one in stage.requests]
        gaps = [(b - a).total_seconds() for a, b in pairwise(times)]
        assert stage.polls() == 1
        assert len(stage.requests) == 13
        assert gaps[0] <= 5 < gaps[4]
        assert max(gaps) <= 301


@pytest.mark.thorough
def test_following_waits_as_long_as_a_429_asks(tmp_path: Path, engine: sa.Engine) -> None:
    with staged(tmp_path, engine, script=[http_faults.rate_limited(seconds=1800)]) as stage:
        assert stage.follow(timedelta(hours=1)) == []
        first, second = stage.requests
        assert timedelta(0) <= second.at - first.at - timedelta(seconds=1800) < timedelta(seconds=3)


def test_a_429_is_kept_by_all_who_hold_the_key(tmp_path: Path, engine: sa.Engine) -> None:
    script = [http_faults.rate_limited(seconds=1800)]
    with staged(tmp_path, engine, script=script, accounts=["one", "two"]) as stage:
        stage.follow(timedelta(minutes=29))
        assert len(stage.requests) == 1
        stage.follow(timedelta(minutes=2))
        assert stage.polls() == 2


def test_a_pause_that_is_too_long_for_one_poll_is_kept_by_the_next_ones(
    tmp_path: Path, engine: sa.Engine
) -> None:
    with staged(tmp_path, engine, script=[http_faults.rate_limited(seconds=1800)]) as stage:
        for _ in range(14):
            assert stage.codes() == [75]
            stage.clock.advance(60)
        assert len(stage.requests) == 1
        # What is left of the pause is what one look may wait for by now.
        stage.clock.advance(120)
        assert stage.codes() == [0]
        first, second = stage.requests
        assert second.at - first.at >= timedelta(seconds=1800)
        assert stage.slept[-1] == pytest.approx(840, abs=1)


def test_a_pause_is_kept_by_the_nightly_run_too(tmp_path: Path, engine: sa.Engine) -> None:
    with staged(tmp_path, engine, script=[http_faults.rate_limited(seconds=1800)]) as stage:
        assert stage.codes() == [75]
        with (
            wiring.KeptSession() as session,
            pytest.raises(
                TemporaryError,
                match=r"it answered 429 to an earlier request; .* until 2026-04-23 12:30",
            ),
        ):
            latest_poll.pull(stage.settings, engine, "main", stage.runtime, session)
        assert len(stage.requests) == 1


def test_a_pause_beyond_all_measure_costs_an_hour_at_most(
    tmp_path: Path, engine: sa.Engine
) -> None:
    with staged(tmp_path, engine, script=[http_faults.rate_limited(seconds=200_000)]) as stage:
        assert stage.codes() == [75]
        stage.clock.advance(2000)
        assert stage.codes() == [75]
        assert len(stage.requests) == 1
        stage.clock.advance(1600)
        assert stage.codes() == [0]


def test_a_pause_by_a_clock_that_was_a_year_ahead_is_none(
    tmp_path: Path, engine: sa.Engine
) -> None:
    with staged(tmp_path, engine, script=[http_faults.rate_limited(seconds=1800)]) as stage:
        stage.clock.advance(365 * 86_400)
        assert stage.codes() == [75]
        stage.clock.advance(-365 * 86_400)
        assert stage.codes() == [0]


def test_a_new_key_need_not_wait_for_the_old_ones_pause(tmp_path: Path, engine: sa.Engine) -> None:
    channel = Channel(keys=["another", SIMULATED_KEY])
    script = [http_faults.rate_limited(seconds=1800)]
    with staged(tmp_path, engine, script=script, channel=channel) as stage:
        assert stage.codes() == [75]
        stage.environ["KEY_main"] = "another"
        assert stage.codes() == [0]


def test_a_429_of_one_account_does_not_hold_up_the_others(
    tmp_path: Path, engine: sa.Engine
) -> None:
    script = [http_faults.rate_limited(seconds=1800)]
    channel = Channel(keys=[SIMULATED_KEY, "key-of-one"])
    with staged(tmp_path, engine, script=script, accounts=["one", "two"], channel=channel) as stage:
        stage.environ["KEY_one"] = "key-of-one"
        stage.send(3)
        stage.follow(timedelta(minutes=1))
        assert len(messages.read(engine, "two", None, None)) == 3


def test_a_refused_key_ends_the_following_of_its_account_only(
    tmp_path: Path, engine: sa.Engine
) -> None:
    with staged(tmp_path, engine, accounts=["bad", "good"]) as stage:
        stage.environ["KEY_bad"] = "typo"
        [outcome] = stage.follow(timedelta(minutes=3))
        assert (outcome.account, outcome.exit_code) == ("bad", 77)
        assert isinstance(outcome.error, KeyRefusedError)
        assert len(stage.requests) == 2


def test_following_ends_when_no_account_is_left(tmp_path: Path, engine: sa.Engine) -> None:
    with staged(tmp_path, engine, accounts=["bad", "lost"]) as stage:
        stage.environ["KEY_bad"] = "typo"
        del stage.environ["KEY_lost"]
        outcomes = stage.follow(timedelta(days=365))
        assert sorted(outcome.exit_code for outcome in outcomes) == [77, 78]
        assert stage.clock.now < NOON + timedelta(minutes=5)


@pytest.mark.thorough
def test_an_answer_that_a_busy_database_did_not_take_is_kept_later_without_a_request(
    stage: Stage,
) -> None:
    other = sqlite3.connect(stage.room / "recon.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    def meanwhile() -> None:
        if stage.clock.now > NOON + timedelta(minutes=3) and other.in_transaction:
            other.execute("ROLLBACK")

    with closing(other):
        assert stage.follow(timedelta(minutes=30), meanwhile=meanwhile) == []
    assert (len(stage.requests), stage.polls()) == (1, 1)
    assert len(messages.read(stage.engine, "main", None, None)) == 30


@pytest.mark.thorough
def test_following_waits_for_a_database_that_is_not_there_yet(stage: Stage) -> None:
    def open_engine() -> sa.Engine:
        from recon.errors import TemporaryError

        if stage.clock.now < NOON + timedelta(minutes=20):
            raise TemporaryError("the database cannot be reached")
        return stage.engine

    assert stage.follow(timedelta(minutes=25), open_engine=open_engine) == []
    assert len(stage.requests) == 1


def test_following_says_a_reason_once_and_then_only_in_detail(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "recon")
    stage.follow(timedelta(minutes=5))
    lines = [one for one in caplog.records if one.name == "recon.jobs.follow"]
    told = [one for one in lines if one.levelname == "INFO"]
    assert "polled" in told[0].message
    assert len(told) < 6 < len(lines)
