"""A sample of an account's records, judged by the night's own code against one listing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

import pandas as pd

from recon import scratch
from recon.core import calendar
from recon.jobs import reconcile
from recon.model import NOT_SENT, Listing, Status, Verdict, Window
from recon.records.reader_factory import open_reader
from recon.store import engine, messages, schema

if TYPE_CHECKING:
    from recon.core.policy import Policy
    from recon.records.reader import RecordsReader
    from recon.records.source import Source

#: How many days back to search for records where yesterday has none, one after the other.
_DAYS_BACK: Final = (8, 32, 400)
#: Zones that differ from each other by hours at any time of the year.
_ZONES: Final = ("Etc/GMT-5", "Etc/GMT+7")


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """The records of one day."""

    day: Window
    """Yesterday, or the day of the newest record where yesterday has none."""
    records: pd.DataFrame
    """The readable records of the day, a local frame."""
    rejects: pd.DataFrame
    """Records of the day, or of no known time, that cannot be read."""


def take(reader: RecordsReader, zone: str, now: datetime) -> Sample:
    """Read yesterday's records, or those of the newest day that has any.

    Args:
        reader: of the account's records.
        zone: whose calendar days are meant.
        now: the time of day, aware.

    Raises:
        InputError, TemporaryError, ConfigError: the records cannot be read.
    """
    yesterday = calendar.yesterday(now, zone)
    sample = _of_day(reader, yesterday, zone)
    if len(sample.records):
        return sample
    for days in _DAYS_BACK:
        times = reader.read(now - timedelta(days=days), now + timedelta(days=1)).frame["sent_at"]
        if len(times):
            newest: pd.Timestamp = times.max()
            return _of_day(reader, calendar.day_at(newest.to_pydatetime(), zone), zone)
    return sample


def _of_day(reader: RecordsReader, day: date, zone: str) -> Sample:
    window = calendar.window(day, zone)
    read = reader.read(window.start, window.end)
    return Sample(window, read.frame, read.rejects)


def unmapped_statuses(records: pd.DataFrame) -> Mapping[str, int]:
    """Return the statuses of a local frame that are none of Octopods', each with its count.

    The most frequent one comes first.
    """
    known = {*(status.value for status in Status), NOT_SENT}
    counts = records["status"].astype("str").dropna().value_counts()
    return {str(word): int(count) for word, count in counts.items() if word not in known and count}


def foreign_ids(records: pd.DataFrame) -> int:
    """Return how many records of a local frame hold an id that is none of Octopods'."""
    return int(records["odd_message_id"].notna().sum())


def times_without_offset(source: Source, sample: Sample) -> int:
    """Return how many times of the sample depend on the configured time zone of the records.

    Those are the times that are stored without an offset. The same records are read in another
    zone: a time that stays does not depend on it.
    """
    times = sample.records["sent_at"]
    if times.empty:
        return 0
    start, end = times.min() - timedelta(days=1), times.max() + timedelta(days=1)
    depends = pd.Series(data=False, index=times.index)
    for zone in _ZONES:
        read = open_reader(replace(source, timezone=zone)).read(start, end)
        depends |= ~times.isin(read.frame["sent_at"])
    return int(depends.sum())


def median_offset(records: pd.DataFrame, listing: Listing) -> tuple[int, timedelta] | None:
    """Return how many records name a listed message, and how much later they say it was sent.

    That is the median over these records; `None` where there are none.
    """
    sent_at = {message.message_id: message.sent_at for message in listing.messages}
    named = records.loc[records["message_id"].isin(list(sent_at)), ["message_id", "sent_at"]]
    if named.empty:
        return None
    theirs = pd.to_datetime(named["message_id"].map(sent_at), utc=True)
    return len(named), (named["sent_at"] - theirs).median().to_pytimedelta()


def judge(
    account: str,
    reader: RecordsReader,
    sample: Sample,
    policy: Policy,
    listing: Listing | None,
    now: datetime,
) -> list[Verdict]:
    """Judge the sample as a night does, against one listing and nothing that was stored before.

    Where the newest records are older than yesterday, so is yesterday, which the next run judges.
    Rows without a readable time count once, with the sample.

    Args:
        account: whose records these are.
        reader: of the account's records.
        sample: the day to judge.
        policy: how strict to be.
        listing: what Octopods lists; `None` where that is not known, which proves nothing.
        now: our own clock.
    """
    with (
        scratch.directory("check") as room,
        engine.opened(f"sqlite:///{room / 'sample.db'}") as store,
    ):
        schema.create_scratch(store)
        if listing is not None:
            messages.keep(store, account, "sample", listing, now)
        zone = sample.day.zone
        days = {sample.day, calendar.window(calendar.yesterday(now, zone), zone)}
        return [
            verdict
            for day in sorted(days, key=lambda day: day.label)
            for verdict in reconcile.read(
                account,
                [day],
                reader=reader,
                engine=store,
                policy=policy,
                untimed=day == sample.day,
            ).judge(store)
        ]
