"""Every exit code that docs/commands.md lists, reached by the installed command."""

from __future__ import annotations

import re
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from recon.simulator import http_faults
from recon.simulator.channel import Channel
from recon.simulator.server import Received, serve
from recon.store import schema
from tests.cli.workshop import MORNING_AFTER, NUMBER, Workshop, awaited, minute
from tests.clocks import ManualClock
from tests.factories import DAY


@pytest.fixture
def shop(workshop: Workshop) -> Iterator[Workshop]:
    """A workshop whose records and provider agree, the provider running."""
    channel = Channel(first_id=101)
    channel.send(NUMBER.format(1), minute(1))
    workshop.add_records((1, 101, NUMBER.format(1), minute(1), "sent"))
    with serve(channel, clock=ManualClock(MORNING_AFTER)) as url:
        workshop.configure(url)
        yield workshop


def test_0_a_clean_run(shop: Workshop) -> None:
    ended = shop.run("--exit-code")
    assert (ended.code, shop.report()["verdict"]) == (0, "clean")


def test_0_findings_do_not_fail_a_run_unless_asked_and_1_they_do_when_asked(shop: Workshop) -> None:
    shop.add_records((2, None, NUMBER.format(2), minute(2), "sent"))
    assert shop.run().code == 0
    assert shop.run("--exit-code").code == 1


@pytest.mark.parametrize(
    "args",
    [
        ["run", "--date", "23.4.2026"],
        ["run", "--date", "2026-4-3"],
        ["run", "--date", "2999-01-01"],
        ["run", "--from", "2026-04-01"],
        ["run", "--from", "2026-04-02", "--to", "2026-04-01"],
        ["run", "--date", DAY, "--from", DAY, "--to", DAY],
        ["run", "--account", "mian"],
        ["run", "--nonsense"],
        ["nonsense"],
        ["diff", "one.csv"],
        ["discrepancies", "--status", "lost"],
        ["simulate", "--scenario", "nonsense"],
    ],
)
def test_2_wrong_usage(shop: Workshop, args: list[str]) -> None:
    ended = shop.recon(*args)
    assert ended.code == 2
    assert "Traceback" not in ended.err
    assert ended.err


def test_2_an_unknown_account_names_the_nearest(shop: Workshop) -> None:
    assert "did you mean 'main'?" in shop.recon("run", "--account", "mian").err


def test_3_nothing_found_but_not_covered(workshop: Workshop) -> None:
    channel = Channel(first_id=101)
    for n in range(100):
        channel.send(NUMBER.format(n), minute(720 + n))
    workshop.add_records((1, None, NUMBER.format(900), minute(1), "sent"))
    with serve(channel, clock=ManualClock(MORNING_AFTER)) as url:
        workshop.configure(url)
        assert workshop.run().code == 0
        ended = workshop.run("--exit-code")
    assert (ended.code, workshop.report()["verdict"]) == (3, "incomplete")


def test_65_a_table_with_wrong_columns_names_the_near_ones(shop: Workshop) -> None:
    config = shop.path / "recon.toml"
    config.write_text(config.read_text() + '[accounts.main.local.columns]\nsent_at = "send_at"\n')
    ended = shop.run()
    assert ended.code == 65
    assert "did you mean 'sent_at'" in ended.err


def test_65_suspect_input_is_reported_first_and_opens_no_finding(shop: Workshop) -> None:
    channel = Channel(first_id=900)
    channel.send("+353860000000", minute(-2000))
    shop.add_records(*((n, n, NUMBER.format(n), minute(n), "sent") for n in range(200, 220)))
    with serve(channel, clock=ManualClock(MORNING_AFTER)) as url:
        shop.configure(url)
        ended = shop.run("--exit-code")
        assert ended.code == 65
        assert shop.report()["verdict"] == "suspect"
        assert shop.rows() == []
        assert shop.findings() == []
        assert "Octopods lists no message at all" in " ".join(ended.out.split())
        trusted = shop.run("--trust-input")
    assert (trusted.code, len(shop.findings())) == (0, 21)


def test_65_a_file_that_is_not_there(shop: Workshop) -> None:
    ended = shop.recon("diff", "no.csv", "such.csv")
    assert ended.code == 65
    assert "no.csv" in ended.err


