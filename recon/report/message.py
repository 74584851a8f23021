"""The message about a night, which each channel renders in its own way.

Its texts may be sent to others: numbers are masked, and paths and secrets removed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from recon.model import Failure, Kind, Run, Severity, VerdictKind
from recon.report import failure_meanings, finding_states, incident_states, labels, reminders
from recon.report import headline as headlines
from recon.report.finding_samples import SampleRow, sample
from recon.report.public_text import public, public_error
from recon.report.reminders import StillOpen

#: How many findings a message shows, how many days in full, and how many more by their headline
#: only; the rest is counted.
MOST_FINDINGS: Final = 20
MOST_SECTIONS: Final = 8
MOST_NAMED: Final = 20

#: What follows from an exit code, where the error itself does not say.
_ADVICE: Final = {
    65: "Correct the input or the settings that name it, then run recon again.",
    70: "This is a bug in recon. The traceback is in the log on the machine that ran it.",
    75: "This is temporary: the next run tries again, and also judges the days that were missed.",
    77: "Set a valid API key soon: Octopods lists a message only while it is among the newest 100.",
    78: "Run `recon check` on the machine; it says what to change.",
}
_LONGEST: Final = 300
_PARAGRAPH: Final = 1000
_MOST_INCIDENTS: Final = 5
_MOST_REASONS: Final = 3
_OPEN: Final = "open"
_NOTHING_WRONG: Final = frozenset({VerdictKind.CLEAN, VerdictKind.NOTHING_TO_COMPARE})
_REQUEST_ID: Final = re.compile(r"\s*\(request_id [^)]*\)")


class Tone(StrEnum):
    """The colours, the worst first."""

    ERROR = "error"
    WARNING = "warning"
    PLAIN = "plain"
    GOOD = "good"


_TONES: Final = {
    VerdictKind.CLEAN: Tone.GOOD,
    VerdictKind.DISCREPANCIES: Tone.ERROR,
    VerdictKind.INCOMPLETE: Tone.WARNING,
    VerdictKind.NOTHING_TO_COMPARE: Tone.PLAIN,
    VerdictKind.SUSPECT: Tone.ERROR,
}


@dataclass(frozen=True, slots=True)
class KindCount:
    """The number of findings of one kind, and what to do about them."""

    title: str
    count: int
    tone: Tone
    advice: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding, in words."""

    title: str
    tone: Tone
    when: str
    where: str
    """The number, message and record."""
    detail: str
    tags: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class MessageSection:
    """One account and day."""

    account: str
    day: str
    """`Thursday 23 April 2026`."""
    label: str
    """`2026-04-23`."""
    badge: str
    tone: Tone
    headline: str
    paragraphs: Sequence[str] = ()
    causes: Sequence[str] = ()
    """Likely causes, the most likely first."""
    facts: Sequence[tuple[str, str]] = ()
    incidents: Sequence[str] = ()
    """The summaries of incidents, a sentence or two each."""
    kinds: Sequence[KindCount] = ()
    findings: Sequence[Finding] = ()
    more: int = 0
    """How many findings are not shown."""


@dataclass(frozen=True, slots=True)
class OutcomeMessage:
    """The message about the runs of one command."""

    title: str
    """Account and date, or only the date for several accounts."""
    headline: str
    tone: Tone
    badge: str
    sections: Sequence[MessageSection]
    others: Sequence[MessageSection] = ()
    """Days of which only the name and headline are shown."""
    more_days: int = 0
    """How many days are not named."""
    footer: Sequence[str] = ()
    key: str = ""
    """The key of messages about the same incident, for services that group these."""

    @property
    def subject(self) -> str:
        """The subject of a mail, one line."""
        return " ".join(f"[recon] {self.title}: {self.headline}".split())


