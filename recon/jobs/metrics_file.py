"""Write the metrics file after a run. A failure is only a warning."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from recon.errors import ReconError
from recon.report.atomic_files import PUBLIC, staged
from recon.report.metrics import (
    AccountMetrics,
    CommandMetrics,
    DayMetrics,
    FindingCount,
    LastRun,
    Latency,
    content,
    last_runs,
)

if TYPE_CHECKING:
    from sqlalchemy import Engine

log = logging.getLogger(__name__)

_QUANTILES: Final = (0.5, 0.9, 0.99)


def write(
    path: Path,
    engine: Engine,
    accounts: Sequence[str],
    *,
    exit_codes: Mapping[str, int],
    started: datetime,
    finished: datetime,
) -> None:
    """Write the stored figures of all accounts and the result of the command.

    The last runs of accounts that the command did not process are kept as the file has them: a run
    of one account must not end the alert about another one.

    Args:
        path: the file; other programs read it, so it holds no personal data.
        engine: the job's own database, its schema ready.
        accounts: all configured accounts.
        exit_codes: of the accounts that the command processed.
        started: when it started.
        finished: now.
    """
    from recon.store import outbox

    try:
        mails = outbox.state(engine)
        kept = {name: run for name, run in _last_runs(path).items() if name in accounts}
        ended = {name: LastRun(finished.timestamp(), code) for name, code in exit_codes.items()}
        figures = CommandMetrics(
            finished=finished,
            duration=finished - started,
            last_runs=kept | ended,
            mails_waiting=mails.waiting,
            oldest_mail=mails.oldest,
            accounts=[_figures(engine, name) for name in accounts],
        )
        with staged(path, [content(figures)], mode=PUBLIC) as put_in_place:
            put_in_place()
    except ReconError as error:
        log.warning("monitoring.metrics_file was not written: %s", error.one_line)


def _last_runs(path: Path) -> dict[str, LastRun]:
    """Return the last runs in the file; none if it is missing or is not one of metrics."""
    try:
        return last_runs(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _figures(engine: Engine, account: str) -> AccountMetrics:
    from recon.store import run_figures

    found = [FindingCount(*row) for row in run_figures.findings_by_state(engine, account)]
    success = run_figures.last_success(engine, account)
    latest = run_figures.latest_run(engine, account)
    if latest is None:
        return AccountMetrics(account, success, found, day=None)
    start, end = latest.window.start, latest.window.end
    assert start is not None
    assert end is not None
    day = DayMetrics(
        window=latest.window,
        local=latest.local,
        provider=latest.provider,
        gaps=latest.gaps,
        requests=latest.requests,
        latencies=_latencies(run_figures.delivery_times(engine, account, start, end)),
    )
    return AccountMetrics(account, success, found, day)


def _latencies(times: Sequence[tuple[timedelta, timedelta]]) -> list[Latency]:
    if not times:
        return []
    lower, upper = (sorted(side) for side in zip(*times, strict=True))
    places = [(one, min(int(one * len(times)), len(times) - 1)) for one in _QUANTILES]
    return [Latency(one, lower[at], upper[at]) for one, at in places]
