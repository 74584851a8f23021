"""Texts to be sent to others: no phone numbers, paths or secrets."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from recon import logs
from recon.report.masking import mask_numbers

#: An absolute path of two parts or more; no part of a URL, a date or `and/or`.
_PATH: Final = re.compile(r"(?<![\w:/.~…])/(?:[^\s/:'\"`,;()]+/)+([^\s/:'\"`,;()]*)")
_SQLITE: Final = re.compile(r"\b(sqlite\S*?:///)\S*")

#: Digits of a number in any grouping; a date has fewer.
_DIGITS: Final = re.compile(r"(?<![\w-])(?!\d{4}-\d\d-\d\d)\d(?:[\s().\-/]{0,2}\d){8,}(?![\w-])")


def public(text: str) -> str:
    """Return one of recon's texts without international numbers, paths and secrets."""
    text = mask_numbers(logs.without_secrets(text), ())
    return _PATH.sub(r"…/\1", _SQLITE.sub(r"\1…", text))


def public_error(text: str, ids: Collection[str] = ()) -> str:
    """Return a text with quotes in the same way, and also without other long runs of digits.

    Args:
        text: an error, or the detail of a finding.
        ids: ids in the text, which are kept.
    """
    return _DIGITS.sub(
        lambda found: found[0] if found[0] in ids else "•" * min(len(found[0]), 9), public(text)
    )
