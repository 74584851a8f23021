"""`recon retries`: what is proposed, exported once and followed, on both databases."""

from __future__ import annotations

import csv
import io
import json
import signal
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from recon.cli import purge, stats
from recon.cli.retries import command
from recon.core.retry_outcomes import Outcome, RetryCounts
from recon.simulator.simulated_message import FAILED_AT_ONCE, READ, Reason, StatusCourse
from recon.store import retry_exports
from recon.store.engine import connect
from tests.cli.nights import Nights, nights
from tests.cli.workshop import NUMBER
from tests.factories import DAY, NOON
from tests.forked import Forked

BUSY = Reason("(#131016) Service unavailable")
CLASSES = [
    (BUSY, "retry"),
    (Reason("Re-engagement window expired", 470), "retry"),
    (Reason("Recipient is not a WhatsApp user."), "do_not_retry"),
    (Reason("(#131042) Business eligibility payment issue"), "review"),
    (Reason("Template paused for low quality"), "review"),
    (Reason("Nobody has seen this before"), "review"),
]


@pytest.fixture
def night(tmp_path: Path, database_url: str) -> Iterator[Nights]:
    """A day with a failure of each class, polled."""
    with nights(tmp_path, database_url) as made:
        for n, (reason, _) in enumerate(CLASSES):
            fail(made, n, reason)
        assert made.run() == 0
        yield made


def fail(made: Nights, n: int, reason: Reason, *, days: int = 0, status: str = "failed") -> None:
    send(made, n, FAILED_AT_ONCE, status, reason, days=days)


def send(
    made: Nights,
    n: int,
    course: StatusCourse,
    status: str,
    reason: Reason | None = None,
    *,
    days: int = 0,
) -> None:
    at = NOON + timedelta(minutes=n, days=days)
    sent = made.channel.send(NUMBER.format(n), at, course=course, reason=reason)
    made.workshop.add_records((sent.message_id, sent.message_id, sent.phone_number, at, status))


def exported(made: Nights, *options: str, day: str = DAY) -> list[dict[str, object]]:
    said = made.shown(command, "--date", day, "--format", "json", *options)
    found: list[dict[str, object]] = json.loads(said)
    return found


def decisions(found: list[dict[str, object]]) -> list[object]:
    return [one["decision"] for one in found]


def stored(url: str) -> list[Outcome]:
    engine = connect(url)
    try:
        return retry_exports.outcomes(engine, ["main"], (date(2026, 4, 1), date(2026, 4, 30)))
    finally:
        engine.dispose()


def test_each_failed_send_is_an_object_with_its_decision(night: Nights) -> None:
    found = exported(night)
    assert decisions(found) == [decision for _, decision in CLASSES]
    assert list(found[0]) == [
        *("account", "date", "message_id", "local_id", "phone_number", "failure_reason"),
        *("decision", "not_before", "scope", "why", "attempt"),
    ]
    assert found[0] == {
        "account": "main",
        "date": DAY,
        "message_id": 101,
        "local_id": "101",
        "phone_number": NUMBER.format(0),
        "failure_reason": BUSY.title,
        "decision": "retry",
        "not_before": "2026-04-23T13:00:00Z",
        "scope": "account",
        "why": "Meta's service was unavailable: Send again when Meta's status page shows no "
        "incident.",
        "attempt": 1,
    }


def test_what_was_exported_is_proposed_once_until_it_is_asked_for_again(
    night: Nights, database_url: str
) -> None:
    assert decisions(exported(night))[:2] == ["retry", "retry"]
    again = exported(night)
    assert decisions(again)[:2] == ["review", "review"]
    assert again[0]["why"] == "already proposed on 2026-04-24"
    assert decisions(exported(night, "--again"))[:2] == ["retry", "retry"]
    [outcome] = stored(database_url)
    assert (outcome.day, outcome.counts) == (date(2026, 4, 23), RetryCounts(2, 0))


def test_the_table_exports_nothing_and_masks_numbers(night: Nights) -> None:
    shown = night.shown(command, "--date", DAY)
    assert "payment problem of the account: 1 send waits; fix this first." in shown
    assert "6 failed sends: 2 retry, 3 review, 1 do_not_retry" in shown
    assert NUMBER.format(0) not in shown
    assert f"{NUMBER[:4]}******{NUMBER.format(0)[-3:]}" in shown
    assert NUMBER.format(0) in night.shown(command, "--date", DAY, "--show-numbers")
    assert decisions(exported(night))[:2] == ["retry", "retry"]


