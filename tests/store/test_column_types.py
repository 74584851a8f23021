from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql, sqlite

from recon.store.column_types import UtcDateTime, storable

SQLITE = sqlite.dialect()
POSTGRES: sa.Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]


@given(st.datetimes(timezones=st.just(UTC)))
def test_every_time_comes_back_to_the_microsecond_from_sqlite(time: datetime) -> None:
    kind = UtcDateTime()
    assert kind.process_result_value(kind.process_bind_param(time, SQLITE), SQLITE) == time


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_times_compare_in_sqlite_as_they_do_in_time(one: datetime, other: datetime) -> None:
    stored = [UtcDateTime().process_bind_param(time, SQLITE) for time in (one, other)]
    assert all(isinstance(number, int) for number in stored)
    assert (one < other) == (stored[0] < stored[1])  # type: ignore[operator]


def test_a_time_leaves_as_utc_whatever_zone_the_session_has() -> None:
    there = datetime(2026, 4, 23, 14, tzinfo=timezone(timedelta(hours=2)))
    here = UtcDateTime().process_result_value(there, POSTGRES)
    assert here == there
    assert here is not None
    assert here.tzinfo is UTC


@pytest.mark.parametrize("dialect", [SQLITE, POSTGRES])
def test_a_naive_time_is_refused(dialect: sa.Dialect) -> None:
    with pytest.raises(ValueError, match="without a zone"):
        UtcDateTime().process_bind_param(datetime(2026, 4, 23), dialect)  # noqa: DTZ001


@given(st.text(st.characters(codec=None)))
def test_what_is_storable_can_be_encoded_and_has_no_nul(text: str) -> None:
    stored = storable(text)
    assert "\0" not in stored
    stored.encode()


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_a_sound_text_is_stored_as_it_is(text: str) -> None:
    assert storable(text) == text
