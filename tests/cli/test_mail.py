"""Nights as people get them by mail, through a real mail server."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from recon.simulator.channel import Channel
from tests.cli.mailing import add_to_config, lose, mailed_nights, report_email
from tests.cli.nights import Nights
from tests.cli.workshop import ACCOUNT
from tests.factories import DAY, NOON
from tests.smtp import MailBox, mail_server

BOTH = ("ops@example.com", "boss@example.com")


@pytest.fixture
def database(tmp_path: Path, migrated_sqlite: Path) -> str:
    path = tmp_path / "recon.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    return f"sqlite:///{path}"


def subjects(box: MailBox) -> list[str]:
    return [one.mail["Subject"] for one in box.mails]


def waiting(made: Nights) -> int:
    return int(made.workshop.query("SELECT count(*) FROM mails WHERE done_at IS NULL")[0][0])


def test_a_night_is_mailed_to_everybody_with_its_reports(tmp_path: Path, database: str) -> None:
    with mailed_nights(tmp_path, database) as (made, box):
        made.send(3, start=NOON)
        lose(made)
        assert made.run() == 0
    [one] = box.mails
    assert one.recipients == BOTH
    assert one.mail["Subject"].startswith(f"[recon] main {DAY}: ")
    assert one.mail["From"] == "Recon <recon@example.com>"
    assert one.mail["To"] == "ops@example.com, Boss <boss@example.com>"
    assert one.mail["Auto-Submitted"] == "auto-generated"
    assert one.mail["Date"]
    assert re.fullmatch(r"<[0-9a-f]{32}\.recon@example\.com>", one.mail["Message-ID"])
    assert set(one.files()) == {f"main-{DAY}.html", f"main-{DAY}.csv"}
    for body in (one.text(), one.html()):
        assert "+353••••••500" in body
        assert "Octopods has no such message" in body or "got nothing" in body


@pytest.mark.parametrize("mask", [True, False])
def test_whole_numbers_are_in_the_attachments_only_and_only_where_that_is_set(
    tmp_path: Path, database: str, *, mask: bool
) -> None:
    with mailed_nights(tmp_path, database) as (made, box):
        add_to_config(tmp_path, f"\n[report]\nmask_phone_numbers = {str(mask).lower()}\n")
        lose(made)
        made.run()
    [one] = box.mails
    whole = "353871200500"
    assert whole not in one.text() + one.html()
    files = one.files()
    assert [whole.encode() in content for content in files.values()] == [not mask] * len(files)
    assert str(tmp_path) not in one.mail.as_string()


def pictures(box: MailBox) -> list[int]:
    return [
        sum(part.get_content_type() == "image/png" for part in one.mail.walk()) for one in box.mails
    ]


def test_a_mail_shows_the_days_before_as_a_picture_once_there_are_some(
    tmp_path: Path, database: str
) -> None:
    with mailed_nights(tmp_path, database) as (made, box):
        made.send(3, start=NOON)
        made.run()
        made.next_night()
    assert pictures(box) == [0, 1]
    assert 'alt="The last 30 days of main. Messages: 0, usually 3.' in box.mails[1].html()
    assert "main-2026-04-24.html" in box.mails[1].files()


@pytest.mark.parametrize("ends", ["not installed", "fails"])
def test_without_charts_the_mail_has_no_picture_and_all_the_rest(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    def broken(*_args: object) -> None:
        raise OSError

    if ends == "fails":
        monkeypatch.setattr("recon.report.mail_chart.draw", broken)
    else:
        monkeypatch.setattr("recon.report.mail_chart.find_spec", lambda _: None)
    with mailed_nights(tmp_path, database) as (made, box):
        made.send(3, start=NOON)
        assert made.run() == 0
        assert made.next_night() == 0
    assert pictures(box) == [0, 0]
    assert "main-2026-04-24.html" in box.mails[1].files()


def test_reruns_of_a_day_are_one_thread(tmp_path: Path, database: str) -> None:
    with mailed_nights(tmp_path, database) as (made, box):
        for _ in range(3):
            made.run()
    first, *later = [one.mail for one in box.mails]
    assert first["In-Reply-To"] is None
    assert [mail["In-Reply-To"] for mail in later] == [first["Message-ID"]] * 2
    assert [mail["References"] for mail in later] == [first["Message-ID"]] * 2
    assert len({mail["Message-ID"] for mail in (first, *later)}) == 3


def test_no_email_mails_nothing_now_and_later(tmp_path: Path, database: str) -> None:
    with mailed_nights(tmp_path, database) as (made, box):
        assert made.run("--no-email") == 0
        assert report_email(made) == 0
    assert box.mails == []


def test_without_a_server_the_mail_waits_and_goes_out_once(tmp_path: Path, database: str) -> None:
    with mail_server(tmp_path) as gone:
        pass
    with mailed_nights(tmp_path, database) as (made, box):
        config = (tmp_path / "recon.toml").read_text()
        away = config.replace(f"port = {box.port}", f"port = {gone.port}")
        (tmp_path / "recon.toml").write_text(away)
        assert made.run() == 69
        assert made.workshop.report()["verdict"] == "nothing_to_compare"
        assert report_email(made) == 69
        assert waiting(made) == 1
        (tmp_path / "recon.toml").write_text(config)
        assert report_email(made) == 0
        assert report_email(made) == 0
        assert waiting(made) == 0
    assert len(box.mails) == 1


def test_what_waits_goes_out_with_the_next_run(tmp_path: Path, database: str) -> None:
    with mailed_nights(tmp_path, database) as (made, box):
        box.on_data = lambda: "451 try again later"
        assert made.run() == 69
        box.on_data = lambda: None
        assert made.next_night() == 0
    assert [subject.split(":")[0] for subject in subjects(box)] == [
        f"[recon] main {DAY}",
        "[recon] main 2026-04-24",
    ]


def test_only_a_refused_recipient_is_offered_the_mail_again(
    tmp_path: Path, database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with mailed_nights(tmp_path, database) as (made, box):
        box.refused = {"boss@example.com"}
        assert made.run() == 69
        assert "boss@example.com (550 5.1.1 no such mailbox)" in capsys.readouterr().err
        assert report_email(made) == 69
        box.refused = set()
        assert report_email(made) == 0
        assert report_email(made) == 0
    assert [one.recipients for one in box.mails] == [("ops@example.com",), ("boss@example.com",)]
    first, second = (one.mail["Message-ID"] for one in box.mails)
    assert first == second


def test_a_refused_recipient_that_is_taken_out_is_not_tried_again(
    tmp_path: Path, database: str
) -> None:
    with mailed_nights(tmp_path, database) as (made, box):
        box.refused = {"boss@example.com"}
        assert made.run() == 69
        config = (tmp_path / "recon.toml").read_text()
        (tmp_path / "recon.toml").write_text(config.replace(', "Boss <boss@example.com>"', ""))
        assert report_email(made) == 0
    assert waiting(made) == 0
    assert len(box.mails) == 1


def test_where_all_recipients_are_refused_nobody_gets_it_before_one_is_accepted(
    tmp_path: Path, database: str
) -> None:
    with mailed_nights(tmp_path, database) as (made, box):
        box.refused = set(BOTH)
        assert made.run() == 69
        box.refused = set()
        assert report_email(made) == 0
    assert [one.recipients for one in box.mails] == [BOTH]


def test_a_mail_is_given_up_after_a_week(tmp_path: Path, database: str) -> None:
    with mailed_nights(tmp_path, database) as (made, box):
        box.refused = {"boss@example.com"}
        assert made.run() == 69
        made.clock.advance(6 * 86_400)
        assert (report_email(made), waiting(made)) == (69, 1)
        made.clock.advance(86_400)
        assert (report_email(made), waiting(made)) == (69, 0)


@pytest.mark.parametrize(
    ("when", "mailed"),
    [
        ("always", [True, True, True, True]),
        ("changes", [True, False, True, False]),
        ("discrepancies", [True, True, False, False]),
        ("never", [False, False, False, False]),
    ],
)
def test_when_decides_which_runs_are_mailed(
    tmp_path: Path, database: str, when: str, mailed: list[bool]
) -> None:
    with mailed_nights(tmp_path, database, more=f'when = "{when}"') as (made, box):
        made.send(2, start=NOON)
        lose(made)
        told = []
        # A new finding, the same again, resolved, nothing.
        for change in (None, None, "DELETE FROM sends WHERE id = 500", None):
            if change is not None:
                made.workshop.change_records(change)
            before = len(box.mails)
            made.run()
            made.clock.advance(60)
            told.append(len(box.mails) > before)
    assert told == mailed


@pytest.mark.parametrize(("when", "mails"), [("changes", 1), ("never", 0)])
def test_a_night_that_lost_coverage_is_mailed(
    tmp_path: Path, database: str, when: str, mails: int
) -> None:
    with mailed_nights(tmp_path, database, more=f'when = "{when}"') as (made, box):
        made.send(5, start=NOON)
        assert made.run() == 0
        assert not box.mails
        # Octopods has a message that its list does not show: the list proved nothing.
        never = datetime(2100, 1, 1, tzinfo=UTC)
        later = NOON + timedelta(minutes=5)
        hidden = made.channel.send("+353871299999", later, appears_at=never)
        record = (99, hidden.message_id, hidden.phone_number, hidden.sent_at, "sent")
        made.workshop.add_records(record)
        assert made.run() == 0
        assert made.workshop.report()["coverage"]["withdrawn"]
        assert len(box.mails) == mails


@pytest.mark.thorough
def test_open_findings_are_mailed_once_more_after_some_days(tmp_path: Path, database: str) -> None:
    with mailed_nights(tmp_path, database, more='when = "changes"') as (made, box):
        made.send(3, start=NOON)
        lose(made)
        made.run()
        days = []
        for _ in range(7):
            before = len(box.mails)
            made.next_night()
            days.append(len(box.mails) - before)
    assert days == [0, 0, 1, 0, 0, 0, 0]
    [_, reminder] = box.mails
    said = "Reminder: 1 finding is still open, since 2026-04-24."
    assert reminder.mail["Subject"].strip() == f"[recon] main 2026-04-26: {said}"
    text = " ".join(reminder.text().split())
    assert text.startswith(said)
    assert "Still open, of all days: 1 missing at provider." in text
    assert "353871200500" not in text


def test_a_reminder_counts_each_account_that_is_due_and_keeps_the_news_of_the_day(
    tmp_path: Path, database: str
) -> None:
    more = 'when = "changes"\nremind_after_days = 1'
    with mailed_nights(tmp_path, database, more=more) as (made, box):
        account = ACCOUNT.format(name="other", key_env="KEY", records=tmp_path / "sends.db")
        add_to_config(tmp_path, account)
        made.send(3, start=NOON)
        lose(made, 2)
        made.run()
        made.clock.advance(86_400)
        made.run()
    [_, reminder] = box.mails
    subject = reminder.mail["Subject"]
    assert "Reminder: 4 findings are still open, the oldest since 2026-04-24." in subject
    assert subject.endswith("2 customers did not get 4 messages.")
    assert reminder.text().count("Still open, of all days: 2 missing at provider.") == 2


@pytest.mark.thorough
def test_no_reminder_is_sent_where_that_is_set(tmp_path: Path, database: str) -> None:
    more = 'when = "changes"\nremind_after_days = 0'
    with mailed_nights(tmp_path, database, more=more) as (made, box):
        lose(made)
        made.run()
        for _ in range(4):
            made.next_night()
    assert len(box.mails) == 1


def test_a_suspect_night_is_mailed_with_its_likely_causes(tmp_path: Path, database: str) -> None:
    with mailed_nights(tmp_path, database, more='when = "changes"') as (made, box):
        config = (tmp_path / "recon.toml").read_text()
        (tmp_path / "recon.toml").write_text(config.replace("guard_rows = 1000", "guard_rows = 5"))
        made.send(9, start=NOON, recorded=False)
        assert made.run() == 65
    [one] = box.mails
    assert "SUSPECT" in one.text()
    assert "Likely causes" in one.text()
    assert f"main-{DAY}.csv" not in one.files()


def test_a_refused_key_is_mailed(tmp_path: Path, database: str) -> None:
    channel = Channel(keys=["another key"])
    more = 'when = "changes"'
    with mailed_nights(tmp_path, database, more=more, channel=channel) as (made, box):
        assert made.run() == 77
    [one] = box.mails
    assert one.mail["Subject"].startswith(f"[recon] main {DAY}: The run failed: ")
    assert "Exit code: 77" in one.text()
    assert one.files() == {}


def test_a_failed_night_is_not_mailed_where_mail_is_off(tmp_path: Path, database: str) -> None:
    channel = Channel(keys=["another key"])
    with mailed_nights(tmp_path, database, more='when = "never"', channel=channel) as (made, box):
        assert made.run() == 77
    assert box.mails == []


def test_a_bug_is_mailed_without_its_data(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mailed_nights(tmp_path, database) as (made, box):
        lose(made)

        def broken(*_args: object, **_options: object) -> None:
            raise ZeroDivisionError("+353871234567 in /var/lib/recon/recon.db")

        monkeypatch.setattr("recon.jobs.reconcile.read", broken)
        assert made.run() == 70
    [one] = box.mails
    assert "internal error (ZeroDivisionError)" in one.text()
    assert "/var/lib" not in one.text()
    assert "353871234567" not in one.mail.as_string()


def test_a_database_out_of_reach_is_mailed_all_the_same(tmp_path: Path) -> None:
    with mailed_nights(tmp_path, "postgresql+psycopg://recon:secret-word@127.0.0.1:1/recon") as (
        made,
        box,
    ):
        assert made.run() == 75
    [one] = box.mails
    assert f"[recon] {DAY}: The run failed: " in one.mail["Subject"]
    assert "secret-word" not in one.mail.as_string()


@pytest.mark.parametrize("one_per", ["run", "account"])
def test_accounts_share_a_mail_or_have_one_each(
    tmp_path: Path, database: str, one_per: str
) -> None:
    with mailed_nights(tmp_path, database, more=f'one_per = "{one_per}"') as (made, box):
        text = (tmp_path / "recon.toml").read_text()
        second = text[text.index("[accounts.main]") : text.index("[email]")]
        add_to_config(tmp_path, second.replace("accounts.main", "accounts.shop"))
        lose(made)
        made.run()
    if one_per == "account":
        assert [subject.split(":")[0] for subject in subjects(box)] == [
            f"[recon] main {DAY}",
            f"[recon] shop {DAY}",
        ]
        return
    [one] = box.mails
    assert one.mail["Subject"].startswith(f"[recon] {DAY}: ")
    assert set(one.files()) == {
        f"{name}-{DAY}.{kind}" for name in ("main", "shop") for kind in ("html", "csv")
    }


def test_a_test_mail_is_sent_on_request(tmp_path: Path, database: str) -> None:
    with mailed_nights(tmp_path, database) as (made, box):
        made.workshop.environ["KEY"] = made.workshop.environ["OCTOPODS_API_KEY"]
        ended = made.workshop.recon("check", "--send-test")
        assert "ok    test mail: " in ended.out
        made.workshop.recon("check")
    assert subjects(box) == ["[recon] test: A test: messages from recon arrive here."]


def test_a_test_without_a_configured_way_is_an_error(tmp_path: Path, database: str) -> None:
    with mailed_nights(tmp_path, database) as (made, _box):
        text = (tmp_path / "recon.toml").read_text()
        (tmp_path / "recon.toml").write_text(text.partition("[email]")[0])
        assert made.workshop.recon("check", "--send-test").code == 78
        assert made.workshop.recon("report", "--email").code == 78


def test_email_of_report_takes_no_other_option(tmp_path: Path, database: str) -> None:
    with mailed_nights(tmp_path, database) as (made, _box):
        assert made.workshop.recon("report", "--email", "--date", DAY).code == 2
