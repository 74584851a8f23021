from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.octopods.retry_after import pause_seconds

NOW = datetime(2026, 4, 24, 10, 0, 0, tzinfo=UTC)
UNTIL = NOW + timedelta(seconds=30)
ISO = "2026-04-24T10:00:30Z"
EPOCH = int(UNTIL.timestamp())
HTTP = format_datetime(UNTIL, usegmt=True)
#: A whole second may have been cut off, so its end is waited for.
STAMP = 31.0


def pause(body: object = None, **headers: str) -> float | None:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return pause_seconds(named, body, now=NOW)


# --- headers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("30", 30),
        (" 1.5 ", 1.5),
        ("0", 0),
        (HTTP, STAMP),
        (ISO, STAMP),
        (str(EPOCH), STAMP),
        (f"{EPOCH}500", 30.5),
        ("30s", 30),
        ("2 minutes", 120),
    ],
)
@pytest.mark.parametrize("name", ["Retry_After", "X_RateLimit_Reset", "RateLimit_Reset"])
def test_each_header_is_read_in_each_form(name: str, value: str, seconds: float) -> None:
    assert pause(**{name: value}) == seconds


def test_names_of_headers_have_no_case() -> None:
    assert pause(rEtRy_aFtEr="30") == 30


@pytest.mark.parametrize(
    "value",
    ["", "soon", "-5", "nan", "inf", "1e3", "9" * 40, "2026-13-45T", "2026-13-45T10:00:00Z"],
)
def test_a_form_that_does_not_parse_falls_to_the_next(value: str) -> None:
    assert pause(Retry_After=value) is None
    assert pause(Retry_After=value, X_RateLimit_Reset="7") == 7
    assert pause({"retry_after": 8}, Retry_After=value) == 8
    assert pause({"error": "Retry in 9 seconds"}, Retry_After=value) == 9


def test_retry_after_goes_before_other_headers_fields_and_texts() -> None:
    body = {"retry_after": 3, "error": "retry in 4 seconds"}
    assert pause(body, Retry_After="1", X_RateLimit_Reset="2") == 1
    assert pause(body, X_RateLimit_Reset="2") == 2
    assert pause(body) == 3
    assert pause({"error": body["error"]}) == 4


def test_a_time_that_has_passed_gives_way_to_one_that_has_not() -> None:
    assert pause({"retry_at": ISO}, Retry_After="0") == STAMP


# --- fields of the body ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        *("retry_at", "retry_after", "retry_timestamp", "retryAfter", "retry-after", "RetryAt"),
        *("resets_at", "reset_at", "reset", "next_retry_at", "retry_after_timestamp", "retry_time"),
        *("rate_limit_reset", "ratelimit_reset_at", "wait_until", "blocked_until", "available_at"),
        *("try_again_at", "resume_at", "retry_until"),
    ],
)
@pytest.mark.parametrize("value", [ISO, EPOCH, str(EPOCH), EPOCH * 1000, float(EPOCH), HTTP])
def test_a_field_with_a_known_name_is_read_in_each_form(name: str, value: object) -> None:
    assert pause({"request_id": "r", name: value}) == STAMP


@pytest.mark.parametrize("blank", [" ", "\x1c", "\x1f", "\u2003"])
def test_blanks_around_a_number_do_not_count(blank: str) -> None:
    assert pause({"retry_after": f"{blank}{EPOCH}{blank}"}) == STAMP


@pytest.mark.parametrize(
    ("name", "value", "seconds"),
    [
        ("retry_after", 30, 30),
        ("retry_after", "30", 30),
        ("retry_after_seconds", 30, 30),
        ("retry_after_ms", 1500, 1.5),
        ("retryAfterMilliseconds", "1500", 1.5),
        ("retry_in", "30 s", 30),
        ("retry_after_ms", EPOCH * 1000, STAMP),
    ],
)
def test_a_field_may_be_a_length_of_time(name: str, value: object, seconds: float) -> None:
    assert pause({name: value}) == seconds


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"details": [{"x": 1}, {"retry_at": ISO}]}},
        {"rate_limit": {"reset": EPOCH}},
        {"retry": {"at": ISO}},
        {"retry": {"after": EPOCH}},
        [{"retry_at": ISO}],
        {"a": {"b": {"c": {"d": {"e": {"retry_at": ISO}}}}}},
    ],
)
def test_a_field_is_found_wherever_it_is_nested(body: object) -> None:
    assert pause(body) == STAMP


@pytest.mark.parametrize(
    "body",
    [
        None,
        5,
        "",
        [],
        {},
        {"error": "Rate limit exceeded."},
        {"error_code": 42, "limit": 60, "remaining": 0},
        {"retry": True, "retries": 3, "retry_count": 2, "available": 0},
        {"retry_at": None, "retry_after": "soon", "reset": {}},
        {"request_id": f"5f0b9c8a-{EPOCH}", "created_at": "2026-04-24T10:00:20Z"},
        {"request_id": str(EPOCH)},
    ],
)
def test_what_names_no_time_is_no_time(body: object) -> None:
    assert pause(body) is None


