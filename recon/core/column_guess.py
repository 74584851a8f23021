"""Guess which column of a table holds which field, from names and a sample of values.

A person has to check the guess: no run uses it directly. If neither name nor values tell, nothing
is guessed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from recon.core import id_spellings
from recon.core.near_words import are_opposites
from recon.model import NOT_SENT, Status

#: Names of columns by field, the likelier ones first; compared without case and separators.
_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "message_id": (
        *("octopodsmessageid", "octopodsid", "messageid", "providermessageid", "whatsappmessageid"),
        *("channelmessageid", "externalid", "externalmessageid", "providerid", "msgid", "waid"),
    ),
    "phone_number": (
        *("phonenumber", "recipient", "recipientphone", "recipientnumber", "phone", "msisdn"),
        *("mobile", "mobilenumber", "tonumber", "to", "customerphone", "telephone", "number"),
        *("whatsappnumber", "destination", "userphonenumber", "contact"),
    ),
    "sent_at": (
        *("sentat", "senttime", "sentdate", "datesent", "senton", "sendtime", "sentdatetime"),
        *("sent", "createdat", "created", "createdon", "datecreated", "insertedat", "timestamp"),
        *("datetime", "time", "date"),
    ),
    "status": (
        *("status", "state", "messagestatus", "deliverystatus", "sendstatus", "sentstatus"),
        *("result", "outcome"),
    ),
    "id": ("id", "recordid", "sendid", "uuid", "guid", "pk", "key", "rowid"),
}

#: The usual meaning of words that are not Octopods'.
_MEANINGS: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("queued", "pending", "scheduled", "draft", "cancelled", "canceled", "new", "waiting"),
        NOT_SENT,
    ),
    **dict.fromkeys(("not_sent", "unsent", "skipped", "suppressed"), NOT_SENT),
    **dict.fromkeys(
        ("accepted", "submitted", "success", "ok", "done", "dispatched"), Status.SENT.value
    ),
    **dict.fromkeys(
        ("error", "undelivered", "rejected", "failure", "bounced"), Status.FAILED.value
    ),
    **dict.fromkeys(("seen", "opened"), Status.READ.value),
    "received": Status.DELIVERED.value,
}

#: A column of more different words than this holds no status.
_MOST_WORDS: Final = 30
_LONGEST_WORD: Final = 40
#: The share of the values in a sample that must look like what is guessed.
_MOSTLY: Final = 0.8
#: The share of international numbers that must be of one country to say which it is.
_ONE_COUNTRY: Final = 0.9
_FEWEST_NUMBERS: Final = 5

_SEPARATORS: Final = re.compile(r"[\W_]+")
_ID: Final = re.compile(r"\s*'?#?\d{3,19}(?:\.0+)?\s*")
_PHONE: Final = re.compile(r"\s*(?:whatsapp:)?\+?[\d\s().\-/]{7,20}\s*")
_TIME: Final = re.compile(
    r"\s*\d{4}-\d{2}-\d{2}.*|\s*\d{10}(?:\d{3}|\d{6})?(?:\.\d+)?\s*", re.DOTALL
)
_INTERNATIONAL: Final = re.compile(r"(?:whatsapp:)?\s*\+|00")


@dataclass(frozen=True, slots=True)
class Guess:
    """What was guessed from a sample of a table or file."""

    columns: Mapping[str, str]
    """Field to column, "" where no column seems to hold the field."""
    words: Mapping[str, int]
    """Each word in the status column with its count in the sample, most frequent first."""
    region: str
    """The country of the national numbers if the international ones show it, else ""."""
    national: int
    """How many numbers of the sample have no country code."""
    numbers: int
    """How many numbers the sample has."""


def guess(sample: Mapping[str, Sequence[str | None]]) -> Guess:
    """Guess which column is which field.

    Args:
        sample: values of each column as texts, `None` for none; the columns in their order.
    """
    columns: dict[str, str] = {}
    for field, looks_right in _CHECKS.items():
        free = [name for name in sample if name not in columns.values()]
        columns[field] = _best(field, free, sample, looks_right)
    if not columns["phone_number"]:
        free = [name for name in sample if name not in columns.values()]
        alike = [name for name in free if _share(sample[name], _is_marked_phone) >= _MOSTLY]
        columns["phone_number"] = alike[0] if len(alike) == 1 else ""
    words = Counter(
        word.strip() for word in sample.get(columns["status"], ()) if word and word.strip()
    )
    numbers = [one for one in sample.get(columns["phone_number"], ()) if one and one.strip()]
    national = [one for one in numbers if not _INTERNATIONAL.match(one.strip())]
    return Guess(
        {field: columns[field] for field in ("id", *_NAMES)},
        dict(words.most_common()),
        _region(numbers) if national else "",
        len(national),
        len(numbers),
    )


def is_usual_name(name: str) -> bool:
    """Say whether a name is usual for a column of some field, or contains a field's name."""
    plain = _SEPARATORS.sub("", name.casefold())
    return any(
        plain in usual or (field != "id" and _SEPARATORS.sub("", field) in plain)
        for field, usual in _NAMES.items()
    )


