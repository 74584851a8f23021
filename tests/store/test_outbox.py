from __future__ import annotations

from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from recon.core.notification_rules import NotificationRule, Reason, When
from recon.model import Failure, Run, VerdictKind
from recon.store import notifications, outbox, runs
from recon.store.notifications import Announcement, Channel
from recon.store.outbox import WaitingMail
from tests.factories import DAY, FINISHED, found, run

WEEK = timedelta(days=7)


def announced(batch: str = "b1", when: When = "always", days: int = 0) -> Announcement:
    return Announcement(batch, {Channel.MAIL: NotificationRule(when, timedelta(days=days))})


def save(engine: sa.Engine, one: Run, announcement: Announcement, mode: str = "run") -> Run:
    return runs.save(engine, one, mode, announcement)


def failure(account: str = "main") -> Failure:
    return Failure(account, date.fromisoformat(DAY), FINISHED, 77, "the key is refused", "Copy it.")


def composed(engine: sa.Engine, one_per: str = "run") -> list[WaitingMail]:
    outbox.compose(engine, one_per=one_per, domain="example.com", now=FINISHED)
    return outbox.waiting(engine)


def told(engine: sa.Engine) -> list[Reason]:
    return [one.reason for one in notifications.waiting(engine, Channel.MAIL)]


def test_the_runs_of_a_command_are_one_mail_or_one_for_each_account(engine: sa.Engine) -> None:
    for account in ("main", "shop"):
        save(engine, run(run_id=f"{account}-1", account=account), announced())
    save(engine, run(run_id="main-2"), announced("b2"))
    [first, second] = composed(engine)
    assert [one.run_id for one in first.news] == ["main-1", "shop-1"]
    assert [one.run_id for one in second.news] == ["main-2"]
    assert second.reply_to == first.message_id
    assert composed(engine) == [first, second]


def test_each_account_has_a_mail_and_a_thread_of_its_own_on_request(engine: sa.Engine) -> None:
    for account in ("main", "shop"):
        save(engine, run(run_id=f"{account}-1", account=account), announced())
    mails = composed(engine, "account")
    assert [[one.account for one in mail.news] for mail in mails] == [["main"], ["shop"]]
    assert [mail.reply_to for mail in mails] == [None, None]


def test_a_failed_night_is_kept_as_it_was(engine: sa.Engine) -> None:
    notifications.queue_failure(engine, failure(), announced())
    notifications.queue_failure(engine, failure(), announced("b2", "never"))
    [mail] = composed(engine)
    assert [(one.failure, one.reason) for one in mail.news] == [(failure(), Reason.FAILED)]


def test_a_mail_waits_for_those_who_have_not_got_it(engine: sa.Engine) -> None:
    save(engine, run(), announced())
    [mail] = composed(engine)
    assert mail.waiting is None
    outbox.attempted(engine, mail, waiting=["a@x.org"], error="refused", now=FINISHED)
    [mail] = outbox.waiting(engine)
    assert (mail.waiting, mail.attempts) == (["a@x.org"], 1)
    assert outbox.state(engine) == outbox.OutboxState(1, FINISHED)
    outbox.attempted(engine, mail, waiting=[], error=None, now=FINISHED)
    assert outbox.waiting(engine) == []
    assert notifications.waiting(engine, Channel.MAIL) == []
    assert outbox.state(engine) == outbox.OutboxState(0, None)


def test_a_mail_is_given_up_after_a_week(engine: sa.Engine) -> None:
    save(engine, run(), announced())
    [mail] = composed(engine)
    for later, left in ((WEEK - timedelta(seconds=1), 1), (WEEK, 0)):
        outbox.attempted(engine, mail, waiting=None, error="down", now=FINISHED + later)
        assert len(outbox.waiting(engine)) == left


def test_what_is_in_no_mail_yet_counts_as_waiting(engine: sa.Engine) -> None:
    save(engine, run(), announced())
    assert outbox.state(engine).waiting == 1


def at_night(n: int, *ids: str) -> Run:
    """Return the run of the nth minute, which finds these."""
    return run(found(*ids), run_id=f"run-{n}", finished=FINISHED + timedelta(minutes=n))


def test_changes_are_told_since_the_last_news_of_another_command(engine: sa.Engine) -> None:
    one, two = "00000000000000a1", "00000000000000a2"
    for n, (ids, news) in enumerate(
        [((), 0), ((one,), 1), ((one,), 1), ((one, two), 2), ((two,), 3), ((two,), 3), ((), 4)]
    ):
        save(engine, at_night(n, *ids), announced(f"b{n}", "changes"))
        assert told(engine) == [Reason.CHANGES] * news, n


def test_what_was_not_told_before_is_told_with_the_next_news(engine: sa.Engine) -> None:
    runs.save(engine, at_night(0, "00000000000000a1"), "run")
    save(engine, at_night(1, "00000000000000a1"), announced("b1", "changes"))
    assert told(engine) == [Reason.CHANGES]


def test_open_findings_are_told_once_more_after_some_days(engine: sa.Engine) -> None:
    one, days = "00000000000000a1", []
    for n in range(0, 8 * 1440, 1440):
        before = len(told(engine))
        save(engine, at_night(n, one), announced(f"b{n}", "changes", days=3))
        days += told(engine)[before:] or [None]  # type: ignore[list-item]
    expected = [Reason.CHANGES, None, None, Reason.REMINDER, None, None, None, None]
    assert days == expected


def test_an_earlier_day_is_news_only_if_something_changed(engine: sa.Engine) -> None:
    one = "00000000000000a1"
    save(engine, at_night(0, one), announced("b0"), runs.LATE_NEWS)
    save(engine, at_night(1, one), announced("b1"), runs.LATE_NEWS)
    assert told(engine) == [Reason.CHANGES]


@pytest.mark.parametrize("when", ["always", "changes", "discrepancies"])
def test_a_suspect_run_is_told_always(engine: sa.Engine, when: When) -> None:
    save(engine, run(kind=VerdictKind.SUSPECT), announced(when=when))
    assert told(engine) == [Reason.SUSPECT]


def test_no_run_is_told_where_nobody_wants_it(engine: sa.Engine) -> None:
    save(engine, run(kind=VerdictKind.SUSPECT), announced(when="never"))
    assert told(engine) == []


def test_the_news_of_a_transaction_that_fails_is_not_told(engine: sa.Engine) -> None:
    save(engine, run(run_id="twice"), announced())
    with pytest.raises(sa.exc.IntegrityError):
        save(engine, run(run_id="twice"), announced("b2"))
    assert len(told(engine)) == 1
