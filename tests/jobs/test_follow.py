from __future__ import annotations

import logging
import ssl
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import sqlalchemy as sa

from recon.errors import ConfigError, KeyRefusedError
from recon.simulator import http_faults
from recon.simulator.channel import SIMULATED_KEY, Channel
from recon.simulator.http_faults import Fault
from tests.factories import NOON
from tests.jobs.stage import Stage, staged

FEW_MINUTES = timedelta(minutes=2)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_text(SIMULATED_KEY)
    return path


@pytest.fixture
def stage(tmp_path: Path, engine: sa.Engine, key_file: Path) -> Iterator[Stage]:
    """One account whose key is in a file, and a provider that knows an old and a new key."""
    channel = Channel(keys=["old-key", SIMULATED_KEY])
    with staged(tmp_path, engine, channel=channel) as made:
        update = {"api_key_env": None, "api_key_file": key_file}
        account = made.settings.accounts["main"].model_copy(update=update)
        made.settings = made.settings.model_copy(update={"accounts": {"main": account}})
        yield made


@pytest.mark.parametrize(
    "fault",
    [http_faults.redirect(), http_faults.not_found_page(), http_faults.server_error()],
    ids=lambda fault: fault.kind,
)
def test_a_single_strange_answer_is_outlived(
    fault: Fault, tmp_path: Path, engine: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "recon")
    with staged(tmp_path, engine, script=[fault] * 3) as stage:
        stage.send(3)
        assert stage.follow(FEW_MINUTES) == []
        assert stage.polls() == 1
        assert len(stage.requests) == 4
    told = [one for one in caplog.records if one.name == "recon.jobs.outage"]
    assert [one.levelname for one in told] == ["WARNING", "INFO"]
    assert "works again" in told[-1].message


def test_a_redirect_that_lasts_ends_the_following_with_its_error(
    tmp_path: Path, engine: sa.Engine
) -> None:
    with staged(tmp_path, engine, script=[http_faults.redirect()] * 99) as stage:
        [outcome] = stage.follow(timedelta(hours=3))
        assert isinstance(outcome.error, ConfigError)
        assert timedelta(hours=1) <= stage.clock.now - NOON <= timedelta(hours=1, minutes=6)
        # Ever less often, so an hour of it costs few requests.
        assert len(stage.requests) < 25


def test_a_refused_key_is_replaced_in_its_file_and_read_again(stage: Stage, key_file: Path) -> None:
    key_file.write_text("not-the-key")
    replaced = NOON + timedelta(minutes=10)

    def meanwhile() -> None:
        if stage.clock.now >= replaced:
            key_file.write_text(SIMULATED_KEY)

    assert stage.follow(timedelta(minutes=12), meanwhile=meanwhile) == []
    assert stage.polls() == 1
    # The new key is tried at once, while the refused one is tried ever less often.
    assert stage.requests[-1].at - replaced <= timedelta(seconds=61)
    assert len(stage.requests) < 20


def test_a_key_file_that_is_missing_while_it_is_replaced_is_waited_for(
    stage: Stage, key_file: Path
) -> None:
    key_file.unlink()

    def meanwhile() -> None:
        if stage.clock.now >= NOON + timedelta(minutes=1):
            key_file.write_text(SIMULATED_KEY)

    assert stage.follow(FEW_MINUTES, meanwhile=meanwhile) == []
    assert stage.polls() == 1


def test_a_refused_key_that_nobody_replaces_ends_the_following(
    stage: Stage, key_file: Path
) -> None:
    key_file.write_text("not-the-key")
    [outcome] = stage.follow(timedelta(hours=3))
    assert isinstance(outcome.error, KeyRefusedError)
    assert stage.clock.now - NOON <= timedelta(hours=1, minutes=6)


def test_a_key_of_the_environment_that_was_accepted_may_be_refused_by_mistake(
    tmp_path: Path, engine: sa.Engine
) -> None:
    with staged(tmp_path, engine) as stage:
        stage.settings = stage.settings.model_copy(
            update={
                "collect": stage.settings.collect.model_copy(update={"max_interval_minutes": 1})
            }
        )

        def meanwhile() -> None:
            minutes = (stage.clock.now - NOON).total_seconds() / 60
            stage.environ["KEY_main"] = "another" if 1 < minutes < 1.5 else SIMULATED_KEY

        assert stage.follow(FEW_MINUTES, meanwhile=meanwhile) == []
        assert stage.polls() >= 2


def each_minute(stage: Stage) -> None:
    """Let a poll be due each minute."""
    collect = stage.settings.collect.model_copy(update={"max_interval_minutes": 1})
    stage.settings = stage.settings.model_copy(update={"collect": collect})


def test_the_connections_of_a_key_are_kept_and_closed_at_the_end(
    tmp_path: Path, engine: sa.Engine, sessions: list[list[str]]
) -> None:
    with staged(tmp_path, engine) as stage:
        each_minute(stage)
        assert stage.follow(timedelta(minutes=4)) == []
        assert len(stage.requests) > 3
    assert sessions == [["closed"]]


def test_a_new_key_has_connections_of_its_own(
    stage: Stage, key_file: Path, sessions: list[list[str]]
) -> None:
    each_minute(stage)

    def meanwhile() -> None:
        if stage.clock.now >= NOON + timedelta(minutes=2):
            key_file.write_text("old-key")

    assert stage.follow(timedelta(minutes=4), meanwhile=meanwhile) == []
    assert len({one.key_fingerprint for one in stage.requests}) == 2
    assert sessions == [["closed"], ["closed"]]


def test_a_certificate_that_fails_once_is_outlived(
    tmp_path: Path,
    engine: sa.Engine,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "recon")
    real = requests.adapters.HTTPAdapter.send
    failures = iter(range(2))

    def send(*args: Any, **kwargs: Any) -> requests.Response:  # noqa: ANN401 - as the original
        if next(failures, None) is not None:
            expired = ssl.SSLCertVerificationError("expired")
            expired.verify_message = "certificate has expired"
            raise requests.exceptions.SSLError(expired)
        return real(*args, **kwargs)

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)
    with staged(tmp_path, engine) as stage:
        assert stage.follow(FEW_MINUTES) == []
        assert stage.polls() == 1
    told = [one.getMessage() for one in caplog.records if one.name == "recon.jobs.outage"]
    assert "certificate" in told[0]
    assert "works again" in told[-1]
