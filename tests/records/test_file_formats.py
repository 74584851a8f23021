"""RecordsReader in files of all kinds: a bad row costs only itself, and no id becomes a float."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recon.core import frames
from recon.errors import InputError
from recon.records import json_lines
from recon.records.reader import RecordsRead
from recon.records.reader_factory import open_reader
from recon.records.source import Source
from tests.records.samples import COLUMNS, END, NOON, ROW, START, local_ids

HEAD = ",".join(COLUMNS)
LINE = ",".join(ROW)
GOOD = dict(zip(COLUMNS, ROW, strict=True))


def records(path: Path, content: bytes | str, **options: Any) -> RecordsRead:  # noqa: ANN401
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return open_reader(Source(file=path, **options)).read(START, END)


def as_csv(rows: Sequence[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def as_jsonl(rows: Sequence[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def as_parquet(rows: Sequence[dict[str, Any]]) -> bytes:
    sink = io.BytesIO()
    columns = {name: [row.get(name) for row in rows] for name in COLUMNS}
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


KINDS: dict[str, Callable[[Sequence[dict[str, Any]]], bytes]] = {
    "sends.csv": as_csv,
    "sends.CSV": as_csv,
    "sends.csv.gz": lambda rows: gzip.compress(as_csv(rows)),
    "sends.jsonl": as_jsonl,
    "sends.ndjson": as_jsonl,
    "sends.jsonl.gz": lambda rows: gzip.compress(as_jsonl(rows)),
    "sends.parquet": as_parquet,
}


# --- every kind ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", KINDS)
def test_a_file_is_read_by_what_its_name_ends_with(tmp_path: Path, name: str) -> None:
    read = records(tmp_path / name, KINDS[name]([GOOD]))
    assert local_ids(read.frame) == ["1"]
    row = read.frame.iloc[0]
    assert row["message_id"] == 3851828
    assert row["phone_number"] == "+353871234567"
    assert row["sent_at"] == pd.Timestamp(NOON)
    assert row["status"] == "sent"


@pytest.mark.parametrize("name", KINDS)
def test_rows_are_cut_to_the_span_and_rows_without_a_time_are_rejects(
    tmp_path: Path, name: str
) -> None:
    times = ["2026-04-22T22:59:59.999999Z", START.isoformat(), "2026-04-24 00:59:59.999999+02",
             END.isoformat(), "never", ""]  # fmt: skip
    rows = [{**GOOD, "id": str(n), "sent_at": time} for n, time in enumerate(times)]
    read = records(tmp_path / name, KINDS[name](rows))
    assert local_ids(read.frame) == ["1", "2"]
    assert local_ids(read.rejects) == ["4", "5"]


@pytest.mark.parametrize("name", KINDS)
def test_ids_are_found_whatever_their_time(tmp_path: Path, name: str) -> None:
    rows = [{**GOOD, "id": "1"}, {**GOOD, "id": "2", "message_id": "7", "sent_at": "2019-01-01"}]
    records(tmp_path / name, KINDS[name](rows))
    source = Source(file=tmp_path / name)
    assert open_reader(source).can_find
    assert local_ids(open_reader(source).find(np.array([7, 9])).frame) == ["2"]
    assert len(open_reader(source).find(np.array([], dtype=np.int64)).frame) == 0


#: All but those that stand for no id.
NUMBERED = st.integers(-(2**63), 2**63 - 1).filter(lambda number: number not in {0, -1})


@pytest.mark.parametrize("name", KINDS)
@settings(max_examples=25)
@given(ids=st.lists(st.none() | NUMBERED, max_size=5, unique=True))
def test_ids_of_64_bits_survive_every_kind_of_file(name: str, ids: list[int | None]) -> None:
    rows = [{**GOOD, "id": str(n), "message_id": one} for n, one in enumerate(ids)]
    with tempfile.TemporaryDirectory() as room:
        frame = records(Path(room) / name, KINDS[name](rows)).frame
    assert [None if one is pd.NA else int(one) for one in frame["message_id"]] == ids


@pytest.mark.parametrize("name", KINDS)
def test_missing_columns_are_reported_with_the_near_ones(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError) as raised:
        records(tmp_path / name, KINDS[name]([GOOD]), columns={"sent_at": "sentat", "id": "record"})
    assert str(raised.value) == (
        f"{tmp_path / name} has no column 'record'\n"
        f"{tmp_path / name} has no column 'sentat'; did you mean 'sent_at'?\n"
        "  It has: id, message_id, phone_number, sent_at, status."
    )


@pytest.mark.parametrize("name", KINDS)
def test_a_missing_file_names_the_near_ones(tmp_path: Path, name: str) -> None:
    (tmp_path / f"x{name}").touch()
    with pytest.raises(InputError, match=f"there is no file .*\n.*x{name}"):
        open_reader(Source(file=tmp_path / name)).read(START, END)


@pytest.mark.parametrize("name", KINDS)
def test_a_file_without_rows_is_empty_records(tmp_path: Path, name: str) -> None:
    read = records(tmp_path / name, KINDS[name]([]))
    assert len(read.frame) == len(read.rejects) == 0
    assert {str(dtype) for dtype in read.frame.dtypes} == {
        str(dtype) for dtype in frames.LOCAL.values()
    }


@pytest.mark.parametrize("name", ["sends.xlsx", "sends", "sends.csv.zip"])
def test_an_unknown_ending_names_the_known_ones(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"recon reads \.csv, \.csv\.gz, \.parquet"):
        records(tmp_path / name, b"")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b""),
        ("a.csv", b"\n\r\n\n"),
        ("a.csv.gz", b"no gzip"),
        ("a.csv.gz", gzip.compress((HEAD + "\n" + LINE).encode() * 99)[:-20]),
        ("a.jsonl.gz", gzip.compress(as_jsonl([GOOD] * 99))[:-20]),
        ("a.parquet", b"PAR1 no parquet PAR1"),
        ("a.parquet", as_parquet([GOOD])[:-9]),
        ("a.parquet", b""),
    ],
)
def test_a_file_that_cannot_be_read_at_all_is_reported(
    tmp_path: Path, name: str, content: bytes
) -> None:
    with pytest.raises(InputError, match=r"a\.(csv|jsonl|parquet)"):
        records(tmp_path / name, content)


def test_the_columns_of_a_file_are_those_of_the_mapping(tmp_path: Path) -> None:
    source = Source(file=tmp_path / "a.csv", columns={"status": "", "sent_at": "at"})
    assert dict(open_reader(source).columns()) == {
        "id": "id",
        "message_id": "message_id",
        "phone_number": "phone_number",
        "sent_at": "at",
    }


# --- CSV -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_delimiter_is_seen_from_the_header(
    tmp_path: Path, delimiter: str, bom: bytes, end: str
) -> None:
    text = f"{HEAD}{end}{LINE}{end}".replace(",", delimiter)
    assert local_ids(records(tmp_path / "a.csv", bom + text.encode()).frame) == ["1"]


def test_commas_inside_of_names_do_not_mislead(tmp_path: Path) -> None:
    text = f'"Body, a, b, c, d, e, f";{HEAD.replace(",", ";")}\nHi, you;{LINE.replace(",", ";")}\n'
    assert local_ids(records(tmp_path / "a.csv", text).frame) == ["1"]


def test_a_row_with_too_few_or_too_many_fields_costs_only_itself(tmp_path: Path) -> None:
    text = f"{HEAD}\n{LINE}\n2,3\n{LINE},x\n{LINE}"
    read = records(tmp_path / "a.csv", text)
    assert len(read.frame) == 2
    assert read.rejects["reason"].tolist() == [
        "row 3: 2 fields, not 5",
        "row 4: 6 fields, not 5",
    ]
    assert read.rejects.drop(columns="reason").isna().all(axis=None)


def test_a_file_of_nothing_but_broken_rows_is_all_rejects(tmp_path: Path) -> None:
    read = records(tmp_path / "a.csv", f"{HEAD}\n1,2\n3\n")
    assert (len(read.frame), len(read.rejects)) == (0, 2)


def test_quoted_fields_may_hold_line_breaks_delimiters_and_quotes(tmp_path: Path) -> None:
    text = f'"bo\ndy",{HEAD}\n"Hi,\r\n""you""",{LINE}\n,{LINE}\n'
    assert len(records(tmp_path / "a.csv", text).frame) == 2


