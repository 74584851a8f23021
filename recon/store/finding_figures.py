"""Counts of stored findings, runs and polls, by day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import NamedTuple

import sqlalchemy as sa

from recon.model import Kind, RequestCounts, State
from recon.store import coverage_proof
from recon.store.accounts import id_of
from recon.store.dialects import is_postgres
from recon.store.engine import reading
from recon.store.figure_counts import REACHED
from recon.store.tables import findings, polls, runs

#: The first and the last day, both included.
Days = tuple[date, date]


@dataclass(frozen=True, slots=True)
class RunCounts:
    """The counts of the runs of a day."""

    incidents: int
    """Incidents in the newest run."""
    requests: RequestCounts
    """Requests of all commands whose newest day it is."""


class FindingCount(NamedTuple):
    """How many findings about a day are of one kind and group."""

    day: date
    kind: str
    group: str
    findings: int


class Collected(NamedTuple):
    """The time for which an account's messages are collected."""

    since: datetime | None
    """Our own clock at the first answer, `None` before it."""
    purged_before: datetime | None
    """The time before which nothing is known any more, `None` before any purge."""


def by_state(engine: sa.Engine, account: str, days: Days) -> list[FindingCount]:
    """Return the findings about some days by kind and state."""
    every = [state.value for state in State]
    query = (
        sa.select(findings.c.date, findings.c.kind, findings.c.status, sa.func.count())
        # All states are named, so that the index is used.
        .where(*_about(account, days), findings.c.status.in_(every))
        .group_by(findings.c.date, findings.c.kind, findings.c.status)
    )
    with reading(engine) as connection:
        return [FindingCount(*row) for row in connection.execute(query)]


def costly(engine: sa.Engine, account: str, days: Days, length: int) -> list[FindingCount]:
    """Return the findings that cost money by kind and the beginning of the number.

    These are delivered messages with a `duplicate_send` or a `recipient_mismatch`.

    Args:
        engine: the store.
        account: the account's name.
        days: the days of the findings.
        length: the number of characters of the number, including the `+`.
    """
    prefix = sa.func.substr(sa.func.coalesce(findings.c.phone_number, ""), 1, length)
    lasting = [state.value for state in State if state is not State.RESOLVED]
    query = (
        sa.select(findings.c.date, findings.c.kind, prefix.label("grouped"), sa.func.count())
        .where(
            *_about(account, days),
            findings.c.status.in_(lasting),
            findings.c.kind.in_([Kind.DUPLICATE_SEND.value, Kind.RECIPIENT_MISMATCH.value]),
            findings.c.provider_status.in_(REACHED),
        )
        .group_by(findings.c.date, findings.c.kind, sa.text("grouped"))
    )
    with reading(engine) as connection:
        return [FindingCount(*row) for row in connection.execute(query)]


def _about(account: str, days: Days) -> list[sa.ColumnElement[bool]]:
    return [findings.c.account_id == id_of(account), findings.c.date.between(*days)]


def runs_by_day(engine: sa.Engine, account: str, days: Days) -> dict[date, RunCounts]:
    """Return the counts of the runs of each day that has one.

    Each run of a command is stored with all requests that the command had made until then; they
    count once.
    """
    requests: dict[date, RequestCounts] = {}
    with reading(engine) as connection:
        query = (
            sa.select(runs.c.date, runs.c.started_at, runs.c.requests, _incidents(connection))
            .where(runs.c.account_id == id_of(account), runs.c.date.between(*days))
            .order_by(runs.c.id)
        )
        rows = connection.execute(query).all()
    incidents = {row.date: row.incidents for row in rows}
    for _, some in groupby(rows, lambda row: row.started_at):
        newest = max(some, key=lambda row: row.date)
        before = requests.get(newest.date, RequestCounts())
        requests[newest.date] = before + RequestCounts(**newest.requests)
    return {day: RunCounts(n, requests.get(day, RequestCounts())) for day, n in incidents.items()}


def _incidents(connection: sa.Connection) -> sa.ColumnElement[int]:
    """Return how many incidents a run reported; runs of earlier versions did not count them."""
    stored = runs.c.incidents
    if not is_postgres(connection):
        length = sa.func.json_array_length(stored, type_=sa.Integer)
        return sa.func.coalesce(length, 0).label("incidents")
    is_list = sa.func.jsonb_typeof(stored) == "array"
    length = sa.func.jsonb_array_length(stored, type_=sa.Integer)
    return sa.case((is_list, length), else_=0).label("incidents")


def collected(engine: sa.Engine, account: str) -> Collected:
    """Return since when an account's messages are collected, and until when they were purged."""
    first = sa.select(sa.func.min(polls.c.kept_at)).where(polls.c.account_id == id_of(account))
    with reading(engine) as connection:
        since: datetime | None = connection.execute(first).scalar()
        return Collected(since, coverage_proof.unproven_before(connection, account))
