"""A person's number in any spelling, and no other one."""

from __future__ import annotations

import pytest

from recon.core.person import BLANK, Person


def person(number: str, region: str | None = "IE") -> Person:
    found = Person.of(number, region)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "text",
    [
        "{}+353871234567{}",
        "{}+353 87 123 4567{}",
        "{}00353871234567{}",
        "{}353871234567{}",
        "{}087 123 4567{}",
        "{}(087) 123-4567{}",
        "{}0871234567{}",
    ],
)
@pytest.mark.parametrize(("before", "after"), [("", ""), ("recorded for ", ", sent"), ("'", "'.")])
def test_each_spelling_is_blanked_within_a_text(text: str, before: str, after: str) -> None:
    said = person("+353871234567").blanked(text.format(before, after))
    assert BLANK in said
    assert "4567" not in said
    assert said.startswith(before.rstrip())
    assert said.endswith(after)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "message 3538712345670",
        "message 9353871234567",
        "+353861234567",
        "+447871234567",
        "id 1234567",
        "+353871234568 and 087 123 4568",
    ],
)
def test_other_numbers_stay(text: str) -> None:
    assert person("+353871234567").blanked(text) == text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("+5511987654321", "+551187654321"),
        ("+5215512345678", "+525512345678"),
        ("+22997123456", "+2290197123456"),
    ],
)
def test_the_two_spellings_of_a_user_are_one_person(one: str, other: str) -> None:
    assert person(one).key == person(other).key
    assert person(one).blanked(f"to {other}.") == f"to {BLANK}."


def test_a_national_spelling_is_known_without_a_region() -> None:
    assert person("+353871234567", None).blanked("for 087 123 4567") == f"for {BLANK}"


def test_a_user_id_is_blanked_too() -> None:
    whom = person("US.13491208655302741918")
    assert whom.blanked("to US.13491208655302741918") == f"to {BLANK}"


@pytest.mark.parametrize("text", ["", "Ann", "12345", "087 123 4567", "-"])
def test_what_is_no_number_is_nobody(text: str) -> None:
    assert Person.of(text, None) is None


def test_a_number_of_eight_digits_is_long_enough_to_search_for() -> None:
    found = Person.of("+290 22222", None)
    assert found is not None
    assert found.key == 29_022_222
