"""Countries that share a calling code."""

from __future__ import annotations

import numpy as np

from recon.core.link import Mask, Positions

#: Numbers of the North American plan: `1` and ten digits.
_FIRST, _LAST = 10_000_000_000, 20_000_000_000
_AREA = 10_000_000


def are_of_the_us(keys: Positions) -> Mask:
    """Say for each number whether it belongs to the United States.

    Args:
        keys: international digits, from `recon.core.phones`; other keys do not count.
    """
    found = np.zeros(len(keys), dtype=np.bool_)
    at = np.flatnonzero((keys >= _FIRST) & (keys < _LAST))
    if not at.size:
        return found
    import phonenumbers

    # The area code tells the country: one number of each is asked.
    _, firsts, places = np.unique(keys[at] // _AREA, return_index=True, return_inverse=True)
    of_us = [
        phonenumbers.region_code_for_number(
            phonenumbers.PhoneNumber(country_code=1, national_number=int(key) - _FIRST)
        )
        == "US"
        for key in keys[at][firsts]
    ]
    found[at] = np.array(of_us, dtype=np.bool_)[places]
    return found
