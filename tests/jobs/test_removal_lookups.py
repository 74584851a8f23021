"""Whether messages that the list lacks were removed is asked for one by one, beside one it "
"shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa

from recon.core.listing_evidence import AnswerKind
from recon.jobs import removal_lookups, wiring
from recon.model import Listing
from recon.simulator import http_faults
from recon.simulator.channel import Channel
from recon.simulator.http_faults import Fault
from recon.store import messages
from tests.factories import at, listing, message
from tests.jobs.stage import Stage, staged

HOUR = 3_600
FIRST = 5_001
#: Ids that the provider does not know (any more).
GONE = (101, 102)


@pytest.fixture
def script() -> list[Fault | None]:
    """What is answered instead of the truth, request by request."""
    return []


@pytest.fixture
def stage(tmp_path: Path, engine: sa.Engine, script: list[Fault | None]) -> Iterator[Stage]:
    """A provider that knows three messages."""
    with staged(tmp_path, engine, script=script, channel=Channel(first_id=FIRST)) as made:
        made.send(3)
        yield made


def ask(stage: Stage, lacking: Sequence[int], shown: Sequence[int]) -> AnswerKind:
    """Let three answers over a day lack messages, ask for these, and poll once more.

    Returns:
        What the last answer, which lacks them too, is taken for.
    """
    every = sorted([*lacking, *shown])
    times = {one: 60 * every.index(one) for one in every}

    def answer(ids: Sequence[int], hours: int) -> Listing:
        return listing(*(message(one, times[one]) for one in ids), answered=hours * HOUR)

    with wiring.KeptSession() as session:
        client, fingerprint = wiring.open_client(stage.settings, "main", stage.runtime, session)
        messages.keep(stage.engine, "main", fingerprint, answer(every, 1))
        for hours in (2, 14, 27):
            last = answer(shown, hours)
            kept = messages.keep(stage.engine, "main", fingerprint, last)
        assert tuple(kept.ask_for) == tuple(lacking)
        now = at(27 * HOUR)
        removal_lookups.ask(stage.engine, "main", client, fingerprint, last, kept, now)
    return messages.keep(stage.engine, "main", fingerprint, answer(shown, 28)).proof.reading


def asked(stage: Stage) -> list[int]:
    """Return the ids that were asked for, in their order."""
    return [int(one.path.rpartition("/")[2]) for one in stage.requests]


def test_messages_that_octopods_denies_count_as_removed(stage: Stage) -> None:
    assert ask(stage, GONE, shown=(50, FIRST, FIRST + 2)) is AnswerKind.WHOLE
    assert asked(stage) == [FIRST, *GONE]


def test_one_that_exists_lets_the_refusal_stand(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    lacking = (GONE[0], FIRST + 1)
    assert ask(stage, lacking, shown=(50, FIRST, FIRST + 2)) is AnswerKind.REFUSED
    assert f"Octopods has message {FIRST + 1}" in caplog.text


def test_a_denial_counts_for_nothing_where_a_listed_message_is_denied_too(stage: Stage) -> None:
    assert ask(stage, GONE, shown=(50, 51, 103)) is AnswerKind.REFUSED
    assert asked(stage) == [51]


def test_questions_that_fail_leave_everything_as_it_was(
    stage: Stage, script: list[Fault | None], caplog: pytest.LogCaptureFixture
) -> None:
    script += [None, None, *[http_faults.unavailable()] * 9]
    assert ask(stage, GONE, shown=(50, FIRST, FIRST + 2)) is AnswerKind.REFUSED
    assert "was asked for messages that its list lacks" in caplog.text


def test_an_ordinary_poll_asks_for_nothing(stage: Stage) -> None:
    assert stage.codes() == [0]
    assert stage.codes(force=True) == [0]
    assert {one.path for one in stage.requests} == {"/api/v1/whatsapp/messages"}
