"""What an answer is compared with: what accepted answers to its own key listed, and no more."""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa

from recon.core.listing_evidence import AnswerKind
from recon.model import Message, RejectedItem
from recon.store import messages, removed_messages, status_answers, withdrawals
from recon.store.messages import KeepResult
from tests.factories import KEY, at, listing, message
from tests.store.table_contents import rows

HOUR = 3_600
WHOLE = AnswerKind.WHOLE


def shown(*ids: int) -> list[Message]:
    """Return messages, each sent so many minutes after noon."""
    return [message(n, 60 * n) for n in ids]


def keep(
    engine: sa.Engine, answered: float, *ids: int, account: str = "main", again: bool = False
) -> KeepResult:
    answer = listing(*shown(*ids), answered=answered)
    return messages.keep(engine, account, KEY, answer, new_coverage=again)


def test_what_another_account_listed_is_not_lacking(engine: sa.Engine) -> None:
    keep(engine, 900, 1)
    keep(engine, 900, 2, 3, account="other")
    assert keep(engine, 1_000, 1).proof.reading is WHOLE


def test_what_a_status_call_found_is_not_lacking(engine: sa.Engine) -> None:
    keep(engine, 900, 1, 3)
    status_answers.keep(engine, "main", KEY, found=shown(2), denied=[], at=at(900))
    assert keep(engine, 1_000, 1, 3).proof.reading is WHOLE


def test_what_was_removed_for_another_account_is_lacking(engine: sa.Engine) -> None:
    for account in ("other", "main"):
        keep(engine, HOUR, 1, 2, 9, account=account)
    for hours in (2, 14, 26):
        keep(engine, hours * HOUR, 1, 9, account="other")
    removed_messages.settle(engine, "other", KEY, denied=[2], found=[], at=at(26 * HOUR))
    assert keep(engine, 27 * HOUR, 1, 9, account="other").proof.reading is WHOLE
    assert keep(engine, 27 * HOUR, 1, 9).proof.reading is AnswerKind.REFUSED


def test_what_is_older_than_coverage_that_was_started_again_is_not_lacking(
    engine: sa.Engine,
) -> None:
    keep(engine, 900, 10, again=True)
    keep(engine, 1_000, 5, 10)
    assert keep(engine, 1_100, 10).proof.reading is WHOLE


def test_an_unreadable_item_stands_for_one_older_message_and_not_for_two(engine: sa.Engine) -> None:
    keep(engine, 900, 1, 2, 3)
    unread = RejectedItem("k", "sent_at is missing")
    answer = listing(*shown(3), answered=1_000, rejects=[unread])
    kept = messages.keep(engine, "main", KEY, answer)
    assert kept.proof.reading is AnswerKind.AFTER_OLDEST


def item_cap(engine: sa.Engine) -> int | None:
    """Return at how many items the first key's list is known to be cut."""
    cap: int | None = rows(engine, "keys", "item_cap")[0][0]
    return cap


def test_a_number_of_items_recurs_only_since_coverage_started(engine: sa.Engine) -> None:
    keep(engine, 300, 1, 2)
    keep(engine, 900, 3, 4, 5, again=True)
    keep(engine, 1_000, 4, 5)
    assert item_cap(engine) is None


def test_a_number_of_items_of_a_refused_answer_does_not_recur(engine: sa.Engine) -> None:
    keep(engine, 900, 1, 2, 3)
    partial = replace(listing(*shown(2, 3), answered=950), is_partial=True)
    messages.keep(engine, "main", KEY, partial)
    keep(engine, 1_000, 2, 3)
    assert item_cap(engine) is None


def test_a_number_of_items_of_another_account_does_not_recur(engine: sa.Engine) -> None:
    keep(engine, 900, 1, 2, 3)
    keep(engine, 900, 1, 2, account="other")
    keep(engine, 1_000, 2, 3)
    assert item_cap(engine) is None


def test_coverage_that_is_started_again_knows_no_cap(engine: sa.Engine) -> None:
    keep(engine, 900, 1, 2)
    keep(engine, 950, 2, 3)
    assert item_cap(engine) == 2
    keep(engine, 1_000, 2, 3, again=True)
    assert item_cap(engine) is None


def test_a_message_that_a_status_call_found_before_is_late_all_the_same(engine: sa.Engine) -> None:
    keep(engine, 1_000, 1)
    status_answers.keep(engine, "main", KEY, found=shown(2), denied=[], at=at(1_050))
    keep(engine, 1_100, 1, 2)
    assert withdrawals.of_account(engine, "main", None, None) != []


def test_a_message_that_could_not_be_read_before_is_not_late(engine: sa.Engine) -> None:
    unread = RejectedItem("k", "sent_at is missing", message_id=2)
    first = listing(*shown(1), answered=1_000, rejects=[unread])
    messages.keep(engine, "main", KEY, first)
    keep(engine, 1_100, 1, 2)
    assert withdrawals.of_account(engine, "main", None, None) == []
