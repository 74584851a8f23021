"""Failed sends with a decision: a table for people, CSV and JSON for scripts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

import pandas as pd

from recon.core.phones import mask
from recon.core.retry_decisions import COLUMNS, Decided
from recon.model import Decision
from recon.report import csv_report, findings_table
from recon.report.labels import counted, duration_text, iso_time
from recon.report.masking import mask_numbers
from recon.report.terminal_text import columns, plain, wrapped

if TYPE_CHECKING:
    from recon.core.retry_decisions import Hold

_TABLE: Final = ("decision", "date", "account", "message_id", "local_id", "phone_number")
_LEAST_UNCOVERED: Final = timedelta(seconds=1)
_ORDER: Final = (Decision.RETRY, Decision.REVIEW, Decision.DO_NOT_RETRY)


def data(found: Sequence[tuple[str, Decided]], form: Literal["csv", "json"]) -> str:
    """Return all failed sends for a script, numbers in full: CSV, or JSON as one array.

    Args:
        found: the accounts with what was decided.
        form: the format. CSV cells that a spreadsheet would take for a formula have a leading `'`.
    """
    frames = [one.sends.assign(account=account) for account, one in found]
    sends = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(COLUMNS))
    sends = sends[["account", *COLUMNS]]
    if form == "csv":
        return csv_report.text(sends)
    rows = sends.astype("object").where(sends.notna(), None).to_dict("records")
    return findings_table.as_json([{str(name): row[name] for name in row} for row in rows])


def table(
    found: Sequence[tuple[str, Decided, str, timedelta]],
    *,
    width: int,
    absent: Sequence[str] = (),
    show_numbers: bool = False,
) -> str:
    """Return the failed sends for a person: first what to repair, then a line for each send.

    Args:
        found: the accounts with the decisions, advice about earlier proposals, and how much of the
            days is not covered.
        width: columns that a line of text may take; the table is not wrapped.
        absent: accounts about which nothing was decided because of an error.
        show_numbers: whether phone numbers are shown whole.
    """
    lines: list[str] = []
    rows: list[tuple[str, ...]] = []
    for account in absent:
        error = f"{account}: an error occurred; the failed sends of this account are missing here."
        lines += wrapped(plain(error), width)
    for account, decided, advice, uncovered in found:
        place = f"{account}: " if len(found) + len(absent) > 1 else ""
        said = [_hold(hold) for hold in decided.holds]
        said += [_on_their_way(decided.on_their_way, decided.until)] if decided.until else []
        said += [advice] if advice else []
        if uncovered >= _LEAST_UNCOVERED:
            length = duration_text(uncovered)
            said.append(f"{length} are not covered: failed sends of that time may be missing here.")
        for sentence in said:
            lines += wrapped(plain(place + sentence), width)
        rows += [
            _row(account, send, show_numbers=show_numbers)
            for send in decided.sends.astype("object").to_dict("records")
        ]
    if not rows:
        return "\n".join([*lines, "There are no known failed sends."]) + "\n"
    ranks = {decision.value: rank for rank, decision in enumerate(_ORDER)}
    rows.sort(key=lambda row: ranks[row[0]])
    counts = [f"{sum(row[0] == one for row in rows):,} {one.value}" for one in _ORDER]
    sums = f"{counted(len(rows), 'failed send')}: {', '.join(counts)}"
    header = (*_TABLE, "not_before", "attempt", "why")
    return "\n".join([*lines, sums, "", *columns(header, rows)]) + "\n"


def _hold(hold: Hold) -> str:
    waits = "send waits" if hold.sends == 1 else "sends wait"
    return f"{hold.reason.title}: {hold.sends:,} {waits}; fix this first. {hold.reason.advice}"


def _on_their_way(count: int, until: datetime) -> str:
    messages = counted(count, "message")
    have = "has" if count == 1 else "have"
    return (
        f"{messages} {have} the status sent, not failed: Meta may still deliver "
        f"{'it' if count == 1 else 'them'} until {until:%Y-%m-%d} (30 days; an authentication "
        "message for 10 minutes)."
    )


def _row(account: str, send: dict[Any, Any], *, show_numbers: bool) -> tuple[str, ...]:
    number = _word(send["phone_number"])
    why = _word(send["why"])
    if send["decision"] != Decision.RETRY and not pd.isna(send["failure_reason"]):
        why = f"{why} [{send['failure_reason']}]"
    return (
        str(send["decision"]),
        str(send["date"]),
        plain(account),
        _word(send["message_id"]),
        plain(_word(send["local_id"])),
        plain(number if show_numbers or not number else mask(number)),
        "" if pd.isna(send["not_before"]) else str(iso_time(send["not_before"])),
        str(send["attempt"]),
        plain(why if show_numbers else mask_numbers(why, [number])),
    )


def _word(value: object) -> str:
    return "" if pd.isna(value) else str(value)  # type: ignore[call-overload]
