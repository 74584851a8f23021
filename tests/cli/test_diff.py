"""`recon diff`: two files, no network, no database."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recon.simulator.channel import SIMULATED_KEY, Channel, Shape
from recon.simulator.simulated_responses import SimulatedRequest, respond
from tests.cli.workshop import MORNING_AFTER, NUMBER, Workshop, minute

LOCAL = ["id", "message_id", "phone_number", "sent_at", "status"]
PROVIDER = ["message_id", "phone_number", "sent_at", "status", "failure_reason"]
T = "2026-04-23T10:00:00Z"

RECORDS = [
    ["1", "101", "+353871111111", T, "delivered"],
    ["2", "9007199254740993", "+353872222222", T, "read"],
    ["3", "", "+353873333333", "2026-04-23 10:00:30", "sent"],
    ["4", "104", "+353874444444", T, "sent"],
]
MESSAGES = [
    ["101", "+353871111111", T, "DELIVERED", ""],
    ["9007199254740993", "+353872222222", T, "sent", ""],
    ["103", "+353873333333", "2026-04-23T10:00:20Z", "failed", "Recipient is not a WhatsApp user."],
    ["105", "+353875555555", T, "read", ""],
]
EXPECTED = [
    ("missing_at_provider", "4", "104"),
    ("missing_locally", "", "105"),
    ("status_mismatch", "2", "9007199254740993"),
    ("status_mismatch", "3", "103"),
]
#: The file is taken as seen now, years after it was sent.
STUCK = ("stuck", "2", "9007199254740993")


def write(path: Path, names: Sequence[str], rows: Sequence[Sequence[str]]) -> Path:
    """Write rows as the kind of file that the name says."""
    if path.suffix == ".csv":
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([names, *rows])
    elif path.suffix == ".parquet":
        columns = [[cell or None for cell in column] for column in zip(*rows, strict=True)]
        pq.write_table(pa.table(dict(zip(names, columns, strict=True))), path)
    else:
        items = [dict(zip(names, row, strict=True)) for row in rows]
        path.write_text("".join(json.dumps(item) + "\n" for item in items))
    return path


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl"])
def test_every_kind_of_file_gives_the_same_findings(workshop: Workshop, kind: str) -> None:
    local = write(workshop.path / f"sends.{kind}", LOCAL, RECORDS)
    provider = write(workshop.path / f"octopods.{kind}", PROVIDER, MESSAGES)
    (workshop.path / "recon.db").unlink()
    ended = workshop.recon("diff", local, provider)
    assert ended.code == 0, ended.err
    assert workshop.kinds("diff", "all") == [*EXPECTED, STUCK]
    report = workshop.report("diff", "all")
    assert report["date"] == "all"
    assert report["window"] == {"start": None, "end": None, "timezone": "UTC"}
    assert report["coverage"] == {"complete": True, "gaps": [], "refused": [], "withdrawn": []}
    assert (report["local"]["total"], report["provider"]["total"]) == (4, 4)
    assert not list(workshop.path.glob("*.db*"))


@pytest.mark.parametrize("shape", ["A", "B"])
def test_a_file_may_hold_items_as_the_api_gives_them(workshop: Workshop, shape: Shape) -> None:
    channel = Channel(shape=shape, first_id=101)
    for n in range(3):
        channel.send(NUMBER.format(n), minute(n))
    path = "/api/v1/whatsapp/messages"
    body: Any = json.loads(
        respond(channel, SimulatedRequest(path, "limit=100", SIMULATED_KEY), MORNING_AFTER).body
    )
    items = body if shape == "B" else body["messages"]
    provider = workshop.path / "octopods.jsonl"
    provider.write_text("".join(json.dumps(item) + "\n" for item in items) + "{broken\n")
    local = write(
        workshop.path / "sends.csv",
        LOCAL,
        [[str(n), str(101 + n), NUMBER.format(n), minute(n).isoformat(), "sent"] for n in range(3)],
    )
    assert workshop.recon("diff", local, provider).code == 0
    assert workshop.kinds("diff", "all") == [("invalid_provider", "", "")]


def test_dates_cut_the_files_to_days(workshop: Workshop) -> None:
    rows = [
        [str(n), str(n), NUMBER.format(n), f"2026-04-{n}T23:30:00Z", "sent"] for n in (21, 22, 23)
    ]
    local = write(workshop.path / "sends.csv", LOCAL, rows)
    provider = write(workshop.path / "octopods.csv", PROVIDER, [MESSAGES[0]])
    ended = workshop.recon("diff", local, provider, "--from", "2026-04-22", "--to", "2026-04-23")
    assert ended.code == 0
    assert workshop.kinds("diff", "2026-04-22") == [("missing_at_provider", "22", "22")]
    assert workshop.report("diff", "2026-04-23")["provider"]["total"] == 1
    assert not (workshop.path / "reports" / "diff" / "2026-04-21.csv").exists()


def test_wrong_columns_end_with_65_and_name_the_near_ones(workshop: Workshop) -> None:
    local = write(workshop.path / "sends.csv", [*LOCAL[:2], "phone_numbr", *LOCAL[3:]], RECORDS)
    provider = write(workshop.path / "octopods.csv", ["msg", *PROVIDER[1:]], MESSAGES)
    ended = workshop.recon("diff", local, provider)
    assert ended.code == 65
    assert "did you mean 'phone_numbr'?" in ended.err
    local = write(workshop.path / "sends.csv", LOCAL, RECORDS)
    ended = workshop.recon("diff", local, provider)
    assert ended.code == 65
    assert "message_id" in ended.err


def test_one_bad_row_never_costs_the_good_ones(workshop: Workshop) -> None:
    bad = [["9", "109", "+353879999999", "soon", "sent"], ["10", "110", "12", T, "sent"]]
    local = write(workshop.path / "sends.csv", LOCAL, [*RECORDS, *bad])
    provider = write(
        workshop.path / "octopods.csv",
        PROVIDER,
        [
            *MESSAGES,
            ["x", "+353879999999", T, "sent", ""],
            ["111", "+353879999999", "", "sent", ""],
        ],
    )
    workshop.recon("diff", local, provider)
    assert workshop.kinds("diff", "all") == [
        *EXPECTED,
        ("invalid_local", "10", "110"),
        ("invalid_local", "9", "109"),
        ("invalid_provider", "", ""),
        ("invalid_provider", "", "111"),
        STUCK,
    ]


def test_suspect_files_end_with_65_unless_trusted(workshop: Workshop) -> None:
    rows = [[str(n), str(n), NUMBER.format(n), T, "sent"] for n in range(10)]
    local = write(workshop.path / "sends.csv", LOCAL, rows)
    provider = write(workshop.path / "octopods.csv", PROVIDER, [])
    assert workshop.recon("diff", local, provider, "--exit-code").code == 65
    assert workshop.rows("diff", "all") == []
    assert workshop.recon("diff", local, provider, "--trust-input", "--exit-code").code == 1
    assert len(workshop.rows("diff", "all")) == 10


def test_an_account_lends_its_columns_words_and_zone(workshop: Workshop) -> None:
    workshop.configure("http://127.0.0.1:9")
    with (workshop.path / "recon.toml").open("a") as config:
        config.write(
            'timezone = "Europe/Dublin"\n[accounts.main.local.columns]\nid = "nr"\n'
            'phone_number = "to"\n[accounts.main.local.statuses]\naccepted = "sent"\n'
        )
    local = write(
        workshop.path / "sends.csv",
        ["nr", "message_id", "to", "sent_at", "status"],
        [["1", "101", "+353871111111", "2026-04-23 11:00:00", "accepted"]],
    )
    provider = write(workshop.path / "octopods.csv", PROVIDER, [MESSAGES[0]])
    for more in ([], ["--account", "main"]):
        ended = workshop.recon("diff", local, provider, "--exit-code", *more)
        assert ended.code == 0, ended.err
        assert workshop.report("diff", "all")["verdict"] == "clean"


def test_the_only_accounts_words_and_zone_hold_for_plain_columns_too(workshop: Workshop) -> None:
    workshop.configure("http://127.0.0.1:9")
    with (workshop.path / "recon.toml").open("a") as config:
        config.write(
            'timezone = "Europe/Dublin"\n[accounts.main.local.columns]\nid = "nr"\n'
            '[accounts.main.local.statuses]\naccepted = "sent"\n'
        )
    rows = [["1", "101", "+353871111111", "2026-04-23 11:00:00", "accepted"]]
    local = write(workshop.path / "sends.csv", LOCAL, rows)
    provider = write(workshop.path / "octopods.csv", PROVIDER, [MESSAGES[0]])
    assert workshop.recon("diff", local, provider, "--exit-code").code == 0
    assert workshop.recon("diff", local, provider, "--account", "main").code == 65


def test_a_cell_that_a_spreadsheet_would_run_is_neutralised(workshop: Workshop) -> None:
    local = write(workshop.path / "sends.csv", LOCAL, [["=1+1", "7", "+353 87 111 1111", T, "@x"]])
    provider = write(workshop.path / "octopods.csv", PROVIDER, [])
    workshop.recon("diff", local, provider)
    [row] = workshop.rows("diff", "all")
    assert (row["local_id"], row["local_status"]) == ("'=1+1", "'@x")
    assert row["phone_number"] == "'+353 87 111 1111"


def test_the_same_files_in_another_order_give_the_same_report(workshop: Workshop) -> None:
    seen = []
    for turn in (1, -1):
        local = write(workshop.path / "sends.csv", LOCAL, RECORDS[::turn])
        provider = write(workshop.path / "octopods.csv", PROVIDER, MESSAGES[::turn])
        workshop.recon("diff", local, provider)
        seen.append([{**row, "run_id": ""} for row in workshop.rows("diff", "all")])
        shutil.rmtree(workshop.path / "reports")
    assert seen[0] == seen[1]


def test_a_terminal_is_shown_which_parts_of_the_work_are_done(workshop: Workshop) -> None:
    local = write(workshop.path / "sends.csv", LOCAL, RECORDS)
    provider = write(workshop.path / "octopods.csv", PROVIDER, MESSAGES)
    out, shown = workshop.on_terminal("diff", local, provider)
    parts = ["your records read", "Octopods' messages read", "judged", "all written", "100%"]
    assert [part for part in parts if part not in shown] == []
    assert "4 records" in out


def test_what_is_no_terminal_is_shown_no_progress(workshop: Workshop) -> None:
    local = write(workshop.path / "sends.csv", LOCAL, RECORDS)
    provider = write(workshop.path / "octopods.csv", PROVIDER, MESSAGES)
    assert workshop.recon("diff", local, provider).err == ""


@pytest.mark.parametrize("size", ["", "much", "300", "-1MB", "0MB", "3XB", "MB", "9" * 400 + "GB"])
def test_a_size_that_is_none_is_a_usage_error(size: str, workshop: Workshop) -> None:
    ended = workshop.recon("diff", "sends.csv", "octopods.csv", "--memory-limit", size)
    assert ended.code == 2
    assert "300MB or 2GiB" in ended.err


@pytest.mark.parametrize("size", ["300MB", "2GiB", "1.5 gb", "500000kB"])
def test_files_that_fit_into_the_limit_are_compared_as_ever(size: str, workshop: Workshop) -> None:
    local = write(workshop.path / "sends.csv", LOCAL, RECORDS)
    provider = write(workshop.path / "octopods.csv", PROVIDER, MESSAGES)
    assert workshop.recon("diff", local, provider, "--memory-limit", size).code == 0
    assert workshop.kinds("diff", "all") == [*EXPECTED, STUCK]


def test_a_limit_that_leaves_no_room_says_how_much_does(workshop: Workshop) -> None:
    local = write(workshop.path / "sends.csv", LOCAL, RECORDS)
    provider = write(workshop.path / "octopods.csv", PROVIDER, MESSAGES)
    ended = workshop.recon("diff", local, provider, "--memory-limit", "1MB")
    assert ended.code == 2
    assert "MB or more" in ended.err
