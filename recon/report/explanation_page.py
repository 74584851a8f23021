"""The explanation of a row: a page for the person who has to deal with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from recon.core.explanation import (
    Alternative,
    Explanation,
    KeptPoll,
    MessageRow,
    RecordRow,
    StoredFinding,
    Surroundings,
)
from recon.core.phones import mask
from recon.core.rules import length
from recon.model import FindingChange
from recon.report import rich_terminal
from recon.report.labels import EXPLANATIONS, counted, duration, title
from recon.report.masking import mask_numbers

if TYPE_CHECKING:
    from rich.console import RenderableType

_NAMES: Final = {
    "discrepancy_id": "the discrepancy_id of a finding",
    "message_id": "a message id",
    "local_id": "the id of a record",
}


def page(
    wanted: str, explained: Sequence[Explanation], *, width: int, colour: bool, show_numbers: bool
) -> str:
    """Return the explanations as text, one below another, with times in the configured zone.

    Args:
        wanted: the id that was asked for.
        explained: what has it, at least one.
        width: columns of the terminal.
        colour: whether to use ANSI codes.
        show_numbers: whether phone numbers are shown whole.
    """
    parts: list[RenderableType] = []
    names = dict.fromkeys(name for one in explained for name in one.matches)
    if len(explained) > 1 or len(names) > 1:
        said = " and ".join(_NAMES[name] for name in names)
        count = counted(len(explained), "row")
        parts += [rich_terminal.text(f"{wanted} is {said}: {count}.", "bold"), ""]
    for at, one in enumerate(explained):
        told = one if show_numbers else masked(one)
        if at:
            parts.append("")
        parts.append(rich_terminal.text(_heading(told), "bold"))
        for label, rows in _sections(told):
            if found := [(name, text) for name, text in rows if text]:
                parts += ["", rich_terminal.text(label, "bold"), rich_terminal.grid(found)]
    return rich_terminal.rendered(parts, width=width, colour=colour)


def masked(one: Explanation) -> Explanation:
    """Return an explanation with all phone numbers masked."""
    numbers = [each.phone_number for each in (one.record, one.message) if each is not None]
    for other in one.alternatives:
        numbers += [each.phone_number for each in (other.record, other.message) if each]

    def text(said: str) -> str:
        return mask_numbers(said, numbers)

    return replace(
        one,
        record=_masked_record(one.record, text),
        message=_masked_message(one.message, text),
        suspicions=[text(said) for said in one.suspicions],
        alternatives=[
            replace(
                other,
                record=_masked_record(other.record, text),
                message=_masked_message(other.message, text),
                why=text(other.why),
            )
            for other in one.alternatives
        ],
        rules=[replace(fired, detail=text(fired.detail)) for fired in one.rules],
        findings=[replace(each, detail=text(each.detail or "")) for each in one.findings],
    )


def _masked_record(row: RecordRow | None, text: Callable[[str], str]) -> RecordRow | None:
    if row is None:
        return None
    return replace(
        row,
        local_id=row.local_id and text(row.local_id),
        phone_number=row.phone_number and mask(row.phone_number),
        unreadable=row.unreadable and text(row.unreadable),
    )


def _masked_message(row: MessageRow | None, text: Callable[[str], str]) -> MessageRow | None:
    if row is None:
        return None
    return replace(
        row,
        phone_number=row.phone_number and mask(row.phone_number),
        unreadable=row.unreadable and text(row.unreadable),
    )


def _heading(one: Explanation) -> str:
    parts = []
    if one.record is not None:
        parts.append(f"record {one.record.local_id or 'without an id'}")
    if one.message is not None:
        parts.append(f"message {one.message.message_id or 'without an id'}")
    if not parts:
        parts = [f"finding {each.discrepancy_id}" for each in one.findings]
    kinds = [title(fired.kind) for fired in one.rules if fired.kind is not None]
    without = "no such row now" if one.records_error is None else "the records cannot be read"
    outcome = " and ".join(kinds) or ("nothing is wrong" if one.rules else without)
    day = "" if one.day is None else f", {one.day.label}"
    return f"{one.account}{day}: {' and '.join(parts)}: {outcome}"


_Rows = Iterator[tuple[str, str]]


def _sections(one: Explanation) -> Iterator[tuple[str, _Rows]]:
    yield "Why", _why(one)
    yield "Your record", _record(one)
    yield "Octopods' message", _message(one)
    yield "Coverage", _coverage(one)
    yield "Other candidates", _alternatives(one)
    yield "History", _history(one)


def _why(one: Explanation) -> _Rows:
    if one.records_error is not None:
        yield "not judged", f"{one.records_error.rstrip('.')}. This is what is stored."
    if one.suspicions:
        yield "suspect", f"The day is suspect: {' '.join(one.suspicions)}"
        said = (
            "None of its findings is opened or resolved. If it were not suspect, its rows would be"
        )
        yield "", f"{said} judged as follows:"
    for fired in one.rules:
        yield "rule", fired.statement
        yield "seen", fired.detail
        yield "changes if", fired.change
        if fired.kind is not None:
            yield "advice", EXPLANATIONS[fired.kind].advice
    for said in one.differences:
        yield "differs", said


def _record(one: Explanation) -> _Rows:
    row = one.record
    if row is None:
        if one.rules:
            yield "", "none"
        return
    yield "id", row.local_id or "none"
    yield "message id", row.message_id or "none"
    yield "number", row.phone_number or "none"
    yield "sent at", _at(one, row.sent_at) or "cannot be read"
    if row.other_sent_at is not None:
        yield "or at", f"{_at(one, row.other_sent_at)}: the clocks change, so it may be either"
    if row.day_ends_at is not None:
        yield "until", f"{_at(one, row.day_ends_at)}: the records have no time of day"
    yield "status", row.status or "none"
    yield "unreadable", row.unreadable or ""


def _message(one: Explanation) -> _Rows:
    row = one.message
    if row is None:
        if one.rules:
            yield "", "none"
    else:
        yield "id", str(row.message_id or "none")
        yield "number", row.phone_number or "none"
        yield "sent at", _at(one, row.sent_at) or "cannot be read"
        yield "status", row.status or "none"
        yield "reason", row.failure_reason or ""
        yield "unreadable", row.unreadable or ""
        for at, seen in enumerate(one.statuses):
            why = f": {seen.failure_reason}" if seen.failure_reason else ""
            yield "" if at else "seen as", f"{_at(one, seen.at)}  {seen.status}{why}"
        if row.observed_at is not None:
            yield "last seen", _at(one, row.observed_at)
        if not row.is_listed:
            yield "listed", "never: it is known from a status call only"
    for denial in one.denials:
        again = f", and again {_at(one, denial.again_at)}" if denial.again_at else ""
        yield "denied", f"id {denial.message_id}, asked for {_at(one, denial.at)}{again}"


def _coverage(one: Explanation) -> _Rows:
    around = one.surroundings
    if around is None:
        return
    start = _at(one, around.span.start) or "the beginning"
    end = _at(one, around.span.end) or "now"
    long = f" ({duration(around.span)})" if duration(around.span) else ""
    if around.is_proven:
        yield "proven", f"from {start} to {end}{long}"
        yield "first poll", _poll(one, around.first_poll)
        yield "last poll", _poll(one, around.last_poll)
    else:
        yield "gap", f"from {start} to {end}{long}: nothing is proven about it"
        yield "poll before", _poll(one, around.first_poll)
        yield "poll after", _poll(one, around.last_poll)
    if around.before_first_listed:
        yield "", "It is older than every message ever listed for the key."
    yield from _limits(one, around)


def _limits(one: Explanation, around: Surroundings) -> _Rows:
    for answer in around.refused:
        yield "refused", f"the answer at {_at(one, answer.at)}: {answer.why}"
    for gone in around.withdrawn:
        start = _at(one, gone.start) or "the beginning"
        yield "withdrawn", f"proof from {start} to {_at(one, gone.end)}: {gone.reason}"


def _poll(one: Explanation, poll: KeptPoll | None) -> str:
    if poll is None:
        return "none"
    said = f"{_at(one, poll.at)}: {counted(poll.items, 'message')}, {poll.shared:,} of them"
    return f"{said} shown by an earlier poll"


def _alternatives(one: Explanation) -> _Rows:
    for other in one.alternatives:
        yield _name(other), f"{_what(one, other)}: {other.why}"
    if one.more_alternatives:
        yield "", f"{one.more_alternatives:,} more, farther away in time"


def _name(other: Alternative) -> str:
    if other.record is not None:
        return f"record {other.record.local_id or 'without an id'}"
    name = None if other.message is None else other.message.message_id
    return f"message {name or 'without an id'}"


def _what(one: Explanation, other: Alternative) -> str:
    row = other.record or other.message
    same = [word for word, is_so in (("id", other.same_id), ("number", other.same_number)) if is_so]
    said = [f"same {' and '.join(same)}"] if same else []
    if row is not None and row.sent_at is not None:
        said.append(_at(one, row.sent_at))
    if other.seconds is not None:
        seconds = round(abs(other.seconds))
        said.append(f"{length(seconds)} {'earlier' if other.seconds < 0 else 'later'}")
    return ", ".join(said) or "none of its fields can be compared"


def _history(one: Explanation) -> _Rows:
    if not one.findings and one.rules:
        yield "", "no finding about it is stored"
    for each in one.findings:
        yield "finding", f"{each.discrepancy_id}: {title(each.kind)}, {each.state}"
        yield "", f"of {each.day}, first seen on {each.first_seen_on}"
        yield "", each.detail or ""
        if each.incident_id is not None:
            said = f": {each.incident}" if each.incident else ""
            yield "incident", f"{each.incident_id}{said}"
        for change in each.history:
            yield title(change.change), _change(one, each, change)
    if one.day is not None:
        judged = _at(one, one.last_run) or "not yet"
        yield "day judged", f"{one.day.label}: {judged}"


def _change(one: Explanation, finding: StoredFinding, change: FindingChange) -> str:
    said = _at(one, change.at)
    if change.from_day is not None:
        said += f", from {change.from_day} to {finding.day}"
    if change.run_id is not None:
        said += f", by run {change.run_id}"
    return f"{said}: {change.reason}" if change.reason else said


def _at(one: Explanation, moment: datetime | None) -> str:
    """Return a time in the configured zone, with a fraction of a second only if there is one."""
    if moment is None:
        return ""
    there = moment.astimezone(ZoneInfo(one.zone)).replace(tzinfo=None)
    return there.isoformat(sep=" ", timespec="milliseconds" if there.microsecond else "seconds")
