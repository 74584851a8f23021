"""Times that are not ISO 8601: read where they have one meaning only, else named by cause."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import pandas as pd
import pytest

from recon.core import frames
from recon.core.frames import timestamps

#: 3 May 2026, 09:05:07 in a zone without an offset from UTC, unless the text names another.
SPELLINGS: Final = {
    "2026-5-3 9:05:07": "",
    "2026-5-3T9:5:7": "",
    "2026/05/03 09:05:07": "",
    "2026/5/3T9:05:07Z": "",
    "2026.5.3 9:05:07": "",
    "2026. 05. 03. 9:05:07": "",
    "2026/5/3 9:05:07 AM": "",
    "2026-05-03, 9:05:07 a.m.": "",
    "2026-05-03 9:05:07 PM": "21:05:07",
    "2026-05-03 12:05:07 am": "00:05:07",
    "2026-05-03 12:05:07\u202fPM": "12:05:07",
    "2026-05-03 11:05:07PM +01:00": "22:05:07",
    "Sun, 03 May 2026 09:05:07 +0000": "",
    "Sun, 3 May 2026 09:05:07 GMT": "",
    "3 May 2026 09:05:07 EST": "14:05:07",
    "Sun, 3 May 2026 11:05:07 +0200 (CEST)": "",
    "03-May-2026 09:05:07": "",
    "Sun May  3 09:05:07 2026": "",
    "Sun May 3 09:05:07 UTC 2026": "",
    "Sun May 03 2026 10:05:07 GMT+0100 (Irish Standard Time)": "",
    "May 3, 2026, 9:05:07 PM": "21:05:07",
    "2026-May-03 09:05:07": "",
    "2026-05-03 09:05:07 +0000 UTC": "",
    "2026-05-03T10:05:07+01:00[Europe/Dublin]": "",
    "2026-05-03-09.05.07.000000": "",
    "/Date(1777799107000)/": "",
    "20260503090507": "",
    "20260503090507.250": "09:05:07.250",
    "2026-05-03\u00a009:05:07": "",
    "2026-05-03\u202f9:05:07\u202fPM": "21:05:07",
    'ISODate("2026-05-03T09:05:07Z")': "",
    "new Date('2026-05-03T11:05:07+02:00')": "",
    "2026-05-03 09:05:07 (UTC)": "",
    r"\/Date(1777799107000+0200)\/": "",
    '="2026-05-03 09:05:07"': "",
    "'2026-05-03 09:05:07": "",
}


def read(texts: list[str], zone: str = "UTC") -> list[datetime | None]:
    found = timestamps.instants(texts, zone).column
    return [None if pd.isna(value) else value.to_pydatetime() for value in found]


def reason(text: object) -> str:
    _, rejects = frames.local_frame({"sent_at": [text]}, zone="UTC", statuses={})
    [said] = rejects["reason"].tolist()
    return str(said)


def test_a_time_with_one_meaning_is_read_alone_and_among_others() -> None:
    expected = [
        datetime.fromisoformat(f"2026-05-03T{clock or '09:05:07'}").replace(tzinfo=UTC)
        for clock in SPELLINGS.values()
    ]
    assert [read([text])[0] for text in SPELLINGS] == expected
    among = [*SPELLINGS, "soon", "2026-05-03T09:05:07Z"]
    assert read(among) == [*expected, None, datetime(2026, 5, 3, 9, 5, 7, tzinfo=UTC)]


def test_every_month_has_its_number_and_a_time_without_offset_is_in_the_zone() -> None:
    texts = [datetime(2026, month, 9, 13, 30).strftime("%d %b %Y %H:%M") for month in range(1, 13)]  # noqa: DTZ001
    long = [datetime(2026, month, 9, 13, 30).strftime("%B %d %Y 1:30 PM") for month in range(1, 13)]  # noqa: DTZ001
    for found in (read(texts, "Asia/Tokyo"), read(long, "Asia/Tokyo")):
        assert found == [datetime(2026, month, 9, 4, 30, tzinfo=UTC) for month in range(1, 13)]


def test_numbers_that_are_the_digits_of_a_date_are_read_as_their_texts_are() -> None:
    numbers = [20260503090507, 20260503, None, 20261303000000, 1777799107, 20090230]
    found = timestamps.instants(numbers, "Asia/Tokyo").column
    read_as_texts = read([str(one or "") for one in numbers], "Asia/Tokyo")
    assert [None if pd.isna(one) else one.to_pydatetime() for one in found] == read_as_texts
    assert read_as_texts[0] == datetime(2026, 5, 3, 0, 5, 7, tzinfo=UTC)
    assert [one is None for one in read_as_texts] == [False, False, True, True, False, True]


@pytest.mark.parametrize("hour", range(24))
def test_every_hour_of_a_half_day_clock_is_read(hour: int) -> None:
    text = datetime(2026, 5, 3, hour, 7).strftime("%Y/%m/%d %I:%M %p")  # noqa: DTZ001
    assert read([text]) == [datetime(2026, 5, 3, hour, 7, tzinfo=UTC)]


@pytest.mark.parametrize(
    "text",
    ["2026-2-30 9:00", "2026/13/1", "31 Feb 2026 10:00", "2026-05-03 13:00 PM", "3 May 26 09:05",
     "2026/5", "2026/05/03/10", "1 Maybe 2026 10:00", "May 2026", "2026-00-00 0:00",
     "2026-5-3 24:30"],
)  # fmt: skip
def test_what_has_another_meaning_or_none_is_not_read(text: str) -> None:
    assert read([text, "2026-05-03 09:05:07"])[0] is None


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        ("46145.3785", "spreadsheet's serial number"),
        (46145.3785, "spreadsheet's serial number"),
        ("46145", "spreadsheet's serial number"),
        (1777799107000000000, "nanoseconds"),
        ("1777799107000000000", "nanoseconds"),
        (1.777799107e18, "nanoseconds"),
        ("03/05/2026 09:05", "which number is the month?"),
        ("3.5.26", "which number is the month?"),
        ("2026-05-03 09:05 CEST", "zone as an offset"),
        ("03-MAY-26 09.05.07.000000 AM", "year with four digits"),
    ],
)
def test_a_time_that_is_not_read_is_called_by_its_cause(value: object, cause: str) -> None:
    assert cause in reason(value)
