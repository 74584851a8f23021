"""Which of two names mean the opposite of each other, for suggestions that must not mislead."""

from __future__ import annotations

import re
from typing import Final

_NEGATIONS: Final = frozenset({"not", "no", "non", "un", "in", "isnot", "wasnot", "never", "anti"})
_SEPARATORS: Final = re.compile(r"[\W_]+")


def are_opposites(one: str, other: str) -> bool:
    """Say whether one word is the other with a negation before it: `not_sent` and `sent`."""
    plain = sorted((_SEPARATORS.sub("", word.casefold()) for word in (one, other)), key=len)
    shorter, longer = plain
    return bool(shorter) and longer.endswith(shorter) and longer[: -len(shorter)] in _NEGATIONS
