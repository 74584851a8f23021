from __future__ import annotations

import logging

import pytest
import sqlalchemy as sa

from recon.model import Span, Withdrawal
from recon.store import messages, withdrawals
from tests.factories import KEY, at, listing, message

WHY = "message 7, sent then, was never listed"


def test_withdrawn_time_stays_withdrawn_whatever_is_listed_later(
    engine: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    messages.keep(engine, "main", KEY, listing(message(1, 0), answered=600))
    gone = Withdrawal(at(100), at(200), WHY)
    with caplog.at_level(logging.WARNING):
        assert withdrawals.withdraw(engine, "main", KEY, gone, at(700))
    assert WHY in caplog.text
    left = (Span(None, at(100)), Span(at(200), at(540)))
    assert messages.spans(engine, "main") == left
    messages.keep(engine, "main", KEY, listing(message(1, 0), answered=900))
    assert messages.spans(engine, "main") == (left[0], Span(at(200), at(840)))


def test_the_same_time_is_withdrawn_once(engine: sa.Engine) -> None:
    messages.keep(engine, "main", KEY, listing(message(1, 0), answered=600))
    gone = Withdrawal(at(100), at(200), WHY)
    assert withdrawals.withdraw(engine, "main", KEY, gone, at(700))
    assert not withdrawals.withdraw(engine, "main", KEY, gone, at(800))
    assert not withdrawals.withdraw(engine, "main", KEY, Withdrawal(at(150), at(160), ""), at(800))
    assert withdrawals.of_account(engine, "main", at(199), at(300)) == [gone]
    assert withdrawals.of_account(engine, "main", at(200), None) == []
    assert withdrawals.of_account(engine, "main", None, at(100)) == []
    assert withdrawals.of_account(engine, "other", None, None) == []


def test_a_key_that_never_asked_has_nothing_to_withdraw(engine: sa.Engine) -> None:
    messages.keep(engine, "main", KEY, listing(message(1, 0), answered=600))
    gone = Withdrawal(None, at(200), WHY)
    assert not withdrawals.withdraw(engine, "main", "other", gone, at(700))
    assert messages.spans(engine, "main") == (Span(None, at(540)),)


def test_what_one_key_did_not_list_is_not_held_against_another(engine: sa.Engine) -> None:
    messages.keep(engine, "main", KEY, listing(message(1, 0), answered=600))
    messages.keep(engine, "main", "second", listing(message(2, 1000), answered=1600))
    gone = Withdrawal(None, at(2000), WHY)
    assert withdrawals.withdraw(engine, "main", KEY, gone, at(700))
    assert messages.spans(engine, "main") == (Span(at(1001), at(1540)),)


def test_time_is_withdrawn_again_where_only_a_part_of_it_was(engine: sa.Engine) -> None:
    messages.keep(engine, "main", KEY, listing(message(1, 0), answered=600))
    messages.keep(engine, "main", "second", listing(message(2, 0), answered=600))

    def withdraws(
        start: float | None, end: float, *, key: str = KEY, account: str = "main"
    ) -> bool:
        gone = Withdrawal(None if start is None else at(start), at(end), WHY)
        return withdrawals.withdraw(engine, account, key, gone, at(700))

    assert withdraws(100, 200)
    assert withdraws(100, 201)
    assert withdraws(99, 150)
    assert withdraws(None, 120)
    assert withdraws(100, 200, key="second")
    assert not withdraws(50, 120)
    assert not withdraws(None, 110)
    # A key of one account has no proof in another.
    messages.keep(engine, "other", "third", listing(message(1, 0), answered=600))
    assert not withdraws(100, 200, key="third")


def test_withdrawn_time_without_a_beginning_is_told_of_any_earlier_time(engine: sa.Engine) -> None:
    messages.keep(engine, "main", KEY, listing(message(1, 0), answered=600))
    gone = Withdrawal(None, at(200), WHY)
    withdrawals.withdraw(engine, "main", KEY, gone, at(700))
    assert withdrawals.of_account(engine, "main", None, at(100)) == [gone]
