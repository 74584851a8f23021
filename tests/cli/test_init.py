"""`recon init`, `recon config` and `recon simulate --with-records`: from nothing to a first run."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.cli.workshop import Workshop, minute
from tests.config.conftest import ACCOUNT


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    """A directory with records and nothing else."""
    workshop = Workshop(tmp_path)
    workshop.add_records(
        (1, 101, "+353871234567", minute(0), "sent"),
        (2, 102, "087 123 4568", minute(1), "queued"),
        (3, 103, "+353871234569", minute(2), "fertig"),
    )
    return workshop


EXPECTED = """
[[accounts.main.expected]]
kind = "stuck"
from = "22:00"
to = "06:00"
reason = "at night"
until = 2026-12-31
"""


def test_all_can_be_tried_end_to_end_without_an_account(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path)
    process = workshop.start("simulate", "--port", "0", "--with-records", "shop.db")
    try:
        assert process.stdout is not None
        said = [process.stdout.readline()]
        while "then: export" not in said[-1]:
            said.append(process.stdout.readline())
        found = re.search(r"recon init --file shop.db --base-url \S+", "".join(said))
        assert found is not None
        made = workshop.recon(*found[0].split()[1:])
        assert made.code == 0, made.err
        checked = workshop.recon("check")
        assert checked.code == 0, checked.out
        assert "WRONG" not in checked.out
        assert workshop.recon("collect").code == 0
        assert workshop.recon("run").code == 0
        # By the time of day, a phone that is switched off has been so for more than a day.
        assert {one["kind"] for one in workshop.findings()} <= {"stuck"}
        # The configuration that the simulation prints serves as well.
        printed = "".join(said).partition("uses both:\n")[2].partition("\nor: ")[0]
        (tmp_path / "printed.toml").write_text(printed)
        assert workshop.recon("--config", "printed.toml", "check").code == 0
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


def test_the_mapping_is_proposed_and_what_is_open_is_said(shop: Workshop) -> None:
    ended = shop.recon("init", "--file", "sends.db", "--timezone", "Europe/Dublin")
    assert ended.code == 0, ended.err
    assert "phone_number = phone_number" in ended.out
    assert "say what these statuses mean: fertig" in ended.out
    text = (shop.path / "recon.toml").read_text()
    assert '"queued" = "not_sent"   # a guess; 1 of 3 records' in text
    assert '# "fertig" = "…"' in text
    assert "1 of 3 numbers in the sample have none" in text
    assert "087" not in text
    # Two numbers are too few to guess from; the zone has a proposal, that is no setting.
    assert '# default_region = "IE"   # the country of Europe/Dublin\ndefault_region = ""' in text


def test_a_file_that_is_there_is_replaced_only_with_force(shop: Workshop) -> None:
    path = shop.path / "recon.toml"
    path.write_text("mine")
    refused = shop.recon("init", "--file", "sends.db")
    assert (refused.code, path.read_text()) == (73, "mine")
    assert f"{path} already exists" in refused.err
    assert shop.recon("init", "--file", "sends.db", "--force").code == 0
    assert path.read_text() != "mine"


def test_nothing_is_written_where_the_records_cannot_be_read(shop: Workshop) -> None:
    before = sorted(path.name for path in shop.path.iterdir())
    assert shop.recon("init", "--url", "sqlite:///missing.db").code == 65
    assert shop.recon("init", "--file", "missing.csv").code == 65
    assert shop.recon("init").code == 2
    shop.change_records("CREATE TABLE other (id INTEGER)")
    ended = shop.recon("init", "--file", "sends.db")
    assert (ended.code, "the tables are: other, sends" in ended.err) == (2, True)
    assert sorted(path.name for path in shop.path.iterdir()) == before
    assert shop.recon("init", "--file", "sends.db", "--table", "sends").code == 0


def test_a_csv_file_is_a_source_too(shop: Workshop) -> None:
    text = "record,octopods id,to,when sent_at,state\n1,101,+353871234567,2026-04-23T12:00Z,sent\n"
    (shop.path / "sends.csv").write_text(text)
    ended = shop.recon("init", "--source", "file", "--file", "sends.csv", "--output", "b.toml")
    assert ended.code == 0, ended.err
    assert "run `recon --config b.toml check`" in ended.out
    listed = json.loads(shop.recon("--config", "b.toml", "config", "--format", "json").out)
    values = {row["key"]: row["value"] for row in listed}
    assert values["accounts.main.local.file"] == "sends.csv"
    assert values["accounts.main.local.columns.sent_at"] == "when sent_at"


def test_on_a_terminal_it_asks(shop: Workshop) -> None:
    main, side = pty.openpty()
    with os.fdopen(main, "wb", buffering=0) as keyboard:
        keyboard.write(b"sqlite\nsends.db\nEurope/Dublin\n")
        ended = subprocess.run(
            [sys.executable, "-m", "recon", "init"],
            cwd=shop.path,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            stdin=side,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    os.close(side)
    assert ended.returncode == 0, ended.stderr
    text = (shop.path / "recon.toml").read_text()
    assert 'timezone = "Europe/Dublin"' in text
    assert 'url = "sqlite:///sends.db"' in text


def test_config_shows_what_holds_and_where_it_comes_from(shop: Workshop) -> None:
    (shop.path / "recon.toml").write_text(ACCOUNT + EXPECTED)
    shop.environ["RECON_TIMEZONE"] = "Europe/Dublin"
    said = shop.recon("config").out
    assert re.search(
        r'^timezone = "Europe/Dublin" +# environment variable RECON_TIMEZONE$', said, re.MULTILINE
    )
    assert re.search(r'^table = "sends" +# recon.toml, line 6$', said, re.MULTILINE)
    assert re.search(r"^guard_rows = 10 +# default$", said, re.MULTILINE)
    assert "hunter2" not in said
    (shop.path / "again.toml").write_text(said)
    again = shop.recon("--config", "again.toml", "config", "--format", "json")
    assert again.code == 0, again.err
    [rule] = next(row["value"] for row in json.loads(again.out) if row["key"].endswith("expected"))
    assert (rule["from"], rule["to"], rule["until"]) == ("22:00:00", "06:00:00", "2026-12-31")


def test_a_table_of_mariadb_is_a_source_too(shop: Workshop, mariadb_url: str) -> None:
    engine = sa.create_engine(mariadb_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE IF EXISTS outbox")
        connection.exec_driver_sql(
            "CREATE TABLE outbox (id BIGINT PRIMARY KEY, octopods_id BIGINT, recipient VARCHAR(40),"
            " sent_at DATETIME, state VARCHAR(20))"
        )
        connection.exec_driver_sql(
            "INSERT INTO outbox VALUES (1, 101, '+353871234567', '2026-04-23 12:00:00', 'sent')"
        )
    engine.dispose()
    ended = shop.recon("init", "--url", mariadb_url, "--table", "outbox")
    assert ended.code == 0, ended.err
    listed = json.loads(shop.recon("config", "--format", "json").out)
    values = {row["key"]: row["value"] for row in listed}
    mapped = {
        field: values.get(f"accounts.main.local.columns.{field}")
        for field in ("id", "message_id", "phone_number", "sent_at", "status")
    }
    assert mapped == {
        "id": "id",
        "message_id": "octopods_id",
        "phone_number": "recipient",
        "sent_at": "sent_at",
        "status": "state",
    }
    assert values["accounts.main.local.table"] == "outbox"


def test_a_file_for_the_key_is_made_for_this_user_alone(shop: Workshop) -> None:
    ended = shop.recon("init", "--file", "sends.db", "--api-key-file", "secrets/key")
    key = shop.path / "secrets/key"
    assert ended.code == 0, ended.err
    assert (key.read_text(), key.stat().st_mode & 0o777) == ("", 0o600)
    assert f"put the API key into {key}" in ended.out
    text = (shop.path / "recon.toml").read_text()
    assert f'api_key_file = "{key}"' in text
    assert "api_key_env =" not in text


def test_a_key_that_is_there_stays(shop: Workshop) -> None:
    key = shop.path / "key"
    key.write_text("secret")
    assert shop.recon("init", "--file", "sends.db", "--api-key-file", "key").code == 0
    assert key.read_text() == "secret"


def test_a_key_is_in_one_place(shop: Workshop) -> None:
    both = ("--api-key-file", "key", "--api-key-env", "KEY")
    ended = shop.recon("init", "--file", "sends.db", *both)
    assert (ended.code, (shop.path / "recon.toml").exists()) == (2, False)
