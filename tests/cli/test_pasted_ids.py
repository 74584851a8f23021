from __future__ import annotations

import pytest

from recon.cli import pasted_ids


@pytest.mark.parametrize(
    ("words", "spellings"),
    [
        (["17"], ["17"]),
        (['"17",'], ['"17",', "17"]),
        (["message", "17"], ["message 17", "17"]),
        (["Message id: 17."], ["Message id: 17.", "Message id: 17", "17"]),
        (
            ["record", "A7", "and", "message", "17:"],
            ["record A7 and message 17:", "record A7 and message 17", "A7"],
        ),
        (
            ["discrepancy_id=ABCDEF0123456789"],
            ["discrepancy_id=ABCDEF0123456789", "abcdef0123456789"],
        ),
        (["order", "7"], ["order 7"]),
        (["id:7"], ["id:7", "7"]),
        (["No.", "7"], ["No. 7", "7"]),
        (["{\u201e7\u201c}"], ["{\u201e7\u201c}", "7"]),
        (
            ["https://app.octopods.io/api/v1/whatsapp/messages/7"],
            ["https://app.octopods.io/api/v1/whatsapp/messages/7", "7"],
        ),
        (["https://app.example/orders/7"], ["https://app.example/orders/7"]),
        (["message"], ["message"]),
        (["  "], []),
        ([",,"], [",,"]),
    ],
)
def test_the_id_as_it_was_given_comes_first_for_it_may_be_a_records_own(
    words: list[str], spellings: list[str]
) -> None:
    assert pasted_ids.spellings(words) == spellings
