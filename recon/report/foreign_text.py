"""Text that somebody else wrote, for pages and mails: it hides nothing and steers no terminal."""

from __future__ import annotations

import re
from typing import Final

#: Controls, halves of characters, and what turns the direction of writing until it is ended.
_UNSEEN: Final = re.compile(
    "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f\\u202a-\\u202e\\u2066-\\u2069\\ud800-\\udfff]"
)


def shown(text: str) -> str:
    """Return a text with U+FFFD for what cannot be seen, or makes what follows read otherwise.

    Line feeds, carriage returns and tabs stay.
    """
    return _UNSEEN.sub("\ufffd", text)
