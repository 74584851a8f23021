from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from recon.simulator.http_faults import FaultKind
from recon.simulator.rate_limits import RetryForm
from recon.simulator.scenarios import SCENARIOS, Stage
from recon.simulator.simulated_responses import LIST_PATH, SimulatedRequest, respond

NOW = datetime(2026, 11, 24, 10, 30, tzinfo=UTC)


def ask(stage: Stage, now: datetime = NOW) -> tuple[int, bytes]:
    given = respond(stage.channel, SimulatedRequest(LIST_PATH, key=stage.api_key), now)
    return given.status, given.body


@pytest.mark.parametrize("name", SCENARIOS)
def test_each_scenario_has_a_line_of_description_and_answers(name: str) -> None:
    scenario = SCENARIOS[name]
    assert scenario.name == name
    assert 10 < len(scenario.description) < 80
    assert "\n" not in scenario.description
    status, _ = ask(scenario.stage(0, NOW))
    assert status == (400 if name in {"empty", "rotated-key"} else 200)


@pytest.mark.parametrize("name", SCENARIOS)
def test_equal_seeds_play_the_same_and_others_play_otherwise(name: str) -> None:
    scenario = SCENARIOS[name]
    first, again, other = (scenario.stage(seed, NOW) for seed in (5, 5, 6))
    assert ask(first) == ask(again)
    assert [*islice(first.script, 50)] == [*islice(again.script, 50)]
    if name not in {"empty", "rotated-key"}:
        assert ask(first) != ask(other)


def test_the_calm_one_never_fills_an_answer_of_a_day_and_messages_turn_up() -> None:
    stage = SCENARIOS["calm"].stage(1, NOW)
    early = stage.channel.sent(NOW)
    assert 50 < len(early) < 110
    assert len(stage.channel.sent(NOW + timedelta(days=1))) > len(early)


def test_the_busy_one_pushes_messages_out_of_the_listing() -> None:
    channel = SCENARIOS["busy"].stage(1, NOW).channel
    assert channel.listing(NOW).is_full
    assert len(channel.sent(NOW)) > 3000
    assert any(m.appears_at for m in channel.sent(NOW))


def test_campaigns_outrun_any_listing() -> None:
    channel = SCENARIOS["campaigns"].stage(1, NOW).channel
    begins = NOW.replace(hour=9, minute=0)
    before, after = (channel.sent(begins + timedelta(minutes=m)) for m in (0, 4))
    assert len(after) - len(before) >= 399


def test_a_rotated_key_answers_error_6() -> None:
    _, body = ask(SCENARIOS["rotated-key"].stage(1, NOW))
    assert json.loads(body)["error_code"] == 6


def test_the_rate_limited_one_refuses_before_long() -> None:
    stage = SCENARIOS["rate-limited"].stage(1, NOW)
    assert 429 in [ask(stage)[0] for _ in range(6)]


def test_the_faulty_one_plays_every_fault_and_lets_two_of_three_through() -> None:
    played = [*islice(SCENARIOS["faulty"].stage(1, NOW).script, 1000)]
    assert {fault.kind for fault in played if fault} == set(FaultKind)
    assert 600 < played.count(None) < 730


def test_the_retry_stamps_come_in_every_form() -> None:
    played = [*islice(SCENARIOS["retry-stamps"].stage(1, NOW).script, 2 * len(RetryForm))]
    assert {fault.form for fault in played[::2] if fault} == set(RetryForm)
    assert set(played[1::2]) == {None}


def test_junk_is_among_the_good() -> None:
    listing = SCENARIOS["junk"].stage(1, NOW).channel.listing(NOW)
    assert listing.rejects
    assert len(listing.messages) > len(listing.rejects)


def test_shape_b_is_a_bare_array() -> None:
    _, body = ask(SCENARIOS["shape-b"].stage(1, NOW))
    assert isinstance(json.loads(body), list)
