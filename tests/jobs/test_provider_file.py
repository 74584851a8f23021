"""Files of Octopods' messages that are not there, or not what they should be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest

from recon.errors import InputError
from recon.jobs.provider_file import columns_of_answer, provider_side
from tests.factories import NOON

ITEM = {"message_id": 7, "phone_number": "+353871234567", "sent_at": "2026-04-23T12:00:00Z"}


def lines(path: Path, *items: object) -> Path:
    path.write_text("".join(json.dumps(item) + "\n" for item in items))
    return path


@pytest.mark.parametrize("name", ["messages.jsonl", "messages.csv", "messages.parquet"])
def test_a_file_that_is_not_there_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"no file .*{name}"):
        provider_side(tmp_path / name, NOON)


@pytest.mark.parametrize("lost", ["message_id", "phone_number", "sent_at", "status"])
def test_a_field_that_no_line_has_is_named(lost: str, tmp_path: Path) -> None:
    whole = ITEM | {"status": "sent"}
    item = {field: value for field, value in whole.items() if field != lost}
    with pytest.raises(InputError, match=lost):
        provider_side(lines(tmp_path / "messages.jsonl", item, item), NOON)


def test_a_field_that_one_line_lacks_costs_that_line(tmp_path: Path) -> None:
    whole = ITEM | {"status": "sent"}
    side = provider_side(
        lines(tmp_path / "messages.jsonl", whole, {"message_id": 8, "status": "sent"}), NOON
    )
    assert side.frame["message_id"].tolist() == [7]
    assert side.rejects["message_id"].tolist() == [8]


def test_an_empty_file_holds_no_message(tmp_path: Path) -> None:
    side = provider_side(lines(tmp_path / "messages.jsonl"), NOON)
    assert (len(side.frame), len(side.rejects)) == (0, 0)


LISTED: Final = {**ITEM, "status": "sent"}
NOTHING_SENT: Final = {
    "request_id": "r",
    "error_code": 3,
    "error": "No messages have been sent on this channel yet.",
}


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        ({"messages": [LISTED], "error_code": 6}, "error 6 DEPRECATED_API_KEY"),
        ({"messages": [LISTED], "error_code": "6"}, "error 6 DEPRECATED_API_KEY"),
        ({"messages": [LISTED], "error_code": 77, "error": None}, "error 77"),
        ({"messages": [LISTED], "error": "cut off after Hi Alex"}, "an error text"),
        ({"messages": [LISTED], "error": {"code": 470}}, "an error text"),
        ({"messages": [], "error_code": 9}, "error 9"),
        ({"data": [LISTED], "error_code": 9}, "error 9"),
        ({**NOTHING_SENT, "messages": [LISTED]}, "error 3 TEMPLATE_NOT_EXIST"),
        ({"request_id": "r", "error_code": 6, "error": "Hi Alex"}, "error 6 DEPRECATED_API_KEY"),
        ({"error": "Hi Alex"}, "an error text"),
        ({"error_code": "SOMETHING"}, "an error code"),
        ([{"error_code": 6}], "error 6"),
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_an_answer_that_reports_an_error_is_no_proof(
    answer: object, what: str, indent: int | None, tmp_path: Path
) -> None:
    path = tmp_path / "answer.json"
    path.write_text(json.dumps(answer, indent=indent))
    with pytest.raises(InputError, match=what) as caught:
        provider_side(path, NOON)
    assert "Alex" not in f"{caught.value}{caught.value.hint}"


def test_one_answer_with_an_error_among_others_is_named_by_its_line(tmp_path: Path) -> None:
    path = lines(tmp_path / "answers.jsonl", {"messages": [LISTED]}, {"error_code": 8})
    with pytest.raises(InputError, match=r"error 8 INVALID_HEADER \(line 2\)"):
        provider_side(path, NOON)


@pytest.mark.parametrize("error", [{"error_code": 0, "error": ""}, {"error_code": None}, {}])
def test_fields_for_an_error_that_say_nothing_leave_a_saved_answer_as_it_is(
    error: dict[str, object], tmp_path: Path
) -> None:
    side = provider_side(lines(tmp_path / "a.json", {"messages": [LISTED], **error}), NOON)
    assert side.frame["message_id"].tolist() == [7]


@pytest.mark.parametrize("answer", [NOTHING_SENT, {**NOTHING_SENT, "messages": []}])
def test_the_error_of_an_account_that_has_sent_nothing_is_an_empty_list(
    answer: object, tmp_path: Path
) -> None:
    side = provider_side(lines(tmp_path / "a.json", answer), NOON)
    assert (len(side.frame), len(side.rejects)) == (0, 0)


def test_a_saved_answer_with_an_error_is_not_read_as_records_either(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.json", {"messages": [LISTED], "error_code": 6})
    with pytest.raises(InputError, match="error 6"):
        columns_of_answer(path)
