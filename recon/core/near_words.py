"""Whether two names mean opposite things, so that suggestions do not mislead."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import Final

_NEGATIONS: Final = frozenset(
    {"not", "no", "non", "un", "in", "isnot", "wasnot", "never", "anti", "dis", "de"}
)
#: Pairs of words with opposite meanings; one is never a misspelling of the other.
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
    {"sent", "seen"},
    {"read", "created"},
    {"created", "updated"},
    {"updated", "deleted"},
    {"created", "deleted"},
    {"enable", "disable"},
    {"enabled", "disabled"},
    {"allow", "deny"},
)
#: From this likeness on (0 to 1) two texts are close, one a slip of the other.
CLOSE: Final = 0.7
#: A shorter name is found in a longer one as a whole word only.
_LEAST_PART: Final = 4
#: A name of more words than that beyond another's is no name: it may be a whole line.
_MORE_WORDS: Final = 2
_SEPARATORS: Final = re.compile(r"[\W_]+")


def contains(longer: str, shorter: str) -> bool:
    """Say whether a name begins or ends with another, or contains it as a word."""
    if not shorter or len(shorter) >= len(longer):
        return False
    if len(_SEPARATORS.split(longer)) > len(_SEPARATORS.split(shorter)) + _MORE_WORDS:
        return False
    if len(shorter) < _LEAST_PART:
        return shorter in _SEPARATORS.split(longer)
    return longer.startswith(shorter) or longer.endswith(shorter)


def may_be_meant(one: str, other: str) -> bool:
    """Say whether one name may be meant by the other, both in lower case.

    Only two names with the same number of words, two or more, can differ too much: each word must
    be close to its counterpart, or short for it (`msg` for `message`).
    """
    words = [_SEPARATORS.split(name) for name in (one, other)]
    if len(words[0]) != len(words[1]) or len(words[0]) == 1:
        return True
    return all(
        SequenceMatcher(None, *pair).ratio() >= CLOSE or _is_short_for(*sorted(pair, key=len))
        for pair in zip(*words, strict=True)
    )


def _is_short_for(short: str, whole: str) -> bool:
    """Say whether a word begins like another and leaves out some of its letters."""
    letters = iter(whole)
    return short[:1] == whole[:1] and all(letter in letters for letter in short)


def are_opposites(one: str, other: str) -> bool:
    """Say whether one name means the opposite of the other.

    It may be the other name with a negation (`not_sent` and `sent`), or differ in only one word,
    which is the opposite (`min_interval` and `max_interval`).
    """
    words = [_SEPARATORS.split(name.casefold()) for name in (one, other)]
    if len(words[0]) == len(words[1]):
        differing = [set(pair) for pair in zip(*words, strict=True) if pair[0] != pair[1]]
        if any(pair in _OPPOSITES for pair in differing):
            return True
    plain = sorted((_SEPARATORS.sub("", word.casefold()) for word in (one, other)), key=len)
    shorter, longer = plain
    return bool(shorter) and longer.endswith(shorter) and longer[: -len(shorter)] in _NEGATIONS
