"""Counts of messages come from an index, whatever else is stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from recon.model import Span
from recon.store import figure_counts, messages
from recon.store.dialects import is_postgres
from recon.store.figure_counts import GroupCount, StatusCount
from tests.factories import at, listing, message
from tests.store.plans import plans_of

SPANS = [Span(at(60 * n), at(60 * n + 60)) for n in range(40)]
INDEX = "ix_messages_account_id_sent_at_status"

Count = Callable[[sa.Engine], Any]


@pytest.mark.parametrize(
    "count",
    [
        lambda engine: figure_counts.by_status(engine, "main", SPANS),
        lambda engine: figure_counts.by_reason(engine, "main", SPANS),
        lambda engine: figure_counts.by_prefix(engine, "main", SPANS, 4),
        lambda engine: figure_counts.reached_by_prefix(engine, "main", SPANS, 4),
        lambda engine: figure_counts.delivery_times(engine, "main", SPANS, [1] * len(SPANS)),
    ],
    ids=["by_status", "by_reason", "by_prefix", "reached_by_prefix", "delivery_times"],
)
def test_messages_of_other_times_are_not_read(engine: sa.Engine, count: Count) -> None:
    plans = list(plans_of(engine, lambda: count(engine)))
    assert plans
    for plan in plans:
        assert INDEX in plan
        assert "SCAN messages" not in plan
        if not is_postgres(engine):
            assert "sent_at>? AND sent_at<?" in plan


def test_a_message_is_counted_in_its_span_and_no_other(engine: sa.Engine) -> None:
    shown = [message(n, 60 * n - 0.000001) for n in range(1, 40)]
    messages.keep(engine, "main", "f1a9", listing(*shown, answered=3_000))
    messages.keep(engine, "other", "0b77", listing(message(1, 30), answered=3_000))
    counts = figure_counts.by_status(engine, "main", SPANS)
    assert [sum(each.values()) for each in counts] == [1] * 39 + [0]
    grouped = figure_counts.by_prefix(engine, "main", SPANS, 3)
    assert sorted(grouped) == [StatusCount(n, "sent", "+35", 1) for n in range(39)]


def test_only_wanted_statuses_are_grouped(engine: sa.Engine) -> None:
    shown = [message(1, 1, "read"), message(2, 2), message(3, 3, "failed", "no route")]
    messages.keep(engine, "main", "f1a9", listing(*shown, answered=100))
    assert figure_counts.reached_by_prefix(engine, "main", SPANS, 2) == [GroupCount(0, "+3", 1)]
    assert figure_counts.by_reason(engine, "main", SPANS) == [GroupCount(0, "no route", 1)]


def test_no_spans_have_no_counts(engine: sa.Engine) -> None:
    assert figure_counts.by_status(engine, "main", []) == []
    assert figure_counts.by_reason(engine, "main", []) == []
