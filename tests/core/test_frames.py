"""The canonical frames: what raw columns of any source become."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from dateutil.parser import isoparse
from hypothesis import given
from hypothesis import strategies as st

from recon.core import frames
from recon.core.frames import columns, timestamps
from recon.core.frames.columns import Column

Read = tuple[pd.DataFrame, pd.DataFrame]

NOW = datetime(2026, 11, 24, tzinfo=UTC)
INT64 = st.integers(-(2**63), 2**63 - 1).filter(lambda n: n not in (0, -1))  # they are no ids
MOMENTS = st.datetimes(datetime(2009, 1, 2), datetime(2200, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001 - Hypothesis wants naive bounds


def local(zone: str = "UTC", statuses: dict[str, str] | None = None, **raw: Column) -> Read:
    some = next(iter(raw.values()))
    raw = {"sent_at": ["2026-04-23T12:00:00Z"] * len(some), **raw}
    return frames.local_frame(raw, zone=zone, statuses=statuses or {})


def ids(column: Column) -> list[int | None]:
    frame, _ = local(message_id=column)
    return [None if value is pd.NA else int(value) for value in frame["message_id"]]


def odd(column: Column) -> list[str | None]:
    frame, _ = local(message_id=column)
    return [None if pd.isna(value) else str(value) for value in frame["odd_message_id"]]


def texts(series: pd.Series[Any]) -> list[str | None]:
    return [None if pd.isna(value) else str(value) for value in series]


def times(column: Column, zone: str = "UTC") -> list[datetime | None]:
    found = timestamps.instants(column, zone).column
    return [None if pd.isna(value) else value.to_pydatetime() for value in found]


# --- message ids ---------------------------------------------------------------------------------


@given(st.lists(st.none() | INT64))
def test_every_64_bit_id_survives_as_a_number_and_as_text(values: list[int | None]) -> None:
    assert ids(values) == values
    assert ids([None if value is None else str(value) for value in values]) == values
    assert ids([None if value is None else f"{value}.0" for value in values]) == values
    assert ids(pa.array(values, pa.int64())) == values


@given(st.lists(st.none() | st.integers(-(2**53), 2**53).filter(bool)))
def test_whole_floats_are_ids_and_nan_is_none(values: list[int | None]) -> None:
    assert ids([math.nan if value is None else float(value) for value in values]) == values


@pytest.mark.parametrize(
    "word",
    ["", "  ", "#NV", "#N/D", "(blank)", "NULL", "null", "None", "nan", "NaN", r"\N", None,
     "#N/A", "N/A", "NA", "nil", "NaT", "<NA>", "(null)", "[NULL]", "undefined", "-", "--", "—",
     '=""', "'"],
)  # fmt: skip
def test_what_exports_write_for_null_is_null(word: str | None) -> None:
    assert ids(["7", word]) == [7, None]
    assert odd(["7", word]) == [None, None]


@pytest.mark.parametrize(
    "no_id",
    [0, "0", 0.0, "0.0", "00", b"0", Decimal(0), -1, "-1", -1.0, "-1.0", Decimal(-1)],
)
def test_zero_or_minus_one_in_place_of_an_id_is_none(no_id: object) -> None:
    assert ids([no_id]) == [None]
    assert ids(["7", no_id]) == [7, None]
    assert odd(["7", no_id]) == [None, None]


@pytest.mark.parametrize(
    "text",
    ["wamid.HBg", "0x1F", "1e6", "3.5", "1,000", "٣", str(2**63), "9" * 5000, "."],
)
def test_an_id_that_is_no_whole_number_of_64_bits_is_kept_as_odd(text: str) -> None:
    assert ids([text, "7"]) == [None, 7]
    assert odd([text, "7"]) == [text, None]


def test_a_reason_quotes_the_first_sixty_characters() -> None:
    _, rejects = provider(phone_number=["x" * 60, "x" * 61])
    assert set(rejects["reason"]) == {f"phone_number cannot be read: '{'x' * 60}'"}


@pytest.mark.parametrize("number", ["+353 (87) 123 4567 (home)", "12345@lid", "tel. 5"])
def test_a_message_keeps_a_number_that_has_a_digit_anywhere(number: str) -> None:
    for numbers in ([number, "+353871234567"], ["+353871234567", number, None, ""]):
        frame, rejects = provider(phone_number=numbers)
        assert (len(frame), len(rejects)) == (len(numbers), 0)
    assert len(provider(phone_number=["unknown", number])[1]) == 1


def test_zeros_before_an_id_are_no_digits_of_it() -> None:
    assert ids(["7", "0" * 20 + "12", "-" + "0" * 5000 + str(2**63)]) == [7, 12, -(2**63)]


def test_a_float_that_may_stand_for_several_ids_is_odd() -> None:
    assert ids([2.0**53, 2.0**53 + 2]) == [2**53, None]
    assert odd([2.5]) == ["2.5"]
    assert ids(["7", 2.0**60]) == [7, None]


@pytest.mark.parametrize(
    "text",
    ["4,120,907", "'4120907", "#4120907", "# 4120907", '="4120907"', '"4120907"', "'4120907'",
     "4.120.907", "4 120 907", "4\u202f120\u202f907", "4'120'907", "4\u2019120\u2019907",
     "41,20,907", "4,120,907.00", "4.120.907,00", "4_120_907", '="4,120,907"', "\ufeff4120907",
     "\u202a4120907\u202c"],
)  # fmt: skip
def test_what_spreadsheets_put_around_and_into_an_id_does_not_hide_it(text: str) -> None:
    assert ids([text, "7", None]) == [4120907, 7, None]
    assert odd([text, "7", None]) == [None, None, None]


@pytest.mark.parametrize(
    "text", ["1,000", "98.765", "4,12", "41,2,907", "4.120907E+06", "12,345.67"]
)
def test_a_number_that_may_have_a_fraction_is_no_id(text: str) -> None:
    assert ids([text, "4,120,907"]) == [None, 4120907]
    assert odd([text, "4,120,907"]) == [text, None]


def test_blanks_and_leading_zeros_do_not_hide_an_id() -> None:
    assert ids([" 3851828\r", "003851828", "3851828.00"]) == [3851828] * 3


def test_types_may_be_mixed_in_one_column() -> None:
    assert ids([1, "2", 3.0, Decimal("4.00"), b"5", None, 2**70]) == [1, 2, 3, 4, 5, None, None]


def test_unsigned_ids_beyond_64_bits_are_odd() -> None:
    assert odd(pa.array([5, 2**63], pa.uint64())) == [None, str(2**63)]


# --- local ids -----------------------------------------------------------------------------------


@pytest.mark.parametrize("column", [[1, 2], ["1", "2"], [1.0, 2.0], ["1.0", "2.0"]])
def test_local_ids_that_are_all_whole_numbers_are_int64(column: Column) -> None:
    frame, _ = local(id=column)
    assert frame["local_id"].dtype == np.int64
    assert frame["local_id"].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (["A1", "2"], ["A1", "2"]),
        (["01", "2"], ["01", "2"]),
        ([1, None], ["1", None]),
        ([1.0, math.nan], ["1", None]),
        ([str(2**63)], [str(2**63)]),
        ([], []),
    ],
)
def test_other_local_ids_are_text_as_spelled(column: Column, expected: list[str | None]) -> None:
    frame, _ = local(id=column)
    assert frame["local_id"].dtype == "str"
    assert texts(frame["local_id"]) == expected


UUID = bytes.fromhex("123e4567e89b12d3a456426614174000")


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ([UUID, b"\xff\xfe"], [UUID.hex(), "fffe"]),
        ([UUID, None, "a"], [UUID.hex(), None, "a"]),
        (pa.array([UUID, b"order-7"]), [UUID.hex(), "order-7"]),
        (pa.array([UUID], pa.binary(16)), [UUID.hex()]),
        ([memoryview(UUID)], [UUID.hex()]),
        ([b"\x12\x34", b"a"], ["0x1234", "a"]),
        ([b"order-7\0\0\0", b"\0\0"], ["order-7", "0x0000"]),
        ([b"caf\xc3\xa9", b""], ["caf\u00e9", None]),
    ],
)
def test_ids_in_binary_are_hex_unless_they_are_text(
    column: Column, expected: list[str | None]
) -> None:
    frame, _ = local(id=column)
    assert texts(frame["local_id"]) == expected


def test_binary_message_ids_are_numbers_only_where_they_are_digits_as_text() -> None:
    column = [b"3851828", b" 7\r", b"3851828\0\0", b"\x38\x00\x12", UUID]
    assert ids(column) == [3851828, 7, 3851828, None, None]
    frame, _ = local(message_id=column)
    assert texts(frame["odd_message_id"])[3:] == ["0x380012", UUID.hex()]


# --- phone numbers -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (["+353 87 123 4567", " 087-1234567 "], ["+353 87 123 4567", " 087-1234567 "]),
        ([353871234567, None], ["353871234567", None]),
        ([353871234567.0, math.nan], ["353871234567", None]),
        (["353871234567.0", "+353.0"], ["353871234567", "+353.0"]),
        ([Decimal("353871234567.00")], ["353871234567"]),
        (["", "   ", "NULL"], [None, None, None]),
        ([b"+1", b"caf\xe9"], ["+1", "caf\ufffd"]),
        (['="+353871234567"', "'+353871234567"], ["+353871234567", "+353871234567"]),
    ],
)
def test_phone_numbers_are_kept_as_stored(column: Column, expected: list[str | None]) -> None:
    frame, _ = local(phone_number=column)
    assert texts(frame["phone_number"]) == expected


# --- statuses ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dictionary", [False, True])
def test_statuses_are_mapped_passed_through_or_kept(dictionary: bool) -> None:  # noqa: FBT001
    words = ["Accepted", "QUEUED", " Sent ", "NOT_SENT", "Bounced", "", None, "null"]
    column: Any = pa.array(words).dictionary_encode() if dictionary else words
    frame, _ = local(status=column, statuses={"accepted": "sent", "Queued": "not_sent"})
    assert isinstance(frame["status"].dtype, pd.CategoricalDtype)
    assert texts(frame["status"]) == [
        "sent", "not_sent", "sent", "not_sent", "Bounced", None, None, None,
    ]  # fmt: skip


def test_the_users_mapping_goes_before_octopods_words_and_null() -> None:
    frame, _ = local(status=["sent", "none"], statuses={"sent": "delivered", "none": "not_sent"})
    assert texts(frame["status"]) == ["delivered", "not_sent"]


def test_status_codes_that_are_numbers_can_be_mapped() -> None:
    frame, _ = local(status=[1, 2, None], statuses={"1": "sent"})
    assert texts(frame["status"]) == ["sent", "2", None]


# --- times ---------------------------------------------------------------------------------------


def _offset(minutes: int) -> timezone:
    return timezone(timedelta(minutes=minutes))


def _zoned(form: str, zone: str) -> Callable[[datetime], str]:
    return lambda moment: moment.strftime(form) + zone


SPELLINGS: dict[str, Callable[[datetime], Any]] = {
    "T and Z": _zoned("%Y-%m-%dT%H:%M:%S.%f", "Z"),
    "blank and Z": _zoned("%Y-%m-%d %H:%M:%S.%f", "Z"),
    "lower case": _zoned("%Y-%m-%dt%H:%M:%S.%f", "z"),
    "comma": _zoned("%Y-%m-%dT%H:%M:%S,%f", "Z"),
    "nanoseconds": _zoned("%Y-%m-%dT%H:%M:%S.%f", "789Z"),
    "blanks around": lambda moment: f"  {moment.isoformat()}\t",
    "+00:00": lambda moment: moment.isoformat(),
    "+0000": _zoned("%Y-%m-%dT%H:%M:%S.%f", "+0000"),
    "+00": _zoned("%Y-%m-%d %H:%M:%S.%f", "+00"),
    "blank and +00:00": _zoned("%Y-%m-%d %H:%M:%S.%f", " +00:00"),
    "UTC": _zoned("%Y-%m-%d %H:%M:%S.%f", " UTC"),
    "+05:30": lambda moment: moment.astimezone(_offset(330)).isoformat(),
    "-0930": lambda moment: moment.astimezone(_offset(-570)).strftime("%Y-%m-%dT%H:%M:%S.%f%z"),
    "naive": _zoned("%Y-%m-%d %H:%M:%S.%f", ""),
    "basic": _zoned("%Y%m%dT%H%M%S.%f", "Z"),
    "weeks": _zoned("%G-W%V-%uT%H:%M:%S.%f", "Z"),
    "native": lambda moment: moment,
    "native elsewhere": lambda moment: moment.astimezone(_offset(-300)),
    "native naive": lambda moment: moment.replace(tzinfo=None),
    "microseconds": lambda moment: (
        (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    ),
    "microseconds as text": lambda moment: str(SPELLINGS["microseconds"](moment)),
    "seconds": lambda moment: SPELLINGS["microseconds"](moment) / 1e6,
    "seconds as text": lambda moment: str(Decimal(SPELLINGS["microseconds"](moment)).scaleb(-6)),
    "milliseconds as text": lambda moment: str(
        Decimal(SPELLINGS["microseconds"](moment)).scaleb(-3)
    ),
    "seconds as decimal": lambda moment: Decimal(SPELLINGS["microseconds"](moment)).scaleb(-6),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@given(moments=st.lists(MOMENTS, min_size=1, max_size=5), broken=st.booleans())
def test_any_moment_in_any_spelling_is_read_exactly(
    spelling: str,
    moments: list[datetime],
    broken: bool,  # noqa: FBT001
) -> None:
    column = [SPELLINGS[spelling](moment) for moment in moments]
    expected: list[datetime | None] = [*moments]
    if broken:
        column, expected = [*column, "tomorrow", None], [*expected, None, None]
    assert times(column) == expected


@given(st.lists(st.tuples(MOMENTS, st.sampled_from(sorted(SPELLINGS)))))
def test_spellings_may_be_mixed_in_one_column(rows: list[tuple[datetime, str]]) -> None:
    read = times([SPELLINGS[spelling](moment) for moment, spelling in rows])
    assert read == [moment for moment, _ in rows]


@given(st.lists(MOMENTS.map(lambda moment: moment.replace(second=0, microsecond=0))))
def test_seconds_may_be_left_out(moments: list[datetime]) -> None:
    for form in ("%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%MZ", "%Y-%m-%dT%H:%M+00"):
        assert times([moment.strftime(form) for moment in moments]) == moments


@given(
    st.lists(st.from_regex(timestamps.TEXT_SHAPE.replace("$", r"\Z"), fullmatch=True), max_size=5)
)
def test_a_text_of_the_shape_that_databases_pass_over_is_read_as_isoparse_reads_it(
    spelled: list[str],
) -> None:
    for text in spelled:
        moment = isoparse(text)
        expected = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        if timestamps.EARLIEST <= expected < timestamps.LATEST:
            assert times([text]) == [expected]


@given(st.text() | st.from_regex(r"[0-9TWZ: .,+-]{4,30}", fullmatch=True))
def test_no_text_at_all_ends_the_read(text: str) -> None:
    assert times(["2026-04-23T12:00:00Z", text])[0] == datetime(2026, 4, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "unreadable",
    [
        "tomorrow", "2026-02-30", "2026-02-29T10:00:00Z", "2026-04-23T25:00", "2026", "12:00",
        "20260423256145", "infinity", "2008-12-31T23:59:59Z", "2201-01-01", "1969-07-20", 0, 1,
        -1776900000, 10**30, math.inf, True, "2026-04-23T10:00:00 Mars", "2026-04-23_10:00",
        {"a": 1}, [1], "1e9", "9" * 400, Decimal("1e999999"), "0001-01-01 00:00:00+00 BC",
    ],
)  # fmt: skip
def test_what_is_no_time_of_a_message_is_not_read(unreadable: object) -> None:
    assert times([unreadable]) == [None]
    assert times([unreadable, "2026-04-23T12:00:00Z"]) == [
        None,
        datetime(2026, 4, 23, 12, tzinfo=UTC),
    ]


def test_the_first_and_the_last_readable_moment() -> None:
    first, last = "2009-01-01T00:00:00Z", "2200-12-31T23:59:59.999999Z"
    assert times([first, last]) == [isoparse(first), isoparse(last)]
    assert times([1230768000, 7289654399]) != [None, None]
    assert times([1230767999, 7289654400]) == [None, None]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Tokyo"])
def test_native_columns_of_every_unit_and_zone_are_read(unit: str, zone: str | None) -> None:
    moment = datetime(2026, 4, 23, 12, 0, 5, tzinfo=UTC)
    column = pa.array([moment, None], pa.timestamp(unit, zone or "UTC"))
    if zone is None:
        column = column.cast(pa.int64()).cast(pa.timestamp(unit))
    assert times(column) == [moment, None]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
@pytest.mark.parametrize(
    "kind",
    [pa.timestamp("us"), pa.timestamp("us", "Asia/Tokyo"), pa.timestamp("s", "UTC"),
     pa.timestamp("ns", "Asia/Tokyo"), pa.timestamp("ms"), pa.date32(), pa.date64()],
)  # fmt: skip
def test_a_time_that_is_beyond_python_costs_only_its_own_row(kind: pa.DataType, zone: str) -> None:
    fine = pa.scalar(datetime(2026, 4, 23, 12, tzinfo=UTC), pa.timestamp("us", "UTC"))
    whole_days = pa.types.is_date(kind)
    edges = [-(2**31), 2**31 - 1] if kind == pa.date32() else [-(2**62), 2**63 - 1]
    edges = [n // 86_400_000 * 86_400_000 for n in edges] if kind == pa.date64() else edges
    extreme = pa.array(edges, pa.int32() if kind == pa.date32() else pa.int64()).cast(kind)
    column = pa.concat_arrays([extreme, pa.array([fine]).cast(kind, safe=not whole_days)])
    frame, rejects = local(zone, sent_at=column)
    assert (len(frame), len(rejects)) == (1, 2)
    assert rejects["reason"].str.contains("sent_at").all()


def test_dates_are_midnight_in_the_zone_of_the_records() -> None:
    midnight = datetime(2026, 4, 22, 23, tzinfo=UTC)
    day = date(2026, 4, 23)
    assert times([day], "Europe/Dublin") == [midnight]
    assert times(pa.array([day], pa.date64()), "Europe/Dublin") == [midnight]
    assert times(["2026-04-23", "20260423"], "Europe/Dublin") == [midnight] * 2


def test_dates_beside_times_keep_their_time_of_day() -> None:
    noon = datetime(2026, 4, 23, 12)  # noqa: DTZ001 - as records keep it
    assert times([date(2026, 4, 23), noon, noon.replace(tzinfo=UTC)]) == [
        datetime(2026, 4, 23, tzinfo=UTC),
        datetime(2026, 4, 23, 12, tzinfo=UTC),
        datetime(2026, 4, 23, 12, tzinfo=UTC),
    ]


@pytest.mark.parametrize(
    ("zone", "wall", "utc"),
    [
        ("Europe/Dublin", "2026-10-25 01:30", "2026-10-25T00:30Z"),
        ("Europe/Dublin", "2026-03-29 01:30", "2026-03-29T01:00Z"),
        ("America/New_York", "2026-11-01 01:30", "2026-11-01T05:30Z"),
        ("America/New_York", "2026-03-08 02:30", "2026-03-08T07:00Z"),
        ("Australia/Lord_Howe", "2026-04-05 01:45", "2026-04-04T14:45Z"),
        ("Asia/Kathmandu", "2026-04-23 05:45", "2026-04-23T00:00Z"),
    ],
)
def test_a_time_that_comes_twice_is_the_first_and_one_that_never_comes_the_next(
    zone: str, wall: str, utc: str
) -> None:
    naive = isoparse(wall)
    for column in ([wall], [naive], pa.array([naive]), [f"{wall}:00,0"], [wall, "never"]):
        assert times(column, zone)[0] == isoparse(utc)


@given(MOMENTS)
def test_wall_clocks_are_read_as_zoneinfo_reads_them_where_they_are_not_ambiguous(
    moment: datetime,
) -> None:
    zone = ZoneInfo("America/Sao_Paulo")
    wall = moment.astimezone(zone)
    if wall.utcoffset() == wall.replace(fold=1 - wall.fold).utcoffset():
        assert times([wall.replace(tzinfo=None)], "America/Sao_Paulo") == [moment]


# --- local frames --------------------------------------------------------------------------------


def test_a_row_without_a_readable_time_is_rejected_and_costs_the_others_nothing() -> None:
    frame, rejects = local(
        id=[1, 2, 3],
        message_id=[11, 12, 13],
        phone_number=["+1", "+2", "+3"],
        sent_at=["2026-04-23T12:00:00Z", "tomorrow", None],
        status=["sent", "accepted", "Bounced"],
        statuses={"accepted": "sent"},
    )
    assert frame["local_id"].tolist() == [1]
    assert rejects["local_id"].tolist() == ["2", "3"]
    assert rejects["message_id"].tolist() == [12, 13]
    assert rejects["phone_number"].tolist() == ["+2", "+3"]
    assert rejects["status"].tolist() == ["sent", "Bounced"]
    assert rejects["sent_at"].isna().all()
    assert rejects["reason"].tolist() == [
        "sent_at cannot be read: 'tomorrow'",
        "sent_at is missing",
    ]


@pytest.mark.parametrize("sent_at", [[], ["2026-04-23T12:00:00Z"], ["no"], ["2026-04-23", "no"]])
def test_frames_have_the_dtypes_of_the_layout_whatever_is_in_them(sent_at: list[str]) -> None:
    frame, rejects = local(sent_at=sent_at)
    for made, layout in ((frame, frames.LOCAL), (rejects, frames.LOCAL_REJECTS)):
        assert {name: str(dtype) for name, dtype in made.dtypes.items()} == {
            name: str(dtype) for name, dtype in layout.items()
        }
        assert isinstance(made.index, pd.RangeIndex)
        assert made.index.start == 0


@pytest.mark.parametrize(
    ("empty", "layout"),
    [
        (frames.empty_local(), frames.LOCAL),
        (frames.empty_local_rejects(), frames.LOCAL_REJECTS),
        (frames.empty_provider_rejects(), frames.PROVIDER_REJECTS),
        (frames.rejected_lines([]), frames.LOCAL_REJECTS),
        (frames.rejected_lines(["line 3: no JSON"]), frames.LOCAL_REJECTS),
    ],
)
def test_frames_made_without_raw_columns_have_the_layout(
    empty: pd.DataFrame, layout: Mapping[str, object]
) -> None:
    assert {name: str(dtype) for name, dtype in empty.dtypes.items()} == {
        name: str(dtype) for name, dtype in layout.items()
    }


def test_the_order_of_the_raw_rows_is_kept() -> None:
    frame, _ = local(id=[3, 1, 2])
    assert frame["local_id"].tolist() == [3, 1, 2]


# --- concat --------------------------------------------------------------------------------------


def test_a_status_code_that_an_export_wrote_with_a_point_is_the_same_code() -> None:
    mapping = {"1": "sent", "2": "failed", "2.00": "read"}
    frame, _ = local(status=["1.0", "2.0", "2.00", "3.0", "1.5"], statuses=mapping)
    assert texts(frame["status"]) == ["sent", "failed", "read", "3.0", "1.5"]


def test_frames_put_together_keep_their_dtypes_and_unite_their_statuses() -> None:
    one, _ = local(id=[1], message_id=[2**53 + 1], status=["sent"])
    two, _ = local(id=[2], message_id=[None], status=["Bounced"])
    both = frames.concat([one, frames.empty_local(), two])
    assert both.dtypes.drop("status").equals(one.dtypes.drop("status"))
    assert both["local_id"].tolist() == [1, 2]
    assert both["message_id"].tolist()[0] == 2**53 + 1
    assert texts(both["status"]) == ["sent", "Bounced"]
    assert list(both.columns) == list(one.columns)


def test_whole_number_ids_become_text_beside_text() -> None:
    one, _ = local(id=[1])
    two, _ = local(id=["A2"])
    assert frames.concat([one, two])["local_id"].tolist() == ["1", "A2"]


def test_a_part_of_one_frame_gets_a_range_index() -> None:
    frame, _ = local(id=[1, 2])
    part = frames.concat([frame.iloc[1:]])
    assert part.index.tolist() == [0]


def test_no_frames_cannot_be_put_together() -> None:
    with pytest.raises(ValueError, match="no frames"):
        frames.concat([])


# --- provider frames -----------------------------------------------------------------------------


def provider(**raw: Column) -> Read:
    count = len(next(iter(raw.values())))
    return frames.provider_frames(
        [
            {
                "message_id": list(range(1, count + 1)),
                "phone_number": ["+353871234567"] * count,
                "sent_at": ["2026-04-23T12:00:00Z"] * count,
                "status": ["delivered"] * count,
                **raw,
            }
        ],
        observed_at=NOW,
    )


def test_a_provider_file_becomes_the_layout() -> None:
    frame, rejects = provider(sent_at=["2026-04-23 12:00", "x"], status=["DELIVERED", None])
    for made, layout in ((frame, frames.PROVIDER), (rejects, frames.PROVIDER_REJECTS)):
        assert {name: str(dtype) for name, dtype in made.dtypes.items()} == {
            name: str(dtype) for name, dtype in layout.items()
        }
    assert frame["sent_at"].tolist() == [pd.Timestamp("2026-04-23T12:00Z")]
    assert frame["observed_at"].tolist() == [pd.Timestamp(NOW)]
    assert frame["status"].tolist() == ["delivered"]


def test_a_missing_status_is_unknown_and_a_foreign_word_is_lowered_and_kept() -> None:
    frame, _ = provider(status=[None, "EXPIRED", ""])
    assert frame["status"].tolist() == ["unknown", "expired", "unknown"]


def test_blank_reasons_of_failure_are_null() -> None:
    frame, _ = provider(failure_reason=["", None, "No user"])
    assert texts(frame["failure_reason"]) == [None, None, "No user"]


@pytest.mark.parametrize(
    ("field", "bad", "reason"),
    [
        ("message_id", "wamid.1", "message_id cannot be read: 'wamid.1'"),
        ("message_id", None, "message_id is missing"),
        ("message_id", 0, "message_id cannot be read: '0'"),
        ("message_id", -7, "message_id cannot be read: '-7'"),
        ("phone_number", "nobody", "phone_number cannot be read: 'nobody'"),
        ("sent_at", "soon", "sent_at cannot be read: 'soon'"),
    ],
)
def test_a_message_that_cannot_be_read_is_rejected_with_its_reason(
    field: str, bad: object, reason: str
) -> None:
    good = {"message_id": "1", "phone_number": "+1", "sent_at": "2026-04-23"}
    frame, rejects = provider(
        **{name: [value, value] for name, value in good.items()} | {field: [good[field], bad]}
    )
    assert len(frame) == 1
    assert rejects["reason"].tolist() == [reason]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (["7.0", "8"], ["7", "8"]),
        (["7.0", "x", "007", None, "7.50"], ["7", "x", "007", None, "7.50"]),
        ([7.0, None], ["7", None]),
    ],
)
def test_the_id_of_a_record_does_not_depend_on_the_ids_of_others(
    column: list[object], expected: list[str | None]
) -> None:
    frame, _ = local(id=column)
    assert texts(frame["local_id"].astype("str")) == expected


@pytest.mark.parametrize(
    ("written", "first", "minutes"),
    [
        ("2026-10-25 01:30:00", "2026-10-25T00:30:00", 60),
        ("2026-10-25 02:00:00", "2026-10-25T02:00:00", 0),
        ("2026-10-25 00:59:59", "2026-10-24T23:59:59", 0),
        ("2026-10-25T01:30:00+01:00", "2026-10-25T00:30:00", 0),
        ("2026-10-25T01:30:00Z", "2026-10-25T01:30:00", 0),
        ("2026-03-29 01:30:00", "2026-03-29T01:30:00", -60),
        ("2026-03-29 00:59:00", "2026-03-29T00:59:00", 0),
        ("2026-03-29 02:00:00", "2026-03-29T01:00:00", 0),
        ("2026-07-01 01:30:00", "2026-07-01T00:30:00", 0),
    ],
)
def test_a_wall_clock_time_that_comes_twice_or_is_skipped_has_two_readings(
    written: str, first: str, minutes: int
) -> None:
    for column in ([written], ["2026-06-01T00:00:00Z", written]):
        frame, _ = local(zone="Europe/Dublin", sent_at=column)
        assert frame["sent_at"].iloc[-1] == pd.Timestamp(first, tz="UTC")
        assert frame["other_minutes"].tolist() == [*[0] * (len(column) - 1), minutes]


def test_half_an_hour_may_come_twice_too() -> None:
    # Lord Howe Island's clocks change by thirty minutes.
    frame, _ = local(zone="Australia/Lord_Howe", sent_at=[datetime(2026, 4, 5, 1, 45)])  # noqa: DTZ001
    assert frame["other_minutes"].tolist() == [30]


def test_a_message_may_have_no_number() -> None:
    frame, rejects = provider(phone_number=[None, " ", "IE.13491208655302741918"])
    assert texts(frame["phone_number"]) == [None, None, "IE.13491208655302741918"]
    assert len(rejects) == 0


def test_every_error_of_a_message_is_reported_at_once() -> None:
    _, rejects = provider(message_id=[None], sent_at=["soon"])
    assert rejects["reason"].tolist() == ["message_id is missing; sent_at cannot be read: 'soon'"]


def test_a_provider_file_read_in_chunks_is_the_same_as_one_read_whole() -> None:
    raw: dict[str, list[str | None]] = {
        "message_id": ["3", "x", "1", "3", "x", "2"],
        "phone_number": ["+353871234567"] * 6,
        "sent_at": ["2026-04-23T12:00:00Z"] * 6,
        "status": ["sent", "SENT", None, "Read", "SENT", "expired"],
        "failure_reason": [None, None, None, None, None, "No user"],
    }
    chunks = [{name: raw[name][at : at + 2] for name in raw} for at in (0, 2, 4)]
    whole = frames.provider_frames([raw], observed_at=NOW)
    for one, other in zip(whole, frames.provider_frames(chunks, observed_at=NOW), strict=True):
        pd.testing.assert_frame_equal(one, other)
    assert whole[0]["message_id"].tolist() == [1, 3, 2]
    assert whole[1]["key"].is_unique


def test_a_provider_file_without_rows_has_the_layout_all_the_same() -> None:
    frame, rejects = frames.provider_frames([], observed_at=NOW)
    assert list(frame.columns) == list(frames.PROVIDER)
    assert list(rejects.columns) == list(frames.PROVIDER_REJECTS)


def test_the_key_of_a_reject_is_its_own_and_the_same_in_any_order() -> None:
    rows = ["a", "b", "b"]
    keys = provider(message_id=rows)[1]["key"].tolist()
    again = provider(message_id=rows[::-1])[1]["key"].tolist()
    assert len(set(keys)) == 3
    assert set(keys) == set(again)
    assert keys[0] == again[2]


STATUSES = ["unknown", "expired", "sent", "failed", "delivered", "read", "deleted"]


@given(st.lists(st.sampled_from(STATUSES), min_size=1, max_size=6), st.randoms())
def test_of_one_id_the_most_advanced_status_is_kept_in_any_order(
    words: list[str], random: Random
) -> None:
    random.shuffle(words)
    frame, _ = provider(message_id=[7] * len(words), status=words)
    assert frame["message_id"].tolist() == [7]
    assert frame["status"].tolist() == [max(words, key=STATUSES.index)]


def test_repeated_ids_leave_the_others_alone() -> None:
    frame, _ = provider(message_id=[1, 2, 2, 3], status=["sent", "read", "sent", "failed"])
    assert sorted(zip(frame["message_id"], frame["status"], strict=True)) == [
        (1, "sent"), (2, "read"), (3, "failed"),
    ]  # fmt: skip


# --- text ----------------------------------------------------------------------------------------


def test_a_lone_surrogate_does_not_end_the_read() -> None:
    frame, _ = local(phone_number=["+1\udc80", "+2"])
    assert texts(frame["phone_number"]) == ["+1?", "+2"]


def test_chunked_and_extension_columns_are_read() -> None:
    uuid = pa.array([b"0123456789abcdef"], pa.uuid())
    assert ids(pa.chunked_array([[1], [2]])) == [1, 2]
    assert texts(local(id=uuid)[0]["local_id"]) == ["30313233-3435-3637-3839-616263646566"]
    assert columns.as_arrow(pa.chunked_array([], pa.int64())).to_pylist() == []
