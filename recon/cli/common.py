"""Code that commands share: settings, accounts, and the output of results and errors."""

from __future__ import annotations

import logging
import os
import re
import shlex
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from recon.errors import ConfigError, ReconError, UsageError, worst
from recon.jobs.runtime import Runtime

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from recon.config import Settings
    from recon.jobs.account_errors import AccountError
    from recon.model import Run
    from recon.records.source import Source
    from recon.report.report_files import WrittenFiles

log = logging.getLogger(__name__)


class Session(NamedTuple):
    """The global options, and the settings and databases that commands open with them."""

    config: Path | None
    runtime: Runtime
    at_exit: ExitStack
    """Closed when the command has ended, in any way."""

    def settings(self, *, require_accounts: bool = True) -> Settings:
        """Load the settings, and remove their secrets from logs.

        Raises:
            ConfigError: with every error in it.
        """
        from recon import config, logs

        settings = config.load(self.config, self.runtime.environ, require_accounts=require_accounts)
        logs.redact(*settings.passwords)
        return settings

    def engine(self, settings: Settings, *, create: bool = False, required: bool = False) -> Engine:
        """Open the job's own database; its schema is ready when this returns.

        It is closed when the command has ended.

        Args:
            settings: where it is.
            create: whether to create an SQLite file that does not exist, as commands do that
                collect or judge. All other commands get an empty temporary store, and a warning
                names the path, which may be wrong.
            required: whether an SQLite file that does not exist is an error instead, for data that
                must be kept.

        Raises:
            ConfigError: the database was not migrated, or is required but does not exist; the
                message says what to type.
        """
        from recon.store import engine, rehearsal, schema

        with ExitStack() as opening:
            made = opening.enter_context(engine.opened(settings.database.url.get_secret_value()))
            if not create and schema.is_absent(made):
                if required:
                    raise ConfigError(schema.absence(made))
                log.warning("%s", schema.absence(made))
                made = opening.enter_context(rehearsal.rehearsed(made))
            schema.ensure_ready(made)
            self.at_exit.enter_context(opening.pop_all())
        return made

    def rehearsal(self, settings: Settings) -> tuple[Engine | None, Engine]:
        """Open the job's own database and a temporary copy, for a dry run.

        Both are closed when the command has ended. An SQLite file that does not exist is not
        created; the database is then `None`.

        Raises:
            ConfigError: the database was not migrated; the message says what to type.
        """
        from recon.store import rehearsal, schema

        unchecked = self.unchecked_engine(settings)
        live = None if schema.is_absent(unchecked) else self.engine(settings)
        return live, self.at_exit.enter_context(rehearsal.rehearsed(live or unchecked))

    def unchecked_engine(self, settings: Settings) -> Engine:
        """Open the job's own database, without a check of its schema.

        It is closed when the command has ended.
        """
        from recon.store import engine

        return self.at_exit.enter_context(engine.opened(settings.database.url.get_secret_value()))


def hides_progress() -> bool:
    """Say whether to show no progress: standard error is no terminal, or `--quiet` was given."""
    return not (sys.stderr.isatty() and log.isEnabledFor(logging.WARNING))


pass_session = click.make_pass_decorator(Session)


def not_in_the_future(days: tuple[date, date], now: datetime, zone: str) -> tuple[date, date]:
    """Return `days` if they have begun.

    Raises:
        UsageError: the last day has not begun.
    """
    from recon.core import calendar

    today = calendar.day_at(now, zone)
    if days[1] > today:
        tomorrow = today + timedelta(days=1)
        more = "" if days[1] == tomorrow else f" In {zone} it is {today}."
        raise UsageError(f"{days[1]} has not begun: there is nothing to compare yet.{more}")
    return days


def chosen_accounts(settings: Settings, names: Sequence[str]) -> list[str]:
    """Return the accounts to work on: the named ones, else all, in the configuration's order.

    Raises:
        UsageError: an account is not configured; the nearest name is given.
    """
    from recon.config.value_types import closest

    known = list(settings.accounts)
    for name in names:
        if name not in known:
            near = closest(name, known)
            guess = (
                f"did you mean '{near[0]}'?" if near else f"the accounts are: {', '.join(known)}"
            )
            raise UsageError(f"No account '{name}' in the configuration; {guess}")
    return [name for name in known if not names or name in names]


