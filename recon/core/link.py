"""Link all records to messages: find which record and which message are the same send.

First by message id. Then by number and time: records without an id, or whose id no message has, and
messages whose id no record has.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from recon.core import equal_pairs, link_by_id, link_by_number, phones
from recon.core.frames.layout import DATE_ALONE

_MINUTE_US: Final = 60_000_000
#: A whole number in its only spelling, within 64 bits.
_WHOLE_ID: Final = r"0|-?[1-9][0-9]{0,17}"

Positions: TypeAlias = npt.NDArray[np.int64]
Codes: TypeAlias = npt.NDArray[np.int8]
Minutes: TypeAlias = npt.NDArray[np.int16]
Mask: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One side of the comparison: its readable and unreadable rows."""

    frame: pd.DataFrame
    """A local or a provider frame, see `recon.core.frames`."""
    rejects: pd.DataFrame
    has_numbers: bool = True
    """Whether this side has phone numbers at all; records may have only ids."""
    has_statuses: bool = True
    """Whether this side has statuses at all."""
    unsent: int = 0
    """Records without a time whose status is `not_sent`; they belong to the newest day."""
    newest: datetime | None = None
    """The time of the newest known record, if it is later than all in the frame."""
    other_rejects: pd.DataFrame | None = None
    """Unreadable rows that count for other days, or for none, but may belong to this day."""

    @property
    def unreadable(self) -> pd.DataFrame:
        """Every unreadable row, on this day or another one."""
        others = self.other_rejects
        if others is None or others.empty:
            return self.rejects
        if self.rejects.empty:
            return others
        return pd.concat([self.rejects, others], ignore_index=True)


@dataclass(frozen=True, slots=True, eq=False)
class SparseMapping:
    """A number for each of a few rows of one side: a row of either side, a `Doubt`, or 0 and 1."""

    at: Positions
    """The rows, ascending."""
    to: Positions

    def of(self, rows: Positions) -> Positions:
        """Return the number of each of `rows`; each must have one."""
        return self.to[np.searchsorted(self.at, rows)]


@dataclass(frozen=True, slots=True, eq=False)
class Links:
    """Which rows are partners. Positions are rows of the two frames; -1 is no partner."""

    partner_of_local: Positions
    partner_of_provider: Positions
    by_id: Mask
    """For each local record, whether its partner was found by id."""
    local_time: Positions
    """The time of each record in microseconds: of two readings, the one that agrees with its
    partner, else the first. Of a date alone, the moment of its day nearest to its partner, else
    the beginning."""
    local_keys: Positions
    """The key of each record's number: of two readings, the one that agrees with its partner, else
    the first."""
    national: Mask
    """For each local record, whether its number is its partner's only if read as a national number
    of a country that is not configured."""
    duplicates: SparseMapping
    """Local records without a partner whose message id belongs to a nearer record, and that
    message."""

    @property
    def pairs(self) -> tuple[Positions, Positions]:
        """The positions of the record and the message of each pair."""
        local = np.flatnonzero(self.partner_of_local >= 0)
        return local, self.partner_of_local[local]


def microseconds(times: pd.Series) -> Positions:
    """Return a column of times (UTC) as microseconds since the epoch, exactly."""
    exact: Positions = times.to_numpy(dtype="datetime64[us]").view(np.int64)
    return exact


def other_times(times: Positions, minutes: Minutes) -> tuple[Positions, Positions, Positions]:
    """Return the records whose time has a second reading, and its earliest and latest moment.

    If the clocks change, the second reading is one moment. A date without a time of day may be any
    moment of its day.

    Args:
        times: the first reading of each, in microseconds.
        minutes: `other_minutes` of each.
    """
    rows = np.flatnonzero(minutes)
    later = minutes[rows].astype(np.int64)
    dated = later >= DATE_ALONE
    earliest = times[rows] + np.where(dated, 0, later) * _MINUTE_US
    latest = times[rows] + np.where(dated, later - DATE_ALONE, later) * _MINUTE_US
    return rows, earliest, latest - dated


def dates_alone(frame: pd.DataFrame) -> tuple[Positions, Positions]:
    """Return the records of a local frame that have no time of day, and when the day of each ends.

    The end is the last moment of the day, in microseconds; `sent_at` is the first one.
    """
    minutes = frame["other_minutes"].to_numpy()
    rows = np.flatnonzero(minutes >= DATE_ALONE)
    times = microseconds(frame["sent_at"])[rows]
    return rows, times + (minutes[rows].astype(np.int64) - DATE_ALONE) * _MINUTE_US - 1


def time_readings(frame: pd.DataFrame, rows: Positions) -> list[tuple[Positions, Positions]]:
    """Return one or two readings of some records' times, each as earliest and latest moments.

    A record without a second reading has its only time in both. All are in microseconds.
    """
    times = microseconds(frame["sent_at"].iloc[rows])
    twice, *other = other_times(times, frame["other_minutes"].iloc[rows].to_numpy())
    if not twice.size:
        return [(times, times)]
    earliest, latest = times.copy(), times.copy()
    earliest[twice], latest[twice] = other
    return [(times, times), (earliest, latest)]


def id_column(column: pd.Series) -> tuple[Positions, Mask]:
    """Return a column of message ids as integers, and which rows have one.

    No id becomes a float.
    """
    return column.to_numpy(dtype=np.int64, na_value=-1), column.notna().to_numpy(dtype=np.bool_)


