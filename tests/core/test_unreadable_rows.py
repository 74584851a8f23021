"""Why rows cannot be read, counted by reason."""

from __future__ import annotations

import numpy as np
import pandas as pd

from recon.core import unreadable_rows


def test_rows_with_one_reason_count_together_wherever_they_stand() -> None:
    reasons = [
        "line 3: not a valid phone number: 'x'",
        "line 1,200: not a valid phone number: 'y'",
        "line 7: no time",
        "line 9: no time",
        "line 8: no time",
    ]
    rejects = pd.DataFrame({"reason": reasons})
    days = np.array([0, 0, 0, 0, 1])
    found = unreadable_rows.of_day("local", rejects, days, 0)
    assert [(one.side, one.count) for one in found] == [("local", 2), ("local", 2)]
    assert [one.count for one in unreadable_rows.of_day("local", rejects, days, 1)] == [1]
    assert unreadable_rows.of_day("local", rejects, days, 2) == []


def test_of_what_is_quoted_only_numbers_are_masked() -> None:
    said = {
        "not a valid phone number: 'call 0835554014'": False,
        "sent_at cannot be read: '+353835554014'": False,
        "sent_at cannot be read: 'soon'": True,
    }
    for reason, stays in said.items():
        rejects = pd.DataFrame({"reason": [reason]})
        [found] = unreadable_rows.of_day("local", rejects, np.zeros(1, dtype=np.int64), 0)
        assert (found.reason == reason) == stays
        assert "83555" not in found.reason
