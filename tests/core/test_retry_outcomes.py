from __future__ import annotations

from recon.core.retry_outcomes import RetryCounts, advice, summed


def test_few_deliveries_of_many_retries_are_reason_to_stop() -> None:
    together = summed([RetryCounts(30, 4), RetryCounts(20, 3)])
    assert advice(together).startswith("Of 50 proposed retries, 7 were delivered: stop retrying")
    assert advice(RetryCounts(49, 0)) == ""
    assert advice(RetryCounts(100, 15)) == ""
    assert advice(RetryCounts()) == ""
