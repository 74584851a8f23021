"""Make text of other people safe for pages and mails: no hidden or control characters."""

from __future__ import annotations

import re
from typing import Final

#: Controls, halves of characters, and what turns the direction of writing until it is ended.
_UNSEEN: Final = re.compile(
    "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f\\u202a-\\u202e\\u2066-\\u2069\\ud800-\\udfff]"
)


def shown(text: str) -> str:
    """Return a text with U+FFFD for characters that are invisible or change the reading direction.

    Line feeds, carriage returns and tabs stay.
    """
    return _UNSEEN.sub("\ufffd", text)
