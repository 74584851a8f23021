"""The outcome of runs in one sentence: the consequences for customers, the most urgent first.

Terminal, page, mail subject and chat show the same sentence. It does not include acknowledged or
expected findings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from recon.model import NOT_SENT, Kind, Run, Status, VerdictKind
from recon.report import labels
from recon.report.labels import KINDS_BY_URGENCY, counted

if TYPE_CHECKING:
    import pandas as pd

#: The most consequences in one sentence; less urgent ones are only counted.
_CLAUSES: Final = 3


class Consequence(NamedTuple):
    """The meaning of findings of one kind, as a clause, and their number."""

    clause: str
    findings: int


def headline(run: Run) -> str:
    """Return the outcome of a run as one sentence, without personal data."""
    verdict = run.verdict
    match verdict.kind:
        case VerdictKind.SUSPECT:
            return f"The input looks wrong: {_observed(verdict.suspicions)}"
        case VerdictKind.NOTHING_TO_COMPARE:
            return "There was nothing to compare: no record and no message."
        case VerdictKind.INCOMPLETE:
            return f"Nothing wrong was found, but {_unchecked(run)}."
        case VerdictKind.CLEAN | VerdictKind.DISCREPANCIES:
            return _of_findings(consequences(run.open_findings)) or _all_known([run])


def overall(runs: Sequence[Run]) -> str:
    """Return the outcome of runs of several days or accounts as one sentence.

    It adds up the findings of all, and names suspect and incomplete ones.
    """
    import pandas as pd

    if len(runs) == 1:
        return headline(runs[0])
    parts = []
    if suspect := _names(runs, VerdictKind.SUSPECT):
        parts.append(f"The input looks wrong for {suspect}")
    found = [one.open_findings for one in runs]
    clauses = consequences(pd.concat(found, ignore_index=True)) if found else []
    incomplete = _names(runs, VerdictKind.INCOMPLETE)
    wrong = any(one.verdict.kind is VerdictKind.DISCREPANCIES for one in runs)
    if wrong and clauses:
        parts.append(_of_findings(clauses).removesuffix("."))
    if incomplete:
        before = "" if wrong or suspect else "nothing wrong was found, but "
        parts.append(f"{before}not everything could be checked for {incomplete}")
    if parts:
        said = "; ".join(parts)
        return f"{said[0].upper()}{said[1:]}."
    if all(one.verdict.kind is VerdictKind.NOTHING_TO_COMPARE for one in runs):
        return "There was nothing to compare: no record and no message."
    return _all_known(runs)


def consequences(found: pd.DataFrame) -> list[Consequence]:
    """Return the consequences of findings for customers and records, the most urgent first."""
    if found.empty:
        return []
    needed = found[["kind", "phone_number", "local_status", "provider_status"]]
    by_kind = dict(tuple(needed.groupby("kind", observed=True, sort=False)))
    told = []
    for kind in KINDS_BY_URGENCY:
        if (rows := by_kind.get(kind.value)) is not None:
            told += _SPLIT[kind](rows) if kind in _SPLIT else [_whole(kind, len(rows))]
    return told


def _of_findings(told: Sequence[Consequence]) -> str:
    if not told:
        return ""
    *first, last = (one.clause for one in told[:_CLAUSES])
    said = f"{', '.join(first)} and {last}" if first else last
    rest = sum(one.findings for one in told[_CLAUSES:])
    return f"{said}; {counted(rest, 'other finding')}." if rest else f"{said}."


def _all_known(runs: Sequence[Run]) -> str:
    """Return what there is to say where no finding is open."""
    known = sum(len(one.verdict.findings) for one in runs)
    if not known:
        return "Everything agrees."
    are = "finding is" if known == 1 else "findings are"
    return f"Nothing new is wrong: {known:,} {are} acknowledged or expected."


def _observed(suspicions: Sequence[str]) -> str:
    """Return the observation about a suspect input, as the rest of a sentence."""
    said = suspicions[0] if suspicions else "nothing was judged."
    return f"the {said.removeprefix('The ')}" if said.startswith("The ") else said


def _unchecked(run: Run) -> str:
    """Return what of an incomplete day could not be checked."""
    verdict = run.verdict
    parts = [
        counted(balance.unverifiable, noun)
        for noun, balance in (("record", verdict.local), ("message", verdict.provider))
        if balance.unverifiable
    ]
    if parts:
        return f"{' and '.join(parts)} could not be checked"
    bounded = [gap.end - gap.start for gap in verdict.gaps if gap.start and gap.end]
    if len(bounded) < len(verdict.gaps) or not bounded:
        return "not everything could be checked"
    length = labels.duration_text(sum(bounded, timedelta()))
    return f"{length} of the day could not be checked"


def _names(runs: Sequence[Run], kind: VerdictKind) -> str:
    """Name the runs with this verdict by account, day or both, whichever distinguishes them."""
    accounts = {one.verdict.account for one in runs}
    days = {one.verdict.window.label for one in runs}
    named = []
    for one in runs:
        if one.verdict.kind is kind:
            parts = (
                one.verdict.account if len(accounts) > 1 else "",
                one.verdict.window.label if len(days) > 1 or len(accounts) == 1 else "",
            )
            named.append(" ".join(part for part in parts if part))
    if len(named) > _CLAUSES:
        return f"{', '.join(named[:_CLAUSES])} and {len(named) - _CLAUSES:,} more"
    return ", ".join(named)


# --- what a kind means -------------------------------------------------------------------------


def _customers(found: pd.DataFrame) -> int:
    """Return the number of customers of some findings; one without a number counts as one."""
    numbers = found["phone_number"]
    return int(numbers.nunique()) + int(numbers.isna().sum())


def _missing(found: pd.DataFrame) -> list[Consequence]:
    customers, messages = _customers(found), len(found)
    what = "their message" if customers == messages else f"{messages:,} messages"
    return [Consequence(f"{counted(customers, 'customer')} did not get {what}", messages)]


def _twice(found: pd.DataFrame) -> list[Consequence]:
    customers = counted(_customers(found), "customer")
    return [Consequence(f"{customers} may have got a message twice", len(found))]


def _contradicting(found: pd.DataFrame) -> list[Consequence]:
    """Distinguish customers who got nothing, those whom a retry would reach twice, and others."""
    failed = found["provider_status"] == Status.FAILED.value
    went_out = ~failed & found["local_status"].isin([Status.FAILED.value, NOT_SENT])
    told = [
        Consequence(f"{counted(count, 'message')} {what}", count)
        for count, what in (
            (int(failed.sum()), "failed although recorded as sent"),
            (int(went_out.sum()), "went out although recorded as failed or not sent"),
        )
        if count
    ]
    if count := len(found) - sum(one.findings for one in told):
        have = "message has" if count == 1 else "messages have"
        told.append(Consequence(f"{count:,} {have} a different status than recorded", count))
    return told


_SPLIT: Final[Mapping[Kind, Callable[[pd.DataFrame], list[Consequence]]]] = {
    Kind.MISSING_AT_PROVIDER: _missing,
    Kind.DUPLICATE_SEND: _twice,
    Kind.STATUS_MISMATCH: _contradicting,
}

#: The clause of one finding, and that of several.
_CLAUSE: Final[Mapping[Kind, tuple[str, str]]] = {
    Kind.RECIPIENT_MISMATCH: (
        "message went to another number than recorded",
        "messages went to other numbers than recorded",
    ),
    Kind.MISSING_LOCALLY: ("message is not in the records", "messages are not in the records"),
    Kind.MESSAGE_ID_MISMATCH: (
        "record holds a wrong message id",
        "records hold wrong message ids",
    ),
    Kind.DUPLICATE_LOCAL: (
        "record counts a message a second time",
        "records count a message a second time",
    ),
    Kind.STUCK: ("message is still not delivered", "messages are still not delivered"),
    Kind.SENT_AT_DRIFT: (
        "message is recorded with a different time",
        "messages are recorded with different times",
    ),
    Kind.INVALID_PROVIDER: (
        "message from Octopods cannot be read",
        "messages from Octopods cannot be read",
    ),
    Kind.INVALID_LOCAL: ("record cannot be read", "records cannot be read"),
    Kind.UNVERIFIABLE: ("send could not be checked", "sends could not be checked"),
}


def _whole(kind: Kind, count: int) -> Consequence:
    one, many = _CLAUSE[kind]
    return Consequence(f"{count:,} {one if count == 1 else many}", count)
