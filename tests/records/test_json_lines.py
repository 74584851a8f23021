"""JSON files in the shapes that tools write: lines, arrays, saved answers, Extended JSON."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any, Final

import pytest

from recon.errors import InputError
from recon.records import json_lines
from recon.records.reader import RecordsRead
from recon.records.reader_factory import open_reader
from recon.records.source import Source


def item(n: int) -> dict[str, Any]:
    return {
        "id": n,
        "message_id": 700100 + n,
        "phone_number": f"+35386{n:07}",
        "sent_at": f"2026-04-23T12:{n:02}:00Z",
        "status": "sent",
    }


ITEMS: Final = [item(n) for n in range(3)]


def read(path: Path, content: str | bytes, **options: Any) -> RecordsRead:  # noqa: ANN401
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return open_reader(Source(file=path, **options)).read(None, None)


def lines_of(items: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(one) + "\n" for one in items)


SHAPES: Final = {
    "an array on one line": json.dumps(ITEMS),
    "an array of many lines": json.dumps(ITEMS, indent=2),
    "an array with one item a line": "[\n" + ",\n".join(map(json.dumps, ITEMS)) + "\n]\n",
    "an answer with a list of messages": json.dumps({"request_id": "r", "messages": ITEMS}),
    "the same, indented": json.dumps({"request_id": "r", "messages": ITEMS}, indent=4),
    "an object with one list": json.dumps({"sends": ITEMS}, indent=1),
    "the same on one line": json.dumps({"total": 3, "sends": ITEMS}),
    "indented objects one after another": "\n".join(json.dumps(one, indent=2) for one in ITEMS),
    "answers one a line": json.dumps(ITEMS[:2]) + "\n" + json.dumps({"messages": ITEMS[2:]}),
    "lines": lines_of(ITEMS),
    "objects without anything between them": "".join(map(json.dumps, ITEMS)),
    "objects with commas between them": ",\n".join(map(json.dumps, ITEMS)) + ",\n",
    "a text sequence with record separators": "".join(f"\x1e{json.dumps(o)}\n" for o in ITEMS),
    "lines that end with a carriage return": "\r".join(map(json.dumps, ITEMS)),
    "an array of arrays": json.dumps([ITEMS[:2], ITEMS[2:]]),
    "an array of answers": json.dumps([{"messages": ITEMS[:2]}, {"messages": ITEMS[2:]}], indent=1),
}


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.ndjson", "a.json.gz"])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_gives_the_same_records(tmp_path: Path, shape: str, name: str) -> None:
    content = SHAPES[shape].encode()
    found = read(tmp_path / name, gzip.compress(content) if name.endswith(".gz") else content)
    assert found.frame["local_id"].tolist() == [0, 1, 2]
    assert found.frame["message_id"].tolist() == [700100, 700101, 700102]
    assert len(found.rejects) == 0


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("shape", ["an array of many lines", "lines"])
def test_json_is_read_in_every_encoding_of_unicode(
    tmp_path: Path, shape: str, encoding: str
) -> None:
    found = read(tmp_path / "a.json", SHAPES[shape].encode(encoding))
    assert (len(found.frame), len(found.rejects)) == (3, 0)


@pytest.mark.parametrize("content", ["[]", "[\n]\n", '{"messages": []}', "", "\n"])
def test_an_array_without_items_is_no_records(tmp_path: Path, content: str) -> None:
    found = read(tmp_path / "a.json", content)
    assert (len(found.frame), len(found.rejects)) == (0, 0)


@pytest.mark.parametrize("name", ["id", "message_id", "sent_at", "price"])
def test_a_number_beyond_all_exponents_costs_no_other_row(tmp_path: Path, name: str) -> None:
    huge = json.dumps(item(9) | {name: 5}).replace(f'"{name}": 5', f'"{name}": 9e{"9" * 30}')
    for content in (f"{lines_of(ITEMS)}{huge}\n", f"[{huge},{','.join(map(json.dumps, ITEMS))}]"):
        found = read(tmp_path / "records.json", content)
        assert len(found.frame) + len(found.rejects) == 4
        assert set(found.frame["message_id"]) >= {one["message_id"] for one in ITEMS}


def test_what_is_no_object_in_an_array_costs_only_itself(tmp_path: Path) -> None:
    found = read(tmp_path / "a.json", json.dumps([ITEMS[0], 7, None, [1], ITEMS[1]], indent=1))
    assert len(found.frame) == 2
    assert sorted(found.rejects["reason"]) == [f"item {n}: not an object" for n in (2, 3, 4)]


@pytest.mark.parametrize(
    "content", [json.dumps(ITEMS)[:-40], json.dumps(ITEMS, indent=1)[:-9], "[" * 100_000, "[{]"]
)
def test_an_array_that_is_cut_off_is_refused_and_nothing_of_it_is_shown(
    tmp_path: Path, content: str
) -> None:
    with pytest.raises(InputError, match="not valid JSON") as raised:
        read(tmp_path / "a.json", content)
    assert "353" not in str(raised.value)


def test_a_first_line_that_is_cut_off_costs_only_itself(tmp_path: Path) -> None:
    found = read(tmp_path / "a.jsonl", '{"id": 1, "phone_number":\n' + lines_of(ITEMS))
    assert (len(found.frame), len(found.rejects)) == (3, 1)


def test_a_list_inside_of_a_record_is_no_list_of_records(tmp_path: Path) -> None:
    for content in (lines_of([{**ITEMS[0], "messages": [{"a": 1}]}]),
                    json.dumps({**ITEMS[0], "events": [{"a": 1}]}, indent=1)):  # fmt: skip
        found = read(tmp_path / "a.jsonl", content)
        assert found.frame["local_id"].tolist() == [0]


def test_objects_of_blank_values_are_no_records(tmp_path: Path) -> None:
    blank = dict.fromkeys(ITEMS[0], None)
    found = read(tmp_path / "a.jsonl", lines_of([ITEMS[0], blank, {**blank, "id": " "}, ITEMS[1]]))
    assert (len(found.frame), len(found.rejects)) == (2, 0)


def test_a_column_may_name_a_key_inside_of_an_object(tmp_path: Path) -> None:
    nested = [
        {**one, "octopods": {"id": one["message_id"], "a": {"b": one["status"]}}} for one in ITEMS
    ]
    columns = {"message_id": "octopods.id", "status": "octopods.a.b"}
    found = read(tmp_path / "a.jsonl", lines_of(nested), columns=columns)
    assert found.frame["message_id"].tolist() == [700100, 700101, 700102]
    assert found.frame["status"].tolist() == ["sent"] * 3
    with pytest.raises(InputError, match=r"no column 'octopods\.nr'"):
        read(tmp_path / "a.jsonl", lines_of(nested), columns={"message_id": "octopods.nr"})


@pytest.mark.parametrize(
    ("extended", "plain"),
    [
        ({"$oid": "64b7f9"}, "64b7f9"),
        ({"$numberLong": "9007199254740993"}, 2**53 + 1),
        ({"$numberInt": "7"}, 7),
        ({"$date": "2026-04-23T12:00:00Z"}, "2026-04-23T12:00:00Z"),
        ({"$date": {"$numberLong": "1776945600123"}}, "2026-04-23T12:00:00.123000+00:00"),
        ({"$date": 1776945600123}, "2026-04-23T12:00:00.123000+00:00"),
        ({"$date": {"$numberLong": "-1"}}, "1969-12-31T23:59:59.999000+00:00"),
        ({"$timestamp": {"t": 1776945600, "i": 1}}, 1776945600),
        ({"$undefined": True}, None),
        ({"$date": "never", "x": 1}, {"$date": "never", "x": 1}),
        ({"$date": {"$numberLong": "soon"}}, {"$date": {"$numberLong": "soon"}}),
        ({"$oid": 7}, {"$oid": 7}),
    ],
)
def test_extended_json_is_read_as_plain_values(tmp_path: Path, extended: Any, plain: Any) -> None:  # noqa: ANN401
    for shape in (json.dumps({"x": extended}), json.dumps([{"x": extended}], indent=1)):
        (tmp_path / "a.json").write_text(shape)
        [line] = json_lines.lines(tmp_path / "a.json")
        assert line.item == {"x": plain}


def test_records_exported_by_mongodb_are_read(tmp_path: Path) -> None:
    exported = {
        "_id": {"$oid": "64b7f9c2e1d3a40001a1b2c3"},
        "message_id": {"$numberLong": "700100"},
        "phone_number": "+353860000001",
        "sent_at": {"$date": {"$numberLong": "1776945600000"}},
        "status": "sent",
    }
    found = read(tmp_path / "a.json", json.dumps([exported]), columns={"id": "_id"})
    [row] = found.frame.to_dict("records")
    assert row["local_id"] == "64b7f9c2e1d3a40001a1b2c3"
    assert row["message_id"] == 700100
    assert row["sent_at"].isoformat() == "2026-04-23T12:00:00+00:00"


@pytest.mark.parametrize("cut", [9, 60, 150])
def test_an_answer_of_many_lines_that_is_cut_off_is_refused_as_a_whole(
    tmp_path: Path, cut: int
) -> None:
    text = json.dumps({"request_id": "r", "messages": ITEMS}, indent=2)
    with pytest.raises(InputError, match="is an object that is not valid JSON") as raised:
        read(tmp_path / "a.json", text[:-cut])
    assert "cut off" in str(raised.value)
    assert "35386" not in str(raised.value)


def test_why_a_line_is_cut_off_does_not_end_in_the_middle_of_a_sentence(tmp_path: Path) -> None:
    found = read(tmp_path / "a.jsonl", json.dumps(ITEMS[0])[:40] + "\n" + lines_of(ITEMS[1:]))
    assert found.frame["local_id"].tolist() == [1, 2]
    assert found.rejects["reason"].tolist() == ["line 1: not JSON, Unterminated string"]


def test_something_else_after_an_object_is_no_second_object(tmp_path: Path) -> None:
    found = read(tmp_path / "a.jsonl", json.dumps(ITEMS[0]) + " 7\n" + lines_of(ITEMS[1:]))
    assert found.rejects["reason"].tolist() == ["line 1: not JSON, Extra data"]
