"""Numbers are masked wherever a text repeats them, and nothing else is."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.report.masking import mask_numbers
from tests.factories import NUMBER

INTERNATIONAL, NATIONAL = (
    phonenumbers.PhoneNumberFormat.INTERNATIONAL,
    phonenumbers.PhoneNumberFormat.NATIONAL,
)


def spellings(number: str) -> list[str]:
    """Return how a number may be written, at home and abroad."""
    parsed = phonenumbers.parse(number)
    abroad = phonenumbers.format_number(parsed, INTERNATIONAL)
    home = phonenumbers.format_number(parsed, NATIONAL)
    digits = number[1:]
    bare = "".join(filter(str.isdecimal, home))
    return [
        *(number, digits, f"00{digits}", f"011 {digits}", f"0011{digits}", f"whatsapp:{number}"),
        *(abroad, abroad.replace(" ", "-"), abroad.replace(" ", "\u202f"), f"{digits}@c.us"),
        *(home, home.replace(" ", "."), home.replace(" ", "\u2011"), bare, ".".join(bare)),
        phonenumbers.national_significant_number(parsed),
        abroad.replace(" ", " (0)", 1) if bare[0] == "0" else abroad.replace(" ", "/"),
    ]


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


@pytest.mark.parametrize("is_given", ["international", "national"])
@pytest.mark.parametrize(
    "number",
    [
        *("+353835551234", "+447700900123", "+4915112345678", "+33612345678", "+14155552671"),
        *("+5511987654321", "+525512345678", "+5491123456789", "+79161234567", "+36201234567"),
        *("+393331234567", "+919876543210", "+6591234567", "+4791234567", "+8613912345678"),
    ],
)
def test_a_number_is_hidden_in_all_spellings_of_its_country(number: str, is_given: str) -> None:
    known = phonenumbers.format_number(phonenumbers.parse(number), NATIONAL)
    for spelled in spellings(number):
        said = f"recorded as '{spelled}', nearest message 12 s later"
        shown = mask_numbers(said, [number if is_given == "international" else known])
        inside = shown.removeprefix("recorded as").removesuffix("', nearest message 12 s later")
        digits = "".join(filter(str.isdecimal, inside))
        assert "•" in inside, spelled
        assert number[-6:-3] not in digits, spelled


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
