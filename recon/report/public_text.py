"""Texts for people elsewhere: no phone number, no path of the machine, no secret."""

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
    """Return a text of ours without numbers in international spelling, paths and secrets."""
    text = mask_numbers(logs.without_secrets(text), ())
    return _PATH.sub(r"…/\1", _SQLITE.sub(r"\1…", text))


def public_error(text: str, ids: Collection[str] = ()) -> str:
    """Return a text that may quote anything likewise, without other long runs of digits either.

    Args:
        text: of an error, or of a finding's detail.
        ids: what are ids, and no numbers.
    """
    return _DIGITS.sub(
        lambda found: found[0] if found[0] in ids else "•" * min(len(found[0]), 9), public(text)
    )
