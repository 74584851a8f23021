"""What watches a night from outside: heartbeat, metrics, chat."""

from __future__ import annotations

import re
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from recon.simulator.channel import Channel
from tests.cli.mailing import EMAIL, add_to_config, lose
from tests.cli.nights import nights
from tests.cli.workshop import ACCOUNT
from tests.factories import NOON
from tests.listener import listener
from tests.smtp import free_port


@pytest.fixture
def database(tmp_path: Path, migrated_sqlite: Path) -> str:
    path = tmp_path / "recon.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    return f"sqlite:///{path}"


@pytest.mark.parametrize(
    ("fail_on", "ends"), [("trouble", "/secret-token"), ("discrepancies", "/secret-token/fail")]
)
def test_the_heartbeat_tells_start_and_outcome(
    tmp_path: Path, database: str, fail_on: str, ends: str
) -> None:
    with listener() as noted, nights(tmp_path, database) as made:
        more = f'\n[monitoring]\nping_url = "{noted.url}?tag=1"\nfail_on = "{fail_on}"\n'
        add_to_config(tmp_path, more)
        made.send(3, start=NOON)
        lose(made)
        assert made.run() == 0
    start, end = noted.told
    assert start == ("/secret-token/start?tag=1", "")
    assert end[0] == f"{ends}?tag=1"
    assert "1 customer did not get their message" in end[1]
    assert "353871200500" not in end[1]


def test_a_failed_night_is_told_to_the_heartbeat(tmp_path: Path, database: str) -> None:
    channel = Channel(keys=["another"])
    with listener() as noted, nights(tmp_path, database, channel=channel) as made:
        add_to_config(tmp_path, f'\n[monitoring]\nping_url = "{noted.url}"\n')
        assert made.run() == 77
    assert [path for path, _ in noted.told] == ["/secret-token/start", "/secret-token/fail"]
    assert noted.told[1][1].startswith("exit code 77")


def test_a_night_without_its_database_is_told_to_the_heartbeat(tmp_path: Path) -> None:
    with (
        listener() as noted,
        nights(tmp_path, "postgresql+psycopg://recon@127.0.0.1:1/recon") as made,
    ):
        add_to_config(tmp_path, f'\n[monitoring]\nping_url = "{noted.url}"\n')
        assert made.run() == 75
    assert [path for path, _ in noted.told] == ["/secret-token/start", "/secret-token/fail"]


@pytest.mark.parametrize("what", ["down", "refusing"])
def test_a_heartbeat_that_fails_is_a_warning_without_its_address(
    tmp_path: Path, database: str, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    with listener() as noted, nights(tmp_path, database) as made:
        noted.status = 404
        url = noted.url if what == "refusing" else f"http://127.0.0.1:{free_port()}/secret-token"
        add_to_config(tmp_path, f'\n[monitoring]\nping_url = "{url}"\n')
        assert made.run() == 0
    said = "HTTP 404" if what == "refusing" else "ConnectionError"
    assert f"monitoring.ping_url was not notified: {said}" in caplog.text
    assert "secret-token" not in caplog.text


def metrics(path: Path) -> dict[str, float]:
    lines = path.read_text().splitlines()
    pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


def test_metrics_say_how_the_night_went(tmp_path: Path, database: str) -> None:
    with nights(tmp_path, database) as made:
        path = tmp_path / "recon.prom"
        add_to_config(tmp_path, f'\n[monitoring]\nmetrics_file = "{path}"\n')
        made.send(3, start=NOON)
        lose(made, 2)
        assert made.run() == 0
        now = made.clock.now.timestamp()
    found = metrics(path)
    assert found['recon_last_success_timestamp_seconds{account="main"}'] == now
    assert found['recon_last_run_exit_code{account="main"}'] == 0
    assert found['recon_records{account="main",bucket="matched"}'] == 3
    assert found['recon_records{account="main",bucket="missing_at_provider"}'] == 2
    kind = 'account="main",kind="missing_at_provider",state="open"'
    assert found[f"recon_findings{{{kind}}}"] == 2
    assert found[f"recon_oldest_finding_age_seconds{{{kind}}}"] == 0
    assert found['recon_coverage_ratio{account="main"}'] == 1
    assert found['recon_requests{account="main",call="list"}'] == 1
    assert found["recon_mails_waiting"] == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_metrics_of_a_failed_night_keep_the_last_success(tmp_path: Path, database: str) -> None:
    path = tmp_path / "recon.prom"
    with nights(tmp_path, database) as made:
        add_to_config(tmp_path, f'\n[monitoring]\nmetrics_file = "{path}"\n')
        made.run()
        before = made.clock.now.timestamp()
        text = (tmp_path / "recon.toml").read_text()
        (tmp_path / "recon.toml").write_text(text.replace('table = "sends"', 'table = "other"'))
        assert made.next_night() == 65
    found = metrics(path)
    assert found['recon_last_success_timestamp_seconds{account="main"}'] == before
    assert found['recon_last_run_exit_code{account="main"}'] == 65


def test_metrics_of_a_run_keep_the_last_run_of_other_accounts(
    tmp_path: Path, database: str
) -> None:
    path = tmp_path / "recon.prom"
    name = 'recon_last_run_exit_code{{account="{}"}}'.format
    with nights(tmp_path, database) as made:
        add_to_config(tmp_path, f'\n[monitoring]\nmetrics_file = "{path}"\n')
        account = ACCOUNT.format(name="other", key_env="KEY", records=tmp_path / "none.db")
        add_to_config(tmp_path, account)
        path.write_text("not a metric")
        assert made.run() == 65
        first = made.clock.now.timestamp()
        made.clock.advance(60)
        assert made.run("--account", "main") == 0
        found = metrics(path)
        config = tmp_path / "recon.toml"
        config.write_text(config.read_text().replace("accounts.other", "accounts.third"))
        assert made.run("--account", "main") == 0
    assert (found[name("main")], found[name("other")]) == (0, 65)
    assert found['recon_last_run_timestamp_seconds{account="other"}'] == first
    assert found['recon_last_run_timestamp_seconds{account="main"}'] == first + 60
    assert name("other") not in metrics(path)


def test_metrics_say_that_a_mail_was_not_sent(tmp_path: Path, database: str) -> None:
    path = tmp_path / "recon.prom"
    with nights(tmp_path, database) as made:
        add_to_config(tmp_path, EMAIL.format(port=free_port(), more=""))
        add_to_config(tmp_path, f'\n[monitoring]\nmetrics_file = "{path}"\n')
        assert made.run() == 69
    found = metrics(path)
    assert found['recon_last_run_exit_code{account="main"}'] == 69
    assert found["recon_mails_waiting"] == 1


def test_a_day_that_the_zone_skips_has_a_report_and_metrics(tmp_path: Path, database: str) -> None:
    path, noon = tmp_path / "recon.prom", datetime(2011, 12, 31, 12, tzinfo=UTC)
    with nights(tmp_path, database, now=noon) as made:
        config = tmp_path / "recon.toml"
        config.write_text(config.read_text().replace('"UTC"', '"Pacific/Apia"', 1))
        add_to_config(tmp_path, f'\n[monitoring]\nmetrics_file = "{path}"\n')
        made.send(10, start=noon - timedelta(days=2), minutes=240)
        assert made.run("--from", "2011-12-29", "--to", "2011-12-31", day=None) == 0
        days = [made.workshop.report(day=f"2011-12-{day}") for day in (29, 30, 31)]
        assert [day["local"]["total"] for day in days] == [6, 0, 4]
        assert made.run(day="2011-12-30") == 0
    assert metrics(path)['recon_coverage_ratio{account="main"}'] == 1


def test_metrics_that_cannot_be_written_are_a_warning(
    tmp_path: Path, database: str, caplog: pytest.LogCaptureFixture
) -> None:
    with nights(tmp_path, database) as made:
        (tmp_path / "file").touch()
        path = tmp_path / "file" / "recon.prom"
        add_to_config(tmp_path, f'\n[monitoring]\nmetrics_file = "{path}"\n')
        assert made.run() == 0
    assert "monitoring.metrics_file was not written" in caplog.text


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
def test_chat_gets_one_short_text_without_numbers_where_something_changed(
    tmp_path: Path, database: str
) -> None:
    with listener() as noted, nights(tmp_path, database) as made:
        url_file = tmp_path / "urls"
        url_file.write_text(f"# chat\n{noted.url.replace('http', 'json', 1)}\n")
        add_to_config(tmp_path, f'\n[notify]\nurls_file = "{url_file}"\n')
        made.send(3, start=NOON)
        lose(made)
        assert made.run() == 0
        made.clock.advance(60)
        assert made.run() == 0
    [(_, body)] = noted.told
    assert "1 customer did not get their message" in body
    assert not re.search(r"\d{7}", body)


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
def test_a_service_that_fails_is_named_and_its_address_is_not(
    tmp_path: Path, database: str, caplog: pytest.LogCaptureFixture
) -> None:
    with listener() as noted, nights(tmp_path, database) as made:
        noted.status = 500
        url_file = tmp_path / "urls"
        url_file.write_text(f"{noted.url.replace('http', 'json', 1)} nonsense://secret-token")
        add_to_config(tmp_path, f'\n[notify]\nurls_file = "{url_file}"\n')
        made.send(3, start=NOON)
        lose(made)
        assert made.run() == 0
    assert "JSON was not notified" in caplog.text
    assert "URL 2 of [notify] names no service" in caplog.text
    assert "secret-token" not in caplog.text


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
def test_a_failed_night_is_told_to_chat_and_none_where_that_is_off(
    tmp_path: Path, database: str
) -> None:
    channel = Channel(keys=["another"])
    with listener() as noted, nights(tmp_path, database, channel=channel) as made:
        url_file = tmp_path / "urls"
        url_file.write_text(noted.url.replace("http", "json", 1))
        add_to_config(tmp_path, f'\n[notify]\nurls_file = "{url_file}"\n')
        assert made.run() == 77
        add_to_config(tmp_path, 'when = "never"\n')
        assert made.run() == 77
    [(_, body)] = noted.told
    assert "The run failed" in body


def test_standard_error_names_each_day_that_asks_for_a_person(
    tmp_path: Path, database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with nights(tmp_path, database) as made:
        made.send(3, start=NOON)
        assert made.run() == 0
        assert "attention" not in capsys.readouterr().err
        lose(made)
        assert made.run() == 0
    said = "attention: main 2026-04-23: 1 customer did not get their message.\n"
    assert said in capsys.readouterr().err
