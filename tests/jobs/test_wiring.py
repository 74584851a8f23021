"""From settings to what a job works with."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from recon import config
from recon.errors import ConfigError, TemporaryError
from recon.jobs import wiring
from recon.octopods.retry_after import LONGEST_PAUSE
from recon.simulator import http_faults
from recon.store import stored_pauses
from tests.factories import NOON
from tests.jobs.stage import Stage, staged

MATCHING = """
[matching]
tolerance_seconds = 11
drift_seconds = 12
duplicate_seconds = 13
stuck_after_hours = 14
default_region = "IE"
status_policy = "strict"
guard_rows = 15

[collect]
min_overlap = 16

[accounts.main]
api_key_env = "KEY"

[accounts.main.local]
file = "sends.csv"
"""


@pytest.fixture
def stage(tmp_path: Path, engine: sa.Engine) -> Iterator[Stage]:
    """Two accounts with one key."""
    with staged(tmp_path, engine, accounts=["main", "other"]) as made:
        yield made


def test_each_setting_of_a_comparison_reaches_the_core(tmp_path: Path) -> None:
    (tmp_path / "recon.toml").write_text(MATCHING)
    settings = config.load(tmp_path / "recon.toml", {})
    policy = wiring.policy(settings, trust_input=True)
    assert (policy.tolerance, policy.drift, policy.duplicate) == tuple(
        timedelta(seconds=n) for n in (11, 12, 13)
    )
    assert policy.stuck_after == timedelta(hours=14)
    assert (policy.region, policy.status_policy, policy.guard_rows) == ("IE", "strict", 15)
    assert (policy.min_overlap, policy.trust_input) == (16, True)
    assert wiring.policy(settings).trust_input is False


def test_a_source_names_its_settings_where_the_account_is_known(stage: Stage) -> None:
    local = stage.settings.accounts["main"].local
    source = wiring.source(local, "main")
    assert (source.table, source.setting) == ("sends", "accounts.main.local")
    assert source.url is not None
    assert source.url.endswith("records.db")
    assert wiring.source(local).setting == ""


def test_nothing_is_opened_before_records_are_read(stage: Stage) -> None:
    (stage.room / "records.db").unlink()
    reader = wiring.open_reader(stage.settings, "main")
    assert "sends" in reader.describe()
    assert not (stage.room / "records.db").exists()


@pytest.fixture
def session() -> Iterator[wiring.KeptSession]:
    with wiring.KeptSession() as kept:
        yield kept


def test_a_missing_key_is_a_wrong_configuration(stage: Stage, session: wiring.KeptSession) -> None:
    stage.environ.clear()
    with pytest.raises(ConfigError, match=r"accounts\.main\.api_key_env"):
        wiring.open_client(stage.settings, "main", stage.runtime, session)


def test_accounts_with_one_key_keep_their_requests_apart_together(
    stage: Stage, session: wiring.KeptSession
) -> None:
    runtime = stage.runtime
    one, mark = wiring.open_client(stage.settings, "main", runtime, session)
    other, same = wiring.open_client(stage.settings, "other", runtime, session)
    assert mark == same
    one.latest()
    other.latest()
    assert stage.slept == [pytest.approx(stage.settings.octopods.min_interval_seconds)]


def test_a_pause_that_was_asked_for_holds_for_the_next_client_of_the_key(
    tmp_path: Path, engine: sa.Engine, session: wiring.KeptSession
) -> None:
    script = [http_faults.rate_limited(seconds=40_000)]
    with staged(tmp_path, engine, script=script) as stage:
        for _ in range(2):
            client, mark = wiring.open_client(
                stage.settings, "main", stage.runtime, session, engine
            )
            with pytest.raises(TemporaryError, match="pause until"):
                client.latest()
        assert len(stage.requests) == 1
        until = wiring.paused_until(engine, mark, stage.runtime)
    # As long as a pause is kept between two tries.
    assert until == NOON + timedelta(hours=1)


def test_a_stored_pause_of_an_impossible_length_is_from_a_wrong_clock(stage: Stage) -> None:
    longest = timedelta(seconds=LONGEST_PAUSE)
    assert wiring.paused_until(stage.engine, "a", stage.runtime) is None
    stored_pauses.keep(stage.engine, "a", NOON + longest, NOON)
    assert wiring.paused_until(stage.engine, "a", stage.runtime) == NOON + longest
    stored_pauses.keep(stage.engine, "a", NOON + longest + timedelta(seconds=1), NOON)
    assert wiring.paused_until(stage.engine, "a", stage.runtime) is None


def test_connections_are_shared_by_the_clients_of_one_key_only() -> None:
    kept = wiring.KeptSession()
    first = kept.of("a")
    assert kept.of("a") is first
    second = kept.of("b")
    assert second is not first
    kept.close()
    kept.close()
    assert kept.of("b") is not second
    kept.close()
