"""Lists of findings: a masked table for people, everything for scripts."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from recon.report.findings_table import TABLE_COLUMNS, as_json, findings_table
from tests.factories import utc


def findings() -> list[dict[str, Any]]:
    first = {
        "discrepancy_id": "00000000000000a1",
        "state": "open",
        "date": date(2026, 4, 23),
        "account": "main",
        "kind": "stuck",
        "severity": "warning",
        "message_id": str(2**53 + 1),
        "local_id": "7",
        "phone_number": "+353871234567",
        "detail": "sent to +353 87 123 4567",
        "provider_sent_at": utc("10:00:00"),
        "reason": "seen to",
    }
    second = {
        "discrepancy_id": "00000000000000b2",
        "state": "acknowledged",
        "date": date(2026, 4, 24),
        "account": "main",
        "kind": "invalid_local",
        "severity": "warning",
        "message_id": None,
        "local_id": "=8",
        "phone_number": None,
        "detail": "bad,\r\n\x1b[2J",
        "provider_sent_at": None,
        "reason": None,
    }
    return [first, second]


def test_the_table_is_for_people() -> None:
    assert findings_table(findings()) == (
        "discrepancy_id    state         date        account  kind           severity  "
        "message_id        local_id  phone_number   detail\n"
        "00000000000000a1  open          2026-04-23  main     stuck          warning   "
        "9007199254740993  7         +353******567  sent to +353******567\n"
        "00000000000000b2  acknowledged  2026-04-24  main     invalid_local  warning   "
        "-                 =8        -              bad,???[2J\n"
    )


def test_json_holds_every_column_in_full() -> None:
    first, second = json.loads(as_json(findings()))
    assert first == {
        "discrepancy_id": "00000000000000a1",
        "state": "open",
        "date": "2026-04-23",
        "account": "main",
        "kind": "stuck",
        "severity": "warning",
        "message_id": 9007199254740993,
        "local_id": "7",
        "phone_number": "+353871234567",
        "detail": "sent to +353 87 123 4567",
        "provider_sent_at": "2026-04-23T10:00:00Z",
        "reason": "seen to",
    }
    assert second["message_id"] is None
    assert second["provider_sent_at"] is None
    assert second["local_id"] == "=8"


def test_no_finding_is_a_sentence_or_an_empty_list() -> None:
    assert findings_table([]) == "No findings.\n"
    assert json.loads(as_json([])) == []


def test_wide_characters_keep_the_columns_in_line() -> None:
    made = [
        {**one, "local_id": name, "detail": "x"}
        for one, name in zip(findings(), ("你好", "ab"), strict=True)
    ]
    lines = findings_table(made).splitlines()
    assert "你好      +353" in lines[1]
    assert "ab        -" in lines[2]


@pytest.mark.parametrize("width", [40, 80, 170])
def test_the_table_fits_the_terminal_and_nothing_is_cut(width: int) -> None:
    whole = findings_table(findings()).split()[len(TABLE_COLUMNS) - 1 :]
    shown = findings_table(findings(), width=width)
    assert max(map(len, shown.splitlines())) <= width
    assert set(whole) - {"-"} <= set(shown.split())


def test_details_are_broken_beside_the_other_columns() -> None:
    detail = "still sent a long time after it was sent"
    made = [{**one, "detail": detail} for one in findings()]
    first, second = findings_table(made, width=150).splitlines()[1:3]
    assert first.endswith("+353******567  still sent a long time after")
    assert second == " " * first.index("still") + "it was sent"


def test_a_long_list_is_set_in_paragraphs_which_takes_less_time() -> None:
    first, second, *_ = findings_table(findings() * 200, width=170).splitlines()
    assert first.startswith("00000000000000a1 open 2026-04-23 main stuck warning message 900719")
    assert second == "  sent to +353******567"
