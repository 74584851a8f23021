"""The texts of the reports: verdicts, kinds, buckets, numbers and times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple
from zoneinfo import ZoneInfo

from recon.model import (
    DIFF_ACCOUNT,
    Kind,
    LocalBalance,
    ProviderBalance,
    Run,
    Severity,
    Span,
    Verdict,
    VerdictKind,
    Window,
)
from recon.report import finding_states

if TYPE_CHECKING:
    import pandas as pd


class KindExplanation(NamedTuple):
    """The explanation of a kind of discrepancy for people."""

    title: str
    meaning: str
    advice: str


#: The kinds in the order of urgency.
EXPLANATIONS: Final[Mapping[Kind, KindExplanation]] = MappingProxyType(
    {
        Kind.RECIPIENT_MISMATCH: KindExplanation(
            "recipient mismatch",
            "The message with this id went to a different number than recorded.",
            "Check this first: someone may have read a message that was meant for another person.",
        ),
        Kind.MISSING_AT_PROVIDER: KindExplanation(
            "missing at provider",
            "The records say it went out; Octopods has no such message.",
            "The customer got nothing. Find the error in the sender's log, and send again "
            "if it is still wanted.",
        ),
        Kind.DUPLICATE_SEND: KindExplanation(
            "duplicate send",
            "The records do not have it, and the same number got a recorded message moments before "
            "or after.",
            "The customer very likely got it twice. Find the retry that does not check whether "
            "the first try went through.",
        ),
        Kind.STATUS_MISMATCH: KindExplanation(
            "status mismatch",
            "The records and Octopods contradict each other about one message.",
            "Octopods' status counts. Correct the records before anything is sent again: a retry "
            "could send twice, and a message recorded as delivered may never have arrived.",
        ),
        Kind.MISSING_LOCALLY: KindExplanation(
            "missing locally",
            "Octopods has the message; the records do not.",
            "Find the process that sends with this key and does not record it. Record the message.",
        ),
        Kind.MESSAGE_ID_MISMATCH: KindExplanation(
            "message id mismatch",
            "Same number and nearly the same time, but the record holds a different message id.",
            "Check how the sender stores the id from Octopods' answer: it must not be cut off, "
            "rounded or taken from another send.",
        ),
        Kind.DUPLICATE_LOCAL: KindExplanation(
            "duplicate local",
            "Another record already accounts for this message: it is nearer in time or, if equally "
            "near, comes first.",
            "Delete the extra record, or find out which message belongs to it.",
        ),
        Kind.STUCK: KindExplanation(
            "stuck",
            "Long after it was sent, it is neither delivered nor failed.",
            "Usually the phone is switched off. If there are many, ask Octopods' support.",
        ),
        Kind.SENT_AT_DRIFT: KindExplanation(
            "sent-at drift",
            "The same message, but its times on the two sides are too far apart.",
            "Check the sender's clock and the configured time zone of the records.",
        ),
        Kind.INVALID_PROVIDER: KindExplanation(
            "invalid provider",
            "An item of Octopods' answer cannot be read.",
            "It is counted but not compared. If it recurs, report it to Octopods' support.",
        ),
        Kind.INVALID_LOCAL: KindExplanation(
            "invalid local",
            "The record cannot be read: no time, an invalid number, or neither a number nor a "
            "message id.",
            "Fix it in the records. Until then it is counted but not compared.",
        ),
        Kind.UNVERIFIABLE: KindExplanation(
            "unverifiable",
            "recon cannot tell whether the other side has it, for example because of a gap in "
            "coverage or an unreadable row.",
            "The detail names the cause. Poll more often to avoid gaps (see Coverage), and "
            "correct unreadable rows.",
        ),
    }
)

#: How many stretches of withdrawn proof are listed one by one.
_WITHDRAWN: Final = 3

#: The kinds in the order in which people read them, the most urgent first; CSV has its own.
KINDS_BY_URGENCY: Final[Sequence[Kind]] = tuple(EXPLANATIONS)


def filled_buckets(balance: LocalBalance | ProviderBalance) -> list[tuple[str, int]]:
    """Return the buckets of one side that add up to its total: `matched`, then others above 0."""
    counts = asdict(balance).items()
    return [(name, count) for name, count in counts if count or name == "matched"]


def title(name: str) -> str:
    """Return the title of a bucket or kind."""
    return name.replace("_", " ")


def counted(number: int, noun: str) -> str:
    """Return `1 record`, `1,204 records`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def finding_counts(run: Run) -> tuple[int, int, int]:
    """Count errors, warnings, and acknowledged findings of both, without expected ones."""
    by_severity = dict.fromkeys(Severity, 0)
    for kind, count in finding_states.counts(run).items():
        by_severity[kind.severity] += count
    states = run.lifecycle.items()
    acknowledged = [identity for identity, state in states if state == "acknowledged"]
    known = 0
    if acknowledged:
        known = int(run.verdict.findings["discrepancy_id"].isin(acknowledged).sum())
    return by_severity[Severity.ERROR], by_severity[Severity.WARNING], known


