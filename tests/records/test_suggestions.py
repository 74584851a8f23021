"""What is said of names that are not there: the near ones, and never a value of the data."""

from __future__ import annotations

import pytest

from recon.records import suggestions


@pytest.mark.parametrize(
    ("name", "known", "near"),
    [
        ("phone_number", ["phone"], "'phone'"),
        ("status", ["statuss", "id"], "'statuss'"),
        ("Sent_At", ["sent_at"], "'sent_at'"),
        ("message_id", ["msg_id", "order_id"], "'msg_id'"),
        ("id", ["record id", "paid"], "'record id'"),
    ],
)
def test_near_names_are_offered(name: str, known: list[str], near: str) -> None:
    assert suggestions.nearest(name, known) == f"; did you mean {near}?"


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("sent", ["not_sent"]),
        ("sent", ["unsent"]),
        ("not sent", ["Sent"]),
        ("delivered", ["undelivered"]),
        ("id", ["", "  "]),
        ("message_id", ["7001001"]),
        ("20260423", ["2026-04-23"]),
        ("phone_number", ["order_number"]),
        ("sent_at", ["seen_at", "read_at"]),
        ("id", ["paid", "valid"]),
    ],
)
def test_no_opposite_no_blank_and_no_value_is_offered(name: str, known: list[str]) -> None:
    assert suggestions.nearest(name, known) == ""


@pytest.mark.parametrize(
    "value",
    ["7001001", "+353 86 123 4567", "'+353861234567", "2026-04-23T12:00:00Z", "23/04/2026 12:00",
     "3.50", "Thu, 23 Apr 2026 12:00:00 +0000", "64b7f9c2e1d3a40001a1b2c3", "someone@example.com",
     "6f1c9a52-11aa-4b6e-9a0e-0d8b5b1c7d11", "wamid.HBgLMzUzODY"],
)  # fmt: skip
def test_values_are_reported_from_names_and_not_shown(value: str) -> None:
    assert suggestions.looks_like_data(value)
    error = suggestions.not_found_error("column", ["id"], ["name", value], where="a.json")
    assert value not in str(error)
    assert "It has: name; 1 more look like values" in str(error)


@pytest.mark.parametrize(
    "name", ["id", "message id", "address2", "sent_at_utc", "Nº", "to", "a1b2"]
)
def test_names_are_no_values(name: str) -> None:
    assert not suggestions.looks_like_data(name)


def test_a_column_that_is_in_use_is_not_suggested_for_another() -> None:
    names = ["message_id", "phone_number", "sent_at", "status"]
    error = suggestions.not_found_error("column", ["id"], names, where="a.csv", mapped=names)
    assert "did you mean" not in str(error)
    assert "message_id" in str(error)


def test_control_characters_and_long_names_are_not_shown_as_they_are() -> None:
    error = suggestions.not_found_error("column", ["id"], ["a\x1b[31m\0", "x" * 500], where="a.csv")
    assert str(error).isprintable() or "\n" in str(error)
    assert "\x1b" not in str(error)
    assert "\0" not in str(error)
    assert "x" * 100 not in str(error)
