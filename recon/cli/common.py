"""What the commands share: the settings, dates, accounts, and how errors are shown."""

from __future__ import annotations

import logging
import os
import re
import shlex
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import click

from recon.errors import ConfigError, ReconError, UsageError
from recon.jobs.runtime import Runtime

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from recon.config import Settings
    from recon.model import Run
    from recon.records.source import Source
    from recon.report.report_files import WrittenFiles

Command = TypeVar("Command", bound=Callable[..., Any])


log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Session:
    """The global options, and what they lead to when a command asks for it."""

    config: Path | None
    runtime: Runtime
    at_exit: ExitStack
    """What is closed when the command has ended, however it ended."""

    def settings(self, *, require_accounts: bool = True) -> Settings:
        """Load the settings; logs will not show the secrets in them.

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
            create: whether an SQLite file that is not there is made: by what collects or judges.
                All other commands are given an empty store that is kept nowhere, and a warning
                names the path: it may be the wrong one.
            required: whether an SQLite file that is not there is an error instead: for what has to
                be kept.

        Raises:
            ConfigError: the database was not migrated, or is required and not there; the message
                says what to type.
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
        """Open the job's own database for a dry run: itself, and one to which nothing is stored.

        Both are closed when the command has ended. An SQLite file that is not there yet is not
        made; `None` stands for it.

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


pass_session = click.make_pass_decorator(Session)


class SizeParam(click.ParamType[int]):
    """A size of memory, such as `300MB` or `2GiB`, in bytes."""

    name = "size"
    _SIZE: Final = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?) ?([kmgt]?)(i?)b", re.IGNORECASE)

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Read a size; a whole number of bytes at least 1."""
        if isinstance(value, int):
            return value
        found = self._SIZE.fullmatch(str(value).strip())
        size = 0
        if found is not None:
            number, prefix, binary = found.groups()
            power = " kmgt".index(prefix.lower() or " ")
            size = int(float(number) * (1024 if binary else 1000) ** power)
        if size < 1:
            self.fail(
                f"'{value}' is not a valid size; write for example 300MB or 2GiB.", param, ctx
            )
        return size


class _Range(NamedTuple):
    """Days from the first to the last, both included."""

    first: date
    last: date

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and self.first <= day <= self.last


#: The days that can have messages; with the same bounds, times in answers are read.
_DAYS: Final = _Range(date(2009, 1, 1), date(2200, 12, 31))


class PathParam(click.Path):
    """A path, whether or not something is there."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str | bytes | os.PathLike[str]:
        """Take the path, unless no file can have it."""
        if "\0" in os.fspath(value):
            self.fail("a path cannot contain a NUL character.", param, ctx)
        return super().convert(value, param, ctx)


class DateParam(click.ParamType[date]):
    """A calendar day in ISO spelling, nothing else."""

    name = "date"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:  # noqa: ARG002
        """Show the spelling in the help text."""
        return "YYYY-MM-DD"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> date:
        """Read the day, or fail with the spelling that is wanted."""
        if isinstance(value, date):
            return value
        try:
            day = date.fromisoformat(str(value))
        except ValueError:
            day = None
        if day is None or day.isoformat() != value:
            self.fail(f"{value!r} is not a date of the form YYYY-MM-DD.", param, ctx)
        if day not in _DAYS:
            self.fail(
                f"{value} is before {_DAYS.first}, when WhatsApp did not exist yet, or after "
                f"{_DAYS.last}.",
                param,
                ctx,
            )
        return day


class ShardParam(click.ParamType[tuple[int, int]]):
    """A part of several, such as `2/5`: which one, from 0, and how many there are."""

    name = "shard"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:  # noqa: ARG002
        """Show the spelling in the help text."""
        return "I/N"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Read the part, or fail with the spelling that is wanted."""
        if isinstance(value, tuple):
            return value
        found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", str(value))
        index, count = map(int, found.groups()) if found else (0, 0)
        if not 1 <= index <= count:
            self.fail(f"{value!r} is not a part of the form I/N, with I from 1 to N.", param, ctx)
        return index - 1, count


def day_options(command: Command) -> Command:
    """Add `--date D` and `--from D --to D`."""
    for option in (
        click.option("--to", "last", type=DateParam(), help="Last day of a range, included."),
        click.option("--from", "first", type=DateParam(), help="First day of a range, included."),
        click.option("--date", "day", type=DateParam(), help="One day, in the configured zone."),
    ):
        command = option(command)
    return command


#: `--account NAME`, which may be repeated.
account_option: Final = click.option(
    "--account", "accounts", multiple=True, metavar="NAME", help="Only this account; repeatable."
)
#: `--output DIR`.
output_option: Final = click.option(
    "--output",
    type=PathParam(),
    metavar="DIR",
    help="Directory of the reports, instead of the configured one.",
)
#: `--exit-code`.
exit_code_option: Final = click.option(
    "--exit-code",
    is_flag=True,
    help="End with 1 if there are open discrepancies, 3 if coverage is incomplete.",
)
#: `--trust-input`.
trust_option: Final = click.option(
    "--trust-input", is_flag=True, help="Report findings even if the input looks wrong."
)


def format_option(*names: str) -> Callable[[Command], Command]:
    """Return `--format`; the first of its names is the default."""
    readers = "a person, a spreadsheet or a program" if "csv" in names else "a person or a program"
    return click.option(
        "--format",
        "form",
        type=click.Choice(names),
        default=names[0],
        show_default=True,
        help=f"For {readers}.",
    )


def day_range(day: date | None, first: date | None, last: date | None) -> tuple[date, date] | None:
    """Return the range that the options name, `None` where they name none.

    Raises:
        UsageError: the options do not go together.
    """
    if day is not None and (first is not None or last is not None):
        raise UsageError("Give --date, or --from and --to, not both.")
    if day is not None:
        return day, day
    if first is None and last is None:
        return None
    if first is None or last is None:
        raise UsageError("--from and --to go together; both days are included.")
    if first > last:
        raise UsageError(f"--from {first} is after --to {last}.")
    return first, last


def not_in_the_future(days: tuple[date, date], now: datetime, zone: str) -> tuple[date, date]:
    """Return `days` where they have begun.

    Raises:
        UsageError: the last one has not.
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
    """Return the user's file as records, read as an account's records are.

    A named account's columns are taken as they are. Where none is named and there is just one, its
    words and zone hold, and each of its columns that the file has; else the plain columns. A saved
    answer of Octopods' list call is read as what it is.

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
    """Print one run whole, several as a table, to standard output.

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


#: A command in a hint: in backticks, or after "Run:".
_COMMAND: Final = re.compile(r"(?<=`recon )(?=[a-z])|(?<=Run: recon )(?=[a-z])")


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


def show_data(content: str) -> None:
    """Print CSV or JSON; on a terminal, with what could steer it escaped."""
    from recon.report.terminal_text import escaped

    click.echo(escaped(content) if sys.stdout.isatty() else content, nl=False)


def width() -> int:
    """Return how many columns a page may take: the terminal's, or those that `COLUMNS` says.

    Where standard output is no terminal, lines are as long as they are.
    """
    import shutil

    from recon.report.rich_terminal import UNLIMITED

    if sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdecimal():
        return shutil.get_terminal_size().columns
    return UNLIMITED


def wants_colour() -> bool:
    """Say whether standard output is a terminal that shows colours."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ
