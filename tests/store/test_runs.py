from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest
import sqlalchemy as sa
from pandas.testing import assert_frame_equal

from recon.model import (
    Advice,
    Incident,
    Kind,
    LocalBalance,
    ProviderBalance,
    RequestCounts,
    Run,
    Span,
    Verdict,
    VerdictKind,
)
from recon.store import finding_list, runs
from recon.store.engine import writing
from tests.factories import at, finding, findings_frame, found, run
from tests.store.table_contents import everything, rows

RUN_LOG = frozenset({"runs"})
NIGHT = datetime(2026, 4, 24, 3, tzinfo=UTC)
NEXT_NIGHT = NIGHT + timedelta(days=1)


def standing(engine: sa.Engine) -> dict[str, str]:
    return dict(rows(engine, "findings", "discrepancy_id", "status"))


# --- the life of a finding ----------------------------------------------------------------------


def test_a_finding_is_open_when_it_is_first_found(engine: sa.Engine) -> None:
    saved = runs.save(engine, run(found("a", "b"), run_id="r1"), "run")
    assert standing(engine) == {"a": "open", "b": "open"}
    assert saved.lifecycle == {"a": "open", "b": "open"}
    assert saved.first_seen_on == {"a": date(2026, 4, 24), "b": date(2026, 4, 24)}


def test_the_day_it_was_first_seen_is_that_of_the_zone(engine: sa.Engine) -> None:
    just_after_midnight_in_dublin = datetime(2026, 4, 23, 23, 30, tzinfo=UTC)
    given = run(found("a"), run_id="r1", finished=just_after_midnight_in_dublin)
    assert runs.save(engine, given, "run").first_seen_on == {"a": date(2026, 4, 24)}


def test_a_finding_is_resolved_by_the_run_that_no_longer_finds_it(engine: sa.Engine) -> None:
    runs.save(engine, run(found("a", "b"), run_id="r1"), "run")
    saved = runs.save(engine, run(found("b"), run_id="r2", finished=NEXT_NIGHT), "run")
    assert standing(engine) == {"a": "resolved", "b": "open"}
    assert saved.lifecycle == {"b": "open"}
    resolved = rows(engine, "findings", "discrepancy_id", "resolved_at")
    assert resolved == [("a", NEXT_NIGHT), ("b", None)]


def test_a_clean_run_resolves_all_of_its_day(engine: sa.Engine) -> None:
    runs.save(engine, run(found("a", "b"), run_id="r1"), "run")
    runs.save(engine, run(run_id="r2", kind=VerdictKind.CLEAN), "run")
    assert standing(engine) == {"a": "resolved", "b": "resolved"}


def test_a_finding_that_returns_is_open_again_and_as_old_as_before(engine: sa.Engine) -> None:
    runs.save(engine, run(found("a"), run_id="r1"), "run")
    runs.save(engine, run(found(), run_id="r2", finished=NEXT_NIGHT), "run")
    saved = runs.save(engine, run(found("a"), run_id="r3", finished=NEXT_NIGHT), "run")
    assert saved.lifecycle == {"a": "open"}
    assert saved.first_seen_on == {"a": date(2026, 4, 24)}
    assert rows(engine, "findings", "status", "opened_at", "resolved_at") == [
        ("open", NEXT_NIGHT, None)
    ]


def test_an_acknowledged_finding_stays_so(engine: sa.Engine) -> None:
    runs.save(engine, run(found("a", "b"), run_id="r1"), "run")
    finding_list.acknowledge(engine, {"a": "a test number"}, NIGHT)
    saved = runs.save(engine, run(found("a", "b"), run_id="r2", finished=NEXT_NIGHT), "run")
    assert saved.lifecycle == {"a": "acknowledged", "b": "open"}


def test_an_acknowledged_finding_that_is_gone_is_resolved(engine: sa.Engine) -> None:
    runs.save(engine, run(found("a"), run_id="r1"), "run")
    finding_list.acknowledge(engine, {"a": "a test number"}, NIGHT)
    runs.save(engine, run(found(), run_id="r2"), "run")
    assert standing(engine) == {"a": "resolved"}


