"""Decode JSON values one after another, in an array or not, and explain errors."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any, Final

_BLANK: Final = re.compile(r"[ \t\r\n]*")

_DECODER: Final = json.JSONDecoder(parse_float=Decimal)


def _number(spelled: str) -> Decimal | str:
    try:
        return Decimal(spelled)
    except InvalidOperation:
        return spelled


_LENIENT: Final = json.JSONDecoder(parse_float=_number)


def decode(text: str, at: int = 0) -> tuple[Any, int]:
    """Decode the value at a position of a text; return it and its end.

    Numbers with a point or an exponent are `Decimal`; with an exponent too large for `Decimal`,
    text.

    Raises:
        ValueError: it is not JSON.
        RecursionError: it is nested too deeply.
    """
    try:
        return _DECODER.raw_decode(text, at)
    except InvalidOperation:
        return _LENIENT.raw_decode(text, at)


def values(text: str) -> Iterator[Any]:
    """Yield values that follow one another, and those of an array one by one.

    Raises:
        ValueError: it is not JSON.
        RecursionError: it is nested too deeply.
    """
    at = _skip(text, 0)
    while at < len(text):
        if text[at] != "[":
            value, at = decode(text, at)
            yield value
        else:
            at = _skip(text, at + 1)
            closed = text[at : at + 1] == "]"
            while not closed:
                value, at = decode(text, at)
                yield value
                at = _skip(text, at)
                closed = text[at : at + 1] == "]"
                if not closed:
                    if text[at : at + 1] != ",":
                        raise json.JSONDecodeError("Expecting ',' delimiter", text, at)
                    at = _skip(text, at + 1)
            at += 1
        at = _skip(text, at)


def _skip(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return at if found is None else found.end()


def one_after_another(text: str) -> list[Any]:
    """Return the objects of a line that follow one another directly or after a comma.

    Streams into object stores write them in this way. Nothing is returned if something else is
    between them.
    """
    found = []
    at = 0
    while at < len(text):
        try:
            value, at = decode(text, at)
        except (ValueError, RecursionError):
            return []
        if not isinstance(value, dict):
            return []
        found.append(value)
        at = _skip(text, at)
        if text[at : at + 1] == ",":
            at = _skip(text, at + 1)
    return found


def begins_with_object(line: bytes) -> bool:
    """Say whether a line begins with a whole object."""
    try:
        return isinstance(decode(line.decode())[0], dict)
    except (ValueError, RecursionError):
        return False


def reason(cause: Exception) -> str:
    """Say why a text is not JSON; the decoder's text about a string needs a position after it."""
    if isinstance(cause, json.JSONDecodeError):
        return cause.msg.removesuffix(" starting at")
    return "nested too deeply"