def of_night(
    told: Sequence[Run | Failure],
    *,
    findings: int = MOST_FINDINGS,
    sections: int = MOST_SECTIONS,
    footer: Sequence[str] = (),
    still_open: Sequence[StillOpen] = (),
) -> OutcomeMessage:
    """Return the message about runs and failures.

    Args:
        told: at least one; of several days or accounts, the worst come first.
        findings: how many findings are shown for all days together, the most urgent of each day.
        sections: how many days are shown in full.
        footer: sentences at the end.
        still_open: the findings that the message is a reminder of.
    """
    ordered = by_urgency(told)
    shown, others = ordered[:sections], ordered[sections:]
    left = findings
    made = []
    for at, one in enumerate(shown):
        # What one day does not need is left for those after it.
        made.append(_section(one, max(left // (len(shown) - at), min(left, 1))))
        left -= len(made[-1].findings)
    tones = [one.tone for one in made] + [Tone.WARNING] * bool(still_open)
    accounts = dict.fromkeys(_account(one) for one in told)
    days = sorted({_label(one) for one in told})
    date = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    return OutcomeMessage(
        title=f"{public(next(iter(accounts)))} {date}" if len(accounts) == 1 else date,
        headline=_reminding(told, still_open) if still_open else _headline(told),
        tone=min(tones, key=list(Tone).index),
        badge="reminder" if still_open else _overall_badge(made, len(told)),
        sections=made,
        others=[_section(one, 0) for one in others[:MOST_NAMED]],
        more_days=max(len(others) - MOST_NAMED, 0),
        footer=[public(said) for said in footer],
        key=_key(ordered[0]),
    )


def _key(worst: Run | Failure) -> str:
    """Return the id of the first incident, which stays the same each night, or account and day."""
    if isinstance(worst, Run) and (incidents := incident_states.to_act_on(worst)):
        return incidents[0].incident.incident_id
    return f"recon/{_account(worst)}/{_label(worst)}"


def of_test() -> OutcomeMessage:
    """Return the test message."""
    said = "A test: messages from recon arrive here."
    section = MessageSection(
        account="recon",
        day="test message",
        label="test",
        badge="test",
        tone=Tone.PLAIN,
        headline=said,
        paragraphs=["`recon check --send-test` sent this. Nothing was compared."],
    )
    return OutcomeMessage("test", said, Tone.PLAIN, "test", [section])


def by_urgency(told: Sequence[Run | Failure]) -> list[Run | Failure]:
    """Return the outcomes with the worst first, then by account and day."""
    return sorted(told, key=_urgency)


def _urgency(one: Run | Failure) -> tuple[int, str, str]:
    worst = -1 if isinstance(one, Failure) else list(Tone).index(_TONES[one.verdict.kind])
    return worst, _account(one), _label(one)


def _account(one: Run | Failure) -> str:
    return one.account if isinstance(one, Failure) else one.verdict.account


def _label(one: Run | Failure) -> str:
    return one.day.isoformat() if isinstance(one, Failure) else one.verdict.window.label


def _headline(told: Sequence[Run | Failure]) -> str:
    failures = [one for one in told if isinstance(one, Failure)]
    runs = [one for one in told if isinstance(one, Run)]
    if not failures:
        return public(headlines.overall(runs))
    first = _failure_headline(failures[0])
    if len(told) == 1:
        return first
    names = ", ".join(dict.fromkeys(public(one.account) for one in failures if one.account))
    said = f"{names}: {first}" if names else first
    return said if not runs else f"{said} {public(headlines.overall(runs))}"


def _failure_headline(failure: Failure) -> str:
    # The id of the request is for Octopods' support; the text below has it.
    said = _REQUEST_ID.sub("", failure.message.partition("\n")[0]).strip().rstrip(".:")
    return f"The run failed: {_cut(said, 120)}."


def _reminding(told: Sequence[Run | Failure], still_open: Sequence[StillOpen]) -> str:
    """Return the headline of a reminder, without that of days on which nothing was wrong."""
    said = reminders.headline(still_open)
    if all(isinstance(one, Run) and one.verdict.kind in _NOTHING_WRONG for one in told):
        return said
    return f"{said} {_headline(told)}"


def _overall_badge(sections: Sequence[MessageSection], told: int) -> str:
    if told == 1:
        return sections[0].badge
    badges = dict.fromkeys(one.badge for one in sections)
    return next(iter(badges)) if len(badges) == 1 else sections[0].badge


def _section(one: Run | Failure, findings: int) -> MessageSection:
    return _of_failure(one) if isinstance(one, Failure) else _of_run(one, findings)


def _of_failure(failure: Failure) -> MessageSection:
    return MessageSection(
        account=public(failure.account) or "all accounts",
        day=f"{failure.day:%A} {failure.day.day} {failure.day:%B %Y}",
        label=failure.day.isoformat(),
        badge="failed",
        tone=Tone.ERROR,
        headline=_failure_headline(failure),
        paragraphs=[
            _cut(said, _PARAGRAPH)
            for said in (
                _sentence(failure.message),
                failure.hint,
                _ADVICE.get(failure.exit_code, "") if not failure.hint else "",
                "Nothing was judged after this error. What was stored before is kept.",
            )
            if said
        ],
        facts=[
            ("Exit code", str(failure.exit_code)),
            ("Failed at", labels.iso_time(failure.at) or ""),
        ],
    )


def _sentence(text: str) -> str:
    end = "" if text.endswith((".", "?", "!", ":")) else "."
    return f"{text[:1].upper()}{text[1:]}{end}"


def _of_run(run: Run, most: int) -> MessageSection:
    verdict = run.verdict
    suspect = verdict.kind is VerdictKind.SUSPECT
    shown = [] if suspect else list(_findings(run, most))
    said = [*run.statements]
    said += [labels.verdict_explanation(run), *labels.evidence(verdict)]
    return MessageSection(
        account=public(verdict.account),
        day=labels.day_title(verdict.window),
        label=verdict.window.label,
        badge=labels.title(verdict.kind.value),
        tone=_TONES[verdict.kind],
        headline=public(headlines.headline(run)),
        paragraphs=[_cut(public(one), _PARAGRAPH) for one in said],
        causes=[_cut(public(one), _PARAGRAPH) for one in verdict.suspicions[1:]] if suspect else (),
        facts=list(_facts(run)),
        incidents=[
            public(one.incident.summary) for one in incident_states.to_act_on(run)[:_MOST_INCIDENTS]
        ],
        kinds=[] if suspect else _kinds(run),
        findings=shown,
        more=0 if suspect else len(verdict.findings) - len(shown),
    )


def _facts(run: Run) -> Iterator[tuple[str, str]]:
    verdict = run.verdict
    yield "Your records", f"{verdict.local.total:,}"
    yield "Messages at Octopods", f"{verdict.provider.total:,}"
    yield "Matched", f"{verdict.local.matched:,}"
    if failed := verdict.statuses.get("failed", 0):
        why = "; ".join(failure_meanings.meanings(run, _MOST_REASONS))
        yield "Failed sends", f"{failed:,} in all; {public(why)}" if why else f"{failed:,}"
    changes = run.changes
    said = [
        f"{count:,} {word}"
        for count, word in (
            (changes.new, "new"),
            (changes.persisting, "open before"),
            (changes.resolved, "resolved"),
            (changes.acknowledged, "acknowledged"),
            (changes.expected, "expected"),
        )
        if count
    ]
    if said:
        yield "Findings", ", ".join(said)
    for known in incident_states.known(run)[:_MOST_INCIDENTS]:
        yield "Known incident", _cut(f"{known.size}: {public(known.incident.summary)}", _PARAGRAPH)
    yield "Coverage", labels.coverage_of(verdict)
    yield "Time zone", verdict.window.zone


def _kinds(run: Run) -> list[KindCount]:
    counts = finding_states.counts(run)
    return [
        KindCount(
            labels.EXPLANATIONS[kind].title,
            counts[kind],
            _tone(kind),
            labels.EXPLANATIONS[kind].advice,
        )
        for kind in labels.KINDS_BY_URGENCY
        if counts[kind]
    ]


def _tone(kind: Kind) -> Tone:
    return Tone.ERROR if kind.severity is Severity.ERROR else Tone.WARNING


def _findings(run: Run, most: int) -> Iterator[Finding]:
    for kind, rows in sample(run, most, masked=True).items():
        for row in rows:
            yield _finding(run, kind, row)


def _finding(run: Run, kind: Kind, row: SampleRow) -> Finding:
    number, recorded = row.phone_number, row.local_phone_number
    parts = [
        f"{number} (recorded {recorded})" if number and recorded else number or recorded,
        f"message {row.message_id}" if row.message_id else "",
        f"record {row.local_id}" if row.local_id else "",
        f"finding {row.discrepancy_id}",
    ]
    tags = [labels.confirmed(row.confirmed), "" if row.state == _OPEN else row.state]
    details = [row.detail, f"Octopods: {row.failure_reason}" if row.failure_reason else ""]
    return Finding(
        title=labels.EXPLANATIONS[kind].title,
        tone=_tone(kind),
        when=labels.local_time(row.sent_at, run.verdict.window),
        where=_cut(public(", ".join(part for part in parts if part)), _LONGEST),
        detail=_cut(
            public_error(". ".join(filter(None, details)), (row.message_id, row.local_id)), _LONGEST
        ),
        tags=[tag for tag in tags if tag],
    )


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
