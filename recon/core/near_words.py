"""Which of two names mean the opposite of each other, for suggestions that must not mislead."""

from __future__ import annotations

import re
from typing import Final

_NEGATIONS: Final = frozenset(
    {"not", "no", "non", "un", "in", "isnot", "wasnot", "never", "anti", "dis", "de"}
)
#: Pairs of words with opposite meanings, of which one is never a misspelling of the other.
_OPPOSITES: Final = (
    {"min", "max"},
    {"minimum", "maximum"},
    {"least", "most"},
    {"start", "end"},
    {"first", "last"},
    {"oldest", "newest"},
    {"before", "after"},
    {"from", "to"},
    {"local", "provider"},
    {"sender", "recipient"},
    {"sent", "received"},
    {"enable", "disable"},
    {"enabled", "disabled"},
    {"allow", "deny"},
)
_SEPARATORS: Final = re.compile(r"[\W_]+")


def are_opposites(one: str, other: str) -> bool:
    """Say whether one name means the opposite of the other.

    It may be the other with a negation before it (`not_sent` and `sent`), or differ from it in one
    word only, which is its opposite (`min_interval` and `max_interval`).
    """
    words = [_SEPARATORS.split(name.casefold()) for name in (one, other)]
    if len(words[0]) == len(words[1]):
        differing = [set(pair) for pair in zip(*words, strict=True) if pair[0] != pair[1]]
        if any(pair in _OPPOSITES for pair in differing):
            return True
    plain = sorted((_SEPARATORS.sub("", word.casefold()) for word in (one, other)), key=len)
    shorter, longer = plain
    return bool(shorter) and longer.endswith(shorter) and longer[: -len(shorter)] in _NEGATIONS
