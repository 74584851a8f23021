"""What may be sent again: every rule, and that more knowledge never permits what was forbidden."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recon.core import buckets, calendar, retry_decisions
from recon.core.policy import Policy
from recon.core.retry_decisions import Decided
from recon.model import Decision, RetryRule
from tests.factories import DAY, EVER, NOON, NUMBER, Record, Sent, local_side, provider_side

WINDOWS = calendar.windows(date(2026, 4, 23), date(2026, 4, 24), "UTC")
OTHER = "+353871234568"
US, CANADA = "+12125550123", "+14165550123"
CAP = "(#131049) In order to maintain a healthy ecosystem engagement"
BUSY = "(#131016) Service unavailable"
NOW = datetime(2026, 4, 25, 3, tzinfo=NOON.tzinfo)


def exports(*rows: tuple[int, str | None, str, str, datetime, int]) -> pd.DataFrame:
    ids, records, numbers, days, times, attempts = zip(*rows, strict=True) if rows else [()] * 6
    return pd.DataFrame(
        {
            "message_id": pd.Series(ids, dtype="int64"),
            "local_id": pd.Series(records, dtype="str"),
            "phone_number": pd.Series(numbers, dtype="str"),
            "date": pd.Series(days, dtype="str"),
            "exported_at": pd.Series(times, dtype=pd.DatetimeTZDtype("us", "UTC")),
            "attempt": pd.Series(attempts, dtype="int64"),
        }
    )


def decide(
    records: Sequence[Record],
    messages: Sequence[Sent],
    *,
    categories: Mapping[str, str] | None = None,
    rules: Sequence[RetryRule] = (),
    before: pd.DataFrame | None = None,
    again: bool = False,
) -> Decided:
    policy = Policy()
    case = buckets.classify(WINDOWS, local_side(records), provider_side(messages), EVER, policy)
    return retry_decisions.decide(
        case,
        [DAY],
        policy=policy,
        categories=categories or {},
        retry_rules=rules,
        exports=exports() if before is None else before,
        now=NOW,
        again=again,
    )


def one(decided: Decided) -> tuple[str, str]:
    [send] = decided.sends.to_dict("records")
    return send["decision"], send["why"]


def failed(reason: str | None = BUSY, *, number: str = NUMBER) -> list[Sent]:
    return [Sent(1, 0, number, "failed", reason)]


PAIR = [Record(7, 1, 0, status="failed")]


def test_a_passing_failure_may_be_sent_again_after_a_time() -> None:
    found = decide(PAIR, failed()).sends
    assert list(found.columns) == list(retry_decisions.COLUMNS)
    [send] = found.to_dict("records")
    assert (send["date"], send["message_id"], send["local_id"]) == (DAY, 1, "7")
    assert (send["phone_number"], send["failure_reason"]) == (NUMBER, BUSY)
    assert (send["decision"], send["scope"], send["attempt"]) == ("retry", "account", 1)
    assert send["not_before"] == NOON + timedelta(hours=1)


@pytest.mark.parametrize(
    ("reason", "decision"),
    [
        (CAP, "retry"),
        ("Recipient is not a WhatsApp user.", "do_not_retry"),
        ("Nobody has ever seen this", "review"),
        (None, "review"),
    ],
)
def test_the_reason_decides(reason: str | None, decision: str) -> None:
    found = decide(PAIR, failed(reason)).sends
    assert found["decision"].tolist() == [decision]
    assert found["not_before"].notna().tolist() == [decision == "retry"]


def test_a_message_that_no_record_names_is_decided_too() -> None:
    assert one(decide([], failed()))[0] == "retry"


def test_a_failed_record_that_octopods_does_not_have_is_reviewed() -> None:
    assert one(decide([Record(7, None, 0, status="failed")], []))[0] == "review"
    assert one(decide([Record(7, 99, 0, status="failed")], [Sent(2, 0, OTHER)]))[0] == "review"


def test_a_record_in_a_gap_is_no_failed_send() -> None:
    policy = Policy()
    records = local_side([Record(7, 9, 0, status="failed")])
    case = buckets.classify(WINDOWS, records, provider_side([Sent(2, 0, OTHER)]), (), policy)
    made = retry_decisions.decide(
        case, [DAY], policy=policy, categories={}, retry_rules=(), exports=exports(), now=NOW
    )
    assert made.sends.empty


@pytest.mark.parametrize("status", ["sent", "delivered", "read", "deleted"])
def test_what_octopods_says_reached_the_number_is_never_sent_again(status: str) -> None:
    decision, why = one(decide(PAIR, [Sent(1, 0, NUMBER, status)]))
    assert (decision, why) == ("do_not_retry", f"the record says failed, Octopods says {status}")


def test_a_record_that_contradicts_a_failed_message_is_reviewed() -> None:
    decision, why = one(decide([Record(7, 1, 0, status="delivered")], failed()))
    assert (decision, why) == ("review", "the record and Octopods contradict each other")
    assert one(decide([Record(7, 1, 0, OTHER, "failed")], failed()))[0] == "review"


def test_a_record_without_a_status_contradicts_nothing() -> None:
    assert one(decide([Record(7, 1, 0, status=None)], failed()))[0] == "retry"


@pytest.mark.parametrize("status", ["sent", "delivered", "read"])
@pytest.mark.parametrize(
    ("seconds", "decision"), [(60, "do_not_retry"), (86_400, "do_not_retry"), (86_460, "retry")]
)
def test_a_later_message_to_the_number_within_a_day_closes_it(
    status: str, seconds: float, decision: str
) -> None:
    later = [Record(8, 2, seconds, status=status)]
    found = decide([*PAIR, *later], [*failed(), Sent(2, seconds, NUMBER, status)])
    assert one(found)[0] == decision


def test_a_later_message_to_another_number_or_one_that_failed_closes_nothing() -> None:
    assert one(decide(PAIR, [*failed(), Sent(2, 60, OTHER)]))[0] == "retry"
    both = decide(PAIR, [*failed(), Sent(2, 600, NUMBER, "failed", BUSY)]).sends
    assert both["decision"].tolist() == ["review", "retry"]


def test_a_recorded_send_counts_before_octopods_lists_it() -> None:
    assert one(decide([*PAIR, Record(8, None, 600)], failed()))[0] == "do_not_retry"


def test_authentication_is_never_sent_again() -> None:
    decision, why = one(decide(PAIR, failed(), categories={"7": "authentication"}))
    assert (decision, why) == ("do_not_retry", "an authentication code is no longer of use")
    assert one(decide(PAIR, failed(), categories={"7": "utility"}))[0] == "retry"


def test_a_template_outside_the_window_is_reviewed_and_free_text_is_not() -> None:
    said = failed("Re-engagement window expired (code 470)")
    assert one(decide(PAIR, said))[0] == "retry"
    assert one(decide(PAIR, said, categories={"7": "marketing"}))[0] == "review"


def test_marketing_goes_to_canada_and_not_to_the_united_states() -> None:
    assert one(decide([], failed(CAP, number=US)))[0] == "do_not_retry"
    assert one(decide([], failed(CAP, number=CANADA)))[0] == "retry"
    assert one(decide([], failed(BUSY, number=US)))[0] == "retry"


def test_a_failure_of_the_account_is_one_hold_and_its_sends_are_reviewed() -> None:
    sent = [Sent(n, 60 * n, f"+35387123{n:04}", "failed", "(#131042) payment") for n in (1, 2, 3)]
    paused = Sent(4, 600, OTHER, "failed", "Template was deactivated")
    found = decide([], [*sent, paused])
    assert [(hold.reason.name, hold.sends) for hold in found.holds] == [
        ("payment", 3),
        ("template_inactive", 1),
    ]
    assert found.sends["decision"].tolist() == ["review"] * 4
    assert found.sends["scope"].tolist() == ["account"] * 3 + ["template"]


def test_a_rule_of_the_configuration_goes_first() -> None:
    rule = RetryRule(Decision.RETRY, "resets at midnight", 6, pattern="payment")
    found = decide([], failed("(#131042) payment"), rules=[rule])
    assert one(found)[0] == "retry"
    assert found.sends["not_before"].tolist() == [NOON + timedelta(hours=6)]
    assert found.holds == []


def test_what_was_proposed_is_not_proposed_again_unless_asked() -> None:
    before = exports((1, "7", NUMBER, DAY, NOW, 1))
    assert one(decide(PAIR, failed(), before=before)) == (
        "review",
        "already proposed on 2026-04-25",
    )
    found = decide(PAIR, failed(), before=before, again=True)
    assert (one(found)[0], found.sends["attempt"].tolist()) == ("retry", [1])


def test_a_record_is_proposed_three_times_at_most_and_waits_longer_each_time() -> None:
    old = NOW - timedelta(days=9)
    rows = [(n, "7", NUMBER, f"2026-04-1{at}", old, at) for at, n in enumerate((91, 92, 93))]
    third = decide(PAIR, failed(CAP), before=exports(*rows[:2])).sends
    assert (third["decision"].tolist(), third["attempt"].tolist()) == (["retry"], [3])
    assert third["not_before"].tolist() == [NOON + timedelta(hours=72)]
    assert one(decide(PAIR, failed(CAP), before=exports(*rows)))[0] == "review"


def test_a_number_is_proposed_once_within_a_day() -> None:
    another = exports((99, None, NUMBER, "2026-04-20", NOW - timedelta(hours=23), 1))
    assert one(decide(PAIR, failed(), before=another))[0] == "review"
    of_the_day = exports((99, None, NUMBER, DAY, NOW - timedelta(days=3), 1))
    assert one(decide(PAIR, failed(), before=of_the_day))[0] == "review"
    long_ago = exports((99, None, NUMBER, "2026-04-20", NOW - timedelta(hours=25), 1))
    assert one(decide(PAIR, failed(), before=long_ago))[0] == "retry"


def test_a_message_that_is_sent_has_not_failed() -> None:
    found = decide([], [Sent(1, 0, NUMBER, "sent"), Sent(2, 60, OTHER, "delivered")])
    assert found.sends.empty
    assert (found.on_their_way, found.until) == (1, NOON + timedelta(days=30))


def test_a_failure_of_another_day_is_left_to_it() -> None:
    assert decide([], [Sent(1, 50_000, NUMBER, "failed", BUSY)]).sends.empty


STATUSES = ["failed", "failed", "sent", "delivered", "unknown"]
REASONS = [BUSY, CAP, "Recipient is not a WhatsApp user.", "(#131042) payment", "odd", None]


#: Seconds after noon: within a tolerance of each other, and hours apart.
TIMES = st.one_of(
    st.integers(0, 6).map(lambda n: n * 60), st.integers(0, 40).map(lambda n: n * 1000)
)
CATEGORIES = st.dictionaries(
    st.sampled_from(list("123456")), st.sampled_from(["authentication", "marketing", "utility"])
)


@st.composite
def days(draw: st.DrawFn) -> tuple[list[Record], list[Sent]]:
    messages = [
        Sent(
            n + 1,
            draw(TIMES),
            draw(st.sampled_from([NUMBER, OTHER, US])),
            draw(st.sampled_from(STATUSES)),
            draw(st.sampled_from(REASONS)),
        )
        for n in range(draw(st.integers(1, 6)))
    ]
    records = [
        Record(
            sent.message_id,
            draw(st.sampled_from([sent.message_id, None])),
            sent.sent_at + draw(st.sampled_from([0, 0, 90, -90])),
            sent.phone_number,
            status,
        )
        for sent in messages
        if (status := draw(st.sampled_from([None, "none", "failed", "sent"]))) != "none"
    ]
    return records, messages


@settings(max_examples=15, deadline=None)
@given(days(), TIMES, st.sampled_from([NUMBER, OTHER]), st.sampled_from(STATUSES), CATEGORIES)
def test_one_more_message_never_permits_what_was_forbidden(
    sides: tuple[list[Record], list[Sent]],
    at: int,
    number: str,
    status: str,
    categories: dict[str, str],
) -> None:
    records, messages = sides
    before = decide(records, messages, categories=categories)
    more = [*messages, Sent(99, at + 30, number, status, BUSY)]
    after = decide(records, more, categories=categories)
    for name in ("message_id", "local_id"):
        forbidden = set(of(before, name, "do_not_retry"))
        assert not forbidden.intersection(of(after, name, "retry"))


def of(decided: Decided, name: str, decision: str) -> list[object]:
    sends = decided.sends
    return sends.loc[sends["decision"] == decision, name].dropna().tolist()


@settings(max_examples=15, deadline=None)
@given(days(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_never_matters(
    sides: tuple[list[Record], list[Sent]], random: object
) -> None:
    records, messages = list(sides[0]), list(sides[1])
    expected = decide(records, messages).sends
    random.shuffle(records)  # type: ignore[attr-defined]
    random.shuffle(messages)  # type: ignore[attr-defined]
    pd.testing.assert_frame_equal(decide(records, messages).sends, expected)


@settings(max_examples=15, deadline=None)
@given(days())
def test_no_number_is_proposed_twice_and_nothing_again(
    sides: tuple[list[Record], list[Sent]],
) -> None:
    first = decide(*sides).sends
    proposed = first.loc[first["decision"] == "retry"]
    assert proposed["phone_number"].is_unique
    before = exports(
        *(
            (row["message_id"], row["local_id"], row["phone_number"], DAY, NOW, 1)
            for row in proposed.astype("object").to_dict("records")
        )
    )
    again = decide(*sides, before=before).sends
    taken = set(proposed["phone_number"])
    later = again.loc[again["decision"] == "retry", "phone_number"]
    assert not taken.intersection(later)
