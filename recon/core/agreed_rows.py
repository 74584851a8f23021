"""Rows that agree with their counterpart, counted and left out of a case.

Most rows of a day are pairs without a finding. If a day is larger than memory, they are taken out
part by part (`recon.core.agreement`). The other rows are judged in one piece together with these
counts, so the verdict is the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal, TypeAlias

import numpy as np

from recon.core.link import Positions
from recon.core.number_parts import Ascending, Parts, ascending

#: What is known of each pair: when the record and the message were sent (microseconds, UTC), the
#: key of the message's number, and its id.
Column: TypeAlias = Literal["local_time", "provider_time", "keys", "names"]


@dataclass(frozen=True, slots=True, eq=False)
class AgreedPairs:
    """Pairs of a part of both sides."""

    column: Callable[[Column], Positions]
    """Returns a column, made or read anew each time; all columns run parallel."""
    bounds: Sequence[int]
    """Where the pairs of each day begin, and where those of the last day end. Rows before the first
    position belong to none of the days."""
    by_id: bool
    """Whether they were paired by id."""

    def __len__(self) -> int:
        return self.bounds[-1]

    def of_day(self, name: Column, day: int) -> Positions:
        """Return a column, for the pairs of one day."""
        return self.column(name)[self.bounds[day] : self.bounds[day + 1]]

    def apart(self, day: int | None = None) -> Positions:
        """Return by how much the records are later than their messages, on a day or in all."""
        if day is None:
            return self.column("local_time") - self.column("provider_time")
        return self.of_day("local_time", day) - self.of_day("provider_time", day)


@dataclass(frozen=True, slots=True, eq=False)
class AgreedCounts:
    """How many rows of a day were left out."""

    local: Positions
    """Records by bucket, in the order of `buckets.LOCAL`."""
    provider: Positions
    """Messages by bucket, in the order of `buckets.PROVIDER`."""
    statuses: Mapping[str, int]
    """Messages by status."""
    failures: Mapping[str, int]
    """Failed messages by their reason, as `failures.counted` gives it."""
    national: int
    """Pairs whose numbers agree only as national numbers, without a configured region."""
    with_id: int
    """Pairs whose record holds an id."""


@dataclass(frozen=True, slots=True, eq=False)
class NearMessages:
    """Messages of agreed pairs with the number of a message that is left, and near it in time."""

    keys: Positions
    times: Positions
    names: Positions


#: No rows were left out.
NONE_NEAR: Final = NearMessages(*(np.zeros(0, dtype=np.int64) for _ in range(3)))


@dataclass(frozen=True, slots=True, eq=False)
class AgreedRows:
    """What is known of the rows that were left out."""

    days: Sequence[AgreedCounts] = ()
    """One for each day; empty if nothing was left out."""
    pairs: Sequence[AgreedPairs] = ()
    alone: Sequence[Callable[[], Positions]] = ()
    """Returns the times of records without a message, microseconds, UTC."""
    near: NearMessages = NONE_NEAR
    """Messages that an unrecorded message may repeat."""
    records: int = 0
    """How many records were left out."""
    newest_record: int | None = None
    """The time of the newest record, in microseconds, UTC; `None` without one."""
    newest_message: int | None = None
    newest_pair: tuple[int, int] | None = None
    """The time of the newest record that is one of a pair, and that of the newest such message."""

    def with_local_times(self, own: Positions) -> Parts[Positions]:
        """Return when the records of all days were sent: the rest and those left out."""
        paired = [partial(part.column, "local_time") for part in self.pairs]
        return Parts([lambda: own, *paired, *self.alone])

    def with_pairs(self, own: Callable[[], Positions], name: Column, day: int) -> Parts[Positions]:
        """Return a column of a day's pairs: the rest, which `own` returns, and those left out."""
        return Parts([own, *(partial(part.of_day, name, day) for part in self.pairs)])

    def with_pair_times(
        self, own: Ascending, name: Literal["local_time", "provider_time"], day: int
    ) -> Parts[Ascending]:
        """Return the times of a day's pairs: the rest and those left out, each ascending."""
        left_out = [lambda part=part: ascending(part.of_day(name, day)) for part in self.pairs]
        return Parts([lambda: own, *left_out])

    @property
    def have_ids(self) -> bool:
        """Whether any of the pairs was found by id."""
        return any(part.by_id for part in self.pairs)

    def with_apart(
        self, own: Positions, day: int | None = None, *, by_id: bool = True
    ) -> Parts[Positions]:
        """Return by how much records are later than their messages, of one day or of all time.

        Args:
            own: that of the rest.
            day: the position of the day; `None` for all time.
            by_id: whether for the pairs found by id, or for the others.
        """
        made = (partial(part.apart, day) for part in self.pairs if part.by_id == by_id)
        return Parts([lambda: own, *made])

    def count(self, day: int) -> AgreedCounts | None:
        """Return the counts of a day, `None` where nothing was left out."""
        return self.days[day] if self.days else None

    def pairs_of(self, day: int) -> int:
        """Return how many pairs of a day were left out."""
        return sum(part.bounds[day + 1] - part.bounds[day] for part in self.pairs)


#: Nothing was left out.
NONE: Final = AgreedRows()


def joined(parts: Sequence[AgreedRows], near: NearMessages) -> AgreedRows:
    """Return what several parts of both sides left out, together.

    Args:
        parts: what each left out, of the same days; at least one.
        near: messages that unrecorded messages of the rest may repeat.
    """
    paired = [part.newest_pair for part in parts if part.newest_pair is not None]
    return AgreedRows(
        days=[_together(of_day) for of_day in zip(*(part.days for part in parts), strict=True)],
        pairs=[one for part in parts for one in part.pairs if len(one)],
        alone=[one for part in parts for one in part.alone],
        near=near,
        records=sum(part.records for part in parts),
        newest_record=_newest([part.newest_record for part in parts]),
        newest_message=_newest([part.newest_message for part in parts]),
        newest_pair=(max(one[0] for one in paired), max(one[1] for one in paired))
        if paired
        else None,
    )


def _newest(times: Sequence[int | None]) -> int | None:
    return max((time for time in times if time is not None), default=None)


def _together(parts: Sequence[AgreedCounts]) -> AgreedCounts:
    statuses, failures = Counter[str](), Counter[str]()
    for part in parts:
        statuses.update(part.statuses)
        failures.update(part.failures)
    return AgreedCounts(
        local=np.sum([part.local for part in parts], axis=0),
        provider=np.sum([part.provider for part in parts], axis=0),
        statuses=statuses,
        failures=failures,
        national=sum(part.national for part in parts),
        with_id=sum(part.with_id for part in parts),
    )
