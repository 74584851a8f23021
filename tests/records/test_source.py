"""What the configuration of records must and must not say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from recon.errors import ConfigError
from recon.records.source import Source

URL = "postgresql+psycopg://ops:s3cret@db/records"


def test_fields_left_out_have_columns_of_their_own_names() -> None:
    source = Source(file=Path("a.csv"), columns={"id": "record", "status": ""})
    assert source.mapping == {
        "id": "record",
        "message_id": "message_id",
        "phone_number": "phone_number",
        "sent_at": "sent_at",
    }
    assert source.fields == {"id", "message_id", "phone_number", "sent_at"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "need either url or file"),
        ({"url": URL, "table": "t", "file": Path("a.csv")}, "need either url or file"),
        ({"url": URL}, "either table or query"),
        ({"url": URL, "table": "t", "query": "SELECT 1"}, "either table or query"),
        ({"url": URL, "query": "SELECT 1", "where": "x"}, "where is only for table"),
        ({"file": Path("a.csv"), "table": "t"}, "only for url, not for file"),
        ({"file": Path("a.csv"), "columns": {"sent_at": ""}}, "sent_at is missing"),
        (
            {"file": Path("a.csv"), "columns": {"message_id": "", "phone_number": ""}},
            "message_id and phone_number are missing",
        ),
        ({"file": Path("a.csv"), "columns": {"mesage_id": "x"}}, "did you mean 'message_id'"),
        ({"file": Path("a.csv"), "timezone": "Europe/Dubln"}, "'Europe/Dubln' is not known"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        Source(**options)


def test_records_without_numbers_or_without_ids_can_be_meant() -> None:
    for field in ("message_id", "phone_number"):
        assert field not in Source(file=Path("a.csv"), columns={field: ""}).fields


def test_a_password_is_never_shown() -> None:
    assert "s3cret" not in repr(Source(url=URL, table="sends"))
