"""How a backfill is split over commands."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from recon.core.shards import Share, shares

FIRST = date(2026, 4, 1)


@given(
    accounts=st.integers(1, 6),
    days=st.integers(1, 40),
    count=st.integers(1, 30),
    total=st.integers(0, 300),
)
def test_all_commands_together_do_each_day_of_each_account_once(
    accounts: int, days: int, count: int, total: int
) -> None:
    names = [f"account-{n}" for n in range(accounts)]
    last = FIRST + timedelta(days=days - 1)
    dealt = [list(shares(names, FIRST, last, index, count)) for index in range(count)]
    done = Counter(
        (share.account, share.first + timedelta(days=n))
        for one in dealt
        for share in one
        for n in range((share.last - share.first).days + 1)
    )
    assert set(done.values()) == {1}
    assert len(done) == accounts * days
    for name in names:
        parts = [share for one in dealt for share in one if share.account == name]
        assert sum(share.portion(total) for share in parts) == total
        assert [share.first for share in parts if share.begins_the_range] == [FIRST]
        assert [share.last for share in parts if share.ends_the_range] == [last]


def test_days_are_split_only_where_there_are_more_commands_than_accounts() -> None:
    last = FIRST + timedelta(days=8)
    assert list(shares("abc", FIRST, last, 1, 2)) == [Share("b", FIRST, last)]
    halves = [share for index in range(4) for share in shares("abc", FIRST, last, index, 4)]
    assert [(share.account, share.parts) for share in halves] == [
        ("a", 2),
        ("b", 1),
        ("c", 1),
        ("a", 2),
    ]
