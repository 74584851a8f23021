from __future__ import annotations

import pytest

from recon.core.near_words import are_opposites, contains, may_be_meant


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("not_sent", "sent"),
        ("unread", "read"),
        ("min_interval_seconds", "max_interval_seconds"),
        ("started_at", "not_started_at"),
        ("enabled", "disabled"),
        ("before_noon", "after-noon"),
    ],
)
def test_opposites_are_known_in_either_order(one: str, other: str) -> None:
    assert are_opposites(one, other)
    assert are_opposites(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [("main", "mian"), ("sent_at", "send_at"), ("end", "ends"), ("", "not"), ("min", "mins")],
)
def test_other_names_are_no_opposites(one: str, other: str) -> None:
    assert not are_opposites(one, other)


@pytest.mark.parametrize(
    ("longer", "shorter", "is_in"),
    [
        ("phone_number", "phone", True),
        ("customer_phone", "phone", True),
        ("customer_phone_id", "phone", False),
        ("the_id_column", "id", True),
        ("video", "id", False),
        # Two more words at most: a whole line is no name.
        ("phone_of_customer", "phone", True),
        ("phone_of_each_customer", "phone", False),
        ("phone_of_each_new_customer", "phone", False),
        ("phone", "phone", False),
        ("phone", "", False),
    ],
)
def test_a_name_is_in_another_as_its_begin_or_end_or_as_a_short_word(
    longer: str, shorter: str, *, is_in: bool
) -> None:
    assert contains(longer, shorter) is is_in


@pytest.mark.parametrize(
    ("one", "other", "may_be"),
    [
        ("msg_id", "message_id", True),
        ("sent_at", "sent_at_utc", True),
        ("phnoe", "phone", True),
        ("message_id", "message_status", False),
        ("user_id", "message_id", False),
    ],
)
def test_names_of_as_many_words_are_meant_only_if_each_word_is_close(
    one: str, other: str, *, may_be: bool
) -> None:
    assert may_be_meant(one, other) is may_be
    assert may_be_meant(other, one) is may_be