def test_what_a_person_settled_stays_settled_when_it_returns(engine: sa.Engine) -> None:
    runs.save(engine, run(found("a"), run_id="r1"), "run")
    finding_list.acknowledge(engine, {"a": "a test number"}, NIGHT)
    runs.save(engine, run(found(), run_id="r2"), "run")
    saved = runs.save(engine, run(found("a"), run_id="r3"), "run")
    assert saved.lifecycle == {"a": "acknowledged"}


def test_a_suspect_run_opens_and_closes_nothing(engine: sa.Engine) -> None:
    runs.save(engine, run(found("a"), run_id="r1"), "run")
    before = everything(engine, without=RUN_LOG)
    suspect = run(
        run_id="r2", kind=VerdictKind.SUSPECT, suspicions=["no message at all", "wrong key"]
    )
    saved = runs.save(engine, suspect, "run")
    assert everything(engine, without=RUN_LOG) == before
    assert saved.lifecycle == {}
    assert rows(engine, "runs", "run_id", "verdict", "suspicions")[1] == (
        "r2",
        "suspect",
        ["no message at all", "wrong key"],
    )


def test_other_days_and_other_accounts_are_left_alone(engine: sa.Engine) -> None:
    runs.save(engine, run(found("a"), run_id="r1", day="2026-04-22"), "run")
    runs.save(engine, run(found("b"), run_id="r2", account="other"), "run")
    runs.save(engine, run(found("c"), run_id="r3"), "run")
    runs.save(engine, run(found(), run_id="r4"), "run")
    assert standing(engine) == {"a": "open", "b": "open", "c": "resolved"}


def test_running_the_same_day_twice_changes_nothing_but_the_run_log(engine: sa.Engine) -> None:
    runs.save(engine, run(found("a", "b", "c"), run_id="r1"), "run")
    finding_list.acknowledge(engine, {"b": "a test number"}, NIGHT)
    runs.save(engine, run(found("a", "b"), run_id="r2"), "run")
    before = everything(engine, without=RUN_LOG)
    runs.save(engine, run(found("a", "b"), run_id="r3", finished=NEXT_NIGHT), "run")
    assert everything(engine, without=RUN_LOG) == before
    assert rows(engine, "runs", "run_id") == [("r1",), ("r2",), ("r3",)]
    assert rows(engine, "runs", "found") == [(["a", "b", "c"],), (["a", "b"],), (["a", "b"],)]


@pytest.mark.parametrize(
    ("before", "after"), [("2026-04-22", "2026-04-23"), ("2026-04-23", "2026-04-22")]
)
def test_a_finding_whose_day_moved_is_one_row_of_its_new_day(
    engine: sa.Engine, before: str, after: str
) -> None:
    runs.save(engine, run(found("a"), run_id="r1", day=before), "run")
    runs.save(engine, run(found("a"), run_id="r2", day=after), "run")
    runs.save(engine, run(found(), run_id="r3", day=before), "run")
    assert rows(engine, "findings", "discrepancy_id", "date", "status") == [
        ("a", date.fromisoformat(after), "open")
    ]
    assert ("moved",) in rows(engine, "finding_changes", "change")


def test_what_a_person_settled_and_a_rule_covers_returns_as_the_person_left_it(
    engine: sa.Engine,
) -> None:
    runs.save(engine, run(found("a"), run_id="r1"), "run")
    finding_list.acknowledge(engine, {"a": "a test number"}, NIGHT)
    runs.save(engine, run(found(), run_id="r2", finished=NEXT_NIGHT), "run")
    again = run(found("a"), run_id="r3", finished=NEXT_NIGHT + timedelta(days=1))
    expected = replace(again.verdict, expected={"a": "a rule"})
    runs.save(engine, replace(again, verdict=expected), "run")
    assert standing(engine) == {"a": "acknowledged"}
    assert ("expected",) not in rows(engine, "finding_changes", "change")


