"""Log lines: on standard error, in UTC, without secrets."""

from __future__ import annotations

import json
import logging
import re
import time

import pytest

from recon import logs

Capture = pytest.CaptureFixture[str]

log = logging.getLogger("recon.tests")


pytestmark = pytest.mark.usefixtures("logging_as_before")


@pytest.mark.parametrize(
    ("verbosity", "shown"),
    [
        (-1, ["error"]),
        (0, ["error", "warning"]),
        (1, ["error", "warning", "info"]),
        (2, ["error", "warning", "info", "debug"]),
        (9, ["error", "warning", "info", "debug"]),
    ],
)
def test_verbosity_chooses_what_is_shown(verbosity: int, shown: list[str], capsys: Capture) -> None:
    logs.configure(verbosity=verbosity)
    for level in ("error", "warning", "info", "debug"):
        getattr(log, level)(level)
    said = capsys.readouterr()
    assert said.out == ""
    assert [line.split(": ")[1] for line in said.err.splitlines()] == shown


def test_other_packages_show_warnings_at_most(capsys: Capture) -> None:
    logs.configure(verbosity=2)
    logging.getLogger("urllib3").debug("+353871234567")
    logging.getLogger("urllib3").warning("slow")
    assert "+353" not in capsys.readouterr().err


def test_a_text_line_says_when_in_utc_how_grave_and_where(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs.configure()
    record = log.makeRecord(log.name, logging.WARNING, "", 0, "no %s", ("coverage",), None)
    record.created, record.msecs = 1_776_947_025.5, 500.0
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "Asia/Kolkata")
        time.tzset()
        log.handle(record)
    time.tzset()
    said = capsys.readouterr().err
    assert said == "2026-04-23T12:23:45.500Z WARNING recon.tests: no coverage\n"


def test_what_a_server_said_cannot_forge_a_line(capsys: Capture) -> None:
    logs.configure()
    log.warning("answer: %s", "x\n2026-01-01 ERROR\x1b[2J\x85")
    [line] = capsys.readouterr().err.splitlines()
    assert line.endswith(r"answer: x\x0a2026-01-01 ERROR\x1b[2J\x85")


def test_a_json_line_is_an_object_with_its_extras(capsys: Capture) -> None:
    logs.configure(fmt="json")
    log.warning("no\ncoverage", extra={"request_id": "5f0b"})
    [line] = capsys.readouterr().err.splitlines()
    said = json.loads(line)
    assert said.pop("time").endswith("+00:00")
    assert said == {
        "level": "WARNING",
        "logger": "recon.tests",
        "message": "no\ncoverage",
        "request_id": "5f0b",
    }


def test_setting_up_again_replaces_what_was_set_up(capsys: Capture) -> None:
    logs.configure()
    logs.configure(fmt="json")
    log.warning("once")
    [line] = capsys.readouterr().err.splitlines()
    assert json.loads(line)["message"] == "once"


@pytest.mark.parametrize("fmt", ["text", "json"])
@pytest.mark.parametrize("secret", ["hunter2", 'h"unt\\er', "húnter", "h/unt er"])
def test_a_known_secret_is_blotted_out_everywhere(fmt: str, secret: str, capsys: Capture) -> None:
    logs.configure(fmt=fmt)
    logs.redact(secret)
    log.error("key %s", secret, exc_info=ValueError(secret), extra={"key": secret})
    said = capsys.readouterr().err
    assert secret not in said
    assert json.dumps(secret)[1:-1] not in said
    assert "ValueError: ***" in said


@pytest.mark.parametrize("fmt", ["text", "json"])
@pytest.mark.parametrize(
    "line",
    [
        "cannot connect to postgresql://recon:hunter2@db/recon",
        "sent {'X-Octopods-Auth': 'hunter2', 'Accept': '*/*'}",
        'sent {"x-octopods-auth": "hunter2"}',
        "sent X-Octopods-Auth: hunter2",
    ],
)
def test_what_looks_like_a_secret_is_blotted_out_unasked(
    fmt: str, line: str, capsys: Capture
) -> None:
    logs.configure(fmt=fmt)
    log.warning("%s", line)
    said = capsys.readouterr().err
    assert "hunter2" not in said
    assert logs.BLOT in said


def test_a_very_short_secret_does_not_garble_the_lines(capsys: Capture) -> None:
    logs.configure()
    logs.redact("a", "")
    log.warning("a banana")
    assert "a banana" in capsys.readouterr().err


@pytest.mark.parametrize("fmt", ["text", "json"])
@pytest.mark.parametrize("word", ["recon", "WARNING", "message", "time"])
def test_a_password_that_is_a_word_changes_no_name_and_no_sentence(
    word: str, fmt: str, capsys: Capture
) -> None:
    def said() -> str:
        log.warning("recon sends a message in time", extra={"time_spent": 3})
        return re.sub(r"[0-9]", "0", capsys.readouterr().err)

    logs.configure(fmt=fmt)
    before = said()
    logs.redact(word)
    assert said() == before


@pytest.mark.parametrize(
    "line",
    ["password=recon", "with password 'recon'", "://app:recon@db", "password recon", "recon"],
)
def test_a_password_that_is_a_word_is_blotted_out_where_it_stands_as_one(
    line: str, capsys: Capture
) -> None:
    logs.configure()
    logs.redact("recon")
    log.warning("%s", line)
    assert "recon" not in capsys.readouterr().err.partition("tests: ")[2]
