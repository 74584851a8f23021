"""What is past its retention goes, and nothing that went is ever called missing."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
import sqlalchemy as sa

from recon.errors import TemporaryError
from recon.model import RejectedItem, Span
from recon.store import coverage_proof, finding_list, messages, retention, runs, status_answers
from recon.store.engine import writing
from recon.store.retention import Limit
from recon.store.tables import METADATA
from tests.factories import DAY, KEY, NOON, at, found, listing, message, run
from tests.store.table_contents import rows

#: All that happens at noon of the day is older.
NEXT_DAY = Limit(date.fromisoformat(DAY) + timedelta(days=1), NOON + timedelta(hours=11))
LATER = 86_400.0


def fill(engine: sa.Engine) -> None:
    """Store messages, an unreadable item, a denial, a run and findings of two days."""
    old = [message(number, number) for number in range(1, 8)]
    bad = RejectedItem("bad", "no status", message_id=99, sent_at=at(5))
    messages.keep(engine, "main", KEY, listing(*old, answered=60, rejects=[bad]))
    new = [message(10 + number, LATER + number, "failed") for number in range(3)]
    messages.keep(engine, "main", KEY, listing(*old, *new, answered=LATER + 100))
    status_answers.keep(engine, "main", KEY, found=[], denied=[5_000], at=at(60))
    runs.save(engine, run(found("a" * 16, "b" * 16), run_id="old"), mode="run")
    runs.save(engine, run(found("a" * 16), run_id="again"), mode="run")
    later = NEXT_DAY.day.isoformat()
    runs.save(engine, run(found("c" * 16), run_id="new", day=later), mode="run")


def counts(engine: sa.Engine) -> dict[str, int]:
    """Return how many rows each table has."""
    with engine.connect() as connection:
        return {
            name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for name, table in METADATA.tables.items()
        }


@pytest.mark.parametrize("batch_rows", [1, 2, 7, 100])
def test_what_is_older_goes_and_the_rest_stays(engine: sa.Engine, batch_rows: int) -> None:
    fill(engine)
    told = retention.expired(engine, "main", NEXT_DAY)
    done = retention.purge(engine, "main", NEXT_DAY, batch_rows=batch_rows)
    assert {name: count for name, count in told.items() if count} == done
    assert done == {
        "messages": 7,
        "unreadable items": 1,
        "findings": 2,
        "runs": 2,
        "polls": 1,
        "denied ids": 1,
    }
    left = counts(engine)
    assert (left["messages"], left["status_changes"], left["runs"]) == (3, 3, 1)
    assert (left["findings"], left["provider_rejects"], left["denied_ids"]) == (1, 0, 0)
    assert retention.purge(engine, "main", NEXT_DAY) == {}


def test_a_dry_run_changes_nothing(engine: sa.Engine) -> None:
    fill(engine)
    before = counts(engine)
    retention.expired(engine, "main", NEXT_DAY)
    assert counts(engine) == before
    assert messages.spans(engine, "main")[0].start is None


def test_counting_stops_beyond_as_many_as_are_asked_for(engine: sa.Engine) -> None:
    fill(engine)
    told = retention.expired(engine, "main", NEXT_DAY, most=3)
    assert (told["messages"], told["polls"]) == (4, 1)


def test_nothing_is_proven_of_purged_time_nor_shortly_after(engine: sa.Engine) -> None:
    fill(engine)
    retention.purge(engine, "main", NEXT_DAY)
    assert messages.spans(engine, "main") == ()
    proven = NEXT_DAY.start + coverage_proof.PURGED_MARGIN
    shown = [message(10 + number, LATER + number, "failed") for number in range(3)]
    shown.append(message(20, 4 * LATER))
    messages.keep(engine, "main", KEY, listing(*shown, answered=4 * LATER + 100))
    assert messages.spans(engine, "main") == (Span(proven, at(4 * LATER + 40)),)
    evidence = coverage_proof.evidence(engine, "main", NOON, at(60))
    assert [one.reason for one in evidence.withdrawn] == [coverage_proof.PURGED]
    assert coverage_proof.evidence(engine, "main", proven, None).withdrawn == ()


def test_a_purge_that_is_killed_has_withdrawn_the_proof_and_goes_on(engine: sa.Engine) -> None:
    fill(engine)

    def killed(_rows: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        retention.purge(engine, "main", NEXT_DAY, batch_rows=2, progress=killed)
    assert counts(engine)["messages"] == 8
    assert messages.spans(engine, "main") == ()
    retention.purge(engine, "main", NEXT_DAY)
    assert counts(engine)["messages"] == 3


def test_a_purged_message_that_is_still_listed_is_neither_stored_again_nor_late(
    engine: sa.Engine,
) -> None:
    fill(engine)
    retention.purge(engine, "main", NEXT_DAY)
    everything = [message(number, number) for number in range(1, 8)]
    everything += [message(10 + number, LATER + number, "failed") for number in range(3)]
    everything.append(message(20, LATER + 200))
    bad = RejectedItem("bad", "no status", message_id=99, sent_at=at(5))
    kept = messages.keep(
        engine, "main", KEY, listing(*everything, answered=LATER + 300, rejects=[bad])
    )
    assert (kept.new, kept.shared) == (1, 3)
    assert counts(engine)["messages"] == 4
    assert counts(engine)["provider_rejects"] == 0
    assert rows(engine, "withdrawals") == []
    assert rows(engine, "keys", "disordered_at") == [(None,)]
    # Nor by a call for a single one.
    status_answers.keep(engine, "main", KEY, found=[message(3, 3)], denied=[], at=at(LATER))
    assert counts(engine)["messages"] == 4


def test_denials_accuse_nobody_in_purged_time(engine: sa.Engine) -> None:
    fill(engine)
    retention.purge(engine, "main", NEXT_DAY)
    status_answers.keep(engine, "main", KEY, found=[], denied=[3], at=at(LATER))
    denials = status_answers.denials(engine, "main")
    edge = NEXT_DAY.start + coverage_proof.PURGED_MARGIN

    def microseconds(time: datetime) -> int:
        return int(time.timestamp() * 1_000_000)

    assert denials.since.tolist() == [microseconds(edge)]


def test_a_purge_never_takes_proof_back_to_an_earlier_day(engine: sa.Engine) -> None:
    fill(engine)
    retention.purge(engine, "main", NEXT_DAY)
    retention.purge(engine, "main", Limit(NEXT_DAY.day - timedelta(days=9), at(-9 * LATER)))
    assert rows(engine, "accounts", "purged_before") == [(NEXT_DAY.start,)]


def test_acknowledged_and_open_findings_go_too(engine: sa.Engine) -> None:
    fill(engine)
    finding_list.acknowledge(engine, {"a" * 16: "known"}, NOON)
    retention.purge(engine, "main", NEXT_DAY)
    assert set(finding_list.statuses(engine, ["a" * 16, "b" * 16, "c" * 16])) == {"c" * 16}


def test_an_account_in_use_is_not_purged_beside_it(database_url: str, engine: sa.Engine) -> None:
    from recon.jobs import purging
    from recon.jobs.account_errors import AccountErrors
    from recon.store import lock

    fill(engine)
    errors = AccountErrors()
    with lock.hold(engine, "main"):
        assert not list(purging.purge(engine, NEXT_DAY, errors=errors))
    [(account, error)] = errors.met
    assert account == "main"
    assert isinstance(error, TemporaryError)
    with writing(engine) as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM messages")).scalar_one() == 10
    assert database_url