def test_a_finding_is_reported_with_its_latest_content(engine: sa.Engine) -> None:
    runs.save(engine, run(found("a", detail="still sent"), run_id="r1"), "run")
    runs.save(engine, run(found("a", detail="failed now", kind=Kind.STUCK), run_id="r2"), "run")
    columns = ("detail", "kind", "severity")
    assert rows(engine, "findings", *columns) == [("failed now", "stuck", "warning")]


def test_the_same_id_in_two_accounts_is_two_findings(engine: sa.Engine) -> None:
    runs.save(engine, run(found("a"), run_id="r1"), "run")
    runs.save(engine, run(found("a"), run_id="r2", account="other"), "run")
    runs.save(engine, run(found(), run_id="r3"), "run")
    assert rows(engine, "findings", "discrepancy_id", "status") == [
        ("a", "resolved"),
        ("a", "open"),
    ]
    assert rows(engine, "runs", "found") == [(["a"],), (["a"],), ([],)]


def test_a_run_that_fails_half_way_leaves_nothing(engine: sa.Engine) -> None:
    runs.save(engine, run(found("a"), run_id="r1"), "run")
    before = everything(engine)
    twice = pd.concat([found("b"), found("b")], ignore_index=True)
    with pytest.raises(Exception, match=r"(?i)unique"):
        runs.save(engine, run(twice, run_id="r2"), "run")
    assert everything(engine) == before
    runs.save(engine, run(found("a"), run_id="r3"), "run")


def test_a_run_keeps_its_order_where_some_findings_are_new_and_some_are_known(
    engine: sa.Engine,
) -> None:
    runs.save(engine, run(found("b", "x", "d"), run_id="r1"), "run")
    finding_list.acknowledge(engine, {"d": "a test number"}, NIGHT)
    given = run(found("a", "d", "c", "b"), run_id="r2", finished=NEXT_NIGHT)
    saved = runs.save(engine, given, "run")
    loaded = runs.load(engine, "r2")
    assert loaded is not None
    for one in (saved, loaded):
        assert list(one.verdict.findings["discrepancy_id"]) == ["a", "d", "c", "b"]
        assert list(one.lifecycle.items()) == [
            ("a", "open"), ("d", "acknowledged"), ("c", "open"), ("b", "open"),
        ]  # fmt: skip
        assert one.first_seen_on == {
            "a": date(2026, 4, 25),
            "d": date(2026, 4, 24),
            "c": date(2026, 4, 25),
            "b": date(2026, 4, 24),
        }
    assert standing(engine)["x"] == "resolved"


def test_many_findings_are_all_stored(engine: sa.Engine) -> None:
    many = [f"{number:016x}" for number in range(20_001)]
    runs.save(engine, run(found(*many[::2]), run_id="r1"), "run")
    saved = runs.save(engine, run(found(*many), run_id="r2", finished=NEXT_NIGHT), "run")
    assert standing(engine) == dict.fromkeys(many, "open")
    assert list(saved.lifecycle) == many
    loaded = runs.load(engine, "r2")
    assert loaded is not None
    assert_frame_equal(loaded.verdict.findings, saved.verdict.findings)
    assert loaded.first_seen_on == saved.first_seen_on


TEXTS = (
    "+353 '87'\t\\N", "\\N", "\\.", "\n\\.\n", "NULL", "", " ", "\\", "a\\tb", '"', '""', "a,b;\t",
    "line\nline\r\nline\r", '"quoted", {braced} 🐙', "%s %(name)s :name ?", "é\u2028\u0085\x7f\x01",
)  # fmt: skip


@pytest.mark.parametrize("known", [False, True], ids=["first seen", "known"])
def test_texts_of_findings_are_stored_exactly(engine: sa.Engine, *, known: bool) -> None:
    ids = [f"{number:016x}" for number in range(len(TEXTS))]
    if known:
        runs.save(engine, run(found(*ids), run_id="r1"), "run")
    given = found(*ids).assign(
        local_id=pd.Series(TEXTS, dtype="str"), detail=pd.Series(TEXTS[::-1], dtype="str")
    )
    runs.save(engine, run(given, run_id="r2"), "run")
    columns = ("discrepancy_id", "local_id", "detail", "failure_reason")
    assert rows(engine, "findings", *columns) == [
        (*row, None) for row in zip(ids, TEXTS, TEXTS[::-1], strict=True)
    ]
    loaded = runs.load(engine, "r2")
    assert loaded is not None
    assert_frame_equal(loaded.verdict.findings, given)


