"""Which findings the rules of an account cover."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time

import pytest

from recon.core import calendar, expected
from recon.core.expected import ExpectedRule
from recon.model import Incident, Kind, ProviderBalance, Span, Verdict
from tests.factories import DUBLIN, at, finding, findings_frame, run, utc

UNTIL = date(2026, 12, 31)
RULE = ExpectedRule(Kind.MISSING_LOCALLY, "a test phone", UNTIL)


def verdict(*rows: dict[str, object], gaps: tuple[Span, ...] = ()) -> Verdict:
    balance = ProviderBalance(missing_locally=len(rows))
    return run(list(rows), gaps=gaps, provider=balance).verdict


def missing(identity: str, **values: object) -> dict[str, object]:
    return finding("missing_locally", identity, **values)


def covered(rule: ExpectedRule, *rows: dict[str, object], region: str | None = None) -> list[str]:
    return list(expected.apply(verdict(*rows), [rule], region).expected)


def test_a_rule_covers_findings_of_its_kind_until_its_last_day() -> None:
    rows = missing("a"), finding("stuck", "b")
    assert covered(RULE, *rows) == ["a"]
    assert covered(replace(RULE, until=date(2026, 4, 23)), *rows) == ["a"]
    over = replace(RULE, until=date(2026, 4, 22))
    assert list(expected.apply(verdict(*rows), [over, RULE]).expected) == ["a"]
    found = expected.apply(verdict(*rows), [over])
    assert found.expected == {}
    [said] = found.notes
    assert said.startswith("The rule 'a test phone' (missing_locally) ended on 2026-04-22: remove")


@pytest.mark.parametrize(
    ("pattern", "ids"),
    [
        ("+353850000*", ["a", "b"]),
        ("+35385000000?", ["a", "b"]),
        ("085*", ["b"]),
        ("+353*", ["a", "b", "c"]),
        ("*", ["a", "b", "c", "d"]),
        ("+3538500000", []),
        ("IE.1*", ["d"]),
        (".*", []),
        ("[+]353*", []),
    ],
)
def test_a_number_is_compared_as_it_is_spelled_and_in_e164(pattern: str, ids: list[str]) -> None:
    rows = (
        missing("a", phone_number="+353850000001"),
        missing("b", phone_number="085 000 0002", local_phone_number="085 000 0002"),
        missing("c", phone_number="+353860000001"),
        missing("d", phone_number="IE.13491"),
        missing("e"),
    )
    assert covered(replace(RULE, phone_number=pattern), *rows, region="IE") == ids


def test_a_reason_is_compared_whatever_its_case() -> None:
    rows = (
        missing("a", failure_reason="Recipient is not a WhatsApp user. (470)"),
        missing("b", failure_reason="Template paused"),
        missing("c"),
    )
    assert covered(replace(RULE, failure_reason="*not a whatsapp USER*(470)"), *rows) == ["a"]
    assert covered(replace(RULE, failure_reason="*"), *rows) == ["a", "b"]


def test_the_status_is_octopods_and_without_a_message_the_records() -> None:
    rows = (
        missing("a", provider_status="failed", local_status="sent"),
        missing("b", provider_status="sent", local_status="failed"),
        missing("c", local_status="failed"),
    )
    assert covered(replace(RULE, status="failed"), *rows) == ["a", "c"]


@pytest.mark.parametrize(
    ("start", "end", "ids"),
    [
        (time(10), time(11), ["noon"]),  # 11:00 in Dublin is 10:00 UTC
        (time(11), time(12), ["ten"]),
        (time(22), time(6), ["night", "early"]),
        (time(0), time(23, 59, 59), ["ten", "noon", "night", "early"]),
    ],
)
def test_times_are_those_of_the_windows_zone_and_may_cross_midnight(
    start: time, end: time, ids: list[str]
) -> None:
    rows = (
        missing("ten", provider_sent_at=utc("10:00:00")),
        missing("noon", local_sent_at=utc("09:59:59")),
        missing("night", provider_sent_at=utc("21:00:00")),
        missing("early", provider_sent_at=utc("04:59:59"), local_sent_at=utc("12:00:00")),
        missing("never"),
    )
    assert covered(replace(RULE, times=(start, end)), *rows) == ids


def test_dates_are_those_of_the_window() -> None:
    rule = replace(RULE, days=(date(2026, 4, 23), date(2026, 4, 24)))
    assert covered(rule, missing("a", provider_sent_at=at(0))) == ["a"]
    for day in ("2026-04-22", "2026-04-25"):
        window = calendar.window(date.fromisoformat(day), DUBLIN.zone)
        frame = findings_frame([missing("a")])
        assert not expected.matches(rule, frame, window).any()


def test_a_day_with_more_than_a_rule_expects_is_reported_whole() -> None:
    rows = [missing(letter) for letter in "abc"]
    assert covered(replace(RULE, at_most=3), *rows) == ["a", "b", "c"]
    found = expected.apply(verdict(*rows), [replace(RULE, at_most=2)])
    assert (found.expected, found.kind) == ({}, "discrepancies")
    [said] = found.notes
    assert said.startswith("3 findings of this day match the rule 'a test phone'")
    assert said.endswith("which expects at most 2: it covers none of them.")


def test_another_rule_may_cover_what_one_leaves_and_the_first_one_counts() -> None:
    rows = [missing(letter, provider_status="sent" if letter == "a" else "read") for letter in "ab"]
    few = replace(RULE, reason="few", at_most=1)
    sent = replace(RULE, reason="sent", status="sent")
    found = expected.apply(verdict(*rows), [few, sent, RULE])
    assert found.expected == {"a": "sent", "b": "a test phone"}


def test_expected_findings_are_no_reason_for_a_verdict() -> None:
    gap = (Span(at(0), at(60)),)
    doubt = finding("unverifiable", "u")
    assert expected.apply(verdict(missing("a")), [RULE]).kind == "clean"
    assert expected.apply(verdict(missing("a"), gaps=gap), [RULE]).kind == "incomplete"
    assert expected.apply(verdict(missing("a"), doubt), [RULE]).kind == "incomplete"
    assert expected.apply(verdict(missing("a"), finding("stuck", "b")), [RULE]).kind == (
        "discrepancies"
    )
    assert len(expected.apply(verdict(missing("a")), [RULE]).findings) == 1


def test_a_suspect_day_and_a_day_without_rules_stay_as_they_are() -> None:
    suspect = run(kind="suspect", suspicions=["no message at all"]).verdict
    assert expected.apply(suspect, [RULE]) is suspect
    plain = verdict(missing("a"))
    assert expected.apply(plain, []) is plain


def test_an_incident_of_expected_findings_stays_in_the_verdict_as_its_findings_do() -> None:
    rows = [
        missing("a", incident_id="1"),
        missing("b", incident_id="2"),
        finding("stuck", "c", incident_id="2"),
    ]
    incidents = tuple(Incident(one, {}, None, None, "outage", "An outage.") for one in "12")
    found = expected.apply(replace(verdict(*rows), incidents=incidents), [RULE])
    assert [one.incident_id for one in found.incidents] == ["1", "2"]
    assert set(found.findings["incident_id"]) == {"1", "2"}
