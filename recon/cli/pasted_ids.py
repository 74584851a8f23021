"""Ids as people paste them: with quotes, commas and blanks around them, several in one argument."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from recon.core import id_spellings

#: Characters around an id in a table, a JSON or CSV file, a mail or a chat.
_AROUND: Final = f" \t\r\n,;:.#()[]{{}}<>\u00a0{id_spellings.QUOTES}"
_BETWEEN: Final = re.compile(r"[\s,;]+")
#: A `discrepancy_id` in capitals.
_CAPITALS: Final = re.compile(r"[0-9A-F]{16}")


#: An id with the word that pages of recon write before it: `record 5 and message 17: …`.
_NAMED: Final = re.compile(
    r"(?:message|record|finding|discrepancy)(?:[_ ]id)?[\s:=]+(.+?)(?: and message .*)?",
    re.IGNORECASE | re.DOTALL,
)


def spellings(words: Sequence[str]) -> list[str]:
    """Return possible ids for some arguments: unchanged, cleaned, and without a word before it.

    Last comes the message id that is read in records with such a text.
    """
    given = " ".join(words).strip()
    bare = cleaned(given)
    named = _NAMED.fullmatch(bare)
    found = [given, bare, cleaned(named[1]) if named else "", id_spellings.bare(given) or ""]
    return [one for one in dict.fromkeys(found) if one]


def cleaned(word: str) -> str:
    """Return an id without the characters around it; a `discrepancy_id` in lower case."""
    bare = word.strip(_AROUND)
    return bare.lower() if _CAPITALS.fullmatch(bare) else bare


def several(words: Sequence[str]) -> Iterator[str]:
    """Yield each `discrepancy_id` in some arguments, which contain no blanks, once."""
    ids = (cleaned(one) for word in words for one in _BETWEEN.split(word))
    yield from dict.fromkeys(filter(None, ids))