def verdict_explanation(run: Run) -> str:
    """Return the explanation of the headline, in a sentence or two."""
    verdict = run.verdict
    records = counted(verdict.local.total, "record")
    messages = counted(verdict.provider.total, "message")
    expected = sum(one.count for one in finding_states.expected_counts(run))
    match verdict.kind:
        case VerdictKind.CLEAN if not expected:
            said = f"Nothing is missing among {records} and {messages} at Octopods."
        case VerdictKind.CLEAN | VerdictKind.DISCREPANCIES:
            said = f"{counted(verdict.local.matched, 'pair')} matched among {records} "
            said += f"and {messages} at Octopods."
        case VerdictKind.INCOMPLETE:
            unknown = [
                f"{counted(balance.unverifiable, noun)} of {balance.total:,}"
                for noun, balance in (("record", verdict.local), ("message", verdict.provider))
                if balance.unverifiable
            ]
            said = f"{' and '.join(unknown)} could not be verified."
            if not unknown:
                said = (
                    "It is not known whether Octopods sent messages that the records do not have."
                )
        case VerdictKind.NOTHING_TO_COMPARE:
            return (
                "Neither your records nor Octopods has a message for this period. That proves "
                "nothing: if something should have been sent, check the key and the records."
            )
        case VerdictKind.SUSPECT:
            return (
                "A wrong setting is more likely than so many lost messages. "
                "No finding was opened or resolved."
            )
    _, _, known = finding_counts(run)
    if known:
        said += f" {known:,} of the findings {'is' if known == 1 else 'are'} already acknowledged."
    if expected:
        said += f" {expected:,} {'finding is' if expected == 1 else 'findings are'} expected."
    if verdict.gaps:
        said += f" {coverage_sentence(verdict.gaps)}"
    return said


def coverage_of(verdict: Verdict) -> str:
    """Return a sentence that says how much of a verdict's window is covered, or why all of it is.

    `recon diff` has no answers of Octopods: it takes the messages that it is given as complete.
    """
    if verdict.account == DIFF_ACCOUNT and not verdict.gaps:
        return "The given messages are taken as complete."
    return coverage_sentence(verdict.gaps)


def coverage_sentence(gaps: Sequence[Span]) -> str:
    """Return a sentence that says how much of the window is covered."""
    if not gaps:
        return "The collected messages are complete for this time."
    if len(gaps) == 1:
        length = duration(gaps[0])
        return f"Coverage has a gap{f' of {length}' if length else ''}."
    bounded = [gap.end - gap.start for gap in gaps if gap.start and gap.end]
    together = f", {duration_text(sum(bounded, timedelta()))} together"
    return f"Coverage has {len(gaps):,} gaps{together if len(bounded) == len(gaps) else ''}."


def evidence(verdict: Verdict) -> list[str]:
    """Return the reasons why coverage is not more, a sentence each, with advice."""
    window, said = verdict.window, []
    refused, withdrawn = verdict.evidence.refused, verdict.evidence.withdrawn
    if refused:
        last = refused[-1]
        answers = counted(len(refused), "answer")
        said.append(
            f"{answers} from Octopods {'proves' if len(refused) == 1 else 'prove'} nothing; the "
            f"latest came at {local_time(last.at, window)}: {last.why}."
        )
    for one in withdrawn[:_WITHDRAWN]:
        start, end = gap_bounds(Span(one.start, one.end), window)
        said.append(f"Proof was withdrawn from {start} to {end}: {one.reason}.")
    if len(withdrawn) > _WITHDRAWN:
        more = counted(len(withdrawn) - _WITHDRAWN, "more period")
        said.append(f"Proof was withdrawn for {more}.")
    return [*said, *verdict.evidence.notes]


def gap_advice(run: Run) -> str:
    """Return the cause of the gaps, and what would have covered them."""
    window, advice = run.verdict.window, run.verdict.advice
    said = (
        "Octopods lists only the newest 100 messages. No collected answer proves these times "
        "complete, so nothing in them is reported as missing."
    )
    if window.end is not None and run.finished_at < window.end:
        said = f"The day is not over yet. {said}"
    if advice is None:
        return said
    if advice.before_collection:
        since = advice.collected_since
        said += (
            " Nothing was collected yet: only"
            if since is None
            else f" The collected messages reach back to {local_time(since, window)}: before "
            "that, only"
        )
        said += " ids in the records can be verified, each by a status call."
    if advice.tightest_seconds is None:
        return f"{said} A day like this needs few polls. This crontab line is enough:"
    seconds = max(advice.tightest_seconds, 1)
    rate, length = _rate(advice.sends_a_poll / seconds), duration_text(timedelta(seconds=seconds))
    return (
        f"{said} At the busiest time, {advice.sends_a_poll} messages were sent in {length} "
        f"({rate}). One poll can cover no more than that, so polls had to be at most {length} "
        "apart at that time. This crontab line polls only if a poll is due:"
    )


