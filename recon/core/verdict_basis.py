"""A digest of everything on which the verdict of a day depends: rows, evidence and settings.

`recon.core.input_digest` covers the rows of the day and its coverage, which late changes affect.
This digest adds the rest: rows of other days with the same ids, rows without a time, denied ids,
how long messages wait, and the settings.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime

from recon.core.absence_doubts import Denials
from recon.core.basis_rows import BasisRows, RecordedIds, RowsOfOtherDays, WaitingMessages
from recon.core.input_digest import add_rows
from recon.core.link import Positions, Side, microseconds
from recon.model import CoverageEvidence


def basis(
    start: datetime,
    end: datetime,
    local: Side,
    provider: Side,
    *,
    input_digest: str,
    denials: Denials,
    purged_below: int | None,
    evidence: CoverageEvidence,
    untimed: bool,
    have_ended: bool,
    settings: str,
) -> str:
    """Return a digest of the basis of a verdict: 32 hexadecimal digits.

    If it is equal, the verdict would be the same. Rows of other days may change it although the
    verdict stays the same; then the day is judged again, without other effect.

    Args:
        start: the first time that counts, with the margin around the day.
        end: the time after the last.
        local: the records.
        provider: the messages.
        input_digest: the digest of the rows of this time, of the same two sides.
        denials: ids that Octopods was asked for one by one and does not have.
        purged_below: smaller ids may be of messages that were purged.
        evidence: the reasons why the day is not covered more.
        untimed: whether rows without a readable time belong to this day.
        have_ended: the result of `stale_records.may_have_ended` for both sides.
        settings: distinguishes the settings and the version of the program.
    """
    recorded = RecordedIds(start, end, denials, purged_below)
    recorded.add(local.frame)
    waiting = WaitingMessages(start, end)
    waiting.add(provider.frame)
    others = RowsOfOtherDays(start, end)
    others.add(local.frame, provider.frame)
    times = [side.frame["sent_at"] for side in (local, provider)]
    return of_parts(
        BasisRows(recorded, waiting, others),
        (local, provider),
        ended=(microseconds(one) for one in times) if have_ended else None,
        input_digest=input_digest,
        evidence=evidence,
        untimed=untimed,
        settings=settings,
    )


def of_parts(
    rows: BasisRows,
    sides: tuple[Side, Side],
    *,
    ended: Iterable[Positions] | None,
    input_digest: str,
    evidence: CoverageEvidence,
    untimed: bool,
    settings: str,
) -> str:
    """Return the same as `basis` for rows that came in parts.

    Args:
        rows: the values gathered from the rows.
        sides: the records and the messages; only their unreadable rows count.
        ended: the times of all records and then of all messages, in microseconds, UTC, if the
            records may have ended.
        input_digest: see `basis`.
        evidence: see `basis`.
        untimed: see `basis`.
        settings: see `basis`.
    """
    local, _ = sides
    made = hashlib.sha256()
    made.update(f"{input_digest}\n{settings}\n".encode())
    made.update(f"{local.has_numbers} {local.has_statuses}\n".encode())
    for far in rows.others.found:
        add_rows(made, far)
    # Once more than in the digest of the input, which leaves out when messages were seen.
    for seen in rows.waiting.seen:
        made.update(seen.tobytes())
    for side in sides:
        without_time = side.unreadable.loc[side.unreadable["sent_at"].isna()]
        add_rows(made, without_time)
        if len(without_time):
            made.update(f"untimed {untimed}\n".encode())
    for column in rows.recorded.denied:
        made.update(column.tobytes())
    if rows.recorded.purged is not None:
        made.update(f"purged {rows.recorded.purged}\n".encode())
    if ended is not None:
        # When they have depends on how far apart they usually are, of whichever day.
        made.update(f"ended {local.newest}\n".encode())
        for times in ended:
            made.update(times.tobytes())
    made.update(f"{evidence.refused} {evidence.withdrawn}\n".encode())
    return made.hexdigest()[:32]
