"""The settings of findings that an account expects, each until a day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import date, datetime, time
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from recon.config.section import Location, Section, invalid, is_blank, keys_given
from recon.config.value_types import (
    Count,
    OptionalStatusWord,
    OptionalText,
    meant,
    quoted,
)
from recon.model import Kind


def _kind(word: object) -> object:
    kinds = [kind.value for kind in Kind]
    if not isinstance(word, str):
        raise invalid("must be text in quotes; write the kind of the findings")
    if word.strip().lower() in kinds:
        return Kind(word.strip().lower())
    raise invalid(f"is {quoted(word)}, which is not a kind of finding; {meant(word, kinds)}")


def _moment(value: object) -> date | time | None:
    """Return a day or a time of day from TOML or a text; `None` for anything else."""
    if isinstance(value, time) and value.tzinfo is None:
        return value
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str):
        for read in (date.fromisoformat, time.fromisoformat):
            with suppress(ValueError):
                found = read(value.strip())
                if isinstance(found, date) or found.tzinfo is None:
                    return found
    return None


def _from_or_to(value: object) -> object:
    if value is None or is_blank(value):
        return None
    if (found := _moment(value)) is None:
        raise invalid(
            f"is {quoted(value)}, but must be a time of the day or a date; "
            'write for example "22:00" or 2026-04-23'
        )
    return found


def _until(value: object) -> object:
    found = _moment(value)
    if not isinstance(found, date):
        raise invalid(f"is {quoted(value)}, but must be a date; write for example 2026-12-31")
    return found


class Expected(Section):
    """Findings that are known and accepted: counted separately, without effect on the verdict."""

    kind: Annotated[Kind, BeforeValidator(_kind)] = Field(examples=["missing_locally"])
    phone_number: OptionalText = Field(None, examples=["+353850000*"])
    start: Annotated[date | time | None, BeforeValidator(_from_or_to)] = Field(
        None, alias="from", examples=["22:00"]
    )
    end: Annotated[date | time | None, BeforeValidator(_from_or_to)] = Field(
        None, alias="to", examples=["06:00"]
    )
    status: OptionalStatusWord = Field(None, examples=["failed"])
    failure_reason: OptionalText = Field(None, examples=["*not a WhatsApp user*"])
    at_most: Count | None = Field(None, ge=1, examples=[20])
    reason: str = Field(min_length=1, examples=["test phone of the app team"])
    until: Annotated[date, BeforeValidator(_until)] = Field(examples=["2026-12-31"])

    @classmethod
    def rules(cls, raw: Mapping[str, Any]) -> Iterator[tuple[Location, str]]:
        """Both ends of a time must have the same type, be in order and not be past `until`."""
        given = keys_given(raw, "from", "to")
        if len(given) == 1:
            other = "to" if given == ["from"] else "from"
            yield (given[0],), f"is set without {other}; set both"
        start, end = _moment(raw.get("from")), _moment(raw.get("to"))
        until = _moment(raw.get("until"))
        if isinstance(start, date) and isinstance(end, date):
            if start > end:
                yield ("from",), "is after to; swap them"
            elif isinstance(until, date) and start > until:
                yield ("from",), "is after until, so the rule never applies; correct one of them"
        elif isinstance(start, time) and isinstance(end, time):
            if start == end:
                yield ("from",), "is the same as to; leave both out for the whole day"
        elif start is not None and end is not None:
            yield ("to",), "must be of the same type as from: a time of day or a date"
