"""The Grafana dashboard on the views: its queries on a real PostgreSQL, as its reader's role."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import pytest
import sqlalchemy as sa

from recon.model import Kind, Message, Span
from recon.store import messages, runs
from recon.store.engine import connect
from tests.factories import DAY, KEY, NUMBER, at, finding, findings_frame, listing, message, run

DASHBOARD: Final = Path("deploy/grafana/recon.json")
#: The time that is shown: from the middle of a day in UTC to the middle of the next one.
FROM, TO = "2026-04-23T10:00:00Z", "2026-04-24T10:00:00Z"
ROLE: Final = "grafana"

Ask = Callable[..., list[dict[str, Any]]]


def read() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DASHBOARD.read_text())
    return found


PANELS: Final = {panel["title"]: panel for panel in read()["panels"]}


def grants(database: str) -> str:
    """Return the statements of the documentation that make the role, for this database."""
    page = Path("docs/dashboards.md").read_text()
    [block] = re.findall(r"```sql\n(CREATE ROLE .*?)```", page, re.DOTALL)
    return str(block).replace("DATABASE recon", f"DATABASE {database}")


def interpolated(sql: str, accounts: Sequence[str]) -> str:
    """Replace macros and variables as Grafana's PostgreSQL data source does."""
    sql = re.sub(r"\$__timeFilter\((\w+)\)", rf"\1 BETWEEN '{FROM}' AND '{TO}'", sql)
    sql = sql.replace("$__timeFrom()", f"'{FROM}'").replace("$__timeTo()", f"'{TO}'")
    names = ",".join("'" + name.replace("'", "''") + "'" for name in accounts)
    sql = re.sub(r"\$account\b|\$\{account\}", lambda _: names, sql)
    assert "$" not in sql
    return sql


def keep(engine: sa.Engine, account: str, *shown: Message) -> None:
    messages.keep(engine, account, KEY + account, listing(*shown, answered=90_000))


