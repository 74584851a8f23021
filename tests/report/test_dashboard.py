"""The dashboard: one page that needs no network, and whose figures are those that are counted."""

from __future__ import annotations

import base64
import hashlib
import json
import re

import pytest

from recon.core.day_figures import CostEstimate, DayFigures, summed
from recon.model import Decision, RequestCounts, RetryRule
from recon.report.dashboard_layout import UNKNOWN
from tests.report.dashboards import busy, figures, page
from tests.report.html_reader import Reader

TWO = ("main", "support")


def read(content: bytes) -> Reader:
    reader = Reader()
    reader.feed(content.decode())
    reader.close()
    return reader


def tiles(content: bytes) -> dict[str, str]:
    """Return the large figures by their titles."""
    found = re.findall(r"<dt>(.*?)</dt><dd class=\"value\">(.*?)</dd>", content.decode())
    return dict(found)


def column(reader: Reader, table: str, title: str) -> list[str]:
    head, *rows = reader.tables[table]
    return [row[head.index(title)] for row in rows]


def test_the_totals_are_those_of_all_days_and_accounts() -> None:
    made = busy(30, TWO)
    whole = summed(made)
    assert whole is not None
    assert whole.cost is not None
    found = tiles(page(made, accounts=TWO, currency="EUR"))
    assert found == {
        "messages": f"{whole.total:,}",
        "delivered": f"{whole.delivered_rate:.1%}",
        "read": f"{whole.read_rate:.1%}",
        "failed": f"{whole.failure_rate:.1%}",
        "open findings": f"{sum(whole.findings.values()):,}",
        "incidents": f"{whole.incidents:,}",
        "of the time covered": f"{whole.coverage:.1%}",
        "requests": f"{whole.requests.list + whole.requests.status:,}",
        "EUR spent (estimate)": f"{whole.cost.spent:,.2f}",
    }


@pytest.mark.parametrize(
    ("table", "title", "key"),
    [
        ("messages", "messages", "total"),
        *(
            ("messages", one, one)
            for one in ("read", "delivered", "sent", "deleted", "unknown", "failed")
        ),
        ("failures", "failed messages", "failed"),
        ("findings", "opened", "opened"),
        ("findings", "resolved", "resolved"),
        ("incidents", "incidents", "incidents"),
    ],
)
def test_behind_each_chart_is_a_table_with_the_counts_of_each_day(
    table: str, title: str, key: str
) -> None:
    made = busy(30, ["main"])
    reader = read(page(made))
    expected = [f"{one.date:%a} {one.date}" for one in made]
    assert column(reader, f"table-{table}", "day") == expected
    counts = [f"{getattr(one, key):,}" for one in made]
    assert column(reader, f"table-{table}", title) == counts


def test_rates_requests_and_cost_are_in_the_tables_too() -> None:
    counts = RequestCounts(2, 31, 1)
    one = figures(read=40, failed=2, requests=counts, cost=CostEstimate(2.5, 0.25, 0.5, 3))
    reader = read(page([one], days=1, currency="EUR"))
    assert column(reader, "table-failures", "failed") == ["4.8%"]
    assert reader.tables["table-coverage"][1][1:] == ["100.0%", "0.0%"]
    assert reader.tables["table-requests"][1][1:] == ["2", "31", "1"]
    assert reader.tables["table-cost"][1][1:] == ["2.50", "0.25", "0.50", "3"]


def test_of_time_that_is_not_covered_a_count_is_unknown_and_not_zero() -> None:
    made = [figures(1, covered_seconds=0.0), figures(2, covered_seconds=None), figures(3, read=1)]
    reader = read(page(made, days=4))
    assert column(reader, "table-messages", "messages") == [UNKNOWN, UNKNOWN, UNKNOWN, "1"]
    assert column(reader, "table-coverage", "covered") == [UNKNOWN, "0.0%", UNKNOWN, "100.0%"]
    assert column(reader, "table-failures", "failed") == [UNKNOWN, UNKNOWN, UNKNOWN, "0.0%"]


def test_a_covered_day_without_messages_has_none() -> None:
    reader = read(page([figures()], days=1))
    assert column(reader, "table-messages", "messages") == ["0"]


@pytest.mark.parametrize("made", [[], [figures(covered_seconds=0.0)]])
def test_where_nothing_is_known_the_page_says_what_to_do(made: list[DayFigures]) -> None:
    content = page(made, days=30).decode()
    assert '<p class="lead" id="nothing">Nothing is known about these days' in content
    assert '<div id="content" hidden>' in content


def test_reasons_are_counted_the_commonest_first_and_the_rest_together() -> None:
    day, other = {"busy  number": 3, "": 2, "+353 87 123 4567 unknown": 5}, {"busy number": 4}
    made = [figures(failed=12, failure_reasons=day, other_reasons=2)]
    made.append(figures(1, "support", failed=4, failure_reasons=other))
    content = page(made, accounts=TWO)
    texts = re.findall(r'<th scope="row">([^<]+)(?:<small>[^<]+</small>)?</th>', content.decode())
    rows = read(content).tables["reasons"][1:]
    assert texts[-len(rows) :] == [
        "busy number",
        "+353••••••567 unknown",
        "no reason given",
        "other reasons",
    ]
    assert [row[1:] for row in rows] == [["7", "43.8%"], ["5", "31.3%"], *[["2", "12.5%"]] * 2]
    assert "+353 87 123 4567 unknown" in read(page(made, accounts=TWO, mask=False)).text


