"""Every field that a stranger can write, through every way out: no escape, markup or formula."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from recon.cli import dashboard, discrepancies, explain, retries, stats, status
from recon.simulator.channel import Channel
from recon.simulator.simulated_message import FAILED_AT_ONCE, Reason, course
from tests.cli.mailing import mailed_nights
from tests.cli.nights import Nights
from tests.factories import DAY, NOON
from tests.smtp import MailBox

#: What a terminal obeys: controls but the line feed, also those of eight bits.
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
#: What turns the direction of text round, so that it reads otherwise than it is.
TURNED = "\u202e"
EVIL = {
    "terminal": "\x1b]0;pwned\x07\x1b[2J\x9b31m" + TURNED,
    "markup": "</script></td><img src=x onerror=alert(1)>",
    "formula": '=cmd|"/c calc"!A1',
    "formula behind a blank": "\t@SUM(1+1)",
    "header": "x\r\nBcc: thief@example.com\r\n\r\nbody",
    "template": "{{ 7*7 }}{% raw %}%(levelname)s%n$s",
    "log line": "y\n2026-01-01T00:00:00.000Z ERROR recon: forged",
}


@pytest.fixture(scope="module")
def hostile(
    tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path
) -> Iterator[tuple[Nights, MailBox]]:
    """A night whose records and messages hold these texts wherever a text may stand."""
    room = tmp_path_factory.mktemp("hostile")
    (room / "recon.db").write_bytes(migrated_sqlite.read_bytes())
    channel = Channel(first_id=101)
    with mailed_nights(room, f"sqlite:///{room / 'recon.db'}", channel=channel) as (made, box):
        config = room / "recon.toml"
        config.write_text(config.read_text().replace('where = "id > 0"', ""))
        made.workshop.change_records("DROP TABLE sends")
        made.workshop.change_records(
            "CREATE TABLE sends (id TEXT, message_id, phone_number TEXT, sent_at TEXT, status TEXT)"
        )
        rows: list[tuple[object, ...]] = []
        for number, evil in enumerate(EVIL.values()):
            at = NOON + timedelta(minutes=number)
            phone = f"+3538712{number:05}"
            failed = channel.send(phone, at, course=FAILED_AT_ONCE, reason=Reason(evil))
            odd = channel.send(phone, at + timedelta(seconds=1), course=course((0, evil)))
            channel.send(evil, at + timedelta(seconds=2))
            rows += [
                (f"{evil}1", failed.message_id, phone, at.isoformat(), "sent"),
                (f"{evil}2", odd.message_id, phone, at.isoformat(), evil),
                (f"{evil}3", 9_000_000 + number, phone, at.isoformat(), "sent"),
                (f"{evil}4", evil, phone, at.isoformat(), "sent"),
                (f"{evil}5", None, evil, at.isoformat(), "sent"),
                (f"{evil}6", None, phone, evil, "sent"),
            ]
        made.workshop.insert(rows)
        assert made.run() == 0
        yield made, box


def test_the_texts_came_in(hostile: tuple[Nights, MailBox]) -> None:
    made, _box = hostile
    rows = made.workshop.rows()
    ids = {row["local_id"].lstrip("'") for row in rows}
    assert all(any(evil.strip() in name for name in ids) for evil in EVIL.values())
    assert {"missing_at_provider", "invalid_local", "invalid_provider"} <= {
        row["kind"] for row in rows
    }


@pytest.mark.parametrize(
    "command",
    [
        (discrepancies.command, "--status", "all"),
        (status.command,),
        (stats.command,),
        (stats.command, "--by", "reason"),
        (retries.command, "--date", DAY),
        (explain.command, "101"),
        (explain.command, EVIL["terminal"] + "3"),
    ],
    ids=lambda command: " ".join(map(str, command[1:])).encode("unicode_escape").decode(),
)
def test_what_people_read_on_a_terminal_obeys_nobody(
    hostile: tuple[Nights, MailBox], command: tuple[object, ...]
) -> None:
    made, _box = hostile
    name, *argv = command
    shown = made.shown(name, *argv)  # type: ignore[arg-type]
    assert not CONTROL.search(shown)
    assert TURNED not in shown
    assert "\nBcc:" not in shown


def test_no_log_line_is_forged(
    hostile: tuple[Nights, MailBox], capsys: pytest.CaptureFixture[str]
) -> None:
    made, _box = hostile
    made.workshop.environ["KEY"] = made.key
    for form in ("text", "json"):
        ended = made.workshop.recon("-vv", "--log-format", form, "run", "--date", DAY, "--no-email")
        assert ended.code == 0
        lines = [line for line in ended.err.splitlines() if not line.startswith("attention: ")]
        assert lines
        assert not any(CONTROL.search(line) for line in [*lines, *ended.out.splitlines()])
        if form == "json":
            assert all(json.loads(line)["level"] for line in lines)
        else:
            assert all(re.match(r"\d{4}-\d\d-\d\dT[\d:.]+Z [A-Z]+ recon", line) for line in lines)
            assert not any("recon: forged" in line[:60] for line in lines)
    assert capsys.readouterr().out == ""


def test_no_page_holds_their_markup(hostile: tuple[Nights, MailBox]) -> None:
    made, box = hostile
    page = (made.workshop.path / "reports" / "main" / f"{DAY}.html").read_text()
    shown = made.shown(dashboard.command, "--output", "-", "--days", "400")
    for text in (page, shown, box.mails[0].html()):
        assert "<img src=x" not in text
        assert "7*7" not in text or "{{ 7*7 }}" in text
        assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", text)


def test_no_cell_is_a_formula_and_every_row_is_whole(hostile: tuple[Nights, MailBox]) -> None:
    made, box = hostile
    attached = next(text for name, text in box.mails[0].files().items() if name.endswith(".csv"))
    path = made.workshop.path / "reports" / "main" / f"{DAY}.csv"
    for content in (path.read_bytes().decode(), attached.decode()):
        rows = list(csv.reader(content.splitlines(keepends=True)))
        assert {len(row) for row in rows} == {len(rows[0])}
        for cell in (cell for row in rows for cell in row):
            assert cell[:1] not in set("=-@\t\r") or cell == "-"
            assert not cell.startswith("+") or cell[1:].replace("•", "").isdecimal()


def test_no_header_of_a_mail_is_theirs(hostile: tuple[Nights, MailBox]) -> None:
    _made, box = hostile
    [one] = box.mails
    assert one.mail["Bcc"] is None
    assert one.recipients == ("ops@example.com", "boss@example.com")
    assert all(not CONTROL.search(str(value)) for value in one.mail.values())
    assert not CONTROL.search(one.text().replace("\r\n", "\n"))
