"""WhatsApp user ids, which may occur in place of a phone number, as keys for comparing.

Since 2026 a WhatsApp user may hide the number behind a username. Lists then have an id of the user
instead (Meta, "Business-scoped user IDs"): a country code, a dot, and up to 128 letters and digits,
or for a group of businesses `IE.ENT.` and these.
WhatsApp's own clients use a linked id for such users, `123456789012345@lid`. An id of one sort
cannot be compared with an id of the other sort or with a phone number. Ids that differ only in
upper and lower case are equal: records may keep all texts in one case.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: The shape of a business-scoped user id.
BUSINESS_SCOPED: Final = r"[A-Za-z]{2}\.(?:[Ee][Nn][Tt]\.)?[A-Za-z0-9]{1,128}"
#: The shape of a linked id; the part behind a colon is one of the user's devices.
LINKED: Final = r"[0-9A-Za-z]{1,128}(?::[0-9]{1,4})?@lid"

_BUSINESS_SCOPED: Final = re.compile(BUSINESS_SCOPED)
_LINKED: Final = re.compile(LINKED)

#: Keys of phone numbers stay below this, see `key_sorts`.
_BITS: Final = 60
_LINKED_SORT, _BUSINESS_SORT = 1, 2


def user_id_key(text: str) -> int | None:
    """Return the key of a user id, greater than any phone number's; `None` for other texts."""
    text = text.strip()
    if _BUSINESS_SCOPED.fullmatch(text):
        return _hashed(text, _BUSINESS_SORT)
    if _LINKED.fullmatch(text):
        user = text.removesuffix("@lid").partition(":")[0]
        return _hashed(user, _LINKED_SORT)
    return None


def key_sorts(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the sort of each key: 0 a phone number, 1 and 2 the sorts of user ids, -1 none.

    Only keys of one sort can be compared.
    """
    sorts: NDArray[np.int64] = keys >> _BITS
    return sorts


def are_phone_numbers(keys: NDArray[np.int64]) -> bool:
    """Say whether each of these keys belongs to a phone number."""
    # Without a sign, negative keys are the greatest.
    return not len(keys) or bool(keys.view("uint64").max() < 1 << _BITS)


def _hashed(text: str, sort: int) -> int:
    digest = int.from_bytes(blake2b(text.upper().encode(), digest_size=8).digest(), "big")
    return (sort << _BITS) + (digest >> (64 - _BITS))
