"""What a nightly run, a single day or a range is asked to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

from recon.core import shards
from recon.core.shards import Share
from recon.jobs.memory_budget import RunMemory

if TYPE_CHECKING:
    from recon.store.notifications import Announcement

#: A run without dates catches up this many days at most, yesterday included.
CATCH_UP_DAYS: Final = 7
#: Each account that waits holds a connection to PostgreSQL, for its lock.
_ACCOUNTS_AT_ONCE: Final = 10


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The options of a run."""

    days: tuple[date, date] | None
    """First and last day, both included, in the configured zone. `None` is yesterday and the days
    since the account's last finished run, at most `CATCH_UP_DAYS` together."""
    accounts: Sequence[str]
    offline: bool = False
    """Use what is stored; make no request."""
    directory: Path = Path("reports")
    trust_input: bool = False
    dry_run: bool = False
    """Say in the reports that nothing is stored; the engine that the caller passes ensures it."""
    announcement: Announcement | None = None
    """Which channels are notified of the run."""
    again: bool = False
    """Judge every day of a backfill, also days that have not changed."""
    memory: RunMemory | None = None
    """How much memory the days may take; `None` is without limit."""
    shard: tuple[int, int] | None = None
    """The number of this command, from 0, and the number of commands that share the days."""
    at_once: int = _ACCOUNTS_AT_ONCE
    """How many accounts may wait for Octopods at the same time. A dry run and an offline run work
    on one account after the other."""

    @property
    def work(self) -> Sequence[tuple[str, Share | None]]:
        """The accounts of this run, each with its days if a range was given."""
        if self.days is None:
            return [(name, None) for name in self.accounts]
        shares = shards.shares(self.accounts, *self.days, *(self.shard or (0, 1)))
        return [(share.account, share) for share in shares]

    @property
    def day_count(self) -> int:
        """How many days are to be judged; a run without dates counts as one for each account."""
        return sum(
            1 if share is None else (share.last - share.first).days + 1 for _, share in self.work
        )

    @property
    def is_backfill(self) -> bool:
        """Whether a range was given: days judged before on the same basis are then skipped."""
        return self.days is not None and self.days[0] < self.days[1]
