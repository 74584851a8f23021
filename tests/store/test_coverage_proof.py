"""What is proven of an account, and which refused answers a report of some time names."""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa

from recon.model import Span, Withdrawal
from recon.store import coverage_proof, messages, withdrawals
from tests.factories import KEY, at, listing, message


def keep(engine: sa.Engine, answered: float, *, partial: bool = False) -> None:
    answer = replace(listing(message(1, 50), answered=answered), is_partial=partial)
    messages.keep(engine, "main", KEY, answer)


def test_the_time_before_the_first_listed_message_is_told_apart(engine: sa.Engine) -> None:
    keep(engine, 200)
    proof = coverage_proof.read(engine, "main")
    assert proof == coverage_proof.AccountProof((Span(None, at(140)),), Span(None, at(50)))


def test_refused_answers_count_up_to_the_first_accepted_one_after_the_time(
    engine: sa.Engine,
) -> None:
    accepted, refused = (100, 300, 900, 1_030, 1_200), (200, 500, 1_100, 1_150, 1_300)
    for answered in sorted(accepted + refused):
        keep(engine, answered, partial=answered in refused)
    # What is accepted within the settling time of the end proves nothing of all of it yet.
    told = coverage_proof.evidence(engine, "main", at(400), at(1_000)).refused
    assert [one.at for one in told] == [at(500), at(1_100), at(1_150)]


def test_refused_answers_of_another_account_are_not_told(engine: sa.Engine) -> None:
    keep(engine, 100)
    answer = replace(listing(message(1, 50), answered=200), is_partial=True)
    messages.keep(engine, "other", KEY, answer)
    assert coverage_proof.evidence(engine, "main", None, None).refused == ()


def test_the_latest_twenty_refused_answers_are_told(engine: sa.Engine) -> None:
    for answered in range(100, 121):
        keep(engine, answered, partial=True)
    told = coverage_proof.evidence(engine, "main", None, None).refused
    assert [one.at for one in told] == [at(answered) for answered in range(101, 121)]


def test_of_several_times_each_has_what_concerns_it(engine: sa.Engine) -> None:
    keep(engine, 100)
    keep(engine, 320, partial=True)
    keep(engine, 1_000)
    gone = Withdrawal(at(450), at(550), "seen otherwise")
    assert withdrawals.withdraw(engine, "main", KEY, gone, at(1_000))
    times = [Span(at(start), at(start + 100)) for start in (200, 300, 400, 500, 600)]
    told = coverage_proof.evidence_of_each(engine, "main", times)
    assert [one.withdrawn for one in told] == [(), (), (gone,), (gone,), ()]
    assert told == [coverage_proof.evidence(engine, "main", one.start, one.end) for one in times]
    assert [len(one.refused) for one in told] == [1, 1, 0, 0, 0]
