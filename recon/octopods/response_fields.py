"""Read single fields of an answer from any JSON value; `None` if not readable.

No value makes these functions raise: an unreadable field is part of the result.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from recon.core import statuses, user_ids
from recon.model import Status
from recon.octopods.moments import epoch_moment, iso_moment

LONGEST_REASON: Final = 500
_LONGEST_WORD: Final = 64
_LONGEST_ID: Final = 100
_INT64: Final = 2**63
#: WhatsApp began in 2009; a later end than this is a unit mistaken for another.
_YEARS: Final = range(2009, 2201)
#: Letters and digits of an id such as a UUID; a `+` or a blank is not among them.
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/=-]*", re.ASCII)
_WHOLE: Final = re.compile(r"[0-9]{1,19}")
#: No E.164 number begins with 0: a number that does is a national spelling of an unknown country.
_DIGITS: Final = re.compile(r"[1-9][0-9]{6,14}")
_SEPARATORS: Final = re.compile(r"[\s().\-\u00a0\u2010-\u2015]+")
#: As text, from 2001 to 2286, in seconds or milliseconds.
_EPOCH: Final = re.compile(r"[0-9]{10}(?:[0-9]{3})?(?:\.[0-9]{1,9})?")


def first(*values: object) -> object:
    """Return the first value that is neither `None` nor an empty text."""
    for value in values:
        if value is not None and value != "":
            return value
    return None


def text(value: object, longest: int = LONGEST_REASON) -> str | None:
    """Return text or a whole number as one line of at most `longest` characters.

    Characters that cannot be printed or stored (NUL, lone surrogates) become blanks.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < _INT64 else None
    if not isinstance(value, str):
        return None
    printable = "".join(char if char.isprintable() else " " for char in value[: 4 * longest])
    line = " ".join(printable.split())
    return (line if len(line) <= longest else f"{line[: longest - 1]}…") or None


def age_seconds(value: str | None) -> float:
    """Return the seconds of an `Age` header (RFC 9111, section 5.1), 0 without one.

    If caches have joined several with commas, the longest counts.
    """
    ages = [int(digits[:9]) for digits in re.findall(r"[0-9]+", value or "")]
    return float(max(ages, default=0))


def request_id(body: object) -> str | None:
    """Return the id for the vendor's support; the bare array of the second shape has none.

    It is logged, so a text that cannot be an id (a sentence, a phone number) is ignored.
    """
    found = text(body.get("request_id"), _LONGEST_ID) if isinstance(body, Mapping) else None
    return found if found and _REQUEST_ID.fullmatch(found) else None


def message_id(value: object) -> int | None:
    """Return an Octopods message id: a positive 64-bit integer, also from a text."""
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        value = int(value.strip())  # `int` leaves some blanks that `strip` takes: U+001C to U+001F
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 < value < _INT64 else None


def phone_number(value: object) -> str | None:
    """Return a number as `+` and its 7 to 15 digits, without separators.

    Digits alone, or after `00`, are international too. A WhatsApp user id in place of a number is
    returned unchanged.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        value = text(value)
    if not isinstance(value, str):
        return None
    if user_ids.user_id_key(value) is not None:
        return value.strip()
    spelled = _SEPARATORS.sub("", value)
    digits = spelled.removeprefix("+" if spelled.startswith("+") else "00")
    return f"+{digits}" if _DIGITS.fullmatch(digits) else None


def moment(value: object) -> datetime | None:
    """Return a time in UTC: ISO 8601 (UTC without an offset), epoch seconds or milliseconds.

    A time before 2009 or after 2200 is ignored: it results from a wrong unit or an empty field.
    """
    time = None
    if isinstance(value, str):
        spelled = value.strip()
        is_epoch = _EPOCH.fullmatch(spelled)
        time = epoch_moment(float(spelled)) if is_epoch else iso_moment(spelled)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        time = epoch_moment(value)
    return time if time is not None and time.year in _YEARS else None


def status(value: object) -> str:
    """Return a status word in lower case; an undocumented word is kept, none is `unknown`."""
    word = text(value, _LONGEST_WORD) if isinstance(value, str) else None
    return Status.UNKNOWN.value if word is None else statuses.canonical(word)


def failure_reason(value: object) -> str | None:
    """Return a reason as one text: a string, or an object with `code` and `title`.

    The help centre shows these forms in articles 14824157 (text) and 14823960 (object).
    """
    if not isinstance(value, Mapping):
        return text(value)
    code = text(value.get("code"), _LONGEST_WORD)
    title = text(first(value.get("title"), value.get("message")))
    if code is None:
        return title
    return f"code {code}" if title is None else text(f"{title} (code {code})")
