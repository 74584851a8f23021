from __future__ import annotations

import pytest

from recon.core.near_words import are_opposites


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
