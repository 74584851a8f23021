"""Numbers are masked wherever a text repeats them, and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.report.masking import mask_numbers
from tests.factories import NUMBER


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("recorded for +353871234567", [NUMBER]),
        ("recorded for 353871234567.", [NUMBER]),
        ("recorded for 00353871234567", [NUMBER]),
        ("recorded for +353 87 123-4567", [NUMBER]),
        ("recorded for 087 123 4567", ["087 123 4567"]),
        ("recorded for (087) 1234567", ["0871234567"]),
        ("id order-353871234567-b", [NUMBER]),
        ("whatsapp:+353871234567 is no user", [NUMBER, None, ""]),
        ("to +353871234567", []),
    ],
)
def test_a_number_is_hidden_however_it_is_grouped(text: str, numbers: list[str | None]) -> None:
    shown = mask_numbers(text, numbers)
    digits = "".join(character for character in shown if character.isdecimal())
    assert "•" in shown
    assert "1234" not in digits


def test_both_numbers_of_a_finding_are_hidden() -> None:
    shown = mask_numbers(
        "recorded for +353879998887, sent to 086 111 2224", ["086 111 2224", "+353879998887"]
    )
    assert shown == "recorded for +353••••••887, sent to •••••••224"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("message 93538712345671 of 3851828", NUMBER),
        ("12 s after message 3851812", "12 of x"),
        ("recorded 1 h before", "123"),
        ("message 1234567", "123"),
        ("2026-04-23T10:00:00+01:00", NUMBER),
        ("nothing", ""),
    ],
)
def test_other_digits_are_left_alone(text: str, number: str) -> None:
    assert mask_numbers(text, [number]) == text


def test_what_is_no_number_is_hidden_where_it_stands_alone() -> None:
    assert mask_numbers("phone_number cannot be read: 'Anna'", ["Anna"]) == (
        "phone_number cannot be read: '••••'"
    )
    assert mask_numbers("Annabel", ["Anna"]) == "Annabel"


@given(st.text(), st.text())
def test_any_text_with_any_number_comes_through(text: str, number: str) -> None:
    assert isinstance(mask_numbers(text, [number]), str)


@given(st.from_regex(r"\+[1-9][0-9]{7,14}", fullmatch=True), st.text())
def test_a_clean_number_never_comes_through(number: str, around: str) -> None:
    assert number not in mask_numbers(f"{around} {number} {around}", [number])
