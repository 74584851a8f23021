from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest
import sqlalchemy as sa

from recon.model import Change, Changes, FindingChange, Kind, Run, Span
from recon.store import expected_findings, finding_history, finding_list, runs
from tests.factories import at, finding, findings_frame, found, run
from tests.store.table_contents import rows

FIRST = datetime(2026, 4, 24, 3, tzinfo=UTC)
DAY = timedelta(days=1)


def night(number: int, *ids: str, expected: dict[str, str] | None = None) -> Run:
    """Return the run of a night that finds these."""
    return run(found(*ids), run_id=f"r{number}", finished=FIRST + number * DAY, expected=expected)


def told(engine: sa.Engine, one: str = "a") -> list[tuple[str, str | None, str | None]]:
    history = finding_history.of(engine, "main", one)
    return [(change.change.value, change.run_id, change.reason) for change in history]


def test_a_new_finding_was_opened_by_its_run(engine: sa.Engine) -> None:
    runs.save(engine, night(0, "a"), "run")
    assert finding_history.of(engine, "main", "a") == [FindingChange(FIRST, Change.OPENED, "r0")]
    assert rows(engine, "finding_changes") == []
    assert finding_history.of(engine, "main", "b") == []
    assert finding_history.of(engine, "other", "a") == []


def test_each_change_is_kept_with_its_run_or_the_reason(engine: sa.Engine) -> None:
    runs.save(engine, night(0, "a"), "run")
    finding_list.acknowledge(engine, {"a": "a test number"}, FIRST + timedelta(hours=1))
    finding_list.reopen(engine, {"a": "a real one"}, FIRST + timedelta(hours=2))
    runs.save(engine, night(1), "run")
    runs.save(engine, night(2, "a"), "run")
    runs.save(engine, night(3), "run")
    assert told(engine) == [
        ("opened", "r0", None),
        ("acknowledged", None, "a test number"),
        ("reopened", None, "a real one"),
        ("resolved", "r1", None),
        ("returned", "r2", None),
        ("resolved", "r3", None),
    ]


def test_a_finding_that_moved_says_from_which_day(engine: sa.Engine) -> None:
    runs.save(engine, run(found("a"), run_id="r0", day="2026-04-22", finished=FIRST), "run")
    runs.save(engine, night(1, "a"), "run")
    moved = FindingChange(FIRST + DAY, Change.MOVED, "r1", None, date(2026, 4, 22))
    assert finding_history.of(engine, "main", "a")[1:] == [moved]


def test_running_a_day_twice_leaves_no_history(engine: sa.Engine) -> None:
    rules = {"b": "a test phone"}
    for run_id in ("r0", "r1", "r2"):
        made = run(found("a", "b"), run_id=run_id, expected=rules)
        runs.save(engine, made, "run")
    assert told(engine) == [("opened", "r0", None)]
    assert told(engine, "b")[1:] == [("expected", "r0", "a test phone")]


# --- changes ------------------------------------------------------------------------------------


def changes(engine: sa.Engine, made: Run) -> Changes:
    saved = runs.save(engine, made, "run")
    loaded = runs.load(engine, made.run_id)
    assert loaded is not None
    assert loaded.changes == saved.changes
    return saved.changes


def test_what_no_run_has_found_before_is_new(engine: sa.Engine) -> None:
    assert changes(engine, night(0, "a", "b")) == Changes(new=2)


def test_changes_compare_with_the_newest_run_of_an_earlier_date(engine: sa.Engine) -> None:
    changes(engine, night(0, "a", "b", "c", "x"))
    finding_list.acknowledge(engine, {"c": "a test number"}, FIRST)
    made = night(1, "a", "c", "d", "e", expected={"e": "a test phone"})
    expected = Changes(new=1, persisting=1, resolved=2, acknowledged=1, expected=1)
    assert changes(engine, made) == expected
    for number, ids in ((2, ("a", "c", "d", "e")), (3, ("a", "c", "d", "e"))):
        again = run(
            found(*ids),
            run_id=f"again {number}",
            finished=FIRST + DAY + timedelta(hours=number),
            expected={"e": "a test phone"},
        )
        assert changes(engine, again) == expected


def test_what_was_resolved_and_returned_on_one_date_persists(engine: sa.Engine) -> None:
    changes(engine, night(0, "a"))
    changes(engine, night(1))
    changes(engine, night(2, "a"))
    for hours, ids, expected in (
        (1, (), Changes(resolved=1)),
        (2, ("a",), Changes(persisting=1)),
        (3, (), Changes(resolved=1)),
    ):
        finished = FIRST + 3 * DAY + timedelta(hours=hours)
        made = run(found(*ids), run_id=f"hour {hours}", finished=finished)
        assert changes(engine, made) == expected


def test_what_returns_is_new(engine: sa.Engine) -> None:
    changes(engine, night(0, "a"))
    changes(engine, night(1))
    assert changes(engine, night(2, "a")) == Changes(new=1)


# --- rules --------------------------------------------------------------------------------------


def states(engine: sa.Engine) -> dict[str, str]:
    return dict(rows(engine, "findings", "discrepancy_id", "status"))