def meaning(word: str) -> str | None:
    """Return what a status word usually means: one of Octopods' words or `not_sent`.

    `None` if that is not known. Octopods' own words mean themselves.
    """
    folded = re.sub(r"[\s-]+", "_", word.strip().casefold())
    if folded in {status.value for status in Status}:
        return folded
    return _MEANINGS.get(folded)


def _best(
    field: str,
    free: Sequence[str],
    sample: Mapping[str, Sequence[str | None]],
    looks_right: Callable[[Sequence[str | None]], bool],
) -> str:
    """Return the unused column whose name fits the field best."""
    plain = {name: _SEPARATORS.sub("", name.casefold()) for name in free}
    for wanted in _NAMES[field]:
        for name in free:
            if plain[name] == wanted and looks_right(sample[name]):
                return name
    whole = _SEPARATORS.sub("", field)
    for name in free:
        named = field != "id" and whole in plain[name]
        if named and not are_opposites(name, field) and looks_right(sample[name]):
            return name
    return ""


def _share(values: Sequence[str | None], looks: Callable[[str], bool]) -> float:
    """Return the share of values that pass the check; 0 without values."""
    there = [value for value in values if value and value.strip()]
    return sum(map(looks, there)) / len(there) if there else 0.0


def _is_marked_phone(text: str) -> bool:
    return bool(_INTERNATIONAL.match(text.strip()) and _PHONE.fullmatch(text))


def _is_id(text: str) -> bool:
    return bool(_ID.fullmatch(text) or _ID.fullmatch(id_spellings.bare(text) or ""))


def _mostly(looks: Callable[[str], object]) -> Callable[[Sequence[str | None]], bool]:
    def looks_right(values: Sequence[str | None]) -> bool:
        blank = not any(value and value.strip() for value in values)
        return blank or _share(values, lambda text: bool(looks(text))) >= _MOSTLY

    return looks_right


def _are_words(values: Sequence[str | None]) -> bool:
    words = {value.strip() for value in values if value and value.strip()}
    return len(words) <= _MOST_WORDS and all(len(word) <= _LONGEST_WORD for word in words)


_CHECKS: Final[Mapping[str, Callable[[Sequence[str | None]], bool]]] = {
    "message_id": _mostly(_is_id),
    "phone_number": _mostly(_PHONE.fullmatch),
    "sent_at": _mostly(_TIME.fullmatch),
    "status": _are_words,
    "id": lambda _values: True,
}


def _region(numbers: Sequence[str]) -> str:
    """Return the country of nearly all international numbers."""
    import phonenumbers

    codes: Counter[str] = Counter()
    for text in numbers:
        spelled = re.sub(r"^00", "+", text.strip().casefold().removeprefix("whatsapp:").strip())
        if not spelled.startswith("+"):
            continue
        try:
            number = phonenumbers.parse(spelled, None)
        except phonenumbers.NumberParseException:
            continue
        codes[phonenumbers.region_code_for_number(number) or ""] += 1
    if codes.total() < _FEWEST_NUMBERS:
        return ""
    [(region, count)] = codes.most_common(1)
    return region if count >= _ONE_COUNTRY * codes.total() else ""
