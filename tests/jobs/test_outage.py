from __future__ import annotations

import logging
from itertools import pairwise
from random import Random

import pytest

from recon.errors import ConfigError, KeyRefusedError, TemporaryError
from recon.jobs.outage import GIVE_UP_AFTER, Outage

PASSING = TemporaryError("Octopods answers 503 (request_id 1)")
WRONG = ConfigError("it redirects", hint="Set octopods.base_url.")


@pytest.fixture
def outage(caplog: pytest.LogCaptureFixture) -> Outage:
    caplog.set_level(logging.DEBUG, "recon")
    return Outage("main", Random(7))


def lines(caplog: pytest.LogCaptureFixture, level: str) -> list[str]:
    return [one.message for one in caplog.records if one.levelname == level]


def test_the_pauses_grow_up_to_five_minutes(outage: Outage) -> None:
    pauses = [outage.pause(PASSING, float(n)) or 0 for n in range(12)]
    assert 2.5 <= pauses[0] <= 5
    assert all(later > sooner / 2 for sooner, later in pairwise(pauses))
    assert 150 <= pauses[-1] <= 300


def test_an_error_is_logged_once_and_its_end_once(
    outage: Outage, caplog: pytest.LogCaptureFixture
) -> None:
    for n in range(5):
        outage.pause(
            TemporaryError(f"Octopods answers 503 (request_id {'abcdef'[n]}{n})"), 60.0 * n
        )
    outage.over(600.0)
    outage.over(601.0)
    assert len(lines(caplog, "WARNING")) == 1
    assert lines(caplog, "INFO") == ["account main: works again after 10 min; it failed 5 times"]


def test_another_error_is_logged_too_and_one_that_goes_on_each_hour(
    outage: Outage, caplog: pytest.LogCaptureFixture
) -> None:
    outage.pause(PASSING, 0.0)
    outage.pause(WRONG, 1.0)
    outage.pause(PASSING, 2.0)
    outage.pause(PASSING, 3602.0)
    assert len(lines(caplog, "WARNING")) == 4


def test_without_an_error_before_nothing_is_over(
    outage: Outage, caplog: pytest.LogCaptureFixture
) -> None:
    outage.over(1.0)
    assert not caplog.records


@pytest.mark.parametrize("error", [WRONG, KeyRefusedError("it is refused")])
def test_what_a_person_must_correct_is_given_up_after_it_has_lasted(
    outage: Outage, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    outage.pause(PASSING, 0.0)
    assert outage.pause(error, 7200.0) is not None
    assert "gives up after 60 min" in lines(caplog, "WARNING")[-1]
    assert outage.pause(error, 7200.0 + GIVE_UP_AFTER - 1) is not None
    assert outage.pause(error, 7200.0 + GIVE_UP_AFTER) is None


def test_a_success_in_between_begins_anew(outage: Outage) -> None:
    outage.pause(WRONG, 0.0)
    outage.over(1.0)
    assert outage.pause(WRONG, GIVE_UP_AFTER + 1) is not None


def test_what_may_pass_is_never_given_up(outage: Outage) -> None:
    assert all(outage.pause(PASSING, n * GIVE_UP_AFTER) for n in range(50))


def test_the_remedy_is_logged(outage: Outage, caplog: pytest.LogCaptureFixture) -> None:
    outage.pause(WRONG, 0.0)
    assert "Set octopods.base_url" in lines(caplog, "WARNING")[0]