@pytest.mark.parametrize("text", [HEAD, f"{HEAD}\n", f"\n\n{HEAD}\r\n\r\n"])
def test_a_header_alone_is_empty_records(tmp_path: Path, text: str) -> None:
    assert len(records(tmp_path / "a.csv", text).frame) == 0


def test_blank_lines_and_blanks_around_names_do_no_harm(tmp_path: Path) -> None:
    text = f"\n\n{HEAD.replace(',', ' , ')}\n\n{LINE}\n\n\n{LINE}\n"
    assert len(records(tmp_path / "a.csv", text).frame) == 2


def test_columns_that_are_not_asked_for_may_be_of_one_name_or_not_utf8(tmp_path: Path) -> None:
    text = f"x,x,{HEAD},n\xe4me\n1,2,{LINE},caf\xe9\n".encode("latin-1")
    assert local_ids(records(tmp_path / "a.csv", text).frame) == ["1"]


def test_a_field_that_is_not_utf8_does_not_end_the_read(tmp_path: Path) -> None:
    text = f"{HEAD}\n{LINE}\n{LINE}\n".encode().replace(b"+353", b"\xff353", 1)
    read = records(tmp_path / "a.csv", text)
    assert sorted(read.frame["phone_number"]) == ["+353871234567", "\ufffd353871234567"]


def test_a_column_that_is_asked_for_and_there_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="several columns 'id'"):
        records(tmp_path / "a.csv", f"id,{HEAD}\n1,{LINE}\n")


def test_a_broken_row_that_is_not_utf8_costs_only_itself(tmp_path: Path) -> None:
    text = f"{HEAD}\n{LINE}\n".encode() + b"1,\xff\n" + f"{LINE}\n".encode()
    read = records(tmp_path / "a.csv", text)
    assert (len(read.frame), len(read.rejects)) == (2, 1)