def number_keys(side: Side, region: str | None, *, is_provider: bool = False) -> Positions:
    """Return for each row the key of its number, see `phones.keys`.

    Octopods uses only E.164. So digits without `+`, as in a file that lost it, begin with a country
    code on that side. In the records they are a number of `region` if that is possible.
    """
    if not side.has_numbers:
        return np.full(len(side.frame), -1, dtype=np.int64)
    numbers = side.frame["phone_number"]
    keys = phones.keys(numbers, None if is_provider else region)
    if not is_provider and region is None:
        return phones.keys_of_any_country(numbers, keys)
    if is_provider and region is not None and (left := np.flatnonzero(keys < 0)).size:
        keys[left] = phones.keys(numbers.take(left), region)
    return keys


def local_ranks(frame: pd.DataFrame) -> Positions:
    """Return the rank of each local record by its id, or by its content if ids are equal or null.

    This rank decides ties, so that no result depends on the order of the rows.
    """
    names = frame["local_id"]
    if pd.api.types.is_integer_dtype(names) and not names.hasnans:
        ranks = np.asarray(names.to_numpy(dtype=np.int64))
        if (ranks[1:] > ranks[:-1]).all() or names.is_unique:
            return ranks
    columns = ["local_id", "sent_at", "message_id", "odd_message_id", "phone_number", "status"]
    content = frame[columns].assign(status=frame["status"].astype("str"))
    if not pd.api.types.is_integer_dtype(names):
        # Numbers first and as numbers, so that a text among the ids changes nothing between them.
        content.insert(0, "number", whole_ids(names))
        columns = ["number", *columns]
    ranked = content.reset_index(drop=True).sort_values(columns, kind="stable").index
    ranks = np.empty(len(frame), dtype=np.int64)
    ranks[ranked.to_numpy()] = np.arange(len(frame))
    return ranks


def whole_ids(names: pd.Series) -> pd.Series:
    """Return ids that are whole numbers in canonical spelling as `Int64`, null for all others."""
    whole = names.astype("str").str.fullmatch(_WHOLE_ID).fillna(False).astype("bool")
    return names.where(whole).astype("str").astype("Int64")


def link(
    local: pd.DataFrame,
    provider: pd.DataFrame,
    local_keys: Positions,
    provider_keys: Positions,
    tolerance: timedelta,
) -> Links:
    """Link the records to the messages, one to one.

    Args:
        local: a local frame.
        provider: a provider frame, its ids unique.
        local_keys: the key of each record's number, -1 for none.
        provider_keys: likewise for the messages.
        tolerance: how far apart a pair without a common id may be, inclusive.
    """
    wanted, has_id = id_column(local["message_id"])
    offered = provider["message_id"].to_numpy(dtype=np.int64)
    local_time, provider_time = microseconds(local["sent_at"]), microseconds(provider["sent_at"])
    ranks = local_ranks(local)
    twice, earliest, latest = other_times(local_time, local["other_minutes"].to_numpy())
    if twice.size:
        local_time = _nearer_by_id(local_time, twice, (earliest, latest), wanted, has_id, provider)
    known = link_by_id.link(wanted, has_id, local_time, ranks, offered, provider_time)

    partner_of_local, partner_of_provider = known.partner_of_local, known.partner_of_provider
    duplicates = SparseMapping(known.duplicate_local, known.duplicate_of)
    by_id = partner_of_local >= 0
    del wanted, has_id  # as long as the records

    named = by_id.copy()
    named[duplicates.at] = True
    named[twice[earliest < latest]] = True  # dates alone are linked by their second reading
    left = np.flatnonzero(~named)
    right = np.flatnonzero(partner_of_provider < 0)
    found_left, found_right = link_by_number.link(
        local_keys[left],
        local_time[left],
        ranks[left],
        provider_keys[right],
        provider_time[right],
        offered[right],
        tolerance // timedelta(microseconds=1),
    )
    left_over = np.delete(left, found_left), np.delete(right, found_right)
    found_left, found_right = left[found_left], right[found_right]
    if found_left.size:
        found_left, found_right = equal_pairs.prefer_agreement(
            (found_left, found_right),
            (_nameless(local, left_over[0]), left_over[1]),
            equal_pairs.Rows(local_keys, local_time, ranks, local["status"].array),
            equal_pairs.Rows(provider_keys, provider_time, offered, provider["status"].array),
            tolerance // timedelta(microseconds=1),
        )
    partner_of_local[found_left] = found_right
    partner_of_provider[found_right] = found_left
    return Links(
        partner_of_local,
        partner_of_provider,
        by_id,
        local_time,
        local_keys,
        np.broadcast_to(np.False_, len(local)),
        duplicates,
    )


def _nameless(local: pd.DataFrame, rows: Positions) -> Positions:
    """Return those of some records that hold no id, not even one that cannot be Octopods'."""
    held = local[["message_id", "odd_message_id"]].take(rows).notna().any(axis=1)
    return rows[~held.to_numpy(dtype=np.bool_)]


def _nearer_by_id(
    times: Positions,
    twice: Positions,
    other: tuple[Positions, Positions],
    wanted: Positions,
    has_id: Mask,
    provider: pd.DataFrame,
) -> Positions:
    """Take the second reading of a time if the message with the record's id is nearer to it."""
    place = pd.Index(provider["message_id"]).get_indexer(wanted[twice])
    known = has_id[twice] & (place >= 0)
    at = twice[known]
    sent = microseconds(provider["sent_at"])[place[known]]
    second = np.clip(sent, *(bound[known] for bound in other))
    nearer = np.abs(second - sent) < np.abs(times[at] - sent)
    times = times.copy()
    times[at[nearer]] = second[nearer]
    return times
