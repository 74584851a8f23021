"""The settings of `recon retries`: the user's own rules for failure reasons."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from recon.config.section import Location, Section, invalid, keys_given
from recon.config.value_types import Count, Number, OptionalText, meant, quoted
from recon.model import Decision, RetryRule


def _pattern(pattern: str | None) -> str | None:
    if pattern is None:
        return None
    try:
        found = re.compile(pattern, re.IGNORECASE).search("")
    except (re.error, OverflowError, RecursionError) as error:
        raise invalid(
            f"is {quoted(pattern)}, which is not a regular expression: {error}; "
            "write \\\\ before a character that is meant literally"
        ) from None
    if found is not None:
        raise invalid(
            f"is {quoted(pattern)}, which matches every reason; write a text that the "
            f"reason must contain"
        )
    return pattern


def _plain(word: object) -> str:
    return str(word).strip().lower().replace("-", "_")


def _decision(word: object) -> object:
    words = [each.value for each in Decision]
    if isinstance(word, str) and _plain(word) in words:
        return Decision(_plain(word))
    raise invalid(f"is {quoted(word)}, which is not a decision; {meant(word, words)}")


class Rule(Section):
    """What to do about failures with this reason; it precedes the built-in rules."""

    pattern: Annotated[OptionalText, AfterValidator(_pattern)] = Field(
        None, examples=["quota of the reseller"]
    )
    code: Count | None = Field(None, ge=0, le=9_999_999, examples=[131026])
    decision: Annotated[Decision, BeforeValidator(_decision)] = Field(examples=["retry"])
    wait_hours: Number = Field(0, ge=0, le=8760, examples=[6])
    why: str = Field(min_length=1, examples=["resets at midnight"])

    @classmethod
    def rules(cls, raw: Mapping[str, Any]) -> Iterator[tuple[Location, str]]:
        """There must be one condition for reasons, and only a retry can wait."""
        pattern, code = keys_given(raw, "pattern"), raw.get("code") is not None
        if pattern and code:
            yield (), "pattern and code are both set; keep one of them"
        if not pattern and not code:
            yield (), 'does not say which reasons it is for; write pattern = "…" or code = 131026'
        waits = raw.get("wait_hours") not in (None, 0)
        if waits and _plain(raw.get("decision")) in {"do_not_retry", "review"}:
            yield ("wait_hours",), 'can be used only with decision = "retry"; remove it'

    @property
    def as_rule(self) -> RetryRule:
        """The rule as the core takes it."""
        return RetryRule(self.decision, self.why, self.wait_hours, self.pattern, self.code)


class Retries(Section):
    """The rules for failure reasons."""

    rules_: tuple[Rule, ...] = Field((), alias="rules")

    @property
    def as_rules(self) -> tuple[RetryRule, ...]:
        """The rules as the core takes them, in their order."""
        return tuple(rule.as_rule for rule in self.rules_)