# --- texts -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        f"Rate limit exceeded. Retry at {ISO}.",
        "Retry at 2026-04-24 10:00:30 Z",
        "Retry at 2026-04-24 12:00:30 +02:00 (local time)",
        f"Rate limit exceeded, retry_timestamp={EPOCH}",
        f"retry after {EPOCH}000",
        f"Too many requests until {HTTP}, please wait.",
        f"Your request of 2026-04-24T10:00:00Z was limited, come back at {ISO}",
    ],
)
@pytest.mark.parametrize("place", ["error", "bare", "nested"])
def test_a_time_is_found_in_the_text(text: str, place: str) -> None:
    bodies = {"error": {"error": text}, "bare": text, "nested": {"error": {"message": text}}}
    assert pause(bodies[place]) == STAMP


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("Try again in 30 seconds.", 30), ("wait 2 minutes", 120), ("retry after: 1.5s", 1.5)],
)
def test_a_text_may_name_a_length_of_time(text: str, seconds: float) -> None:
    assert pause({"error": text}) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "+15551234567",
        "number 5551234567",
        "id 4915112345678",
        f"id {EPOCH + 100 * 86_400}",
        f"+{EPOCH}",
        f"{EPOCH}12",
    ],
)
def test_a_phone_number_in_a_text_is_no_time(text: str) -> None:
    assert pause({"error": f"The number {text} was limited"}) is None


# --- clocks ------------------------------------------------------------------------------------


@pytest.mark.parametrize("skew", [-7200, -90, 90, 7200])
def test_a_timestamp_is_compared_with_the_providers_own_clock(skew: int) -> None:
    theirs = NOW + timedelta(seconds=skew)
    headers = {
        "Date": format_datetime(theirs, usegmt=True),
        "Retry-After": format_datetime(theirs + timedelta(seconds=30), usegmt=True),
    }
    assert pause_seconds(headers, None, now=NOW) == STAMP


def test_where_the_date_header_makes_no_sense_of_it_our_clock_is_believed() -> None:
    headers = {"Date": "Thu, 01 Jan 2026 00:00:00 GMT", "Retry-After": HTTP}
    assert pause_seconds(headers, None, now=NOW, allowed=900) == STAMP


def test_where_no_clock_makes_it_short_enough_the_providers_is_believed() -> None:
    headers = {"Date": format_datetime(NOW - timedelta(hours=1), usegmt=True), "Retry-After": HTTP}
    late = pause_seconds(
        headers | {"Retry-After": ISO.replace("T10", "T20")}, None, now=NOW, allowed=9
    )
    assert late == 11 * 3600 + STAMP


def test_the_date_header_has_no_say_in_a_length_of_time() -> None:
    assert pause(Date="Thu, 01 Jan 2026 00:00:00 GMT", Retry_After="30") == 30


@pytest.mark.parametrize("ago", [2, 3600])
def test_a_stamp_that_has_passed_asks_for_no_pause(ago: int) -> None:
    stamp = (NOW - timedelta(seconds=ago)).isoformat()
    assert pause({"retry_at": stamp}) == 0


def test_a_pause_of_years_is_a_mistaken_unit() -> None:
    assert pause({"retry_at": "2140-01-01T00:00:00Z"}) is None
    assert pause({"retry_after": 99_999_999}) is None


# --- anything ----------------------------------------------------------------------------------

NAMES = st.sampled_from(["retry_at", "retry_after", "reset", "error", "message", "retry", "x"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


@given(
    JSON,
    st.dictionaries(
        st.sampled_from(["Retry-After", "X-RateLimit-Reset", "Date"]), st.text(), max_size=3
    ),
)
def test_whatever_comes_the_pause_is_none_or_a_sane_length(
    body: object, headers: dict[str, str]
) -> None:
    seconds = pause_seconds(headers, body, now=NOW)
    assert seconds is None or 0 <= seconds <= 366 * 86_400


@given(st.integers(0, 86_400), st.floats(0, 0.999), st.floats(0, 0.999))
def test_a_stamp_cut_to_the_second_never_wakes_too_early(
    seconds: int, until_fraction: float, date_fraction: float
) -> None:
    really_now = NOW + timedelta(seconds=date_fraction)
    really_until = NOW + timedelta(seconds=seconds + until_fraction)
    cut = {
        "Date": format_datetime(really_now.replace(microsecond=0), usegmt=True),
        "Retry-After": format_datetime(really_until.replace(microsecond=0), usegmt=True),
    }
    for clock in (really_now, NOW - timedelta(hours=3)):
        waited = pause_seconds(cut, None, now=clock)
        assert waited is not None
        assert really_now + timedelta(seconds=waited) >= really_until


def test_a_body_of_a_hundred_thousand_fields_is_bounded() -> None:
    body = {"error": [{"x": n} for n in range(100_000)], "retry_after": 5}
    assert pause(body) == 5
