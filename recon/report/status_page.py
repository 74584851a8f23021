"""The present state of each account: a page for people, JSON for scripts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from recon.core import coverage
from recon.core.account_status import AccountStatus, DayCoverage
from recon.model import Span, VerdictKind
from recon.report import rich_terminal
from recon.report.labels import KINDS_BY_URGENCY, counted, duration, iso_time, title

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

#: How many gaps of a day are listed one by one.
_GAPS: Final = 5
_COLOURS: Final = {
    VerdictKind.CLEAN: "bold green",
    VerdictKind.NOTHING_TO_COMPARE: "bold yellow",
    VerdictKind.INCOMPLETE: "bold yellow",
    VerdictKind.DISCREPANCIES: "bold red",
    VerdictKind.SUSPECT: "bold magenta",
}


def page(accounts: Sequence[AccountStatus], *, width: int, colour: bool) -> str:
    """Return the accounts as text, one below another, with times in the configured zone."""
    parts: list[RenderableType] = []
    for one in accounts:
        parts += [rich_terminal.text(one.account, "bold"), rich_terminal.grid(_rows(one))]
    return rich_terminal.rendered(parts, width=width, colour=colour)


def content(accounts: Sequence[AccountStatus]) -> str:
    """Return the accounts as a JSON array, one object for each; times are UTC."""
    return json.dumps([_object(one) for one in accounts], ensure_ascii=False, indent=2) + "\n"


def _rows(one: AccountStatus) -> Iterator[tuple[str, str | Text]]:
    yield "last run", _last_run(one)
    yield "yesterday", _coverage(one.yesterday)
    yield "today", _coverage(one.today)
    yield "last poll", _last_poll(one)
    yield "next poll", _next_poll(one)
    if one.paused_until is not None:
        until = _at(one.paused_until, one)
        yield "paused", f"until {until}: Octopods asked for a pause (HTTP 429)"
    yield "findings", _findings(one)
    if one.mails.count:
        yield "mail", _mails(one)
    refused, withdrawn = one.evidence.refused, one.evidence.withdrawn
    for answer in refused:
        yield "refused", f"the answer at {_at(answer.at, one)}: {answer.why}"
    for gone in withdrawn:
        start = "the beginning" if gone.start is None else _at(gone.start, one)
        yield "withdrawn", f"proof from {start} to {_at(gone.end, one)}: {gone.reason}"
    for note in one.evidence.notes:
        yield "note", note


def _last_run(one: AccountStatus) -> str | Text:
    run = one.last_run
    if run is None:
        return "none yet"
    said = rich_terminal.text(title(run.verdict), _COLOURS.get(VerdictKind(run.verdict), ""))
    return said.append(
        f": {run.date}, finished {_at(run.finished_at, one)} ({_ago(run.finished_at, one)})"
    )


def _coverage(day: DayCoverage) -> str:
    lasting = [gap for gap in day.gaps if gap is not day.unpolled]
    # Rounded down: only a whole day is 100 %.
    said = f"{int(day.share * 1000) / 10:g} % covered" if day.gaps else "complete"
    if lasting:
        shown, more = coverage.longest(lasting, _GAPS), len(lasting) - _GAPS
        said += f", {counted(len(lasting), 'gap')}{', the longest' if more > 0 else ''}: "
        said += ", ".join(_gap(gap, day) for gap in shown)
        said += f" and {more:,} more" if more > 0 else ""
    if day.unpolled is not None and day.unpolled.start is not None:
        since = day.unpolled.start.astimezone(ZoneInfo(day.day.zone))
        said += f", not proven yet since {since:%H:%M:%S}"
    return f"{day.day.label}: {said}"


def _gap(gap: Span, day: DayCoverage) -> str:
    assert gap.start is not None
    assert gap.end is not None
    zone = ZoneInfo(day.day.zone)
    start, end = gap.start.astimezone(zone), gap.end.astimezone(zone)
    return f"{start:%H:%M:%S} to {'24:00:00' if gap.end == day.day.end else f'{end:%H:%M:%S}'}"


def _last_poll(one: AccountStatus) -> str:
    poll = one.last_poll
    if poll is None:
        return "none yet"
    said = f"{_at(poll.at, one)} ({_ago(poll.at, one)}): {counted(poll.items, 'message')}, "
    said += f"{poll.new:,} new"
    return f"{said}; {poll.why}" if poll.why else said


def _next_poll(one: AccountStatus) -> str:
    poll = one.next_poll
    if poll is None:
        return f"unknown: {one.error}"
    if poll.due and poll.at <= one.now:
        return f"due now: {poll.why}"
    return f"{_at(poll.at, one)}, or when the records show enough sends: {poll.why}"


def _findings(one: AccountStatus) -> str:
    kinds = [(kind, one.open_findings[kind.value]) for kind in KINDS_BY_URGENCY]
    total = sum(count for _, count in kinds)
    said = f"{total:,} open" if total else "none open"
    if total:
        said += ": " + ", ".join(f"{count:,} {title(kind)}" for kind, count in kinds if count)
    settled = (one.acknowledged, "acknowledged"), (one.expected, "expected")
    return "; ".join([said, *(f"{count:,} {word}" for count, word in settled if count)])


def _mails(one: AccountStatus) -> str:
    said = f"{counted(one.mails.count, 'mail')} waiting"
    if one.mails.oldest is not None:
        said += f" since {_at(one.mails.oldest, one)}"
    return f"{said}: {one.mails.error}" if one.mails.error else said


def _at(moment: datetime, one: AccountStatus) -> str:
    there, today = moment.astimezone(ZoneInfo(one.zone)), one.now.astimezone(ZoneInfo(one.zone))
    return f"{there:%H:%M:%S}" if there.date() == today.date() else f"{there:%Y-%m-%d %H:%M:%S}"


def _ago(moment: datetime, one: AccountStatus) -> str:
    is_past = one.now - moment >= timedelta(seconds=1)
    return f"{duration(Span(moment, one.now))} ago" if is_past else "just now"


def _object(one: AccountStatus) -> dict[str, Any]:
    run, poll, coming = one.last_run, one.last_poll, one.next_poll
    return {
        "account": one.account,
        "at": iso_time(one.now),
        "timezone": one.zone,
        "last_run": run
        and {
            "run_id": run.run_id,
            "date": run.date.isoformat(),
            "verdict": run.verdict,
            "mode": run.mode,
            "finished_at": iso_time(run.finished_at),
        },
        "coverage": {"yesterday": _day(one.yesterday), "today": _day(one.today)},
        "last_poll": poll
        and {
            "at": iso_time(poll.at),
            "messages": poll.items,
            "new": poll.new,
            "reading": poll.reading,
            "why": poll.why or None,
        },
        "next_poll": coming and {"due": coming.due, "at": iso_time(coming.at), "why": coming.why},
        "paused_until": iso_time(one.paused_until),
        "refused": [{"at": iso_time(each.at), "why": each.why} for each in one.evidence.refused],
        "withdrawn": [
            {"start": iso_time(each.start), "end": iso_time(each.end), "why": each.reason}
            for each in one.evidence.withdrawn
        ],
        "notes": list(one.evidence.notes),
        "open_findings": dict(one.open_findings),
        "acknowledged": one.acknowledged,
        "expected": one.expected,
        "mails": {
            "waiting": one.mails.count,
            "since": iso_time(one.mails.oldest),
            "error": one.mails.error,
        },
        "error": one.error or None,
    }


def _day(one: DayCoverage) -> dict[str, Any]:
    gaps = [{"start": iso_time(gap.start), "end": iso_time(gap.end)} for gap in one.gaps]
    return {"date": one.day.label, "share": round(one.share, 6), "gaps": gaps}
