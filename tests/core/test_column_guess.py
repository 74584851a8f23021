"""Which column is which field, from names and a sample."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from recon.core.column_guess import guess, meaning

IDS: list[str | None] = ["3851001", "3851002", None]
PHONES: list[str | None] = ["+353871234567", "+353 87 123 4568", "+353871234569"]
TIMES: list[str | None] = ["2026-04-23T10:00:00Z", "2026-04-23 10:00:01", None]
WORDS: list[str | None] = ["sent", "queued", "sent"]


@pytest.mark.parametrize(
    "names",
    [
        ["id", "message_id", "phone_number", "sent_at", "status"],
        ["ID", "OctopodsMessageId", "Recipient", "SentAt", "State"],
        ["pk", "provider_message_id", "msisdn", "created_at", "delivery_status"],
        ["uuid", "external id", "Customer Phone", "Date Sent", "order_status"],
    ],
)
def test_columns_are_told_by_their_names(names: Sequence[str]) -> None:
    values: list[list[str | None]] = [["7", "8", "9"], IDS, PHONES, TIMES, WORDS]
    sample = dict(zip(names, values, strict=True))
    fields = ("id", "message_id", "phone_number", "sent_at", "status")
    assert dict(guess(sample).columns) == dict(zip(fields, names, strict=True))


def test_ids_with_something_around_them_are_ids() -> None:
    url = "https://app.octopods.io/api/v1/whatsapp/messages/3851001"
    for ids in (["\u201c3851001\u201d", None], ["ID: 3851001"], [url]):
        assert guess({"message_id": ids}).columns["message_id"] == "message_id"


def test_values_that_do_not_fit_a_name_rule_it_out() -> None:
    sample = {
        "message_id": ["wamid.abc", "wamid.abd"],
        "octopods_id": ["3851001", "3851002"],
        "phone": ["Ann", "Bob"],
        "customer": ["+353871234567", "+353871234568"],
        "status": [f"free text {n}" for n in range(40)],
        "created": ["2026-04-23", "2026-04-24"],
    }
    found = guess(sample)
    assert dict(found.columns) == {
        "id": "",
        "message_id": "octopods_id",
        "phone_number": "customer",
        "sent_at": "created",
        "status": "",
    }
    assert found.words == {}


def test_digits_under_another_name_are_no_phone_numbers() -> None:
    assert guess({"reference": ["38510010", "38510020"]}).columns["phone_number"] == ""
    assert guess({"reference": ["+353871234567"]}).columns["phone_number"] == "reference"
    assert guess({"reference": ["+1 week", "+2 weeks"]}).columns["phone_number"] == ""


def test_the_opposite_of_a_field_is_not_taken_for_it() -> None:
    assert guess({"not_sent_at": TIMES, "x": WORDS}).columns["sent_at"] == ""


def test_an_empty_table_is_told_by_names_alone() -> None:
    found = guess({"id": [], "message_id": [], "recipient": [], "sent_at": []})
    assert found.columns["phone_number"] == "recipient"
    assert (found.numbers, found.region) == (0, "")


@pytest.mark.parametrize(
    ("numbers", "region", "national"),
    [
        (["087 123 4567", *["+353871234567"] * 9], "IE", 1),
        (["087 123 4567", *["+353871234567"] * 5, *["+447700900123"] * 5], "", 1),
        (["087 123 4567", "+353871234567"], "", 1),
        (["+353871234567"] * 9, "", 0),
        (["0871234567"] * 9, "", 9),
    ],
)
def test_a_region_is_proposed_where_the_other_numbers_tell(
    numbers: list[str | None], region: str, national: int
) -> None:
    found = guess({"phone": numbers, "sent_at": []})
    assert (found.region, found.national) == (region, national)


@pytest.mark.parametrize(
    ("word", "means"),
    [
        ("Delivered", "delivered"),
        ("queued", "not_sent"),
        ("Not Sent", "not_sent"),
        ("accepted", "sent"),
        ("ERROR", "failed"),
        ("17", None),
        ("fertig", None),
    ],
)
def test_common_words_have_a_meaning(word: str, means: str | None) -> None:
    assert meaning(word) == means
