"""The doctor: checks each thing that a run needs, and says how to fix what is wrong."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from recon.core import calendar
from recon.errors import InputError, OutputError, ReconError, TemporaryError, expected
from recon.jobs import mailing, wiring

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from recon.config import Settings
    from recon.config.settings import Email
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


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check found."""

    name: str
    message: str
    error: ReconError | None = None
    needs_attention: bool = False
    """Whether a person should read this although a run would go on."""

    @property
    def exit_code(self) -> int:
        """0, or the error's."""
        return 0 if self.error is None else self.error.exit_code


class _Note(Exception):  # noqa: N818 - no error: a run goes on
    """What a check found that needs attention, although a run would go on."""


def check(
    settings: Settings,
    accounts: Sequence[str],
    runtime: Runtime,
    *,
    config_file: Path | None = None,
    send_test: bool = False,
) -> Iterator[CheckResult]:
    """Check what a run needs: files, database, directories, records and key of each account.

    The records of one day are read and judged by the night's own code against one listing, which
    takes one request for each account; no request is made while a pause lasts that Octopods asked
    for. Nothing is stored. `config_file` is where the settings come from, if that is a file.
    `send_test` sends a test mail.
    """
    from recon.store import engine

    if unused := _unused_variables(settings, runtime):
        said = f"{', '.join(unused)}: not a setting, and no setting refers to it"
        yield CheckResult("environment", said, needs_attention=True)
    yield _run_check("files", lambda: _files(settings, config_file))
    with engine.opened(settings.database.url.get_secret_value()) as database:
        yield _run_check("database", lambda: _database(database))
        migrations = _run_check("migrations", lambda: _migrations(database))
        yield migrations
        yield _run_check("reports", lambda: _reports(settings.report.directory))
        store = database if _is_ready(migrations, database) else None
        for name in accounts:
            yield from _Account(settings, name, runtime, store).check()
    email = settings.email
    if email is not None:
        yield _run_check("mail server", lambda: _mail(email, runtime))
        if send_test:
            yield _run_check("test mail", lambda: _test_mail(email, runtime))
    if settings.notify is not None:
        yield _run_check("notify", lambda: _notify(settings, runtime, send_test=send_test))


def _run_check(name: str, run: Callable[[], str]) -> CheckResult:
    try:
        return CheckResult(name, run())
    except _Note as note:
        return CheckResult(name, str(note), needs_attention=True)
    except ReconError as error:
        reported = expected(error) or error
        return CheckResult(name, str(reported), reported)


def _unused_variables(settings: Settings, runtime: Runtime) -> list[str]:
    """Return the variables that seem to be meant for recon and set nothing."""
    from recon.config import environment

    named = set(_variables_of(settings.model_dump(mode="json")))
    return environment.unused(runtime.environ, named)


def _variables_of(section: dict[str, Any]) -> Iterator[str]:
    """Yield the names of variables that settings hold."""
    for key, value in section.items():
        if isinstance(value, dict):
            yield from _variables_of(value)
        elif key.endswith("_env") and isinstance(value, str):
            yield value


def _files(settings: Settings, config_file: Path | None) -> str:
    from recon.jobs import file_access

    user = file_access.User.current()
    files = [config_file] if config_file is not None else []
    files += file_access.secret_files(settings.model_dump(mode="json"))
    complaints = [file_access.open_to_others(file, user) for file in dict.fromkeys(files)]
    if any(complaints):
        raise _Note("\n".join(filter(None, complaints)))
    return f"configuration and secrets are not accessible to users other than {user.name}"


def _database(database: Engine) -> str:
    from recon.store import schema
    from recon.store.store_errors import described

    # Asks without creating: an SQLite file that is not there yet is no error.
    schema.ensure_writable(database)
    return f"{described(database.url)} (database.url) can be written"


def _migrations(database: Engine) -> str:
    from recon.store import schema

    at = schema.current(database)
    if at == schema.head():
        return f"at {at}, the newest"
    if at is None and database.dialect.name == "sqlite":
        return "none yet; the first run creates the file"
    schema.ensure_ready(database)
    return f"at {at}"


def _is_ready(migrations: CheckResult, database: Engine) -> bool:
    from recon.store import schema

    return migrations.error is None and schema.current(database) is not None


def _reports(directory: Path) -> str:
    where = directory.absolute()
    there = next(path for path in (where, *where.parents) if path.exists())
    if not there.is_dir():
        raise OutputError(
            f"report.directory: {there} is a file, not a directory",
            hint="Set report.directory to a directory that recon may write.",
        )
    if not os.access(there, os.W_OK | os.X_OK):
        raise OutputError(
            f"report.directory: {there} cannot be written",
            hint=f"Give the user that runs recon write access to {there}.",
        )
    done = "can be written" if there == where else "will be created"
    return f"{where} (report.directory) {done}"