@pytest.fixture(scope="module")
def ask(shared_database_url: str) -> Iterator[Ask]:
    """Ask with the query of a panel, over two accounts, one of which needs quotation."""
    engine = connect(shared_database_url)
    words = ["sent", "delivered", "read", "failed", "deleted", "unknown"]
    days = [message(n, 60 * n, word, word) for n, word in enumerate(words)]
    keep(engine, "main", message(50, -86_400), *days, message(60, 7_200, "failed", None))
    keep(engine, "d'or", message(1, 43_200, "failed", "sent"), message(2, 43_260, "failed", "x"))
    row = finding(Kind.STUCK, "a1", phone_number=NUMBER, provider_sent_at=at(0))
    other = finding(Kind.MISSING_LOCALLY, "a2", detail="no record holds it")
    runs.save(engine, run(findings_frame([row, other]), day="2026-04-24"), "run")
    again = run(findings_frame([other]), day="2026-04-24", run_id="run-2")
    runs.save(engine, again, "run")
    gaps = [Span(at(0), at(21_600))]
    late = run(run_id="run-3", account="d'or", day=DAY, gaps=gaps)
    runs.save(engine, late, "run")
    admin = engine.execution_options(isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(grants(str(engine.url.database)))
    reader = sa.create_engine(engine.url.set(username=ROLE), poolclass=sa.NullPool)

    def answer(title: str, *accounts: str) -> list[dict[str, Any]]:
        [target] = PANELS[title]["targets"]
        with reader.connect() as connection:
            connection.exec_driver_sql("SET TimeZone = 'Asia/Kolkata'")
            sql = interpolated(target["rawSql"], accounts or ("main", "d'or"))
            return [dict(one) for one in connection.exec_driver_sql(sql).mappings()]

    yield answer
    with admin.connect() as connection:
        connection.exec_driver_sql(f"DROP OWNED BY {ROLE}; DROP ROLE {ROLE}")
    engine.dispose()


on_postgres = pytest.mark.parametrize(
    "shared_database_url", ["postgres"], indirect=True, scope="module"
)


def utc(day: int, hour: int = 0) -> datetime:
    return datetime(2026, 4, day, hour, tzinfo=UTC)


def only(rows: Sequence[Mapping[str, Any]], name: str) -> Any:  # noqa: ANN401 - a cell
    [row] = rows
    assert list(row) == [name]
    return row[name]


@on_postgres
def test_totals_are_those_of_the_chosen_accounts_and_days(ask: Ask) -> None:
    assert only(ask("Messages"), "messages") == 9
    assert only(ask("Messages", "d'or"), "messages") == 2
    assert only(ask("Failure rate"), "failure_rate") == pytest.approx(4 / 7)
    assert only(ask("Open findings"), "findings") == 1
    assert only(ask("Open findings", "nobody"), "findings") == 0
    # A quarter of one of the two days was not covered.
    assert only(ask("Coverage"), "coverage") == pytest.approx(0.875)
    assert only(ask("Failure rate", "nobody"), "failure_rate") is None


@on_postgres
def test_messages_are_shown_by_status_at_the_day_of_utc(ask: Ask) -> None:
    first, second = ask("Messages by status")
    words = ("sent", "delivered", "read", "failed", "deleted", "unknown")
    assert first == {"time": utc(23), **dict.fromkeys(words, 1), "failed": 2}
    assert second == {"time": utc(24), **dict.fromkeys(words, 0), "failed": 2}


@on_postgres
def test_the_failure_rate_of_a_day_is_that_of_all_its_messages(ask: Ask) -> None:
    assert [(one["time"], one["failure_rate"]) for one in ask("Failure rate by day")] == [
        (utc(23), pytest.approx(0.4)),
        (utc(24), 1.0),
    ]


@on_postgres
def test_reasons_findings_and_discrepancies_are_listed(ask: Ask) -> None:
    assert [tuple(one.values()) for one in ask("Failure reasons")] == [
        ("(no reason given)", 1),
        ("failed", 1),
        ("sent", 1),
        ("x", 1),
    ]
    [kind] = ask("Open findings by kind")
    assert (kind["kind"], kind["severity"], kind["findings"]) == ("missing_locally", "error", 1)
    [row] = ask("Open discrepancies")
    assert (row["date"], row["discrepancy_id"], row["detail"]) == (
        date(2026, 4, 24),
        "a2",
        "no record holds it",
    )


@on_postgres
def test_coverage_has_a_line_for_each_account(ask: Ask) -> None:
    assert [tuple(one.values()) for one in ask("Coverage by day")] == [
        (utc(23), "d'or", pytest.approx(0.75)),
        (utc(24), "main", 1.0),
    ]


@on_postgres
def test_messages_are_counted_by_hour(ask: Ask) -> None:
    assert [tuple(one.values()) for one in ask("Messages by hour")] == [
        (utc(23, 12), 6, 1),
        (utc(23, 14), 1, 1),
        (utc(24), 2, 2),
    ]


@on_postgres
def test_fields_that_a_panel_names_are_in_its_answer_and_the_role_reads_nothing_else(
    ask: Ask, shared_database_url: str
) -> None:
    for title, panel in PANELS.items():
        [row, *_] = ask(title)
        named = {one["matcher"]["options"] for one in panel["fieldConfig"]["overrides"]}
        assert named <= set(row)
    reader = sa.create_engine(
        sa.make_url(shared_database_url).set(username=ROLE), poolclass=sa.NullPool
    )
    [choice] = [one for one in read()["templating"]["list"] if one["name"] == "account"]
    with reader.connect() as connection:
        assert [*connection.exec_driver_sql(choice["query"]).scalars()] == ["d'or", "main"]
    for sql in ("SELECT * FROM messages", "SELECT * FROM retry_exports", "CREATE TABLE x (n int)"):
        with reader.connect() as connection, pytest.raises(sa.exc.DBAPIError):
            connection.exec_driver_sql(sql)


def test_the_dashboard_names_no_data_source_of_a_machine() -> None:
    found = read()
    assert found["uid"] != json.loads(Path("deploy/monitoring/grafana.json").read_text())["uid"]
    [source, account] = found["templating"]["list"]
    assert (source["type"], source["query"]) == ("datasource", "grafana-postgresql-datasource")
    chosen = {"type": "grafana-postgresql-datasource", "uid": "${datasource}"}
    assert account["datasource"] == chosen
    for panel in PANELS.values():
        [target] = panel["targets"]
        assert panel["datasource"] == target["datasource"] == chosen
    assert len({panel["id"] for panel in PANELS.values()}) == len(PANELS)


def test_no_panel_lies_on_another() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in PANELS.values():
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not cells & taken
        taken |= cells


#: The options of a panel that Grafana's schemas of dashboards require.
REQUIRED: Final = {
    "stat": {
        *("graphMode", "colorMode", "justifyMode", "textMode", "wideLayout", "reduceOptions"),
        *("showPercentChange", "percentChangeColorMode", "orientation"),
    },
    "table": {"frameIndex", "showHeader"},
    "timeseries": {"legend", "tooltip"},
}


@pytest.mark.parametrize("path", [DASHBOARD, Path("deploy/monitoring/grafana.json")], ids=str)
def test_a_dashboard_has_what_grafanas_schemas_require(path: Path) -> None:
    found = json.loads(path.read_text())
    assert {"annotations", "panels", "templating", "time", "title", "uid"} <= set(found)
    for variable in found["templating"]["list"]:
        assert {"name", "type", "query"} <= set(variable)
        assert {"text", "value"} <= set(variable.get("current", {"text": "", "value": ""}))
    for panel in found["panels"]:
        if panel["type"] == "row":
            continue
        assert {"id", "type", "title", "gridPos", "targets"} <= set(panel)
        assert set(panel["fieldConfig"]) == {"defaults", "overrides"}
        if "options" in panel:
            assert REQUIRED[panel["type"]] <= set(panel["options"])
