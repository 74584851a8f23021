"""Files of Octopods' messages that are not there, or not what they should be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from recon.errors import InputError
from recon.jobs.provider_file import provider_side
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
