"""What is proven about the time around a row, and by which polls."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from recon.core.explanation import Surroundings
from recon.model import Span
from recon.store import coverage_proof, row_evidence

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from recon.store.coverage_proof import AccountProof

#: Up to this distance from a row, refused answers and withdrawn proof are shown.
_NEAR: Final = timedelta(hours=1)


def surroundings(engine: Engine, account: str, at: datetime, proof: AccountProof) -> Surroundings:
    """Return what is proven about the time around a row, and by which polls.

    Args:
        engine: the store.
        account: whose row it is.
        at: the time of the row.
        proof: what is proven of the account's time.
    """
    span, is_proven = _span_around(proof.spans, at)
    first_contact = proof.first_contact
    polls = row_evidence.polls_of_span if is_proven else row_evidence.polls_beside_gap
    first, last = polls(engine, account, span)
    evidence = coverage_proof.evidence(engine, account, at - _NEAR, at + _NEAR, with_notes=False)
    return Surroundings(
        at=at,
        span=span,
        is_proven=is_proven,
        before_first_listed=is_proven
        and first_contact is not None
        and (first_contact.end is None or at < first_contact.end),
        first_poll=first,
        last_poll=last,
        refused=evidence.refused,
        withdrawn=evidence.withdrawn,
    )


def _span_around(spans: Sequence[Span], at: datetime) -> tuple[Span, bool]:
    """Return the span or the gap that a time lies in, and whether it is a span."""
    before: datetime | None = None
    for span in spans:
        if span.start is not None and at < span.start:
            return Span(before, span.start), False
        if span.end is None or at < span.end:
            return span, True
        before = span.end
    return Span(before, None), False
