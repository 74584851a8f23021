from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from recon.model import LocalBalance, RequestCounts, VerdictKind
from recon.store import messages, run_figures, runs
from tests.factories import DUBLIN, FINISHED, KEY, at, found, listing, message, run


def test_an_account_without_a_run_has_no_figures(engine: sa.Engine) -> None:
    assert run_figures.latest_run(engine, "main") is None
    assert run_figures.last_success(engine, "main") is None
    assert run_figures.findings_by_state(engine, "main") == []


def test_the_latest_run_of_the_newest_day_is_told_without_its_findings(engine: sa.Engine) -> None:
    runs.save(engine, run(found("a1", "a2"), local=LocalBalance(matched=7)), "run")
    latest = run_figures.latest_run(engine, "main")
    assert latest is not None
    assert (latest.window, latest.local) == (DUBLIN, LocalBalance(matched=7))
    assert latest.requests == RequestCounts(list=1, status=2)
    assert run_figures.findings_by_state(engine, "main") == [
        ("missing_locally", "open", 2, FINISHED)
    ]


def test_a_suspect_run_is_no_success(engine: sa.Engine) -> None:
    later = FINISHED + timedelta(hours=1)
    runs.save(engine, run(), "run")
    suspect = run(run_id="run-2", kind=VerdictKind.SUSPECT, finished=later)
    runs.save(engine, suspect, "run")
    assert run_figures.last_success(engine, "main") == FINISHED


def test_deliveries_lie_between_the_polls_that_saw_them(engine: sa.Engine) -> None:
    for answered, status in ((60, "sent"), (600, "delivered"), (900, "read")):
        messages.keep(engine, "main", KEY, listing(message(1, 0, status), answered=answered))
    only_delivered = listing(message(1, 0, "read"), message(2, 950, "delivered"), answered=1000)
    messages.keep(engine, "main", KEY, only_delivered)
    times = run_figures.delivery_times(engine, "main", at(-1), at(2000))
    seconds = sorted((low.total_seconds(), high.total_seconds()) for low, high in times)
    assert seconds == [(0, 50), (60, 600)]
