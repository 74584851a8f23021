"""Read both sides around some days of an account, from the store and from the records."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np
import pandas as pd

from recon.core import frames, out_of_window_ids, stale_records, time_spans
from recon.core.link import Side
from recon.core.policy import Policy
from recon.jobs.both_sides import BothSides
from recon.jobs.stored_side import StoredEvidence, StoredSide, around
from recon.model import Span, Window
from recon.records import reader as readers
from recon.records.reader import RecordsRead
from recon.store import forgotten_numbers, messages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy import Engine

    from recon.jobs.memory_budget import RunMemory
    from recon.records.reader import RecordsReader

log = logging.getLogger(__name__)

Found = TypeVar("Found", "RecordsRead", "RecordsRead | None")

#: Records of this long after the days are read, to see whether the records go on.
_LATER: Final = timedelta(days=8)
#: Where the days have too few records to tell, those of so long before are read, and if there are
#: none, those of so long before that.
_EARLIER: Final = (timedelta(days=1), timedelta(days=7))
#: Fewer messages are read before the records: that takes hardly any time.
_MANY: Final = 10_000
#: A time that is hardly ever longer than records are apart.
_SHORT: Final = timedelta(hours=1)


def read(
    account: str,
    days: Sequence[Window],
    *,
    reader: RecordsReader,
    engine: Engine,
    policy: Policy,
    untimed: bool = True,
    all_rejects: bool = True,
    memory: RunMemory | None = None,
    now: datetime | None = None,
) -> BothSides:
    """Read both sides around `days`.

    Large days that have ended are read from both sides at the same time, which with PostgreSQL
    saves a fifth of a whole night. Otherwise the records are read after the messages: so a message
    that is sent and recorded meanwhile is never a message without a record.

    Args:
        account: whose messages and reader these are.
        days: bounded windows, in order and without holes.
        reader: the user's own records.
        engine: the database of the collected messages.
        policy: how strict to be.
        untimed: whether rows without a readable time belong to the last of `days`.
        all_rejects: whether to read all records with an unreadable time, see `RecordsReader.read`.
            They shield messages of any day; records and pairs do not depend on them.
        memory: how much memory reading may take; if both sides need more, they are in files.
            Without it they are in memory.
        now: the time; without it, the days may not have ended.

    Raises:
        InputError: the reader cannot be used.
        TemporaryError: a database is busy or out of reach.
        OutputError: a file cannot be written.
    """
    start, end = around(days, policy)
    evidence = StoredEvidence.read(engine, account, days, policy, untimed=untimed)
    has_ended = now is not None and now >= end

    def both(read_records: Callable[[], Found], *, at_once: bool) -> tuple[StoredSide, Found]:
        with ThreadPoolExecutor(1) as other:
            reading = other.submit(messages.read, engine, account, start, end)
            if not at_once:
                reading.result()
            records = read_records()
            return StoredSide(evidence, reading.result()), records

    if memory is None:
        stored, found = both(
            lambda: reader.read(start, end, all_rejects=all_rejects), at_once=has_ended
        )
        return _with_records(account, days, reader, engine, policy, stored, found)
    count, budget = messages.count(engine, account, start, end), memory.budget()
    expected = 2 * count  # of most accounts there are about as many records
    if budget.sizes(expected) is None:
        most = budget.rows - count
        stored, records = both(
            lambda: _read_at_most(reader, start, end, most), at_once=has_ended and count >= _MANY
        )
        if records is not None:
            return _with_records(account, days, reader, engine, policy, stored, records)
        del stored
    sizes = budget.sizes(max(expected, 2 * budget.rows))
    assert sizes is not None
    from recon.jobs import stored_partitions

    parts = stored_partitions.read(
        account,
        days,
        reader=reader,
        engine=engine,
        policy=policy,
        evidence=evidence,
        sizes=sizes,
        beside=memory.beside,
        later=end + _LATER,
    )
    if parts is None:
        log.warning(
            "account %s: %s: hardly any records: all messages are judged in one piece, which takes "
            "more memory than the limit",
            account,
            days[-1].label,
        )
        stored = StoredSide(evidence, messages.read(engine, account, start, end))
        return _with_records(account, days, reader, engine, policy, stored)
    log.info(
        "account %s: %s: %s rows of both sides are judged in %d partitions",
        account,
        days[-1].label,
        f"{parts.row_count:,}",
        sizes.by_id,
    )
    left = RecordsRead(parts.local.frame, parts.local.rejects, parts.fields)
    return BothSides(
        account,
        days,
        left,
        parts.local,
        parts.provider,
        policy,
        evidence,
        parts=parts,
        memory=memory,
    )


def refreshed(sides: BothSides, engine: Engine, reader: RecordsReader) -> BothSides:
    """Return the same with the messages as they are stored now.

    If the messages have changed, the records are read again: a message that was sent meanwhile may
    also have been recorded. Sides in files are read again completely.
    """
    untimed = sides.evidence.untimed
    if sides.parts is not None:
        sides.close()
        return read(
            sides.account,
            sides.days,
            reader=reader,
            engine=engine,
            policy=sides.policy,
            untimed=untimed,
            memory=sides.memory,
        )
    stored = StoredSide.read(engine, sides.account, sides.days, sides.policy, untimed=untimed)
    if not stored.messages["message_id"].isin(sides.provider.frame["message_id"]).all():
        return _with_records(sides.account, sides.days, reader, engine, sides.policy, stored)
    if sides.earlier is not None:
        start, _ = around(sides.days, sides.policy)
        stored = stored.with_earlier(engine, sides.account, sides.earlier, start)
    return replace(
        sides,
        provider=stored.side(engine, sides.account, sides.records.frame),
        evidence=stored.evidence,
    )


def with_shielding_rejects(sides: BothSides, engine: Engine, reader: RecordsReader) -> BothSides:
    """Return the same with each unreadable record that may belong to a message of the days.

    That matters if a message has no record, and not all unreadable records were read.
    """
    case = sides.case
    alone = case.links.partner_of_provider < 0
    if sides.records.has_all_rejects or not (alone & (case.provider_owner >= 0)).any():
        return sides
    wanted = case.provider.frame["message_id"].to_numpy(dtype=np.int64)[alone]
    return _with_rejects(sides, engine, reader.find_untimed(wanted))


def with_all_rejects(sides: BothSides, engine: Engine, reader: RecordsReader) -> BothSides:
    """Return the same with each record whose time cannot be read."""
    if sides.records.has_all_rejects:
        return sides
    start = sides.days[0].start
    return _with_rejects(sides, engine, reader.read(start, start))


def _with_rejects(sides: BothSides, engine: Engine, read: RecordsRead) -> BothSides:
    blanked = forgotten_numbers.forgotten(engine).blanked(read.rejects, sides.policy.region, None)
    counted, others = _split(blanked, untimed=sides.evidence.untimed)
    local = replace(sides.local, rejects=counted, other_rejects=others)
    records = replace(sides.records, rejects=blanked, has_all_rejects=read.has_all_rejects)
    return replace(sides, records=records, local=local)


def _read_at_most(
    reader: RecordsReader, start: datetime, end: datetime, rows: int
) -> RecordsRead | None:
    """Read records as the reader does; return nothing if there are more than `rows`."""

    def collect(parts: Iterable[RecordsRead]) -> RecordsRead | None:
        held, count = [], 0
        for part in parts:
            held.append(part)
            count += len(part.frame)
            if count > rows:
                return None
        return readers.joined(held)

    return reader.read_in_parts(start, end, collect)


def _with_records(
    account: str,
    days: Sequence[Window],
    reader: RecordsReader,
    engine: Engine,
    policy: Policy,
    stored: StoredSide,
    records: RecordsRead | None = None,
    *,
    all_rejects: bool = True,
) -> BothSides:
    start, end = around(days, policy)
    forgotten = forgotten_numbers.forgotten(engine)
    if records is None:
        records = reader.read(start, end, all_rejects=all_rejects)
    records = replace(
        records,
        frame=forgotten.blanked(records.frame, policy.region, None),
        rejects=forgotten.blanked(records.rejects, policy.region, None),
    )
    provider = stored.side(engine, account, records.frame)
    earlier = None
    if stale_records.are_too_few(records.frame, provider.frame, start):
        before, earlier = _records_before(reader, start)
        before = forgotten.blanked(before, policy.region, None)
        records = replace(records, frame=frames.concat([before, records.frame]))
        stored = stored.with_earlier(engine, account, earlier, start)
        provider = stored.side(engine, account, records.frame)
    local = records.frame
    if reader.can_find:
        wanted = out_of_window_ids.wanted_records(local, provider.frame, start, end)
        found = forgotten.blanked(reader.find(wanted).frame, policy.region, None)
        outside = ~time_spans.inside(found, start, end)
        local = frames.concat([local, found.loc[outside]])
    rejects, other_rejects = _split(records.rejects, untimed=stored.evidence.untimed)
    side = Side(
        local,
        rejects,
        has_numbers="phone_number" in records.fields,
        has_statuses="status" in records.fields,
        newest=_newest(reader, local, provider.frame, end),
        other_rejects=other_rejects,
    )
    return BothSides(account, days, records, side, provider, policy, stored.evidence, earlier)


def _split(rejects: pd.DataFrame, *, untimed: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the unreadable records that count for the days, and the others."""
    counted = rejects["sent_at"].notna() | untimed
    return rejects.loc[counted].reset_index(drop=True), rejects.loc[~counted]


def _records_before(reader: RecordsReader, end: datetime) -> tuple[pd.DataFrame, Span]:
    """Return the last records before a time, at most those of a day, and their time."""
    for length in _EARLIER:
        start = end - length
        frame = reader.read(start, end, all_rejects=False).frame
        if len(frame):
            newest = frame["sent_at"].max().to_pydatetime()
            start = max(start, newest - _EARLIER[0])
            frame = frame.loc[frame["sent_at"] >= start].reset_index(drop=True)
            return frame, Span(start, newest + _SHORT)
        end = start
    return frame, Span(end, end)


def _newest(
    reader: RecordsReader, local: pd.DataFrame, provider: pd.DataFrame, end: datetime
) -> datetime | None:
    """Return the time of a record after `end`, if it matters whether there is one.

    It matters if the records seem to end before the messages. If a day is judged again and has
    later records, they have not ended.
    """
    if not stale_records.may_have_ended(local, provider):
        return None
    return readers.newest(reader, end, end + _LATER)
