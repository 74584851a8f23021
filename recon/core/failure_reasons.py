"""What the reason of a failed message means, what it affects, and whether to send again.

A reason is a text from Octopods, with or without an error number of Meta. The number counts first,
then the text. If neither is known, a person has to review the send; it is not sent again. The table
of both is `failure_reasons.toml`. Sources: Meta's error codes of the WhatsApp Cloud API, and the
failure reasons of Octopods' help centre (article 14823962).
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final, NamedTuple

from recon.model import Decision, FailureScope, Permanence, RetryRule

#: A record is proposed for a retry so often at most.
MOST_ATTEMPTS: Final = 3

#: Smaller numbers mean different things at different providers.
_OWN_TO_META: Final = 10_000
#: The names of what no table explains, and of what a rule of the configuration does.
UNKNOWN: Final = "unknown"
RULE: Final = "rule"
_NUMBERS: Final = re.compile(
    r"""
    \(\#\s?(\d{1,7})\)                                      # (#131049)
    | \[\#?\s?(\d{1,7})\]                                   # [131056]
    | \#(\d{1,7})\b                                         # #131008
    | \b(?:error|failure|status)?[ _-]?code\b["']?\s*[:=\#]?\s*["']?(\d{1,7})\b   # code: 470
    | \berror\b\s*[:=\#]?\s*(\d{3,7})\b                     # Error 131026
    | \((\d{5,7})\)                                         # (131042)
    """,
    re.IGNORECASE | re.VERBOSE,
)
_FIRST_NUMBER: Final = re.compile(r"\s*(\d{1,7})(?![\d.,])(?=\s*$|\s*[:\-\u2013|,;]|\s)")


@dataclass(frozen=True, slots=True)
class FailureReason:
    """What is known of a reason."""

    code: int | None
    """The error number in it; `None` without one."""
    name: str
    """Its class, such as `payment`; `unknown`; or `rule` if a rule of the configuration decides."""
    title: str
    """What it means, a clause."""
    scope: FailureScope
    permanence: Permanence
    decision: Decision
    """Whether a job that runs once a day may send the same message again."""
    advice: str
    """What to do, in a sentence."""
    wait_hours: Sequence[float] = (0.0,)
    """How long to wait after the failed send before the first attempt, the second one, and so on;
    the last figure applies to all others."""
    attempts: int = MOST_ATTEMPTS
    as_template: Decision | None = None
    """The decision for a message that is known to be a template, if it differs."""

    def wait(self, attempt: int) -> float:
        """Return how many hours to wait before an attempt; the first one is 1."""
        return self.wait_hours[min(attempt, len(self.wait_hours)) - 1]

    @property
    def holds_others(self) -> bool:
        """Whether other sends fail too until somebody repairs the cause."""
        wide = self.scope in {FailureScope.ACCOUNT, FailureScope.TEMPLATE}
        return wide and self.decision is not Decision.RETRY and self.name != RULE


class _Table(NamedTuple):
    codes: Mapping[int, FailureReason]
    fits: Mapping[int, str]
    """A pattern of what a text must hold for a small number to count."""
    texts: Sequence[tuple[str, FailureReason]]
    """Patterns, which are compiled when a text is compared with them: all take 30 milliseconds."""


@lru_cache(maxsize=4096)
def explain(
    text: str, rules: Sequence[RetryRule] = (), *, is_template: bool = False
) -> FailureReason:
    """Return what a reason means.

    Args:
        text: the reason as it is stored; empty where Octopods gave none.
        rules: those of the configuration; the first that matches decides, before the table.
        is_template: whether the failed message is known to be a template.
    """
    plain = " ".join(unicodedata.normalize("NFKC", text).replace("\u2019", "'").split())
    marked = _marked(plain)
    found = _explained(plain, marked)
    for rule in rules:
        number = next(iter(marked), None) if rule.code is None else rule.code
        if rule.code in marked if rule.code is not None else _pattern(rule.pattern).search(plain):
            return replace(
                found,
                code=number,
                name=RULE,
                title=found.title if found.name != UNKNOWN else "a rule of the configuration",
                decision=rule.decision,
                advice=rule.why,
                wait_hours=(rule.wait_hours,),
                attempts=MOST_ATTEMPTS,
                as_template=None,
            )
    if is_template and found.as_template is not None:
        return replace(found, decision=found.as_template)
    return found


def _explained(text: str, marked: Sequence[int]) -> FailureReason:
    table = _table()
    own = [number for number in marked if number >= _OWN_TO_META]
    for number in (*own, *marked):
        if number in table.codes and _fits(table, number, text):
            return table.codes[number]
    # An unknown number may mean anything: its text alone does not justify sending again.
    code = next(iter(marked), None)
    for pattern, reason in table.texts:
        if _pattern(pattern).search(text):
            if code is None or reason.decision is not Decision.RETRY:
                return replace(reason, code=code)
            return replace(reason, code=code, decision=Decision.REVIEW)
    return FailureReason(
        code=code,
        name=UNKNOWN,
        title="no known reason" if text else "no reason given",
        scope=FailureScope.PAYLOAD,
        permanence=Permanence.UNKNOWN,
        decision=Decision.REVIEW,
        advice="Ask Octopods' support with the message id, and add a rule to [[retries.rules]] "
        "if you know better.",
    )


def _marked(text: str) -> Sequence[int]:
    """Return the error numbers in a text, in order: marked ones, or a known one in front."""
    found = [int(next(filter(None, each.groups()))) for each in _NUMBERS.finditer(text)]
    front = _FIRST_NUMBER.match(text)
    number = -1 if front is None else int(front[1])
    if number in _table().codes and _fits(_table(), number, text):
        found.insert(0, number)
    return tuple(dict.fromkeys(found))


def _fits(table: _Table, number: int, text: str) -> bool:
    return number >= _OWN_TO_META or bool(_pattern(table.fits[number]).search(text))


@lru_cache(maxsize=256)
def _pattern(pattern: str | None) -> re.Pattern[str]:
    return re.compile(pattern or "", re.IGNORECASE)


@cache
def _table() -> _Table:
    read = tomllib.loads(files(__package__).joinpath("failure_reasons.toml").read_text("utf-8"))
    reasons = {name: _reason(name, one) for name, one in read["reasons"].items()}
    codes, fits = {}, {}
    for key, one in read["codes"].items():
        first, _, last = key.partition("-")
        for code in range(int(first), int(last or first) + 1):
            codes[code] = _of_code(code, reasons[one["reason"]], one)
            if code < _OWN_TO_META:
                fits[code] = one["fits"]
    texts = [(one["pattern"], reasons[one["reason"]]) for one in read["texts"]]
    return _Table(codes, fits, texts)


def _reason(name: str, one: Mapping[str, Any]) -> FailureReason:
    template = one.get("as_template")
    return FailureReason(
        code=None,
        name=name,
        title=one["title"],
        scope=FailureScope(one["scope"]),
        permanence=Permanence(one["permanence"]),
        decision=Decision(one["decision"]),
        advice=one["advice"],
        wait_hours=tuple(map(float, one.get("wait_hours", [0]))),
        attempts=one.get("attempts", MOST_ATTEMPTS),
        as_template=None if template is None else Decision(template),
    )


def _of_code(code: int, reason: FailureReason, one: Mapping[str, Any]) -> FailureReason:
    return replace(
        reason,
        code=code,
        permanence=Permanence(one.get("permanence", reason.permanence)),
        decision=Decision(one.get("decision", reason.decision)),
        wait_hours=tuple(map(float, one.get("wait_hours", reason.wait_hours))),
    )