def test_the_proof_of_coverage_is_read_once(night: Nights) -> None:
    asked: list[str] = []

    def keep(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:  # noqa: ANN401
        asked.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", keep)
    night.shown(command, "--date", DAY)
    sa.event.remove(sa.Engine, "before_cursor_execute", keep)
    assert sum("FROM coverage" in statement for statement in asked) == 1


def test_csv_has_the_same_rows_and_no_formula(night: Nights) -> None:
    fail(night, 7, Reason("=HYPERLINK(1)"))
    assert night.run() == 0
    rows = list(csv.DictReader(io.StringIO(night.shown(command, "--date", DAY, "--format", "csv"))))
    assert [row["decision"] for row in rows[:-1]] == [decision for _, decision in CLASSES]
    assert rows[-1]["failure_reason"] == "'=HYPERLINK(1)"
    assert rows[0]["phone_number"] == NUMBER.format(0)
    assert exported(night)[0]["decision"] == "review"


def test_a_later_delivery_closes_the_proposal(night: Nights, database_url: str) -> None:
    assert decisions(exported(night))[0] == "retry"
    send(night, 0, READ, "read", days=1)
    night.clock.advance(86_400)
    night.run(day="2026-04-24")
    [outcome] = stored(database_url)
    assert outcome.counts == RetryCounts(2, 1)
    said = "Retries: 2 proposed, 1 delivered since."
    assert said in night.shown(stats.command, "--days", "5")
    days = json.loads(night.shown(stats.command, "--days", "3", "--format", "json"))
    counts = [(one["retries"]["proposed"], one["retries"]["delivered"]) for one in days]
    assert counts == [(2, 1), (0, 0), (0, 0)]
    text = night.shown(stats.command, "--days", "3", "--format", "csv")
    [first, *_] = csv.DictReader(io.StringIO(text))
    assert (first["retries_proposed"], first["retries_delivered"]) == ("2", "1")
    assert decisions(exported(night, "--again"))[:2] == ["do_not_retry", "retry"]


def test_an_authentication_message_is_never_proposed(night: Nights) -> None:
    configuration = night.workshop.path / "recon.toml"
    text = configuration.read_text()
    url = f"sqlite:///{night.workshop.path / 'sends.db'}"
    with sa.create_engine(url, poolclass=sa.NullPool).begin() as connection:
        connection.execute(sa.text("ALTER TABLE sends ADD COLUMN kind TEXT DEFAULT 'Utility'"))
        connection.execute(sa.text("UPDATE sends SET kind = 'AUTHENTICATION' WHERE id = 101"))
    configuration.write_text(text + '\n[accounts.main.local.columns]\ncategory = "kind"\n')
    # The other one is a template by its category, and outside the window only by mistake.
    assert decisions(exported(night))[:2] == ["do_not_retry", "review"]


def test_messages_that_are_sent_are_told_and_not_listed(tmp_path: Path, database_url: str) -> None:
    with nights(tmp_path, database_url) as made:
        send(made, 1, StatusCourse(((timedelta(0), "sent"),)), "sent")
        assert made.run() == 0
        shown = made.shown(command, "--date", DAY)
    assert "1 message has the status sent, not failed: Meta may still deliver it until" in shown
    assert "2026-05-23 (30 days; an authentication message for 10 minutes)." in shown
    assert "There are no known failed sends." in shown


def test_time_that_is_not_covered_is_told(night: Nights) -> None:
    assert "not covered" not in night.shown(command, "--date", DAY)
    night.clock.advance(86_400)
    shown = night.shown(command, "--date", "2026-04-24")
    assert "min are not covered: failed sends of that time may be missing here." in shown
    assert "There are no known failed sends." in shown


def test_a_day_that_has_not_begun_is_refused(night: Nights) -> None:
    assert night.invoke(command, "--date", "2026-05-30") == 2


#: `recon`, killed where it would write what it has stored.
KILLED = """
import os, signal
from recon.cli import common, main
common.show_data = lambda _: os.kill(os.getpid(), signal.SIGKILL)
main()
"""


def test_what_a_killed_export_has_stored_is_proposed_again_only_when_asked_for(
    night: Nights, database_url: str
) -> None:
    argv = ("retries", "--date", DAY, "--format", "json")
    with Forked(KILLED, *argv, cwd=night.workshop.path, environ={"KEY": night.key}) as killed:
        assert killed.communicate(timeout=60) == ("", "")
    assert killed.returncode == -signal.SIGKILL
    next_run = exported(night)
    assert decisions(next_run)[:2] == ["review", "review"]
    assert all(str(one["why"]).startswith("already proposed on ") for one in next_run[:2])
    again = exported(night, "--again")
    assert decisions(again)[:2] == ["retry", "retry"]
    assert [one["attempt"] for one in again[:2]] == [1, 1]
    [outcome] = stored(database_url)
    assert outcome.counts == RetryCounts(2, 0)


def test_a_purge_takes_proposals_with_their_day_and_leaves_no_zero(
    night: Nights, database_url: str
) -> None:
    assert decisions(exported(night))[0] == "retry"
    night.clock.advance(12 * 86_400)
    assert night.invoke(purge.command, "--older-than", "10") == 0
    assert stored(database_url) == []
    days = json.loads(night.shown(stats.command, "--days", "14", "--format", "json"))
    [day] = [one for one in days if one["date"] == DAY]
    for name in ("total", "failed", "failure_rate", "coverage"):
        assert day[name] is None
    assert day["failure_reasons"] == []
    assert "Nothing is known about 2026-04-23" in night.shown(stats.command, "--days", "14")
    engine = connect(database_url)
    with engine.connect() as connection:
        assert not connection.exec_driver_sql("SELECT * FROM daily_volume").all()
    engine.dispose()
