"""The checks of one account that the doctor makes: records, key, comparison and coverage."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from recon.core import calendar
from recon.errors import InputError, TemporaryError
from recon.jobs import wiring
from recon.jobs.check_result import CheckResult, Note, run_check

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from recon.config import Settings
    from recon.jobs.records_sample import Sample
    from recon.jobs.runtime import Runtime
    from recon.model import Listing, Verdict

#: Refused answers this recent are reported.
_LATELY: Final = timedelta(days=7)
#: How many unmapped statuses are named; the rest is counted.
_NAMED_STATUSES: Final = 8
#: The causes of incidents that lie in the records or their mapping, except those that another
#: check reports.
_INPUT_CAUSES: Final = frozenset({"stale_records", "foreign_ids", "numbers"})


class AccountChecks:
    """The checks of one account."""

    def __init__(
        self, settings: Settings, name: str, runtime: Runtime, store: Engine | None
    ) -> None:
        self._settings = settings
        self._name = name
        self._runtime = runtime
        self._store = store
        """`None` if the job's own database is not ready."""
        self._sample: Sample | None = None
        self._indexes: Sequence[str] = ()
        self._listing: Listing | None = None

    def run(self) -> Iterator[CheckResult]:
        """Check the records, the key and what is stored, one after the other."""
        yield self._run("records", self._records)
        if self._indexes:
            from recon.records.missing_indexes import READ_WHOLE

            advice = "\n  ".join([READ_WHOLE, *self._indexes])
            yield CheckResult(f"{self._name}: indexes", advice, needs_attention=True)
        if self._sample is not None and len(self._sample.records):
            yield self._run("ids", self._ids)
            yield self._run("statuses", self._statuses)
        yield self._run("key", self._key)
        if self._sample is not None:
            if len(self._sample.records):
                yield self._run("timezone", self._timezone)
            yield self._run("comparison", self._comparison)
        yield self._run("coverage", self._coverage)
        if self._settings.accounts[self._name].expected:
            yield self._run("expected", self._expected)

    def _run(self, what: str, run: Callable[[], str]) -> CheckResult:
        return run_check(f"{self._name}: {what}", run)

    def _records(self) -> str:
        from recon.jobs import records_sample

        reader = wiring.open_reader(self._settings, self._name)
        columns = ", ".join(f"{field} = {name}" for field, name in reader.columns().items())
        self._sample = records_sample.take(reader, self._settings.timezone, self._runtime.clock())
        self._indexes = reader.advised_indexes()
        rejects = len(self._sample.rejects)
        unread = f", {rejects:,} unreadable" if rejects else ""
        return (
            f"{reader.describe()}: {columns}; {len(self._sample.records):,} records of "
            f"{self._sample.day.label}{unread}"
        )

    def _ids(self) -> str:
        from recon.jobs import records_sample

        assert self._sample is not None
        count, foreign = len(self._sample.records), records_sample.foreign_ids(self._sample.records)
        if not foreign:
            return "every message_id in the sample is a number or empty"
        raise Note(
            f"{foreign:,} of {count:,} records have a message_id that is not an id of Octopods\n"
            f"  Map accounts.{self._name}.local.columns.message_id to the number that the send "
            "call returned, not to WhatsApp's own id (wamid…)."
        )

    def _statuses(self) -> str:
        from recon.jobs import records_sample

        assert self._sample is not None
        unmapped = records_sample.unmapped_statuses(self._sample.records)
        if not unmapped:
            return "every status in the sample is mapped"
        named = [f"'{word}' ({count:,})" for word, count in unmapped.items()]
        more = f" and {len(named) - _NAMED_STATUSES} more" if len(named) > _NAMED_STATUSES else ""
        raise Note(
            f"not a status of Octopods: {', '.join(named[:_NAMED_STATUSES])}{more}\n"
            f"  Map each word in [accounts.{self._name}.local.statuses] to sent, delivered, read, "
            "failed, deleted, unknown or not_sent."
        )

    def _key(self) -> str:
        from recon.store import coverage_notes

        until = self._paused_until()
        if until is not None:
            left = (until - self._runtime.clock()).total_seconds()
            said = f"Octopods asked for a pause until {until.isoformat(timespec='seconds')}"
            if left > self._settings.octopods.max_wait_seconds:
                raise TemporaryError(
                    f"{said}, longer than octopods.max_wait_seconds allows; no request was made",
                    hint="Check again after that time; `recon run --offline` makes no request.",
                )
            raise Note(f"{said}; no request was made. Check again after that time.")
        with wiring.KeptSession() as session:
            client, _ = wiring.open_client(
                self._settings, self._name, self._runtime, session, self._store
            )
            listing = client.latest()
        self._listing = listing
        unread = f", {len(listing.rejects)} of them unreadable" if listing.rejects else ""
        said = f"accepted; Octopods lists {listing.item_count} messages{unread}"
        clocks = coverage_notes.of_clocks(listing.date, self._runtime.clock())
        if clocks:
            raise Note("\n  ".join([said, *clocks]))
        return said

    def _coverage(self) -> str:
        """Say why the collected messages do not prove more, as far as it is known."""
        from recon.store import coverage_proof, schema

        if self._store is None or schema.current(self._store) != schema.head():
            return "not known until recon has run once with this version"
        since = self._runtime.clock() - _LATELY
        seen = coverage_proof.evidence(self._store, self._name, since, None)
        said = []
        if seen.refused:
            last = seen.refused[-1]
            said.append(
                f"answers that prove nothing in the last {_LATELY.days} days: "
                f"{len(seen.refused)}, the latest at {last.at.isoformat(timespec='seconds')}: "
                f"{last.why}."
            )
        if seen.withdrawn:
            said.append(f"Proof was withdrawn: {seen.withdrawn[-1].reason}.")
        said += seen.notes
        if said:
            raise Note("\n  ".join(said))
        return "nothing contradicts the collected answers"

    def _expected(self) -> str:
        """Say which rules for expected findings are no longer useful."""
        from recon.core import expected
        from recon.jobs.expected_rules import ExpectedRules
        from recon.store import schema

        expecting = ExpectedRules.of(self._settings, self._name)
        today = calendar.day_at(self._runtime.clock(), self._settings.timezone)
        said = [expected.ended(rule) for rule in expecting.rules if rule.until < today]
        is_ready = self._store is not None and schema.current(self._store) == schema.head()
        can_tell = False
        if self._store is not None and is_ready:
            can_tell = expecting.can_tell_unused(self._store, today)
            said += expecting.unused(self._store, today)
        if said:
            raise Note("\n  ".join(said))
        rules = "1 rule" if len(expecting.rules) == 1 else f"{len(expecting.rules)} rules"
        state = "all in use" if can_tell else "none has ended"
        return f"{rules} for expected findings, {state}"

    def _paused_until(self) -> datetime | None:
        from recon.config import fingerprint

        if self._store is None:
            return None
        key = self._settings.accounts[self._name].api_key(self._runtime.environ, self._name)
        until = wiring.paused_until(self._store, fingerprint(key), self._runtime)
        return until if until is not None and until > self._runtime.clock() else None

    def _timezone(self) -> str:
        from recon.jobs import records_sample
        from recon.report.labels import duration_text

        assert self._sample is not None
        records = self._sample.records
        source = wiring.source(self._settings.accounts[self._name].local)
        zoned = records_sample.times_without_offset(source, self._sample)
        said = (
            f"{source.timezone}, used for {zoned:,} of {len(records):,} times, which are stored "
            "without an offset"
            if zoned
            else "not used: every time in the sample is stored with its offset"
        )
        sent_at = f"accounts.{self._name}.local.columns.sent_at"
        if dated := records_sample.dates_alone(records):
            raise Note(
                f"{said}; {dated:,} of {len(records):,} are dates without a time of day\n"
                f"  Map {sent_at} to the time of the send, if there is one. A date alone is "
                "compared with the messages of its whole day."
            )
        if records_sample.are_all_midnight(records, source.timezone):
            raise Note(
                f"{said}; all of them are midnight\n  Map {sent_at} to the time of the send. If "
                "your records have only dates, return dates without a time, as with CAST(… AS "
                "date) in `query`: each is then compared with the messages of its whole day."
            )
        offset = (
            None if self._listing is None else records_sample.median_offset(records, self._listing)
        )
        if offset is None:
            return said
        count, median = offset
        side = "after" if median > timedelta() else "before"
        said += (
            f"; {count:,} records have the id of a listed message, and are "
            f"{duration_text(abs(median))} {side} it (median)"
        )
        if abs(median) > wiring.policy(self._settings).drift:
            raise Note(
                f"{said}\n  Set accounts.{self._name}.local.timezone to the zone in which your "
                "records are written, or map sent_at to the time of the send."
            )
        return said

    def _comparison(self) -> str:
        from recon.jobs import records_sample

        assert self._sample is not None
        verdicts = records_sample.judge(
            self._name,
            self._sample,
            wiring.policy(self._settings),
            self._listing,
            self._runtime.clock(),
        )
        for verdict in verdicts:
            if verdict.suspicions:
                raise InputError(verdict.suspicions[0], hint="\n  ".join(verdict.suspicions[1:]))
        said = "; ".join(
            f"{verdict.local.matched:,} of {verdict.local.total:,} records of "
            f"{verdict.window.label} match a listed message"
            for verdict in verdicts
            if verdict.local.total or verdict.window == self._sample.day
        )
        notes = [note for verdict in verdicts for note in _notes(verdict)]
        if self._listing is None:
            said = f"not made, since Octopods' messages are not known: see {self._name}: key"
        if notes or self._listing is None:
            raise Note("\n  ".join([said, *notes]))
        return said


def _notes(verdict: Verdict) -> Iterator[str]:
    """Say what a person should know about the input of a sample day, without each finding."""
    yield from verdict.notes
    for incident in verdict.incidents:
        if incident.cause in _INPUT_CAUSES:
            yield incident.summary
    for one in verdict.unreadable:
        side = "records" if one.side == "local" else "messages"
        yield f"{one.count:,} unreadable {side}: {one.reason}"
