"""Failure reasons without numbers that identify a customer or a message."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final

#: What may be a phone number or an id in a failure reason.
LONG_NUMBER: Final = r"\+?[0-9](?:[ ().-]?[0-9]){6,}"

_LONG_NUMBER: Final = re.compile(LONG_NUMBER)


def counted(reasons: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Return how many messages failed for each reason, with `…` for long numbers."""
    together = Counter[str]()
    for reason, count in reasons:
        together[_LONG_NUMBER.sub("…", reason)] += count
    return dict(together)