@pytest.mark.parametrize("known", [False, True], ids=["first seen", "known"])
def test_what_no_database_takes_is_replaced_and_times_are_exact(
    engine: sa.Engine, *, known: bool
) -> None:
    if known:
        runs.save(engine, run(found("a"), run_id="r1"), "run")
    odd = found("a").assign(
        local_id="bad \0 id\0",
        phone_number="",
        local_sent_at=pd.Timestamp("2026-04-23 12:00:00.123456", tz="UTC"),
    )
    runs.save(engine, run(odd, run_id="r2"), "run")
    time = datetime(2026, 4, 23, 12, 0, 0, 123456, tzinfo=UTC)
    columns = ("local_id", "phone_number", "local_sent_at", "failure_reason")
    assert rows(engine, "findings", *columns) == [("bad \ufffd id\ufffd", "", time, None)]


def test_what_becomes_null_or_is_no_longer_null_is_stored(engine: sa.Engine) -> None:
    def stored() -> list[tuple[object, ...]]:
        return rows(engine, "findings", "detail", "failure_reason")

    full = found("a", detail="known").assign(failure_reason="blocked")
    for run_id, given, wanted in (
        ("r1", found("a"), ("no record holds it", None)),
        ("r2", full, ("known", "blocked")),
        ("r3", full.assign(failure_reason=""), ("known", "")),
        ("r4", found("a"), ("no record holds it", None)),
    ):
        runs.save(engine, run(given, run_id=run_id), "run")
        assert stored() == [wanted]


# --- the run log --------------------------------------------------------------------------------


def test_a_stored_run_comes_back_whole(engine: sa.Engine) -> None:
    gaps = (Span(at(0), at(1.5)), Span(None, at(0)))
    given = run(found("b", "a", "c"), run_id="r1", gaps=gaps, statuses={"sent": 2, "paused": 1})
    saved = runs.save(engine, given, "run")
    loaded = runs.load(engine, "r1")
    assert loaded is not None
    assert_frame_equal(loaded.verdict.findings, saved.verdict.findings)
    assert told(loaded) == told(saved)
    assert told(loaded.verdict) == told(saved.verdict)


def told(value: Run | Verdict) -> dict[str, object]:
    """Return the fields of a value that can be compared."""
    unlike = {"verdict", "findings"}
    return {f.name: getattr(value, f.name) for f in fields(value) if f.name not in unlike}


def test_a_run_without_findings_comes_back_with_the_same_types(engine: sa.Engine) -> None:
    runs.save(engine, run(run_id="r1", kind=VerdictKind.CLEAN), "run")
    loaded = runs.load(engine, "r1")
    assert loaded is not None
    assert_frame_equal(loaded.verdict.findings, found())


def test_an_old_run_shows_its_findings_as_they_then_stood(engine: sa.Engine) -> None:
    runs.save(engine, run(found("a"), run_id="r1"), "run")
    runs.save(engine, run(found(), run_id="r2"), "run")
    loaded = runs.load(engine, "r1")
    assert loaded is not None
    assert loaded.lifecycle == {"a": "open"}
    assert list(loaded.verdict.findings["discrepancy_id"]) == ["a"]


def test_a_run_of_an_earlier_version_tells_what_was_new_in_it(engine: sa.Engine) -> None:
    runs.save(engine, run(found("a"), run_id="r1"), "run")
    runs.save(engine, run(found("a", "b", "c"), run_id="r2", finished=NEXT_NIGHT), "run")
    with writing(engine) as connection:
        connection.exec_driver_sql("UPDATE runs SET changes = NULL")
    loaded = runs.load(engine, "r2")
    assert loaded is not None
    assert (loaded.changes.new, loaded.changes.persisting) == (2, 1)


