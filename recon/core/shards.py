"""Split a backfill over commands that run at the same time: the accounts and days of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class Share:
    """Days of one account that one of the commands judges."""

    account: str
    first: date
    last: date
    """The last day, included."""
    part: int = 0
    """Which part of the account's days these are, from 0."""
    parts: int = 1
    """Into how many parts the days of the account are split."""

    @property
    def begins_the_range(self) -> bool:
        """Whether the first day of the whole range is among them."""
        return self.part == 0

    @property
    def ends_the_range(self) -> bool:
        """Whether the last day of the whole range is among them."""
        return self.part == self.parts - 1

    def portion(self, total: int) -> int:
        """Return its portion of a number; the portions of all parts add up to the number."""
        return total * (self.part + 1) // self.parts - total * self.part // self.parts


def shares(
    accounts: Sequence[str], first: date, last: date, index: int, count: int
) -> Iterator[Share]:
    """Yield the share of one of several commands; together they judge all days exactly once.

    Accounts are distributed in turn. The days of an account are split only if there are more
    commands than accounts.

    Args:
        accounts: all accounts, in the same order for each command.
        first: the first day.
        last: the last day, included.
        index: the number of this command, from 0.
        count: how many commands there are.
    """
    days = (last - first).days + 1
    for place, account in enumerate(accounts):
        if count <= len(accounts):
            if place % count == index:
                yield Share(account, first, last)
        elif index % len(accounts) == place:
            # No more parts than days: the last of the commands have nothing to do.
            parts = min((count - place - 1) // len(accounts) + 1, days)
            part = index // len(accounts)
            if part < parts:
                start, end = days * part // parts, days * (part + 1) // parts
                yield Share(
                    account,
                    first + timedelta(days=start),
                    first + timedelta(days=end - 1),
                    part,
                    parts,
                )