def test_a_reason_is_explained_by_the_rules_of_the_configuration_and_else_by_what_is_known() -> (
    None
):
    made = [figures(failed=2, failure_reasons={"(#131026) Message undeliverable": 1, "quota": 1})]
    rule = RetryRule(Decision.RETRY, "It resets at midnight.", pattern="quota")
    [first, second] = [row[0] for row in read(page(made, rules=[rule])).tables["reasons"][1:]]
    assert "cannot be reached on WhatsApp (do not send again). Check the number" in first
    assert second == "quotaA rule of the configuration (may be sent again). It resets at midnight."


def test_open_findings_are_listed_by_urgency_with_their_meaning() -> None:
    made = [figures(findings={"stuck": 2, "missing_locally": 1}), figures(1, findings={"stuck": 1})]
    _, *rows = read(page(made)).tables["kinds"]
    assert rows == [
        ["Missing locally", "Octopods has the message; the records do not.", "1"],
        ["Stuck", "Long after it was sent, it is neither delivered nor failed.", "3"],
    ]


def test_each_account_has_a_row() -> None:
    made = [figures(read=3, failed=1), figures(account="support", sent=2)]
    _, *rows = read(page(made, accounts=("support", "main", "new"))).tables["accounts"]
    assert [row[:5] for row in rows] == [
        ["support", "2", UNKNOWN, UNKNOWN, UNKNOWN],
        ["main", "4", "75.0%", "100.0%", "25.0%"],
        ["new", UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN],
    ]


def test_cost_is_shown_only_where_rates_are_configured() -> None:
    assert "estimate" not in read(page(busy(2, ["main"]), days=2)).text
    assert "Cost in EUR (estimate)" in read(page([], currency="EUR")).text


def test_every_chart_has_a_heading_a_role_a_title_and_a_table() -> None:
    content = page(busy(3, ["main"]), days=3, currency="EUR")
    reader = read(content)
    charts = [attributes for tag, attributes in reader.tags if tag == "svg"]
    assert len(charts) == 7
    ids = {attributes.get("id") for _, attributes in reader.tags}
    for chart in charts:
        name = str(chart["aria-labelledby"]).removeprefix("t-")
        assert chart["role"] == "img"
        assert {f"t-{name}", f"h-{name}", f"table-{name}"} <= ids
        assert re.search(f'<title id="t-{name}">[^<]+ by day; the table below', content.decode())


def test_a_long_time_is_drawn_by_week_so_that_bars_can_be_told_apart() -> None:
    accounts = [f"account-{n:02}" for n in range(50)]
    content = page(busy(400, accounts), days=400, accounts=accounts, currency="EUR")
    assert len(content) < 1_500_000
    reader = read(content)
    weeks = column(reader, "table-messages", "week")
    assert (weeks[0], weeks[1], weeks[-1]) == (
        "2026-04-20 to 2026-04-23",
        "2026-04-13 to 2026-04-19",
        "2025-03-20 to 2025-03-23",
    )
    assert len(reader.tables["accounts"]) == 51
    bars = re.findall(r"<path class=\"t-[^>]+ d=\"([^\"]*)\"", content.decode())
    assert max(path.count("M") for path in bars) == len(weeks) == 58


def test_all_failed_messages_have_a_reason_however_many_there_are() -> None:
    accounts = [f"account-{n:02}" for n in range(50)]
    made = busy(40, accounts)
    rows = read(page(made, days=40, accounts=accounts)).tables["reasons"][1:]
    assert len(rows) == 21
    assert sum(int(row[1].replace(",", "")) for row in rows) == sum(one.failed for one in made)


def test_what_the_data_say_is_never_markup() -> None:
    evil = "</script><script>alert('x')</script>\"&amp;\u2028<!--"
    made = [figures(account=evil, failed=1, failure_reasons={evil: 1}, findings={"stuck": 1})]
    content = page(made, accounts=(evil,))
    assert content.count(b"<script") == 2
    assert content.count(b"</script>") == 2
    reader = read(content)
    data = json.loads(reader.scripts[0])
    assert [account["name"] for account in data["accounts"]] == [evil]
    assert reader.tables["accounts"][1][0] == evil
    assert reader.tables["reasons"][1][0].startswith(" ".join(evil.split()))


def test_a_reason_without_end_is_cut() -> None:
    made = [figures(failed=1, failure_reasons={"x" * 5000: 1})]
    assert read(page(made)).tables["reasons"][1][0].startswith("x" * 199 + "…")


def test_the_page_asks_for_nothing_and_runs_only_its_own_script() -> None:
    content = page(busy(30, TWO), accounts=TWO, currency="EUR")
    reader = read(content)
    assert not {"link", "img", "iframe", "object", "a"} & {tag for tag, _ in reader.tags}
    for _, attributes in reader.tags:
        assert not {"src", "srcset", "action", "data", "href"} & set(attributes)
        assert not [name for name in attributes if name.startswith("on")]
    assert not re.search(rb"url\(|@import|https?:|fetch\(|XMLHttpRequest|innerHTML", content)
    digest = base64.b64encode(hashlib.sha256(reader.scripts[1].encode()).digest()).decode()
    policy = next(one["content"] for tag, one in reader.tags if one.get("http-equiv"))
    assert policy == (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    )
