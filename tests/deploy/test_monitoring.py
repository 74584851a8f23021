"""Alerts and dashboard ask for metrics that are written."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from recon.model import Kind, LocalBalance, ProviderBalance, RequestCounts
from recon.report.metrics import (
    AccountMetrics,
    CommandMetrics,
    DayMetrics,
    FindingCount,
    LastRun,
    Latency,
    content,
)
from tests.factories import DUBLIN, NOON, at

DEPLOY = Path(__file__).parents[2] / "deploy"
MONITORING = DEPLOY / "monitoring"
NAME = re.compile(r"\brecon_[a-z_]+\b")


def written() -> str:
    """Return metrics of a command in which everything occurs."""
    day = DayMetrics(
        DUBLIN,
        LocalBalance(matched=1),
        ProviderBalance(matched=1),
        gaps=(),
        requests=RequestCounts(list=1),
        latencies=[Latency(0.5, timedelta(), timedelta(seconds=9))],
    )
    findings = [FindingCount("stuck", "open", 1, at(0))]
    return content(
        CommandMetrics(
            finished=at(60),
            duration=timedelta(seconds=60),
            last_runs={"main": LastRun(NOON.timestamp(), 0)},
            accounts=[AccountMetrics("main", at(0), findings, day)],
        )
    ).decode()


def names_in(text: str) -> set[str]:
    return set(NAME.findall(text))


def test_alerts_and_dashboard_ask_for_metrics_that_are_written() -> None:
    values = {line.partition("{")[0].split()[0] for line in written().splitlines()}
    alerts, dashboard = (
        names_in((MONITORING / name).read_text()) for name in ("alerts.yaml", "grafana.json")
    )
    assert alerts <= values
    assert dashboard <= values


def test_every_metric_is_on_the_dashboard_and_in_the_page_on_notifications() -> None:
    values = names_in(written())
    page = Path("docs/notifications.md").read_text()
    assert values <= names_in((MONITORING / "grafana.json").read_text())
    assert values <= names_in(page)


def test_alerts_on_kinds_name_every_kind_that_is_an_error() -> None:
    [kinds] = re.findall(r'kind=~"([a-z_|]+)"', (MONITORING / "alerts.yaml").read_text())
    assert set(kinds.split("|")) == {kind.value for kind in Kind if kind.severity == "error"}


def test_the_dashboard_asks_with_labels_that_are_written() -> None:
    text = written()
    for panel in json.loads((MONITORING / "grafana.json").read_text())["panels"]:
        for target in panel["targets"]:
            [name, *_] = NAME.findall(target["expr"])
            for label in re.findall(r"by \(([a-z, ]+)\)", target["expr"]):
                for one in label.split(", "):
                    assert re.search(rf"^{name}{{[^}}]*{one}=", text, re.MULTILINE), target


def test_coverage_is_the_share_of_the_window_outside_its_gaps() -> None:
    from recon.model import Span

    start = DUBLIN.start
    assert start is not None
    quarter = start + timedelta(hours=6)
    far = datetime(2026, 1, 1, tzinfo=UTC)

    def share(*gaps: Span) -> float:
        nothing = LocalBalance(), ProviderBalance()
        return DayMetrics(DUBLIN, *nothing, gaps=gaps, requests=RequestCounts()).coverage

    assert share() == 1
    assert share(Span(None, quarter)) == share(Span(far, quarter)) == pytest.approx(0.75)
    assert share(Span(None, None)) == 0
