"""A sample of an account's records, judged by the code of the nightly run against one listing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

import pandas as pd

from recon import scratch
from recon.core import calendar, link
from recon.jobs import reconcile
from recon.model import NOT_SENT, Listing, Status, Verdict, Window
from recon.records.held_records import HeldRecords
from recon.records.reader_factory import open_reader
from recon.store import engine, messages, schema

if TYPE_CHECKING:
    from recon.core.policy import Policy
    from recon.records.reader import RecordsReader
    from recon.records.source import Source

#: How many days back to search for records where yesterday has none, one after the other.
_DAYS_BACK: Final = (8, 32, 400)
#: So much before and after the day is held: judging it reads the time around it, and what is later.
_BEFORE, _AFTER = timedelta(hours=2), timedelta(days=9)
_DAY: Final = timedelta(days=1)
#: Zones of which one lies hours from any other zone, at any time of the year: 5 h ahead of UTC, and
#: 7 h behind it.
_AHEAD, _BEHIND = "Etc/GMT-5", "Etc/GMT+7"
#: Fewer records may be of midnight by chance.
_FEW: Final = 3


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """The records of one day."""

    day: Window
    """Yesterday, or the day of the newest record if yesterday has none."""
    records: pd.DataFrame
    """The readable records of the day, a local frame."""
    rejects: pd.DataFrame
    """Unreadable records of the day or without a readable time."""
    reader: RecordsReader
    """Returns the records of the day and of the margin around it."""


def take(reader: RecordsReader, zone: str, now: datetime) -> Sample:
    """Read yesterday's records, or those of the newest day that has any.

    Args:
        reader: of the account's records.
        zone: whose calendar days are meant.
        now: the time of day, aware.

    Raises:
        InputError, TemporaryError, ConfigError: the records cannot be read.
    """
    sample = _of_day(reader, calendar.yesterday(now, zone), zone)
    if len(sample.records):
        return sample
    for days in _DAYS_BACK:
        start, end = now - timedelta(days=days), now + timedelta(days=1)
        times = reader.read(start, end, all_rejects=False).frame["sent_at"]
        if len(times):
            newest: pd.Timestamp = times.max()
            return _of_day(reader, calendar.day_at(newest.to_pydatetime(), zone), zone)
    return sample


def _of_day(reader: RecordsReader, day: date, zone: str) -> Sample:
    window = calendar.window(day, zone)
    assert window.start is not None
    assert window.end is not None
    held = HeldRecords(reader, window.start - _BEFORE, window.end + _AFTER)
    read = held.read(window.start, window.end)
    return Sample(window, read.frame, read.rejects, held)


def unmapped_statuses(records: pd.DataFrame) -> Mapping[str, int]:
    """Return the statuses of a local frame that are not Octopods' words, each with its count.

    The most frequent one comes first.
    """
    known = {*(status.value for status in Status), NOT_SENT}
    counts = records["status"].astype("str").dropna().value_counts()
    return {str(word): int(count) for word, count in counts.items() if word not in known and count}


def foreign_ids(records: pd.DataFrame) -> int:
    """Return how many records of a local frame hold an id that cannot be Octopods'."""
    return int(records["odd_message_id"].notna().sum())


def dates_alone(records: pd.DataFrame) -> int:
    """Return how many records of a local frame have a date without a time of day."""
    return len(link.dates_alone(records)[0])


def are_all_midnight(records: pd.DataFrame, zone: str) -> bool:
    """Say whether some records of a local frame, and each of them, were sent at midnight in a zone.

    If so, a date was probably written as a time.
    """
    there = records["sent_at"].dt.tz_convert(zone)
    return len(there) >= _FEW and bool((there == there.dt.normalize()).all())


def times_without_offset(source: Source, sample: Sample) -> int:
    """Return how many times of the sample depend on the configured time zone of the records.

    These are the times stored without an offset. To find them, the records are read again in
    another zone: a time that stays the same does not depend on it.
    """
    here = _placed(sample.records)
    if here.empty:
        return 0
    start, end = here["sent_at"].min(), here["sent_at"].max()
    is_east = start.tz_convert(source.timezone).utcoffset() > timedelta(hours=-1)
    there = open_reader(replace(source, timezone=_BEHIND if is_east else _AHEAD))
    near = there.read(start - _DAY, end + _DAY, all_rejects=False)
    found = _placed(near.frame).drop_duplicates()
    moved = here.merge(found, how="left", indicator="where")["where"] == "left_only"
    return int(moved.sum())


def _placed(records: pd.DataFrame) -> pd.DataFrame:
    """Return the id and the time of each record of a local frame."""
    return records[["local_id", "sent_at"]].astype({"local_id": "str"})


def median_offset(records: pd.DataFrame, listing: Listing) -> tuple[int, timedelta] | None:
    """Return how many records hold the id of a listed message, and how much later their times are.

    This is the median of these records; `None` if there are none.
    """
    sent_at = {message.message_id: message.sent_at for message in listing.messages}
    named = records.loc[records["message_id"].isin(list(sent_at)), ["message_id", "sent_at"]]
    if named.empty:
        return None
    theirs = pd.to_datetime(named["message_id"].map(sent_at), utc=True)
    return len(named), (named["sent_at"] - theirs).median().to_pytimedelta()


def judge(
    account: str,
    sample: Sample,
    policy: Policy,
    listing: Listing | None,
    now: datetime,
) -> list[Verdict]:
    """Judge the sample as a nightly run does, against one listing without earlier stored messages.

    If the newest records are older than yesterday, yesterday is judged too, since the next run
    judges it. Rows without a readable time count once, with the sample.

    Args:
        account: whose records these are.
        sample: the day to judge.
        policy: how strict to be.
        listing: the messages that Octopods lists; `None` if not known, which proves nothing.
        now: our own clock.
    """
    with (
        scratch.directory("check") as room,
        engine.opened(f"sqlite:///{room / 'sample.db'}") as store,
    ):
        schema.create_scratch(store)
        if listing is not None:
            messages.keep(store, account, "sample", listing, now, quiet=True)
        zone = sample.day.zone
        days = {sample.day, calendar.window(calendar.yesterday(now, zone), zone)}
        return [
            verdict
            for day in sorted(days, key=lambda day: day.label)
            for verdict in reconcile.read(
                account,
                [day],
                reader=sample.reader,
                engine=store,
                policy=policy,
                untimed=day == sample.day,
            ).judge(store)
        ]