def test_an_old_run_is_reported_without_what_somebody_deleted(engine: sa.Engine) -> None:
    runs.save(engine, run(found("a", "b", "c"), run_id="r1"), "run")
    with writing(engine) as connection:
        connection.exec_driver_sql("DELETE FROM findings WHERE discrepancy_id = 'b'")
    loaded = runs.load(engine, "r1")
    assert loaded is not None
    assert list(loaded.verdict.findings["discrepancy_id"]) == ["a", "c"]
    assert loaded.first_seen_on.keys() == {"a", "c"}


def test_the_last_run_of_a_day_is_the_one_saved_last(engine: sa.Engine) -> None:
    for run_id, day in (("r1", "2026-04-23"), ("r2", "2026-04-23"), ("r3", "2026-04-21")):
        runs.save(engine, run(run_id=run_id, day=day), "run")
    runs.save(engine, run(run_id="r4", account="other", day="2026-04-25"), "run")

    def last(day: date | None) -> str | None:
        latest = runs.last(engine, "main", day)
        return None if latest is None else latest.run_id

    assert last(date(2026, 4, 23)) == "r2"
    assert last(date(2026, 4, 21)) == "r3"
    assert last(None) == "r2"
    assert last(date(2026, 4, 22)) is None
    assert runs.load(engine, "unknown") is None


def test_the_log_says_what_kind_of_job_it_was_and_what_it_counted(engine: sa.Engine) -> None:
    made = run(found("a", "b"), run_id="r1", local=LocalBalance(matched=7, not_sent=1))
    runs.save(engine, replace(made, requests=RequestCounts(1, 2, 3)), "backfill")
    mode, local, counted, requests = rows(
        engine, "runs", "mode", "local", "discrepancies", "requests"
    )[0]
    assert mode == "backfill"
    assert (local["matched"], local["not_sent"]) == (7, 1)
    assert (counted["missing_locally"], counted["stuck"]) == (2, 0)
    assert requests == {"list": 1, "status": 2, "rate_limited": 3}


def acknowledged_as(engine: sa.Engine, before: list[Mapping[str, object]]) -> None:
    """Save a run with these findings, and acknowledge them all."""
    runs.save(engine, run(findings_frame(before), run_id="r1"), "run")
    ids = [str(one["discrepancy_id"]) for one in before]
    finding_list.acknowledge(engine, dict.fromkeys(ids, "a test number"), at(0))
    assert finding_list.statuses(engine, ids) == dict.fromkeys(ids, "acknowledged")


def test_an_acknowledgement_outlasts_a_change_of_identity(engine: sa.Engine) -> None:
    shared = {"phone_number": "+353871234567", "local_sent_at": at(0)}
    old = finding("missing_at_provider", "a" * 16, local_id="7.0", **shared)
    acknowledged_as(engine, [old])
    new = finding("missing_at_provider", "b" * 16, local_id="7", **shared)
    other = finding("missing_at_provider", "c" * 16, local_id="8", **shared)
    saved = runs.save(engine, run(findings_frame([new, other]), run_id="r2"), "run")
    assert dict(saved.lifecycle) == {"b" * 16: "acknowledged", "c" * 16: "open"}
    frame = finding_list.listing(engine, states=["acknowledged"])
    assert frame["discrepancy_id"].tolist() == ["b" * 16]
    assert frame["ack_reason"].tolist() == ["a test number"]
    again = runs.save(engine, run(findings_frame([new, other]), run_id="r3"), "run")
    assert dict(again.lifecycle) == dict(saved.lifecycle)


def test_an_acknowledgement_is_not_carried_where_two_findings_could_be_meant(
    engine: sa.Engine,
) -> None:
    shared = {"phone_number": "+353871234567", "local_sent_at": at(0)}
    acknowledged_as(engine, [finding("invalid_local", "a" * 16, **shared)])
    new = [finding("invalid_local", letter * 16, **shared) for letter in "bc"]
    saved = runs.save(engine, run(findings_frame(new), run_id="r2"), "run")
    assert set(saved.lifecycle.values()) == {"open"}