def _rate(a_second: float) -> str:
    """Return a rate such as `7.9 a minute`, or a rate an hour if it is less than one a minute."""
    a_minute = 60 * a_second
    return f"{a_minute:,.3g} a minute" if a_minute >= 1 else f"{60 * a_minute:,.2g} an hour"


def recorded_in_gap(verdict: Verdict, gap: int) -> str:
    """Return how many recorded sends lie in a gap; nothing if they were not counted."""
    if verdict.advice is None:
        return ""
    count = verdict.advice.records_in_gaps[gap]
    return f"{count:,} recorded send{'' if count == 1 else 's'}"


def confirmed(word: str) -> str:
    """Return the meaning of `confirmed` for a finding; nothing if there was nothing to confirm."""
    return {"yes": "confirmed by Octopods", "no": "not confirmed by a status call"}.get(word, "")


def confirmed_counts(found: pd.DataFrame) -> str:
    """Return how many missing records with an id Octopods confirms; nothing without such records.

    A finding that is not confirmed still counts: no call was made for its id, or it got no usable
    answer.
    """
    if found.empty:
        return ""
    counts = found["confirmed"].value_counts()
    parts = [f"{counts[word]:,} {confirmed(word)}" for word in ("yes", "no") if word in counts]
    return ", ".join(parts)


def confirmation(run: Run) -> str:
    """Return a sentence with the result of this run's status calls for recorded ids.

    Nothing without such calls.
    """
    made = run.confirmation
    if not made.asked:
        return ""
    said = (
        f"Octopods was asked for {counted(made.asked, 'recorded id')} that its list does not show"
    )
    without = made.asked - made.denied - made.found
    parts = [f"{made.denied:,} denied", f"{made.found:,} found"]
    parts += [f"{without:,} without a usable answer"] if without else []
    return f"{said}: {', '.join(parts)}."


def duration(span: Span) -> str:
    """Return `2 h 20 min`; nothing if the span has no bound."""
    return duration_text(span.end - span.start) if span.start and span.end else ""


def duration_text(length: timedelta) -> str:
    """Return `2 h 20 min`, the two largest units."""
    minutes, seconds = divmod(round(length.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "min"), (seconds, "s"))
    spelled = [f"{number:,} {unit}" for number, unit in parts if number]
    return " ".join(spelled[:2]) or "less than a second"


def iso_time(moment: datetime | None) -> str | None:
    """Return `2026-04-23T10:00:00Z`, with a fraction only if there is one."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


def day_title(window: Window) -> str:
    """Return `Thursday 23 April 2026`, or a title for two whole files."""
    if window.start is None:
        return "both files as a whole"
    written = date.fromisoformat(window.label)
    return f"{written:%A} {written.day} {written:%B %Y}"


def weekday(window: Window) -> str:
    """Return `Thursday`, nothing if the window is not a day."""
    return "" if window.start is None else f"{date.fromisoformat(window.label):%A}"


def length_note(window: Window) -> str:
    """Return a note on an unusual length of the day, nothing for 24 hours."""
    if window.start is None or window.end is None:
        return ""
    length = window.end - window.start
    if not length:
        return "empty: the time zone skips it"
    return "" if length == timedelta(days=1) else f"{duration_text(length)} long: the clocks change"


def local_time(moment: datetime | None, window: Window) -> str:
    """Return `10:00:00` in the window's zone, with the day if it is another one.

    On a day on which the clocks change the zone's abbreviation distinguishes the two hours.
    """
    if moment is None:
        return ""
    there = moment.astimezone(ZoneInfo(window.zone))
    zone = f" {there:%Z}" if length_note(window) else ""
    on_the_day = there.date().isoformat() == window.label
    return f"{there:%H:%M:%S}{zone}" if on_the_day else f"{there:%Y-%m-%d %H:%M:%S}{zone}"


def gap_bounds(span: Span, window: Window) -> tuple[str, str]:
    """Return the bounds of a gap in the window's zone; a missing bound in words."""
    start = local_time(span.start, window) or "the beginning"
    end = local_time(span.end, window) or "the end"
    if span.end is not None and span.end == window.end:
        end = "24:00:00"
    return start, end
