"""Ids as people paste them: with quotes, commas and blanks around them, several in one argument."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

#: What stands around an id in a table, a JSON or CSV file, a mail or a chat.
_AROUND: Final = " \t\r\n\"'`,;:.#()[]<>\u201c\u201d\u2018\u2019\u00a0"
_BETWEEN: Final = re.compile(r"[\s,;]+")
#: A `discrepancy_id` in capitals.
_CAPITALS: Final = re.compile(r"[0-9A-F]{16}")


def cleaned(word: str) -> str:
    """Return an id without what stands around it; a `discrepancy_id` in lower case."""
    bare = word.strip(_AROUND)
    return bare.lower() if _CAPITALS.fullmatch(bare) else bare


def several(words: Sequence[str]) -> Iterator[str]:
    """Yield each `discrepancy_id` of some arguments, each once; none of them holds a blank."""
    ids = (cleaned(one) for word in words for one in _BETWEEN.split(word))
    yield from dict.fromkeys(filter(None, ids))