def file_source(settings: Settings, account: str | None, path: Path) -> Source:
    """Return the user's file as a source of records, read like an account's records.

    The columns of a named account are used unchanged. If no account is named and there is only one,
    its statuses and zone are used, and those of its columns that the file has; otherwise the
    default columns. A saved answer of Octopods' list call is recognised.

    Raises:
        UsageError: an account is not configured.
        InputError: the file cannot be read.
    """
    from dataclasses import replace

    from recon.jobs import provider_file, wiring
    from recon.records import file_formats
    from recon.records.source import FIELDS, Source

    answer = provider_file.columns_of_answer(path) if account is None else None
    if answer is not None:
        return Source(file=path, columns=answer)
    if account is None and len(settings.accounts) != 1:
        return Source(file=path)
    [name] = chosen_accounts(settings, [account] if account is not None else [])
    configured = wiring.source(settings.accounts[name].local)
    columns = dict(configured.columns)
    if account is None:
        there = file_formats.column_names(path, [*FIELDS, *columns.values()])
        for field in FIELDS:
            if field in there and columns[field] not in there:
                columns[field] = field
    return replace(
        configured, url=None, table=None, query=None, where=None, file=path, columns=columns
    )


def show_runs(runs: Sequence[tuple[Run, WrittenFiles]], config: Path | None = None) -> None:
    """Print one run in full, or several as a table, to standard output.

    `config` is the configuration in use, which an advised crontab line names.
    """
    import shutil

    from recon.cli import crontab_line
    from recon.report import terminal_summary

    colour, width = wants_colour(), shutil.get_terminal_size().columns
    if len(runs) > 1:
        made, files = zip(*runs, strict=True)
        click.echo(terminal_summary.many(made, files, colour=colour, width=width))
        return
    for run, written in runs:
        text = terminal_summary.text(run, written, colour=colour, width=width)
        click.echo(crontab_line.whole(text, config))


#: A command in a hint, in backticks.
_COMMAND: Final = re.compile(r"(?<=`recon )(?=[a-z])")


def typed(hint: str | None, config: Path | None) -> str | None:
    """Return a hint whose commands name the configuration file in use, as they must be typed."""
    if hint is None or config is None:
        return hint
    option = f"--config {shlex.quote(str(config))} "
    return _COMMAND.sub(lambda _: option, hint)


def show_error(error: Exception, *, account: str | None = None) -> None:
    """Print on standard error what went wrong and what to do about it."""
    from recon.report.terminal_text import plain

    where = f"account {account}: " if account is not None else ""
    if isinstance(error, ReconError):
        context = click.get_current_context(silent=True)
        session = None if context is None else context.find_object(Session)
        error.hint = typed(error.hint, None if session is None else session.config)
        said = f"error: {where}{error}"
        click.echo("\n".join(plain(line) for line in said.split("\n")), err=True)
    else:
        name = type(error).__name__
        click.echo(f"error: {where}internal error ({name}); the traceback is above", err=True)


def end_with(errors: Sequence[AccountError], *, several: bool) -> int:
    """Print the error of each account on standard error; return the worst exit code.

    Args:
        errors: the accounts that had one.
        several: whether the command worked on several accounts. If not, an expected error ends the
            command like any other: it is raised.
    """
    for account, error in errors:
        if isinstance(error, ReconError) and not several:
            raise error
        show_error(error, account=account)
    return worst(getattr(error, "exit_code", ReconError.exit_code) for _, error in errors)


def show_data(content: str) -> None:
    """Print CSV or JSON; on a terminal, escape control characters."""
    from recon.report.terminal_text import escaped

    click.echo(escaped(content) if sys.stdout.isatty() else content, nl=False)


def width() -> int:
    """Return how many columns a page may take: the terminal's, or the value of `COLUMNS`.

    If standard output is not a terminal, the width is not limited.
    """
    import shutil

    from recon.report.rich_terminal import UNLIMITED

    if sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdecimal():
        return shutil.get_terminal_size().columns
    return UNLIMITED


def wants_colour() -> bool:
    """Say whether standard output is a terminal that shows colours."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ
