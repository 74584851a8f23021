"""What `recon check` says of a mail server and of a listing, in process."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from recon import config
from recon.jobs import doctor
from recon.jobs.check_result import CheckResult
from recon.jobs.runtime import Runtime
from recon.store import messages
from recon.store.replaced_keys import REPLACED
from tests import smtp
from tests.factories import listing, message
from tests.jobs.stage import staged
from tests.smtp import PASSWORD, USER, mail_server

CONFIG = """
[email]
host = "127.0.0.1"
port = {port}
security = "{security}"
sender = "recon@example.com"
recipients = ["ops@example.com"]
{login}

[accounts.main]
api_key_env = "KEY"
[accounts.main.local]
file = "sends.csv"
"""
LOGIN = f'username = "{USER}"\npassword_env = "PASSWORD"'


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server.pem"))


def mail_line(room: Path, port: int, security: str, password: str | None = None) -> CheckResult:
    login = LOGIN if password is not None else ""
    (room / "recon.toml").write_text(CONFIG.format(port=port, security=security, login=login))
    settings = config.load(room / "recon.toml", {})
    environ = {"KEY": "k", "PASSWORD": password or ""}
    lines = list(doctor.check(settings, [], Runtime(environ=environ)))
    assert lines[-1].name == "mail server"
    return lines[-1]


def test_the_request_of_a_check_leaves_no_connection_open(
    tmp_path: Path, engine: sa.Engine, sessions: list[list[str]]
) -> None:
    with staged(tmp_path, engine) as stage:
        stage.send(3)
        checked = {one.name: one for one in doctor.check(stage.settings, ["main"], stage.runtime)}
    assert checked["main: key"].exit_code == 0
    assert sessions == [["closed"]]


def test_proof_that_an_old_key_has_lost_is_told(tmp_path: Path, engine: sa.Engine) -> None:
    shown = [message(n, 60 * n - 7_200) for n in range(100)]
    with staged(tmp_path, engine) as stage:
        messages.keep(engine, "main", "old", listing(*shown[:5], answered=-600))
        messages.keep(engine, "main", "new", listing(*shown[50:], answered=-60, limit=50))
        checked = {one.name: one for one in doctor.check(stage.settings, ["main"], stage.runtime)}
    assert checked["main: coverage"].needs_attention
    assert f"Proof was withdrawn: {REPLACED}." in checked["main: coverage"].message


def test_a_refused_answer_is_told_with_its_reason(tmp_path: Path, engine: sa.Engine) -> None:
    with staged(tmp_path, engine) as stage:
        messages.keep(engine, "main", "k", listing(message(1, -900), answered=-600))
        partial = replace(listing(message(1, -900), answered=-300), is_partial=True)
        messages.keep(engine, "main", "k", partial)
        checked = {one.name: one for one in doctor.check(stage.settings, ["main"], stage.runtime)}
    assert checked["main: coverage"].needs_attention
    assert "2026-04-23T11:55:00+00:00: it is a partial answer" in checked["main: coverage"].message


def test_a_mail_server_that_wants_no_login_is_accepted(tmp_path: Path) -> None:
    with mail_server(tmp_path) as box:
        assert mail_line(tmp_path, box.port, "none").exit_code == 0


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
def test_a_right_login_is_accepted(tmp_path: Path, security: smtp.Security) -> None:
    with mail_server(tmp_path, security, login=True) as box:
        line = mail_line(tmp_path, box.port, security, PASSWORD)
    assert (line.exit_code, line.message) == (0, f"127.0.0.1:{box.port} accepts the login")


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
def test_a_wrong_password_names_the_settings_and_not_the_password(
    tmp_path: Path, security: smtp.Security
) -> None:
    with mail_server(tmp_path, security, login=True) as box:
        line = mail_line(tmp_path, box.port, security, "battery-staple")
    assert line.exit_code == 69
    assert f"127.0.0.1:{box.port} refuses the login of recon" in line.message
    assert "email.username" in line.message
    assert "battery" not in line.message


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_that_nobody_signed_is_refused(
    tmp_path: Path, security: smtp.Security
) -> None:
    with mail_server(tmp_path, security, login=True) as box:
        line = mail_line(tmp_path, box.port, security, PASSWORD)
    assert line.exit_code == 69
    assert "certificate" in line.message


def test_a_server_without_starttls_gets_no_password(tmp_path: Path) -> None:
    with mail_server(tmp_path, "none", login=True) as box:
        line = mail_line(tmp_path, box.port, "starttls", PASSWORD)
    assert line.exit_code == 69
    assert "email.security" in line.message


def test_a_server_that_is_down_is_named(tmp_path: Path) -> None:
    with mail_server(tmp_path) as box:
        pass
    line = mail_line(tmp_path, box.port, "none")
    assert line.exit_code == 69
    assert f"127.0.0.1:{box.port}" in line.message
