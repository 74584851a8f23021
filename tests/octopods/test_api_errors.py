from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.octopods.api_errors import ApiError, code_name, read_api_error


def test_an_error_is_read_in_the_documented_form() -> None:
    body = {"request_id": "r-1", "error_code": 6, "error": "DEPRECATED_API_KEY"}
    assert read_api_error(body) == ApiError(6, "DEPRECATED_API_KEY", "r-1")


def test_every_documented_code_is_shown_with_its_name() -> None:
    names = {n: code_name(n).removeprefix(f"error {n}").strip() for n in range(10)}
    assert {n: name for n, name in names.items() if name} == {
        1: "ARGUMENT_MISSING",
        2: "TYPE_MISMATCH",
        3: "TEMPLATE_NOT_EXIST",
        4: "VARIABLES_SIZE",
        5: "PHONE_INVALID",
        6: "DEPRECATED_API_KEY",
        8: "INVALID_HEADER",
    }


@pytest.mark.parametrize("body", [None, [], 7, {}, {"error": None}, {"error": 7}])
def test_a_body_that_says_nothing_is_an_error_without_code_or_text(body: object) -> None:
    read = read_api_error(body)
    assert (read.code, read.text, read.request_id) == (None, "", None)
    assert not read.of_deprecated_key
    assert not read.says_nothing_sent


@pytest.mark.parametrize("code", [6, "6", " 6 ", 6.0])
def test_the_code_of_a_deprecated_key_is_known_in_each_spelling(code: object) -> None:
    assert read_api_error({"error_code": code}).of_deprecated_key


@pytest.mark.parametrize("code", [16, "60", None, True, 6.5, "six", [6]])
def test_no_other_code_is_one_of_a_deprecated_key(code: object) -> None:
    assert not read_api_error({"error_code": code}).of_deprecated_key


def test_code_zero_is_a_code() -> None:
    assert read_api_error({"error_code": 0}).code == 0


def test_an_error_inside_of_an_error_is_read() -> None:
    body = {"error": {"error_code": 6, "message": "Old key"}}
    assert read_api_error(body) == ApiError(6, "Old key")


@pytest.mark.parametrize(
    "text",
    [
        "No messages have been sent on this channel yet.",
        "no WhatsApp messages have been sent yet",
        "No message was sent on this channel.",
        "Nothing has been sent yet",
        "You have not sent any messages",
        "You haven't sent any template messages yet.",
        "There are no messages on this channel.",
        "No messages found",
    ],
)
def test_nothing_sent_yet_is_understood_in_other_words_too(text: str) -> None:
    assert read_api_error({"error": text}).says_nothing_sent
    assert read_api_error(text).says_nothing_sent


@pytest.mark.parametrize(
    "text",
    [
        "This channel can no longer send messages.",
        "No message permission.",
        "No messages can be sent on this channel.",
        "Account has no messages left.",
        "There are no messages left in your plan.",
        "No messages were sent because the channel is suspended.",
        "limit must be a positive whole number.",
        "",
    ],
)
def test_a_refusal_that_mentions_messages_proves_no_absence(text: str) -> None:
    assert not read_api_error({"error": text}).says_nothing_sent


def test_the_text_is_one_bounded_line_without_phone_numbers() -> None:
    text = read_api_error({"error": "bad number +1 555-123-4567\n" + "x" * 5000}).text
    assert text.startswith("bad number +… xx")
    assert len(text) <= 300


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["error", "error_code", "message"]), inner)
        ),
        max_leaves=6,
    )
)
def test_no_body_makes_it_raise(body: object) -> None:
    read_api_error(body)


@pytest.mark.parametrize(
    "body",
    [
        {"error_code": 1, "error": "There is no message with this id."},
        {"error_code": "1"},
        {"error_code": 1, "error": "Try again with another id."},
        {"error_code": 4, "error": "Message not found"},
        {"error_code": 4, "error": "The message could not be found."},
        {"error_code": 4, "error": "Cannot find message 7"},
        {"error_code": 12, "error": ""},
    ],
)
def test_an_error_denies_an_id(body: object) -> None:
    assert read_api_error(body).denies_the_id


@pytest.mark.parametrize(
    "body",
    [
        {"error": "Message not found"},
        {"error_code": 6, "error": "DEPRECATED_API_KEY"},
        {"error_code": None, "error": "Message not found"},
        [{"error_code": 1}],
        "error_code 1",
        *(
            {"error_code": 7, "error": text}
            for text in (
                "Temporarily unavailable",
                "Please try again in 5 minutes.",
                "The request timed out",
                "Timeout while reading the message",
                "Too many requests",
                "Rate limit exceeded",
                "Internal error",
                "Something went wrong.",
                "Status not available yet",
                "Service under maintenance",
                "upstream connection reset",
                "Could not retrieve the status of this message",
                "Failed to process the request",
                "An error occurred",
            )
        ),
    ],
)
def test_an_error_that_may_pass_or_has_no_code_denies_nothing(body: object) -> None:
    assert not read_api_error(body).denies_the_id
