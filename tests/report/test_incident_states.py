"""An incident is on top as long as one of its findings is open; after that it is known."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from recon.model import Incident, Run
from recon.report import html_report, incident_states, json_report, message, terminal_summary
from recon.report.message_text import mail_text, short_text
from tests.factories import finding, run, utc

OUTAGE = Incident(
    "1", {"stuck": 2}, utc("10:00:00"), utc("11:00:00"), "outage", "2 of 2 are an outage."
)
COUNTRY = Incident("2", {"stuck": 1}, None, None, "country", "1 of 1 begins with +44.")
SETTLED = ("acknowledged", "expected")


def made(lifecycle: Mapping[str, str]) -> Run:
    rows = [
        finding("stuck", "a", incident_id="1"),
        finding("stuck", "b", incident_id="1"),
        finding("stuck", "c", incident_id="2"),
    ]
    return run(rows, lifecycle=lifecycle, incidents=[OUTAGE, COUNTRY])


@pytest.mark.parametrize(
    ("lifecycle", "on_top", "known"),
    [
        ({}, ["2 findings", "1 finding"], []),
        ({"a": "acknowledged"}, ["2 findings, 1 acknowledged", "1 finding"], []),
        ({"a": "acknowledged", "b": "acknowledged"}, ["1 finding"], ["2 findings, acknowledged"]),
        ({"a": "expected", "c": "expected"}, ["2 findings, 1 expected"], ["1 finding, expected"]),
        (
            {"a": "expected", "b": "acknowledged"},
            ["1 finding"],
            ["2 findings, 1 acknowledged, 1 expected"],
        ),
    ],
)
def test_an_incident_is_known_once_none_of_its_findings_is_open(
    lifecycle: Mapping[str, str], on_top: list[str], known: list[str]
) -> None:
    assert [one.size for one in incident_states.to_act_on(made(lifecycle))] == on_top
    assert [one.size for one in incident_states.known(made(lifecycle))] == known


@pytest.mark.parametrize("state", SETTLED)
def test_a_known_incident_is_below_everywhere_and_complete_in_json(state: str) -> None:
    settled = made({"a": state, "b": state})
    terminal = terminal_summary.text(settled, colour=False, width=100)
    page = html_report.content(settled, mask=True).decode()
    told = message.of_night([settled])
    for text, first_detail in (
        (terminal, "records"),
        (page, '<h2 id="balance">'),
        (mail_text(told), "Your records"),
    ):
        assert text.index(COUNTRY.summary) < text.index(first_detail)
        assert text.index(first_detail) < text.index(OUTAGE.summary)
    assert OUTAGE.summary not in short_text(told)
    assert told.key == "2"
    assert [one["incident_id"] for one in json_report.summary(settled)["incidents"]] == ["1", "2"]
