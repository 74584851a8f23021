"""What must never be shown, whatever a command does: secrets anywhere, whole numbers in the log."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

#: Variables whose values are secret.
_SECRET: Final = re.compile(r"KEY|PASSWORD|TOKEN|URLS?$")
#: A shorter one would be found in words.
_SHORTEST: Final = 6
#: A phone number with its country code and without a mask.
_NUMBER: Final = re.compile(r"(?<![\w.])\+[1-9][0-9]{9,14}(?![\w.])")


def secrets(environ: Mapping[str, str]) -> set[str]:
    """Return the values of these variables that nobody may see."""
    return {
        value
        for name, value in environ.items()
        if _SECRET.search(name) and len(value) >= _SHORTEST and "://" not in value
    }


def refuse(text: str, environ: Mapping[str, str]) -> None:
    """Fail if a secret of the environment is in a text."""
    refuse_any(text, secrets(environ))


def refuse_any(text: str, words: Iterable[str]) -> None:
    """Fail if one of the words is in a text, without quoting more of it than is needed."""
    for word in words:
        at = text.find(word)
        assert at < 0, f"{word!r} is shown: …{text[max(0, at - 120) : at + len(word) + 40]!r}"


def refuse_numbers(log: str) -> None:
    """Fail if log lines hold a whole phone number."""
    found = _NUMBER.search(log)
    assert found is None, (
        f"a whole number is logged: {log[max(0, found.start() - 200) : found.end()]!r}"
    )
