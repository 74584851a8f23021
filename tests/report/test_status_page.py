"""The page of an account's status: fits its width, and says what limits coverage."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from recon.core.account_status import (
    AccountStatus,
    LastPoll,
    LastRun,
    MailsWaiting,
    NextPoll,
    day_coverage,
)
from recon.model import CoverageEvidence, Kind, Span
from recon.report import status_page
from recon.report.rich_terminal import UNLIMITED
from tests.factories import DUBLIN, NOON, at

STATUS = AccountStatus(
    account="main",
    zone="Europe/Dublin",
    now=NOON,
    last_run=LastRun("run-1", at(-86_400).date(), "clean", "run", at(-3600)),
    yesterday=day_coverage(DUBLIN, (), NOON - timedelta(days=1)),
    today=day_coverage(DUBLIN, [Span(None, at(-7200)), Span(at(-60), None)], NOON),
    last_poll=LastPoll(at(-60), 100, 3, "after_oldest", "it is full"),
    next_poll=NextPoll(at(600), due=False, why="room for 95 sends"),
    paused_until=None,
    evidence=CoverageEvidence(notes=["Octopods' clock is 5 minutes ahead of this machine's."]),
    open_findings=dict.fromkeys(map(str, Kind), 0) | {"stuck": 2, "status_mismatch": 1},
    acknowledged=0,
    expected=0,
    mails=MailsWaiting(0, None, None),
)


def test_a_day_that_has_not_begun_is_covered_and_one_that_runs_only_counts_so_far() -> None:
    assert STATUS.yesterday.share == 1.0
    # 13 hours of the Irish day have passed, and nearly 2 of them are a gap.
    assert STATUS.today.share == 1 - (7200 - 60) / (13 * 3600)


def test_the_page_tells_times_in_the_configured_zone() -> None:
    assert status_page.page([STATUS], width=UNLIMITED, colour=False) == (
        "main\n"
        "  last run   clean: 2026-04-22, finished 12:00:00 (1 h ago)\n"
        "  yesterday  2026-04-23: complete\n"
        "  today      2026-04-23: 84.7 % covered, 1 gap: 11:00:00 to 12:59:00\n"
        "  last poll  12:59:00 (1 min ago): 100 messages, 3 new; it is full\n"
        "  next poll  13:10:00, or when the records show enough sends: room for 95 sends\n"
        "  findings   3 open: 1 status mismatch, 2 stuck\n"
        "  note       Octopods' clock is 5 minutes ahead of this machine's.\n"
    )


def test_lines_fit_the_terminal_and_nothing_is_cut() -> None:
    whole = status_page.page([STATUS], width=UNLIMITED, colour=False)
    narrow = status_page.page([STATUS], width=50, colour=False)
    assert max(map(len, narrow.splitlines())) <= 50
    assert narrow.split() == whole.split()


def test_many_gaps_are_told_by_the_longest() -> None:
    spans = [Span(at(60 * n), at(60 * n + 50 + n)) for n in range(-20, 0)]
    many = replace(STATUS, today=day_coverage(DUBLIN, spans, NOON))
    page = status_page.page([many], width=UNLIMITED, colour=False)
    assert "20 gaps, the longest: 00:00:00 to 12:40:00" in page
    assert "and 15 more, not proven yet since" in page


def test_colour_is_used_only_when_it_is_wanted() -> None:
    assert "\x1b[1;32mclean" in status_page.page([STATUS], width=80, colour=True)
    assert "\x1b" not in status_page.page([STATUS], width=80, colour=False)


def test_time_since_the_last_poll_is_no_gap_yet() -> None:
    day = day_coverage(DUBLIN, [Span(None, at(-7200))], NOON)
    page = status_page.page([replace(STATUS, today=day)], width=UNLIMITED, colour=False)
    assert "2026-04-23: 84.6 % covered, not proven yet since 11:00:00\n" in page
    assert "gap" not in page


def test_mails_that_wait_are_told_with_the_reason() -> None:
    waiting = replace(STATUS, mails=MailsWaiting(2, at(-600), "smtp.example.com refuses the login"))
    page = status_page.page([waiting], width=UNLIMITED, colour=False)
    assert (
        "  mail       2 mails waiting since 12:50:00: smtp.example.com refuses the login\n" in page
    )
