"""The doctor: check everything that a run needs, and say how to fix errors."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recon.errors import OutputError
from recon.jobs import mailing
from recon.jobs.account_checks import AccountChecks
from recon.jobs.check_result import CheckResult, Note, run_check

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from recon.config import Settings
    from recon.config.settings import Email
    from recon.jobs.runtime import Runtime


def check(
    settings: Settings,
    accounts: Sequence[str],
    runtime: Runtime,
    *,
    config_file: Path | None = None,
    send_test: bool = False,
) -> Iterator[CheckResult]:
    """Check what a run needs: files, database, directories, records and key of each account.

    The records of one day are read and judged, by the code of the nightly run, against one listing.
    That takes one request for each account; during a pause that Octopods asked for, no request is
    made. Nothing is stored. `config_file` is where the settings come from, if that is a file.
    `send_test` sends a test mail.
    """
    from recon.store import engine

    if unused := _unused_variables(settings, runtime):
        said = f"{', '.join(unused)}: not a setting, and no setting refers to it"
        yield CheckResult("environment", said, needs_attention=True)
    yield run_check("files", lambda: _files(settings, config_file))
    with engine.opened(settings.database.url.get_secret_value()) as database:
        yield run_check("database", lambda: _database(database))
        migrations = run_check("migrations", lambda: _migrations(database))
        yield migrations
        yield run_check("reports", lambda: _reports(settings.report.directory))
        metrics = settings.monitoring.metrics_file
        if metrics is not None:
            yield run_check("metrics", lambda: _metrics(metrics))
        store = database if _is_ready(migrations, database) else None
        for name in accounts:
            yield from AccountChecks(settings, name, runtime, store).run()
    email = settings.email
    if email is not None:
        yield run_check("mail server", lambda: _mail(email, runtime))
        if send_test:
            yield run_check("test mail", lambda: _test_mail(email, runtime))
    if settings.notify is not None:
        yield run_check("notify", lambda: _notify(settings, runtime, send_test=send_test))


def _unused_variables(settings: Settings, runtime: Runtime) -> list[str]:
    """Return the variables that seem to be meant for recon but have no effect."""
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
        raise Note("\n".join(filter(None, complaints)))
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
    there = _writable(where, "report.directory", "a directory")
    done = "can be written" if there == where else "will be created"
    return f"{where} (report.directory) {done}"


def _metrics(file: Path) -> str:
    """Check the place of the metrics; a run only warns if they cannot be written."""
    where, key = file.absolute(), "monitoring.metrics_file"
    if where.is_dir():
        raise Note(
            f"{key}: {where} is a directory, so no metrics are written\n"
            f"  Set {key} to a file, such as {where / 'recon.prom'}."
        )
    try:
        _writable(where.parent, key, "a file in a directory")
    except OutputError as error:
        raise Note(f"{error.message}, so no metrics are written\n  {error.hint}") from error
    return f"{where} ({key}) can be written"


def _writable(directory: Path, key: str, what: str) -> Path:
    """Return the directory, or the nearest one above it that exists: it can be written.

    Raises:
        OutputError: it cannot, or is a file.
    """
    there = next(path for path in (directory, *directory.parents) if path.exists())
    if not there.is_dir():
        raise OutputError(
            f"{key}: {there} is a file, not a directory",
            hint=f"Set {key} to {what} that recon can write to.",
        )
    if not os.access(there, os.W_OK | os.X_OK):
        raise OutputError(
            f"{key}: {there} cannot be written",
            hint=f"Give the user that runs recon write access to {there}.",
        )
    return there


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
    """Check the URLs of chat and paging; send a text only on request."""
    from recon.jobs import notifying
    from recon.notify import chat
    from recon.report import message

    assert settings.notify is not None
    urls = settings.notify.urls(runtime.environ)
    names, wrong = chat.service_names(urls)
    if send_test and not wrong:
        wrong = notifying.send_text(settings, runtime, message.of_test())
    if wrong:
        raise Note("\n  ".join(wrong))
    return f"{', '.join(names)}{': a test was sent' if send_test else ''}"
