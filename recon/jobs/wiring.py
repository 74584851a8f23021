"""Make the objects that a job needs from the settings."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

from recon.core.policy import Policy
from recon.errors import ReconError

if TYPE_CHECKING:
    import requests
    from sqlalchemy import Engine

    from recon.config import Local, Settings
    from recon.jobs.runtime import Runtime
    from recon.octopods.client import Client
    from recon.records.reader import RecordsReader
    from recon.records.source import Source

log = logging.getLogger(__name__)


def policy(settings: Settings, *, trust_input: bool = False) -> Policy:
    """Return the `[matching]` section as the core's policy."""
    matching = settings.matching
    return Policy(
        tolerance=timedelta(seconds=matching.tolerance_seconds),
        drift=timedelta(seconds=matching.drift_seconds),
        duplicate=timedelta(seconds=matching.duplicate_seconds),
        stuck_after=timedelta(hours=matching.stuck_after_hours),
        region=matching.default_region or None,
        status_policy=matching.status_policy,
        guard_rows=matching.guard_rows,
        min_overlap=settings.collect.min_overlap,
        trust_input=trust_input,
    )


def source(local: Local, account: str = "") -> Source:
    """Return the `[accounts.….local]` section as `recon.records` needs it.

    With the account's name, errors contain the names of settings.
    """
    from recon.records.source import Source

    return Source(
        url=None if local.url is None else local.url.get_secret_value(),
        file=local.file,
        table=local.table,
        query=local.query,
        where=local.where,
        timezone=local.timezone,
        columns=local.columns.model_dump(exclude={"category"}),
        statuses=local.statuses,
        setting=f"accounts.{account}.local" if account else "",
    )


def open_reader(settings: Settings, account: str) -> RecordsReader:
    """Return the reader of an account's records; it opens nothing before it reads."""
    from recon.records.reader_factory import open_reader as opened

    return opened(source(settings.accounts[account].local, account))


class KeptSession:
    """The connections of one key, reused for several requests; closed at the end of `with`."""

    def __init__(self) -> None:
        self._fingerprint = ""
        self._session: requests.Session | None = None

    def of(self, fingerprint: str) -> requests.Session:
        """Return the connections of a key, and close those of another key."""
        import requests

        if self._session is None or fingerprint != self._fingerprint:
            self.close()
            self._fingerprint, self._session = fingerprint, requests.Session()
        return self._session

    def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            self._session.close()
        self._session = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def fingerprint(settings: Settings, name: str, runtime: Runtime) -> str:
    """Return the fingerprint of an account's key, which distinguishes keys.

    Raises:
        ConfigError: the key is not where the account says.
    """
    from recon.config import fingerprint as of_key

    return of_key(settings.accounts[name].api_key(runtime.environ, name))


def open_client(
    settings: Settings,
    name: str,
    runtime: Runtime,
    session: KeptSession,
    engine: Engine | None = None,
) -> tuple[Client, str]:
    """Return the client of an account, and the fingerprint of its key.

    Args:
        settings: the configuration.
        name: which account.
        runtime: clock, environment and so on.
        session: its connections, which the caller closes.
        engine: the store in which pauses that a 429 asks for are kept for the next process; without
            it, only this client keeps them.

    Raises:
        ConfigError: the key is not where the account says.
        TemporaryError, OutputError: the database failed.
    """
    from recon import logs
    from recon.octopods.client import Client
    from recon.octopods.pacing import Pacer

    key = settings.accounts[name].api_key(runtime.environ, name)
    logs.redact(key.get_secret_value())
    mark = fingerprint(settings, name, runtime)
    pacer = Pacer(settings.octopods.min_interval_seconds, monotonic=runtime.monotonic)
    client = Client(
        base_url=settings.octopods.base_url,
        api_key=key,
        account=name,
        session=session.of(mark),
        timeout_seconds=settings.octopods.timeout_seconds,
        max_wait_seconds=settings.octopods.max_wait_seconds,
        clock=runtime.clock,
        monotonic=runtime.monotonic,
        sleep=runtime.sleep,
        rng=runtime.rng,
        pacer=runtime.pacers.setdefault(mark, pacer),
        paused_until=lambda: None if engine is None else paused_until(engine, mark, runtime),
        on_pause=lambda until: (
            None if engine is None else _keep_pause(engine, mark, until, runtime)
        ),
    )
    return client, mark


def paused_until(engine: Engine, mark: str, runtime: Runtime) -> datetime | None:
    """Return until when Octopods asked for a pause of a key; `None` without one.

    The time may have passed.

    Args:
        engine: the store, its schema ready.
        mark: the fingerprint of the key.
        runtime: its clock.
    """
    from recon.octopods.retry_after import LONGEST_PAUSE
    from recon.store import stored_pauses

    until = stored_pauses.until(engine, mark)
    # No pause is this long: it was stored by a clock that was ahead and has been corrected since.
    impossible = until is not None and until - runtime.clock() > timedelta(seconds=LONGEST_PAUSE)
    return None if impossible else until


def _keep_pause(engine: Engine, mark: str, until: datetime, runtime: Runtime) -> None:
    from recon.store import stored_pauses

    try:
        stored_pauses.keep(engine, mark, until, runtime.clock())
    except ReconError as error:
        # The answer is what counts; the next request will get the pause from the provider again.
        log.debug("a pause that Octopods asked for was not stored: %s", error.one_line)
