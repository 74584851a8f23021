from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from recon.records.text_time_windows import SLOTS, windows

NOON = datetime(2026, 4, 23, 12, tzinfo=UTC)
MINUTES = st.integers(0, 3 * 24 * 60)
OFFSETS = st.sampled_from([*range(-14 * 60, 15 * 60, 60), -570, -210, 330, 345, 765])
#: How a time is written: date and time, and what follows.
SPELLINGS = ("%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d %H:%M:%S,5")


def offset_text(minutes: int) -> str:
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02}:{rest:02}"


@given(
    start=MINUTES,
    length=st.integers(0, 2 * 24 * 60),
    ahead=OFFSETS,
    spelling=st.sampled_from(SPELLINGS),
    part=st.floats(0, 1),
)
def test_each_spelling_of_a_moment_lies_in_a_window(
    start: int, length: int, ahead: int, spelling: str, part: float
) -> None:
    since = NOON + timedelta(minutes=start)
    until = since + timedelta(minutes=length)
    at = since + timedelta(seconds=int(part * length * 60))
    zone = timezone(timedelta(minutes=ahead))
    text = at.astimezone(zone).strftime(spelling) + offset_text(ahead)
    found = [
        pattern
        for first, beyond, pattern in windows(since, until, ZoneInfo("UTC"))
        if first <= text < beyond
    ]
    assert len(found) == 1
    assert found[0] == "*" or found[0].strip("*") in text[16:]


@given(start=MINUTES, length=st.integers(0, 24 * 60), part=st.floats(0, 1))
def test_a_text_without_an_offset_is_of_the_zone(start: int, length: int, part: float) -> None:
    zone = ZoneInfo("Asia/Kathmandu")
    since = NOON + timedelta(minutes=start)
    at = since + timedelta(seconds=int(part * length * 60))
    text = at.astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S")
    found = windows(since, since + timedelta(minutes=length), zone)
    assert any(one <= text < other and pattern == "*" for one, other, pattern in found)


@given(start=MINUTES, length=st.integers(0, 2 * 24 * 60))
def test_there_are_so_many_windows_and_none_overlaps_another(start: int, length: int) -> None:
    since = NOON + timedelta(minutes=start)
    found = windows(since, since + timedelta(minutes=length), ZoneInfo("Europe/Dublin"))
    assert len(found) == SLOTS
    filled = sorted((first, beyond) for first, beyond, _ in found if first)
    assert all(first < beyond for first, beyond in filled)
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(filled))


def test_a_date_alone_is_its_midnight() -> None:
    midnight = datetime(2026, 4, 24, tzinfo=UTC)
    found = windows(midnight, midnight + timedelta(minutes=1), ZoneInfo("UTC"))
    assert any(first <= "2026-04-24" < beyond for first, beyond, _ in found)
