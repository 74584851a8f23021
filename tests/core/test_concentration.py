"""What lies together, at the bounds of what counts."""

from __future__ import annotations

import numpy as np

from recon.core import concentration

IRISH, BRITISH = 353_860_000_000 + np.arange(40), 447_700_000_000 + np.arange(40)


def test_a_country_is_told_only_if_enough_was_sent_to_others() -> None:
    others = BRITISH[: concentration.LEAST]
    found = concentration.number_range(IRISH, [others])
    assert found is not None
    assert (found.place, found.sends) == (353, len(IRISH))
    assert concentration.number_range(IRISH, [others[1:]]) is None
    # What is counted besides is no other send.
    besides = BRITISH[-3:]
    assert concentration.number_range(IRISH, [others, besides], besides) is not None
    assert concentration.number_range(IRISH, [others[1:], besides], besides) is None