def test_69_a_mail_server_that_does_not_answer(shop: Workshop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (shop.path / "recon.toml").open("a") as config:
        config.write(
            f'[email]\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\n'
            'sender = "recon@example.com"\nrecipients = ["ops@example.com"]\n'
        )
    ended = shop.recon("check")
    assert ended.code == 69
    assert f"127.0.0.1:{port}" in ended.out


def test_73_a_report_that_cannot_be_written(shop: Workshop) -> None:
    (shop.path / "reports").write_text("in the way")
    ended = shop.run()
    assert ended.code == 73
    assert f"{shop.path / 'reports'}" in ended.err
    assert "The directory is set by report.directory, or --output." in ended.err


def test_73_a_database_that_cannot_be_written(shop: Workshop) -> None:
    with (shop.path / "recon.toml").open("a") as config:
        config.write('[database]\nurl = "sqlite:///no/such/directory/recon.db"\n')
    ended = shop.run()
    assert ended.code == 73
    assert "no/such/directory" in ended.err


def test_75_a_provider_that_is_down(shop: Workshop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    shop.configure(f"http://127.0.0.1:{port}")
    ended = shop.run()
    assert ended.code == 75
    assert (
        f"http://127.0.0.1:{port} (octopods.base_url) cannot be reached: Connection refused "
        "(tried once)\n  Check octopods.base_url"
    ) in ended.err


def test_75_a_limit_that_lasts_longer_than_allowed(workshop: Workshop) -> None:
    workshop.add_records((1, 101, NUMBER.format(1), minute(1), "sent"))
    log: list[Received] = []
    script = [http_faults.rate_limited(seconds=4000)]
    with serve(Channel(), clock=ManualClock(MORNING_AFTER), script=script, log=log) as url:
        workshop.configure(url, max_wait=900)
        ended = workshop.run()
    assert (ended.code, len(log)) == (75, 1)
    assert "\nerror: account main: Octopods' rate limit is used up" in ended.err


def test_75_another_run_holds_the_lock(workshop: Workshop) -> None:
    workshop.add_records((1, 101, NUMBER.format(1), minute(1), "sent"))
    log: list[Received] = []
    with serve(
        Channel(), clock=ManualClock(MORNING_AFTER), script=[http_faults.timeout()], log=log
    ) as url:
        workshop.configure(url)
        # Longer than the second run takes to start, however busy the machine.
        workshop.environ["RECON_OCTOPODS__TIMEOUT_SECONDS"] = "60"
        slow = workshop.fork("run", "--date", DAY)
        # The first run holds the lock from before its request until after it; so wait for that.
        awaited(lambda: log, slow)
        ended = workshop.run()
        slow.kill()
        slow.communicate()
    assert ended.code == 75
    assert "another run" in ended.err


def test_75_a_database_that_is_busy(shop: Workshop) -> None:
    shop.run()
    with (shop.path / "recon.toml").open("a") as config:
        config.write('[database]\nurl = "sqlite:///recon.db?timeout=0.1"\n')
    connection = sqlite3.connect(shop.path / "recon.db", isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    ended = shop.run()
    connection.close()
    assert ended.code == 75


@pytest.mark.parametrize("fault", ["unknown", "rotated"])
def test_77_a_key_that_is_refused(shop: Workshop, fault: str) -> None:
    channel = Channel(keys=["good", "old"])
    channel.rotate("old", "new", minute(0))
    shop.environ["OCTOPODS_API_KEY"] = "old" if fault == "rotated" else "typo"
    log: list[Received] = []
    with serve(channel, clock=ManualClock(MORNING_AFTER), log=log) as url:
        shop.configure(url, max_wait=900)
        ended = shop.run()
    assert (ended.code, len(log)) == (77, 1)
    assert "accounts.main.api_key_env" in ended.err
    assert "\nerror: account main: the API key " in ended.err


def test_78_configuration_that_is_wrong_or_missing(shop: Workshop, tmp_path: Path) -> None:
    config = shop.path / "recon.toml"
    config.write_text(config.read_text().replace("timezone", "timezon"))
    ended = shop.run()
    assert ended.code == 78
    assert "did you mean timezone?" in ended.err
    missing = shop.recon("--config", tmp_path / "other.toml", "run")
    assert missing.code == 78
    config.unlink()
    assert shop.run().code == 78


def test_78_an_unmigrated_database_says_exactly_what_to_type(shop: Workshop) -> None:
    (shop.path / "recon.db").unlink()
    connection = sqlite3.connect(shop.path / "recon.db")
    connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
    connection.execute("CREATE TABLE accounts (id INTEGER)")
    connection.commit()
    connection.close()
    ended = shop.run()
    assert ended.code == 78
    assert "recon db upgrade" in ended.err


def test_the_worst_of_all_checks_is_the_exit_code(shop: Workshop) -> None:
    shop.environ["OCTOPODS_API_KEY"] = "typo"
    (shop.path / "sends.db").unlink()
    ended = shop.recon("check")
    assert ended.code == 77
    assert ended.out.count("WRONG") == 2


def test_the_database_is_upgraded_once_and_checked(shop: Workshop) -> None:
    (shop.path / "recon.db").unlink()
    assert shop.recon("db", "check").code == 78
    assert shop.recon("db", "upgrade").code == 0
    assert shop.recon("db", "upgrade").code == 0
    assert shop.recon("db", "check").code == 0
    told = re.findall(r"\d{4}", shop.recon("db", "current").out)
    assert told == [schema.head(), schema.head()]


BUG = """
import sys
from recon.cli import main
from recon.jobs import doctor

def bug(*_, **__):
    raise LookupError("postgresql://recon:hunter2hunter2@db and hunter2hunter2 alone")

doctor.check = bug
sys.argv = ["recon", *sys.argv[1:], "check"]
main()
"""


@pytest.mark.parametrize("form", ["text", "json"])
def test_70_a_bug_keeps_its_traceback_but_shows_no_secret(shop: Workshop, form: str) -> None:
    shop.environ["RECON_DATABASE__URL"] = "postgresql://recon:hunter2hunter2@db/recon"
    ended = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", BUG, "--log-format", form, "--quiet"],
        cwd=shop.path,
        env=shop.environ,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 70
    assert "Traceback" in ended.stderr
    assert "LookupError" in ended.stderr
    assert "hunter2" not in ended.stderr + ended.stdout
