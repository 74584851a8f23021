"""What has to hold after each command, whatever happened before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from pydantic import SecretStr

from recon.config import fingerprint
from recon.core.listing_evidence import AnswerKind
from recon.model import LISTING_LIMIT
from recon.octopods.retry_after import LONGEST_PAUSE
from recon.simulator.simulated_message import FAILED_AT_ONCE, SimulatedMessage
from recon.store import coverage_proof, stored_pauses, time_disputes
from recon.store.engine import reading
from recon.store.tables import (
    METADATA,
    absences,
    accounts,
    findings,
    keys,
    messages,
    polls,
    runs,
)
from tests.machine import request_checks
from tests.machine.finding_checks import FindingChecks
from tests.machine.installation import ACCOUNT, Command, Installation, Row
from tests.machine.list_truth import ListTruth
from tests.machine.mail_checks import MailChecks
from tests.machine.request_checks import is_listing, was_answered

_NOT_ACCEPTED = {AnswerKind.REFUSED.value, AnswerKind.NOTHING.value}
#: What the exit codes page knows, but for internal errors.
_CODES = {None, 0, 65, 69, 75, 77, 78}


class Checks:
    """Knows what is true, and compares the store, the requests and the mails with it."""

    def __init__(self, engine: sa.Engine, made: Installation, lag: timedelta) -> None:
        self.engine = engine
        self.made = made
        self.lag = lag
        """How much later than its message a send is recorded with the id."""
        self.truth = ListTruth()
        self.findings = FindingChecks(self.truth)
        self.mails = MailChecks()
        self.clock_was_set = False
        self.is_deceived = False
        """Whether the list has given messages other times for so long that it is believed."""
        self._kept: set[int] = set()
        """Messages that have to be stored: answers whose times are doubtful may be kept in part."""
        self._settling: dict[str, int] = {}
        """As each key had it at the last answer."""
        self._noted = self._last_poll = self._last_run = 0
        self._paused_until: datetime | None = None
        self._forgotten: set[str] = set()
        self._rows: object = None

    # --- what happens ---------------------------------------------------------------------------

    def send(self, message: SimulatedMessage, recorded: str) -> None:
        """Note a message, and record it."""
        if recorded == "not":
            self.findings.unrecorded.add(message.message_id)
            return
        row = self.findings.record(
            message.message_id if recorded == "with id" else None,
            message.phone_number,
            message.sent_at.replace(microsecond=0)
            + (self.lag if recorded == "with id" else timedelta(0)),
            "failed" if message.course is FAILED_AT_ONCE and recorded != "without id" else "sent",
            sent=message,
        )
        self._add(row)

    def record_lost(self, at: datetime, ids_from: int | None) -> None:
        """Record a send that Octopods never got."""
        number = len(self.findings.records) + 1
        message_id = None if ids_from is None else ids_from + number
        row = self.findings.record(
            message_id, f"+35386{number:07}", at.replace(microsecond=0), "sent", sent=None
        )
        self._add(row)

    def _add(self, row: Row) -> None:
        self.made.add_records([row])

    def ids(self, *states: str) -> list[str]:
        """Return the ids of the findings that stand so."""
        query = sa.select(findings.c.discrepancy_id).where(findings.c.status.in_(states))
        with reading(self.engine) as connection:
            return sorted(connection.execute(query).scalars())

    # --- before and after a command -------------------------------------------------------------

    def before(self, key: str, argv: Sequence[str]) -> None:
        """Note what there is before a command."""
        self._noted = len(self.made.requests)
        until = stored_pauses.until(self.engine, mark(key))
        now = self.made.now()
        if until is not None and until - now > timedelta(seconds=LONGEST_PAUSE):
            until = None
        self._paused_until = None if until is None else until - self.made.own_ahead
        self._rows = _all_rows(self.engine) if "--dry-run" in argv else None

    def after(self, command: Command) -> None:
        """Check what a command has left."""
        assert command.code in _CODES, command
        self.note_answers(command.key)
        self._check_requests(command)
        if self._rows is not None:
            assert _all_rows(self.engine) == self._rows
        now = self.made.clock()
        if command.argv[:2] == ("purge", "--older-than"):
            self.mails.is_purged = self.findings.is_purged = True
        if command.argv[:2] == ("purge", "--phone-number"):
            self.findings.forgotten |= {command.argv[2]}
            self._forgotten |= {command.argv[2]} if command.code == 0 else set()
        proof = coverage_proof.read(self.engine, ACCOUNT)
        if not self.is_deceived:
            assert not self.truth.wrongly_claimed(proof, now), proof.spans
        with reading(self.engine) as connection:
            stored = self._check_messages(connection)
            self._check_forgotten(connection)
            self.mails.check(connection, command, self.made)
            query = sa.select(runs).where(runs.c.id > self._last_run).order_by(runs.c.id)
            for run in connection.execute(query).all():
                self._last_run = run.id
                if not self.is_deceived:
                    self.findings.check_run(connection, run, proof, stored, now)
            self.findings.check_lives(connection, command)

    def note_answers(self, key: str) -> None:
        """Note the answers to the lists that were asked for since, as far as they were kept."""
        made = self.made.requests[self._noted :]
        self._noted += len(made)
        lists = [one for one in made if is_listing(one) and was_answered(one)]
        if not made:
            return
        removed: Sequence[int] = ()
        with reading(self.engine) as connection:
            fresh = connection.execute(
                sa.select(polls).where(polls.c.id > self._last_poll).order_by(polls.c.id)
            ).all()
            row = connection.execute(
                sa.select(keys).where(keys.c.fingerprint == mark(key))
            ).one_or_none()
            disputed = None
            if row is not None:
                disputed = time_disputes.load(connection, row.id)
                gone = sa.select(absences.c.message_id).where(
                    absences.c.key_id == row.id, absences.c.removed_at.is_not(None)
                )
                removed = connection.execute(gone).scalars().all()
        for request, poll in zip(lists, fresh, strict=False):
            self._last_poll = poll.id
            self.findings.first_poll_at = self.findings.first_poll_at or request.at
            listing = self.made.channel.listing(request.at, key=key, limit=LISTING_LIMIT)
            own = request.at + self.made.own_ahead
            listing = replace(listing, requested_at=own)
            self.truth.answered(
                key,
                listing,
                request.at,
                settling=timedelta(seconds=self._settling.get(key, 60)),
                is_accepted=poll.reading not in _NOT_ACCEPTED,
                new_coverage=row is not None
                and poll.id == row.started_by
                and key in self.truth.known,
            )
            if not self.truth.is_moved(listing):
                self._kept |= {one.message_id for one in listing.messages}
            elif poll.reading not in _NOT_ACCEPTED and disputed is None:
                self.is_deceived = True
        if row is not None:
            self._settling[key] = row.settling_seconds
            if key in self.truth.known:
                self.truth.removed(key, removed)

    def _check_requests(self, command: Command) -> None:
        made = self.made
        if self.clock_was_set:
            # What was stored before is by another clock.
            start = command.requests[0].at if command.requests else made.clock()
            made.limited[:] = [one for one in made.limited if one.at >= start]
        request_checks.check(
            command,
            [one for one in made.limited if one.key == command.key],
            None if self.clock_was_set else self._paused_until,
            follows="--follow" in command.argv,
        )
        if {"--offline"} & set(command.argv) or command.argv[0] not in {"run", "collect"}:
            assert not command.requests, command
        if command.requests:
            self.clock_was_set = False
            # One that was kept says nothing more; one of a killed process may not be stored.
            last = command.requests[-1].at
            made.limited[:] = [
                one
                for one in made.limited
                if one.key != command.key or (one.at >= last and command.code is not None)
            ]

    def _check_messages(self, connection: sa.Connection) -> Mapping[int, Any]:
        """Check that what was shown is stored, and nothing else."""
        stored = {row.message_id: row for row in connection.execute(sa.select(messages))}
        purged = connection.execute(
            sa.select(accounts.c.purged_before).where(accounts.c.name == ACCOUNT)
        ).scalar()
        for one, row in stored.items():
            assert one in self.truth.sent, row
            # Of one that no list showed whole, only the status call told, maybe without its time.
            if not self.is_deceived and row.listed_by is not None:
                assert row.sent_at == self.truth.time(one), row
        for one in self._kept:
            assert one in stored or (purged is not None and self.truth.time(one) < purged), one
        return stored

    def _check_forgotten(self, connection: sa.Connection) -> None:
        """Check that a number that was forgotten stands nowhere."""
        if not self._forgotten:
            return
        for table in METADATA.sorted_tables:
            for row in connection.execute(sa.select(table)):
                for number in self._forgotten:
                    assert number not in str(row), (table.name, row)


def mark(key: str) -> str:
    """Return how the store distinguishes a key."""
    return fingerprint(SecretStr(key))


def _all_rows(engine: sa.Engine) -> Mapping[str, list[str]]:
    """Return what a dry run must not change: all but pauses."""
    with reading(engine) as connection:
        return {
            table.name: sorted(str(row) for row in connection.execute(sa.select(table)))
            for table in METADATA.sorted_tables
            if table.name != "pauses"
        }
