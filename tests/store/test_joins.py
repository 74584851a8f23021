"""Which answers join, and the gap that is told where one does not."""

from __future__ import annotations

import sqlalchemy as sa

from recon.model import Span
from recon.store import messages
from recon.store.messages import KeepResult
from tests.factories import KEY, at, listing, message


def keep(engine: sa.Engine, *seconds: int, answered: float, full: bool = True) -> KeepResult:
    """Keep an answer with messages of these times."""
    limit = len(seconds) if full else 100
    answer = listing(*(message(n, n) for n in seconds), answered=answered, limit=limit)
    return messages.keep(engine, "main", KEY, answer)


def test_polls_of_a_stretch_that_another_one_took_in_are_a_part_of_that(engine: sa.Engine) -> None:
    keep(engine, 400, 500, answered=505)
    keep(engine, 930, 990, answered=1_000)
    keep(engine, 500, 930, answered=1_010)
    kept = keep(engine, 990, 1_100, answered=1_105)
    assert (kept.shared, kept.gap) == (1, None)


def test_the_gap_of_a_list_out_of_order_is_that_before_overlapping_proof(engine: sa.Engine) -> None:
    keep(engine, 1, 980, answered=1_000, full=False)
    keep(engine, 1, 970, 980, answered=1_010, full=False)
    keep(engine, 2_000, 2_010, 2_020, answered=2_030)
    kept = keep(engine, 2_020, 3_000, 3_010, answered=3_020)
    assert (kept.shared, kept.gap) == (1, Span(at(950), at(2_021)))


def test_there_is_no_gap_before_what_is_proven_already(engine: sa.Engine) -> None:
    keep(engine, 949, 960, answered=1_000)
    assert keep(engine, 929, 935, answered=1_005).gap is None
