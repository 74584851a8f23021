"""For which records a denied id counts."""

from __future__ import annotations

import numpy as np

from recon.core.absence_doubts import Denials


def test_a_denial_counts_from_its_keys_first_time_until_the_next_keys() -> None:
    ids, since, until = (np.array(row, dtype=np.int64) for row in ([7, 7], [0, 100], [50, 200]))
    times = np.array([-1, 0, 49, 50, 99, 100, 199, 200], dtype=np.int64)
    wanted = np.full(len(times), 7, dtype=np.int64)
    has_id = np.ones(len(times), dtype=np.bool_)
    covered = Denials(ids, since, until).cover(wanted, has_id, times, times)
    assert covered.tolist() == [False, True, True, False, False, True, True, False]


def test_a_record_of_a_whole_day_is_denied_only_by_the_key_of_that_whole_day() -> None:
    denials = Denials(*(np.array(row, dtype=np.int64) for row in ([7], [0], [50])))
    wanted, has_id = np.full(3, 7, dtype=np.int64), np.ones(3, dtype=np.bool_)
    earliest, latest = np.array([-1, 0, 10]), np.array([20, 49, 50])
    assert denials.cover(wanted, has_id, earliest, latest).tolist() == [False, True, False]