class _Account:
    """The checks of one account."""

    def __init__(
        self, settings: Settings, name: str, runtime: Runtime, store: Engine | None
    ) -> None:
        self._settings = settings
        self._name = name
        self._runtime = runtime
        self._store = store
        """`None` where the job's own database is not ready."""
        self._sample: Sample | None = None
        self._indexes: Sequence[str] = ()
        self._listing: Listing | None = None

    def check(self) -> Iterator[CheckResult]:
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
        return _run_check(f"{self._name}: {what}", run)

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
        raise _Note(
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
        raise _Note(
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
            raise _Note(f"{said}; no request was made. Check again after that time.")
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
            raise _Note("\n  ".join([said, *clocks]))
        return said

    def _coverage(self) -> str:
        """Say what keeps the collected messages from proving more, as far as it was seen."""
        from recon.store import coverage_proof, schema

        if self._store is None or schema.current(self._store) != schema.head():
            return "nothing is known before the first run with this version"
        since = self._runtime.clock() - _LATELY
        seen = coverage_proof.evidence(self._store, self._name, since, None)
        said = []
        if seen.refused:
            last = seen.refused[-1]
            said.append(
                f"answers that prove nothing in the last {_LATELY.days} days: "
                f"{len(seen.refused)}, the latest of {last.at.isoformat(timespec='seconds')}: "
                f"{last.why}."
            )
        if seen.withdrawn:
            said.append(f"Proof was withdrawn: {seen.withdrawn[-1].reason}.")
        said += seen.notes
        if said:
            raise _Note("\n  ".join(said))
        return "nothing contradicts the collected answers"

    def _expected(self) -> str:
        """Say which rules for expected findings are of no use any more."""
        from recon.core import expected
        from recon.jobs.expected_rules import ExpectedRules
        from recon.store import runs, schema

        expecting = ExpectedRules.of(self._settings, self._name)
        today = calendar.day_at(self._runtime.clock(), self._settings.timezone)
        said = [expected.ended(rule) for rule in expecting.rules if rule.until < today]
        is_ready = self._store is not None and schema.current(self._store) == schema.head()
        has_run = False
        if self._store is not None and is_ready:
            has_run = runs.last_day(self._store, self._name) is not None
            if has_run:
                said += expecting.unused(self._store, today)
        if said:
            raise _Note("\n  ".join(said))
        rules = "1 rule" if len(expecting.rules) == 1 else f"{len(expecting.rules)} rules"
        state = "all in use" if has_run else "none has ended"
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
        offset = (
            None if self._listing is None else records_sample.median_offset(records, self._listing)
        )
        if offset is None:
            return said
        count, median = offset
        side = "after" if median > timedelta() else "before"
        said += (
            f"; {count:,} records have the id of a listed message, and are {abs(median)} {side} "
            f"it (median)"
        )
        if abs(median) > wiring.policy(self._settings).drift:
            raise _Note(
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
            raise _Note("\n  ".join([said, *notes]))
        return said


def _notes(verdict: Verdict) -> Iterator[str]:
    """Say what a person should know of a day of the sample: about the input, not each finding."""
    yield from verdict.notes
    for incident in verdict.incidents:
        if incident.cause in _INPUT_CAUSES:
            yield incident.summary
    for one in verdict.unreadable:
        side = "records" if one.side == "local" else "messages"
        yield f"{one.count:,} unreadable {side}: {one.reason}"


def _mail(email: Email, runtime: Runtime) -> str:
    """Connect and log in as a mailing would, then disconnect."""
    server = mailing.open_server(email, runtime)
    server.try_login()
    return f"{server.where} accepts the login"


def _test_mail(email: Email, runtime: Runtime) -> str:
    """Send a mail that says that mail works."""
    mailing.send_test(email, runtime)
    return f"a mail was handed to {email.host} for {', '.join(email.recipients)}"


def _notify(settings: Settings, runtime: Runtime, *, send_test: bool) -> str:
    """Read the URLs of chat and paging; send a text only on request."""
    from recon.jobs import notifying
    from recon.notify import chat
    from recon.report import message

    assert settings.notify is not None
    urls = settings.notify.urls(runtime.environ)
    names, wrong = chat.service_names(urls)
    if send_test and not wrong:
        wrong = notifying.send_text(settings, runtime, message.of_test())
    if wrong:
        raise _Note("\n  ".join(wrong))
    return f"{', '.join(names)}{': a test was sent' if send_test else ''}"
