"""What lies together, at the bounds of what counts."""

from __future__ import annotations

import weakref

import numpy as np

from recon.core import concentration
from recon.core.link import Positions
from recon.core.number_parts import Parts

IRISH, BRITISH = 353_860_000_000 + np.arange(40), 447_700_000_000 + np.arange(40)


def test_a_country_is_told_only_if_enough_was_sent_to_others() -> None:
    others = BRITISH[: concentration.LEAST]
    found = concentration.number_range(IRISH, [others], [])
    assert found is not None
    assert (found.place, found.sends) == (353, len(IRISH))
    assert concentration.number_range(IRISH, [others[1:]], []) is None
    # What is counted besides is no other send.
    besides = BRITISH[-3:]
    assert concentration.number_range(IRISH, [others, besides], [besides], besides) is not None
    assert concentration.number_range(IRISH, [others[1:], besides], [], besides) is None


def test_a_sample_excludes_a_country_before_the_others_are_read() -> None:
    def unread() -> Positions:
        raise AssertionError

    healthy = Parts([unread])
    assert concentration.number_range(IRISH, healthy, [IRISH]) is None


def test_parts_of_the_other_sends_are_gone_through_one_by_one() -> None:
    made: list[weakref.ref[object]] = []
    most = 0

    def make() -> Positions:
        nonlocal most
        part = BRITISH * np.int64(1)
        made.append(weakref.ref(part))
        most = max(most, sum(one() is not None for one in made))
        return part

    assert concentration.number_range(IRISH, Parts([make] * 6), []) is not None
    assert len(made) >= 6
    # The one that is done, and the next one.
    assert most <= 2