# --- incidents ---------------------------------------------------------------------------------


def outage(identity: str, count: int) -> Incident:
    start, end = at(0), at(600)
    return Incident(identity, {"missing_locally": count}, start, end, "outage", "It was down.")


def part_of(frame: pd.DataFrame, **incidents: str) -> pd.DataFrame:
    """Return findings, of which those named are part of an incident."""
    names = frame["discrepancy_id"].map(incidents)
    return frame.assign(incident_id=names.astype("str"))


def test_incidents_are_read_back_as_they_were(engine: sa.Engine) -> None:
    frame = part_of(found("a", "b", "c"), a="i1", b="i1")
    advice = Advice([3], None, 95, "* * * * * recon collect", at(0), before_collection=True)
    given = run(frame, run_id="r1", incidents=[outage("i1", 2)])
    given = replace(given, verdict=replace(given.verdict, advice=advice, failures={"x": 2, "": 1}))
    runs.save(engine, given, "run")
    loaded = runs.load(engine, "r1")
    assert loaded is not None
    assert loaded.verdict.incidents == (outage("i1", 2),)
    assert loaded.verdict.advice == advice
    assert dict(loaded.verdict.failures) == {"x": 2, "": 1}
    assert loaded.verdict.findings["incident_id"].fillna("").tolist() == ["i1", "i1", ""]


def test_an_incident_keeps_its_id_when_its_first_findings_are_resolved(engine: sa.Engine) -> None:
    first = part_of(found("a", "b", "c", "d"), a="i1", b="i1", c="i1", d="i1")
    runs.save(engine, run(first, run_id="r1", incidents=[outage("i1", 4)]), "run")
    later = part_of(found("b", "c", "d"), b="i2", c="i2", d="i2")
    saved = runs.save(engine, run(later, run_id="r2", incidents=[outage("i2", 3)]), "run")
    assert saved.verdict.incidents == (outage("i1", 3),)
    assert set(saved.verdict.findings["incident_id"]) == {"i1"}


def test_of_an_incident_that_splits_the_larger_part_keeps_the_id(engine: sa.Engine) -> None:
    first = part_of(found(*"abcdef"), **dict.fromkeys("abcdef", "i1"))
    runs.save(engine, run(first, run_id="r1", incidents=[outage("i1", 6)]), "run")
    later = part_of(found(*"abcdef"), **dict.fromkeys("cdef", "i2"), **dict.fromkeys("ab", "i3"))
    incidents = [outage("i2", 4), outage("i3", 2)]
    saved = runs.save(engine, run(later, run_id="r2", incidents=incidents), "run")
    assert [one.incident_id for one in saved.verdict.incidents] == ["i1", "i3"]
    assert saved.verdict.findings["incident_id"].tolist() == ["i3", "i3", *["i1"] * 4]


# --- figures of days ---------------------------------------------------------------------------


def test_the_figures_of_a_day_are_those_of_its_latest_run(engine: sa.Engine) -> None:
    provider = ProviderBalance(matched=7, missing_locally=2)
    statuses = {"failed": 3, "delivered": 6}
    for run_id, day, frame in (
        ("r1", "2026-04-21", found()),
        ("r2", "2026-04-22", found("a", "b", "c")),
        ("r3", "2026-04-22", found("a", "b")),
        ("r4", "2026-04-23", found("d")),
    ):
        gaps = [Span(at(0), at(60))]
        made = run(frame, run_id=run_id, day=day, provider=provider, statuses=statuses, gaps=gaps)
        runs.save(engine, made, "run")
    runs.save(engine, run(run_id="r5", account="other", day="2026-04-22"), "run")
    figures = runs.figures(engine, "main", date(2026, 4, 22), 30)
    assert [(one.day.day, one.findings) for one in figures] == [(22, 2), (21, 0)]
    assert (figures[0].messages, figures[0].failed, figures[0].gaps) == (9, 3, 1)
    assert figures[0].failure_rate == pytest.approx(1 / 3)
    assert [one.day.day for one in runs.figures(engine, "main", None, 2)] == [23, 22]