def test_a_finding_is_expected_while_a_rule_covers_it(engine: sa.Engine) -> None:
    rule = {"a": "a test phone"}
    saved = runs.save(engine, night(0, "a", "b", expected=rule), "run")
    assert saved.lifecycle == states(engine) == {"a": "expected", "b": "open"}
    loaded = runs.load(engine, "r0")
    assert loaded is not None
    assert (loaded.lifecycle, loaded.verdict.expected) == (saved.lifecycle, rule)
    assert expected_findings.reasons(engine, "main", ["a", "b", "c"]) == rule
    assert runs.save(engine, night(1, "a", "b"), "run").lifecycle == {"a": "open", "b": "open"}
    runs.save(engine, night(2, "a", "b", expected={"b": "another"} | rule), "run")
    assert states(engine) == {"a": "expected", "b": "expected"}
    assert told(engine) == [
        ("opened", "r0", None),
        ("expected", "r0", "a test phone"),
        ("not_expected", "r1", None),
        ("expected", "r2", "a test phone"),
    ]
    assert told(engine, "b")[1:] == [("expected", "r2", "another")]


def test_an_expected_finding_that_is_gone_is_no_news(engine: sa.Engine) -> None:
    changes(engine, night(0, "a", "b", expected={"a": "a test phone"}))
    assert changes(engine, night(1)) == Changes(resolved=1)
    assert states(engine) == {"a": "resolved", "b": "resolved"}


def test_an_acknowledgement_wins_over_a_rule(engine: sa.Engine) -> None:
    rule = {"a": "a test phone"}
    runs.save(engine, night(0, "a", expected=rule), "run")
    finding_list.acknowledge(engine, {"a": "mine"}, FIRST)
    saved = runs.save(engine, night(1, "a", expected=rule), "run")
    assert saved.lifecycle == {"a": "acknowledged"}
    finding_list.reopen(engine, {"a": "not mine"}, FIRST)
    assert runs.save(engine, night(2, "a", expected=rule), "run").lifecycle == {"a": "expected"}


# --- absence ------------------------------------------------------------------------------------

GAP = (Span(at(-60), at(60)),)
RECORD = {"local_id": "7", "local_phone_number": "087", "local_sent_at": at(0)}
CLAIM = finding("missing_at_provider", "a", **RECORD)
DOUBT = finding("unverifiable", "b", **RECORD)


@pytest.mark.parametrize(
    "kind", ["missing_at_provider", "missing_locally", "duplicate_send", "duplicate_local"]
)
def test_what_is_missing_is_resolved_only_where_its_time_is_proven(
    engine: sa.Engine, kind: str
) -> None:
    frame = found("a", kind=Kind(kind))
    runs.save(engine, run(frame, run_id="r1", finished=FIRST), "run")
    saved = runs.save(engine, run(run_id="r2", gaps=GAP, finished=FIRST + DAY), "run")
    assert states(engine) == {"a": "open"}
    assert "1 earlier finding of this day stays unresolved" in saved.notices[0]
    elsewhere = (Span(None, at(-60)), Span(at(60), None))
    saved = runs.save(engine, run(run_id="r3", gaps=elsewhere, finished=FIRST + 2 * DAY), "run")
    assert states(engine) == {"a": "resolved"}
    assert saved.notices == ()
    assert saved.changes.resolved == 1


def test_other_kinds_are_resolved_whatever_is_proven(engine: sa.Engine) -> None:
    runs.save(engine, run(found("a", kind=Kind.STUCK), run_id="r1"), "run")
    runs.save(engine, run(run_id="r2", gaps=GAP), "run")
    assert states(engine) == {"a": "resolved"}


def test_what_has_its_counterpart_now_is_resolved_whatever_is_proven(engine: sa.Engine) -> None:
    def is_settled(claims: pd.DataFrame) -> pd.Series[bool]:
        return claims["discrepancy_id"] == "a"

    runs.save(engine, run(found("a", "b"), run_id="r1"), "run")
    saved = runs.save(engine, run(run_id="r2", gaps=GAP, is_settled=is_settled), "run")
    assert states(engine) == {"a": "resolved", "b": "open"}
    assert saved.verdict.is_settled is None


def test_what_is_no_longer_proven_stays_the_same_finding(engine: sa.Engine) -> None:
    runs.save(engine, run([CLAIM], run_id="r1", finished=FIRST), "run")
    finding_list.acknowledge(engine, {"a": "a test number"}, FIRST)
    for number in (2, 3):
        finished = FIRST + number * DAY
        saved = runs.save(engine, run([DOUBT], run_id=f"r{number}", finished=finished), "run")
        assert list(saved.verdict.findings["discrepancy_id"]) == ["a"]
        assert saved.lifecycle == {"a": "acknowledged"}
        assert saved.first_seen_on == {"a": date(2026, 4, 24)}
    assert rows(engine, "findings", "discrepancy_id", "kind", "status") == [
        ("a", "unverifiable", "acknowledged")
    ]
    runs.save(engine, run([CLAIM], run_id="r4"), "run")
    assert rows(engine, "findings", "discrepancy_id", "kind") == [("a", "missing_at_provider")]
    runs.save(engine, run(run_id="r5"), "run")
    assert states(engine) == {"a": "resolved"}
    assert [change for change, *_ in told(engine)] == [
        "opened",
        "acknowledged",
        "unverifiable",
        "proven",
        "resolved",
    ]
    assert [run_id for _, run_id, _ in told(engine)] == ["r1", None, "r2", "r4", "r5"]


def test_doubts_about_other_rows_are_findings_of_their_own(engine: sa.Engine) -> None:
    runs.save(engine, run([CLAIM], run_id="r1"), "run")
    other = DOUBT | {"local_id": "8"}
    runs.save(engine, run(findings_frame([other]), run_id="r2"), "run")
    assert states(engine) == {"a": "resolved", "b": "open"}
