"""Options that several commands have, and the types of their values."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import click

from recon.errors import UsageError

Command = TypeVar("Command", bound=Callable[..., Any])


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
    """A path, which need not exist."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str | bytes | os.PathLike[str]:
        """Return the path, unless it is not valid."""
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
    """A part of several, such as `2/5`: its number, from 0, and the number of parts."""

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


def memory_option(action: str) -> Callable[[Command], Command]:
    """Return `--memory-limit`; `action` is what the command does in partitions."""
    return click.option(
        "--memory-limit",
        type=SizeParam(),
        metavar="SIZE",
        help=f"{action} in partitions if more memory than SIZE would be needed, such as 300MB or "
        "2GiB. Default: half of the available memory.",
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
    """Return the range of the options, `None` without a range.

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
