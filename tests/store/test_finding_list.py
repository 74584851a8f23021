from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from recon.model import FINDING_COLUMNS, Kind
from recon.store import finding_list, runs
from recon.store.dialects import is_postgres
from tests.factories import at, found, run
from tests.store.table_contents import rows

NOW = datetime(2026, 4, 24, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def stored(engine: sa.Engine) -> None:
    """Findings of two days and two accounts, one of them resolved."""
    stuck = found("s", kind=Kind.STUCK)
    runs.save(
        engine, run(pd.concat([found("a", "gone"), stuck], ignore_index=True), run_id="r1"), "run"
    )
    runs.save(engine, run(pd.concat([found("a"), stuck], ignore_index=True), run_id="r2"), "run")
    runs.save(engine, run(found("b"), run_id="r3", day="2026-04-22"), "run")
    runs.save(engine, run(found("c"), run_id="r4", account="other"), "run")


def ids(frame: pd.DataFrame) -> list[str]:
    return list(frame["discrepancy_id"])


def test_the_latest_day_comes_first_then_errors_before_warnings(engine: sa.Engine) -> None:
    assert ids(finding_list.listing(engine)) == ["a", "gone", "s", "c", "b"]


def test_a_listing_can_be_narrowed(engine: sa.Engine) -> None:
    assert ids(finding_list.listing(engine, accounts=["other"])) == ["c"]
    assert ids(finding_list.listing(engine, states=["resolved"])) == ["gone"]
    assert ids(finding_list.listing(engine, days=(date(2026, 4, 22), date(2026, 4, 22)))) == ["b"]
    assert ids(finding_list.listing(engine, accounts=["main"], states=["open"])) == ["a", "s", "b"]
    assert ids(finding_list.listing(engine, accounts=["nobody"])) == []


def test_a_listing_can_be_narrowed_to_kinds_severities_and_days(engine: sa.Engine) -> None:
    assert ids(finding_list.listing(engine, kinds=["stuck"])) == ["s"]
    assert ids(finding_list.listing(engine, kinds=["stuck"], severity="error")) == []
    assert ids(finding_list.listing(engine, severity="warning")) == ["s"]
    days = date(2026, 4, 1), date(2026, 4, 22)
    assert ids(finding_list.listing(engine, days=days)) == ["b"]
    both = finding_list.listing(engine, states=["open", "resolved"], accounts=["main", "other"])
    assert ids(both) == ["a", "gone", "s", "c", "b"]


@pytest.mark.parametrize(
    "narrowed",
    [
        {"states": ["open"]},
        {"states": ["open"], "kinds": ["stuck"]},
        {"states": ["resolved"], "days": (date(2026, 4, 22), date(2026, 4, 23))},
        {"accounts": ["main"], "severity": "error"},
        {"states": ["open"], "limit": 2},
    ],
    ids=str,
)
def test_an_index_finds_what_is_listed(engine: sa.Engine, narrowed: dict[str, Any]) -> None:
    """Where most findings are resolved, listing the open ones does not read them all."""
    asked: list[tuple[str, Any]] = []

    def keep(_conn: Any, _cursor: Any, statement: str, given: Any, *_: Any) -> None:  # noqa: ANN401
        asked.append((statement, given))

    sa.event.listen(engine, "before_cursor_execute", keep)
    finding_list.listing(engine, **narrowed)
    statement, given = next(each for each in asked if "ack_reason" in each[0])
    with engine.begin() as connection:
        if is_postgres(connection):
            # Of so few rows the planner reads all unless it is told not to.
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        explain = "EXPLAIN " if is_postgres(connection) else "EXPLAIN QUERY PLAN "
        plan = connection.exec_driver_sql(explain + statement, given).all()
    assert "ix_findings_account_id_status_date_kind" in str(plan)


def test_a_listing_says_all_of_a_finding_and_where_it_stands(engine: sa.Engine) -> None:
    finding_list.acknowledge(engine, {"a": "a test number"}, NOW)
    frame = finding_list.listing(engine, states=["acknowledged"])
    assert list(frame.columns) == [
        "account", "date", "run_id", *FINDING_COLUMNS, "state", "first_seen_on", "ack_reason",
    ]  # fmt: skip
    row = frame.iloc[0]
    assert row[["account", "date", "run_id", "message_id", "state", "first_seen_on"]].tolist() == [
        "main",
        "2026-04-23",
        "r2",
        "9007199254740993",
        "acknowledged",
        "2026-04-24",
    ]
    assert row["provider_sent_at"] == pd.Timestamp(at(0.000001))
    assert row["ack_reason"] == "a test number"


def test_a_limit_takes_the_first_of_them(engine: sa.Engine) -> None:
    assert ids(finding_list.listing(engine, limit=3)) == ["a", "gone", "s"]
    assert ids(finding_list.listing(engine, limit=9, severity="warning")) == ["s"]
    assert finding_list.count(engine) == 5
    assert finding_list.count(engine, severity="error", accounts=["main"]) == 3
    assert finding_list.count(engine, states=["open"], kinds=["stuck"]) == 1


def test_an_empty_listing_has_the_types_of_a_full_one(engine: sa.Engine) -> None:
    full = finding_list.listing(engine)
    assert finding_list.listing(engine, accounts=["nobody"]).dtypes.equals(full.dtypes)


def test_days_with_open_findings_are_reported_in_order(engine: sa.Engine) -> None:
    days = [date(2026, 4, 22), date(2026, 4, 23)]
    assert finding_list.days_with_open(engine, "main", date(2026, 4, 1), date(2026, 5, 1)) == days
    assert finding_list.days_with_open(engine, "main", days[0], days[1]) == days[:1]
    assert finding_list.days_with_open(engine, "main", days[1], days[1]) == []
    assert finding_list.days_with_open(engine, "nobody", days[0], date(2026, 5, 1)) == []


def test_days_with_open_findings_of_other_accounts_are_not_listed(engine: sa.Engine) -> None:
    runs.save(engine, run(found("d"), run_id="r5", account="other", day="2026-04-21"), "run")
    runs.save(engine, run(found("e"), run_id="r6", account="third", day="2026-04-20"), "run")
    days = finding_list.days_with_open(engine, "other", date(2026, 4, 1), date(2026, 5, 1))
    assert days == [date(2026, 4, 21), date(2026, 4, 23)]


def test_an_id_of_a_message_names_its_findings_that_are_not_resolved(engine: sa.Engine) -> None:
    name = "9007199254740993"
    assert finding_list.of_rows(engine, [name, "7"]) == {name: ["a", "s", "b", "c"]}


def test_days_whose_findings_are_all_settled_are_not_listed(engine: sa.Engine) -> None:
    finding_list.acknowledge(engine, {"b": "a test number"}, NOW)
    days = finding_list.days_with_open(engine, "main", date(2026, 4, 1), date(2026, 5, 1))
    assert days == [date(2026, 4, 23)]


def test_what_can_be_acknowledged_is_and_the_rest_is_distinguished(engine: sa.Engine) -> None:
    asked = ["c", "a", "gone", "unknown", "a"]
    finding_list.acknowledge(engine, dict.fromkeys(asked, "a test number"), NOW)
    finding_list.acknowledge(engine, {"a": "a better reason"}, NOW)
    columns = ("discrepancy_id", "status", "ack_reason", "acknowledged_at")
    stored = {row[0]: row[1:] for row in rows(engine, "findings", *columns)}
    assert stored["a"] == ("acknowledged", "a better reason", NOW)
    assert stored["c"] == ("acknowledged", "a test number", NOW)
    later = NOW + timedelta(hours=1)
    finding_list.acknowledge(engine, {"a": "a better reason"}, later)
    assert rows(engine, "findings", "acknowledged_at").count((later,)) == 0
    assert rows(engine, "finding_changes", "changed_at").count((later,)) == 0
    assert stored["gone"] == ("resolved", None, None)
    assert stored["s"] == ("open", None, None)


def test_what_is_no_id_acknowledges_nothing(engine: sa.Engine) -> None:
    odd = ["", "\n", "a\ns", "a\n", "\na", "s,c", "%", "a\0", "\ud800"]
    finding_list.acknowledge(engine, dict.fromkeys(odd, "a test number"), NOW)
    finding_list.acknowledge(engine, {}, NOW)
    assert ids(finding_list.listing(engine, states=["acknowledged"])) == []