@settings(max_examples=50)
@given(
    rows=st.lists(
        st.fixed_dictionaries(
            {
                "id": st.text("ab\",;\n '", min_size=1).map(lambda text: f"x{text}"),
                "phone_number": st.text('+0123456789 ,;"\n()', min_size=1).map("+{}".format),
            }
        ),
        max_size=6,
    )
)
def test_whatever_the_standard_library_writes_is_read(rows: list[dict[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as room:
        frame = records(Path(room) / "a.csv", as_csv([{**GOOD, **row} for row in rows])).frame
    assert [
        {name: row[name] for name in rows[0]}
        for row in frame.rename(columns={"local_id": "id"}).to_dict("records")
    ] == rows


# --- JSON Lines ----------------------------------------------------------------------------------


def test_only_a_broken_line_is_lost_and_it_is_reported_without_its_content(tmp_path: Path) -> None:
    good = as_jsonl([GOOD])
    bad = [b'{"id": secret', b"[1, 2]", b"7", b'{"id": "\xff"}', b"[" * 100_000, b"1" * 5000]
    bad.append(as_jsonl([GOOD]).strip() + b" 7")
    read = records(tmp_path / "a.jsonl", good + b"\n".join(bad) + b"\n\n" + good)
    assert len(read.frame) == 2
    assert read.rejects["reason"].tolist() == [
        "line 2: not JSON, Expecting value",
        "line 3: not an object",
        "line 4: not an object",
        "line 5: not UTF-8",
        "line 6: JSON that is too large or too deep",
        "line 7: JSON that is too large or too deep",
        "line 8: not JSON, Extra data",
    ]


def test_a_file_of_nothing_but_broken_lines_is_all_rejects(tmp_path: Path) -> None:
    read = records(tmp_path / "a.jsonl", b"x\ny\n")
    assert (len(read.frame), len(read.rejects)) == (0, 2)


def test_an_empty_file_of_lines_is_empty_records(tmp_path: Path) -> None:
    assert len(records(tmp_path / "a.jsonl", b"").frame) == 0
    assert len(records(tmp_path / "a.jsonl", b"\xef\xbb\xbf\n").frame) == 0


def test_a_key_that_some_objects_lack_is_null_there(tmp_path: Path) -> None:
    read = records(tmp_path / "a.jsonl", as_jsonl([GOOD, {"sent_at": NOON}]))
    assert read.frame["message_id"].isna().tolist() == [False, True]


def test_types_may_be_mixed_and_numbers_keep_every_digit(tmp_path: Path) -> None:
    rows = b"".join(
        b'{"id": 1, "message_id": %s, "phone_number": 353871234567.0, "sent_at": %s,'
        b' "status": null}\n' % (one, time)
        for one, time in [
            (b"9007199254740993", b"1776945600"),
            (b'"9007199254740995"', b"1776945600123"),
            (b"9007199254740997.0", b"1776945600.123456"),
            (b"NaN", b'"2026-04-23T12:00:00Z"'),
        ]
    )
    frame = records(tmp_path / "a.jsonl", rows).frame
    assert frame["message_id"].tolist()[:3] == [2**53 + 1, 2**53 + 3, 2**53 + 5]
    assert frame["message_id"].isna().tolist() == [False, False, False, True]
    assert frame["phone_number"].tolist() == ["353871234567"] * 4
    assert frame["sent_at"].dt.microsecond.tolist() == [0, 123000, 123456, 0]


def test_the_items_of_a_file_of_lines_are_at_hand_as_they_stand(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"message_status": {"id": 5}}\n\n{\n')
    good, bad = json_lines.lines(tmp_path / "a.jsonl")
    assert (good.number, good.item, good.broken) == (1, {"message_status": {"id": 5}}, None)
    assert (bad.number, bad.item) == (3, None)
    assert bad.broken is not None


# --- Parquet -------------------------------------------------------------------------------------


def test_native_columns_of_parquet_are_read(tmp_path: Path) -> None:
    table = pa.table(
        {
            "id": pa.array([1.0, None]),
            "message_id": pa.array([2**53 + 1, None], pa.int64()),
            "phone_number": pa.array([353871234567, None]),
            "sent_at": pa.array(
                [datetime(2026, 4, 23, 12, tzinfo=UTC)] * 2, pa.timestamp("ns", "Asia/Tokyo")
            ),
            "status": pa.array(["Accepted", None]).dictionary_encode(),
            "body": ["Hi", "you"],
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    source = Source(file=tmp_path / "a.parquet", statuses={"accepted": "sent"})
    frame = open_reader(source).read(START, END).frame
    assert frame["message_id"].tolist()[0] == 2**53 + 1
    assert frame["local_id"].tolist()[0] == "1"
    assert frame["phone_number"].tolist()[0] == "353871234567"
    assert frame["sent_at"].tolist() == [pd.Timestamp(NOON)] * 2
    assert frame["status"].tolist()[0] == "sent"
    assert frame.iloc[1][["local_id", "message_id", "phone_number", "status"]].isna().all()
