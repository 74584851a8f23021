"""One sentence says what a run means for customers, the most urgent first."""

from __future__ import annotations

import pytest

from recon.model import Kind, LocalBalance, ProviderBalance, Span
from recon.report.headline import headline, overall
from recon.report.labels import KINDS_BY_URGENCY
from tests.factories import finding, run, utc


def missing(*numbers: str | None, kind: str = "missing_at_provider") -> list[dict[str, object]]:
    return [
        finding(kind, f"{at:016x}", phone_number=number) for at, number in enumerate(numbers, 1)
    ]


def test_consequences_come_by_urgency_and_not_as_counts_of_errors() -> None:
    rows = [
        *missing("+353871", "+353872"),
        finding("duplicate_send", "d", phone_number="+353871"),
        finding("recipient_mismatch", "r"),
    ]
    assert headline(run(rows)) == (
        "1 message went to another number than recorded, 2 customers did not get their message "
        "and 1 customer may have got a message twice."
    )


def test_what_is_less_urgent_is_counted() -> None:
    rows = [finding(kind.value, f"{n:016x}") for n, kind in enumerate(Kind)]
    said = headline(run(rows))
    assert said.endswith("1 customer may have got a message twice; 9 other findings.")
    more = [*rows, *missing("+1", "+2", kind="recipient_mismatch")]
    assert headline(run(more)).startswith("3 messages went to other numbers than recorded, ")


def test_the_order_of_urgency_names_every_kind_once() -> None:
    assert sorted(KINDS_BY_URGENCY) == sorted(Kind)
    assert KINDS_BY_URGENCY[:2] == (Kind.RECIPIENT_MISMATCH, Kind.MISSING_AT_PROVIDER)
    assert KINDS_BY_URGENCY[-1] is Kind.UNVERIFIABLE


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        (["+1"], "1 customer did not get their message."),
        (["+1", "+1", "+1"], "1 customer did not get 3 messages."),
        (["+1", "+1", "+2"], "2 customers did not get 3 messages."),
        (["+1", None, None], "3 customers did not get their message."),
    ],
)
def test_customers_are_counted_once_whatever_they_did_not_get(
    numbers: list[str | None], said: str
) -> None:
    assert headline(run(missing(*numbers))) == said


def test_contradicting_statuses_are_told_apart_by_what_follows() -> None:
    rows = [
        finding("status_mismatch", str(at), local_status=recorded, provider_status=sent)
        for at, (recorded, sent) in enumerate(
            [
                ("delivered", "failed"),
                ("sent", "failed"),
                ("not_sent", "sent"),
                ("failed", "delivered"),
                ("read", "sent"),
            ]
        )
    ]
    assert headline(run(rows)) == (
        "2 messages failed although recorded as sent, 2 messages went out although recorded as "
        "failed or not sent and 1 message has a different status than recorded."
    )


def test_what_is_acknowledged_or_expected_is_not_in_the_sentence() -> None:
    rows = missing("+1", "+2", "+3")
    first, second, third = (str(row["discrepancy_id"]) for row in rows)
    states = {first: "acknowledged", second: "expected"}
    assert headline(run(rows, lifecycle=states)) == "1 customer did not get their message."
    states[third] = "acknowledged"
    known = "Nothing new is wrong: 3 findings are acknowledged or expected."
    assert headline(run(rows, lifecycle=states)) == known
    assert headline(run(rows, kind="clean", lifecycle=states)) == known


def test_a_verdict_without_findings_is_said_with_what_it_rests_on() -> None:
    gaps = [Span(utc("01:00:00"), utc("03:20:00"))]
    local, provider = LocalBalance(unverifiable=1), ProviderBalance(unverifiable=2)
    assert headline(run()) == "Everything agrees."
    assert headline(run(kind="nothing_to_compare")).startswith("There was nothing to compare")
    assert headline(run(kind="incomplete", gaps=gaps)) == (
        "Nothing wrong was found, but 2 h 20 min of the day could not be checked."
    )
    assert headline(run(kind="incomplete", gaps=gaps, local=local, provider=provider)) == (
        "Nothing wrong was found, but 1 record and 2 messages could not be checked."
    )
    assert headline(run(kind="incomplete", gaps=[Span(None, None)])) == (
        "Nothing wrong was found, but not everything could be checked."
    )


def test_suspect_input_is_said_with_what_was_seen() -> None:
    made = run(kind="suspect", suspicions=["The records hold 12 records, Octopods has none.", "x"])
    assert headline(made) == (
        "The input looks wrong: the records hold 12 records, Octopods has none."
    )


# --- several days or accounts ------------------------------------------------------------------


def test_findings_of_several_runs_are_added_up() -> None:
    runs = [run(missing("+1")), run(missing("+2", "+2"), account="other"), run()]
    assert overall(runs) == "2 customers did not get 3 messages."


def test_what_is_suspect_or_incomplete_is_named_by_what_tells_it_apart() -> None:
    wrong = run(kind="suspect", suspicions=["x"], account="shop")
    open_day = run(kind="incomplete", gaps=[Span(None, None)])
    assert overall([run(missing("+1")), wrong]) == (
        "The input looks wrong for shop; 1 customer did not get their message."
    )
    assert overall([run(), open_day, run(account="shop")]) == (
        "Nothing wrong was found, but not everything could be checked for main."
    )
    other_day = run(kind="incomplete", gaps=[Span(None, None)], day="2026-04-22")
    assert overall([run(), other_day]).endswith("everything could be checked for 2026-04-22.")


def test_many_names_are_cut_short_and_counted() -> None:
    runs = [run(kind="incomplete", account=name) for name in "abcde"]
    assert overall(runs).endswith("for a, b, c and 2 more.")


def test_several_runs_without_findings_say_so_once() -> None:
    assert overall([run(), run(account="other")]) == "Everything agrees."
    empty = run(kind="nothing_to_compare")
    assert overall([empty, empty]).startswith("There was nothing to compare")
    assert overall([empty, run()]) == "Everything agrees."
