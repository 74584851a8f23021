from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.octopods import response_fields

T = datetime(2026, 4, 24, 10, 23, 45, tzinfo=UTC)


@pytest.mark.parametrize("value", [3851828, "3851828", " 3851828 ", "3851828\x1c", "\u20033851828"])
def test_an_id_is_a_whole_number_or_its_spelling(value: object) -> None:
    assert response_fields.message_id(value) == 3851828


@pytest.mark.parametrize("value", [2**63 - 1, str(2**63 - 1)])
def test_the_largest_id_keeps_every_digit(value: object) -> None:
    assert response_fields.message_id(value) == 9223372036854775807


@pytest.mark.parametrize(
    "value",
    [True, False, 12.0, 0, -1, 2**63, str(2**63), "0", "-5", "1e3", "wamid.X", "", None, [], {}],
)
def test_what_is_no_positive_64_bit_integer_is_no_id(value: object) -> None:
    assert response_fields.message_id(value) is None


@pytest.mark.parametrize(
    "value",
    [
        "+15551234567",
        "15551234567",
        "0015551234567",
        " +1 (555) 123-45.67 ",
        "+1\u00a0555\u20111234567",
        15551234567,
    ],
)
def test_a_number_is_plus_and_digits_however_it_is_grouped(value: object) -> None:
    assert response_fields.phone_number(value) == "+15551234567"


@pytest.mark.parametrize(
    "value",
    [
        "+123456",
        "0871234567",
        "+1234567890123456",
        "anonymous",
        "+1555x1234567",
        "",
        None,
        True,
        1.5e10,
        {},
    ],
)
def test_what_does_not_look_like_a_number_is_none(value: object) -> None:
    assert response_fields.phone_number(value) is None


@pytest.mark.parametrize("digits", ["1234567", "123456789012345"])
def test_a_number_has_seven_to_fifteen_digits(digits: str) -> None:
    assert response_fields.phone_number(digits) == f"+{digits}"


@pytest.mark.parametrize(
    "value",
    [
        "2026-04-24T10:23:45Z",
        "2026-04-24T10:23:45",
        "2026-04-24 10:23:45",
        "2026-04-24T12:23:45+02:00",
        "20260424T102345Z",
        " 2026-04-24T10:23:45.000Z ",
        1777026225,
        1777026225000,
        1777026225.0,
        "1777026225",
        "1777026225000",
    ],
)
def test_a_time_is_read_in_every_spelling_as_utc(value: object) -> None:
    read = response_fields.moment(value)
    assert read == T
    assert read is not None
    assert read.tzinfo is UTC


def test_fractions_of_a_second_are_kept_to_the_microsecond() -> None:
    assert response_fields.moment("2026-04-24T10:23:45.123456789Z") == T.replace(microsecond=123456)


@pytest.mark.parametrize("blank", [" ", "\n", "\x1c", "\x1f", "\x85", "\u2003"])
def test_blanks_around_a_time_do_not_count(blank: str) -> None:
    for spelled in ("1777026225", "1777026225000", "2026-04-24T10:23:45Z"):
        assert response_fields.moment(f"{blank}{spelled}{blank}") == T


@pytest.mark.parametrize(
    "value",
    [
        "2026-04-24",
        "2026",
        "tomorrow",
        "2008-12-31T23:59:59Z",
        "2201-01-01T00:00:00Z",
        "9999-12-31T23:59:59-10:00",
        "2026-02-30T00:00:00Z",
        0,
        -1,
        1e300,
        float("nan"),
        10**400,
        1777026225000000,
        True,
        None,
        [],
    ],
)
def test_a_silly_or_incomplete_time_is_none(value: object) -> None:
    assert response_fields.moment(value) is None


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("DELIVERED", "delivered"),
        (" Read ", "read"),
        ("Throttled", "throttled"),
        ("", "unknown"),
        (None, "unknown"),
        (5, "unknown"),
        ({"a": 1}, "unknown"),
    ],
)
def test_status_words_are_lower_case_and_strange_ones_stay(value: object, word: str) -> None:
    assert response_fields.status(value) == word


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, None),
        ("", None),
        ("  ", None),
        ({}, None),
        ("Recipient is not a WhatsApp user.", "Recipient is not a WhatsApp user."),
        (
            {"code": 470, "title": "Re-engagement window expired"},
            "Re-engagement window expired (code 470)",
        ),
        ({"code": "470", "title": " Window  is\nclosed "}, "Window is closed (code 470)"),
        ({"code": 470}, "code 470"),
        ({"code": None, "title": "Closed"}, "Closed"),
        ({"code": {"deep": 1}, "title": ["x"]}, None),
    ],
)
def test_a_failure_reason_is_one_text_in_every_form(value: object, said: str | None) -> None:
    assert response_fields.failure_reason(value) == said


@pytest.mark.parametrize("value", ["x" * 9000, {"code": 470, "title": "x" * 9000}])
def test_a_failure_reason_is_bounded(value: object) -> None:
    said = response_fields.failure_reason(value)
    assert said is not None
    assert len(said) == response_fields.LONGEST_REASON
    assert said.endswith("…")


def test_text_holds_nothing_that_a_database_or_a_terminal_chokes_on() -> None:
    assert response_fields.text("a\x00b\x1b[31m\ud800\u202ec") == "a b [31m c"


@given(st.text() | st.integers() | st.floats() | st.none() | st.booleans())
def test_no_field_ever_raises(value: object) -> None:
    for read in (
        response_fields.message_id,
        response_fields.phone_number,
        response_fields.moment,
        response_fields.status,
        response_fields.failure_reason,
        response_fields.text,
    ):
        read(value)


def test_the_first_value_that_says_something_is_taken() -> None:
    assert response_fields.first(None, "", 0, 5) == 0
    assert response_fields.first(None, "") is None
