"""Unreadable items without id and time: where they may lie is kept, whichever answer shows them."""

from __future__ import annotations

from datetime import datetime

import pytest
import sqlalchemy as sa

from recon.model import RejectedItem
from recon.store import messages
from tests.factories import KEY, at, listing, message
from tests.store.table_contents import rows

Stretch = tuple[float | None, float | None]


def keep(engine: sa.Engine, answered: float, *stretches: Stretch) -> None:
    """Store an answer with an item between these bounds each, alike but for their count."""
    items = [
        RejectedItem(
            f"k{n}",
            "message_id is missing; sent_at is missing",
            earliest=None if first is None else at(first),
            latest=None if last is None else at(last),
        )
        for n, (first, last) in enumerate(stretches)
    ]
    messages.keep(engine, "main", KEY, listing(message(1), answered=answered, rejects=items))


def kept(engine: sa.Engine) -> list[Stretch]:
    """Return where items may lie by all that is stored."""

    def seconds(time: datetime | None) -> float | None:
        return None if time is None else (time - at(0)).total_seconds()

    found = rows(engine, "provider_rejects", "earliest", "latest")
    return sorted(
        ((seconds(first), seconds(last)) for first, last in found),
        key=lambda stretch: stretch[1] or 0,
    )


def test_an_item_of_a_later_answer_leaves_the_stretch_of_an_earlier_one(engine: sa.Engine) -> None:
    keep(engine, 60, (10, 20))
    keep(engine, 120, (70, 80))
    assert kept(engine) == [(10, 20), (70, 80)]
    assert len(messages.rejects(engine, "main", None, None, untimed=True)) == 1
    others = messages.rejects_of_other_days(engine, "main", at(0), at(100), untimed=True)
    assert others["latest"].tolist() == [at(20)]


@pytest.mark.parametrize(
    ("later", "stretch"),
    [((10, 20), (10, 20)), ((5, 30), (5, 30)), ((None, 20), (10, 20)), ((None, 40), (10, 40))],
)
def test_a_wider_stretch_takes_the_place_of_a_narrower_one(
    engine: sa.Engine, later: Stretch, stretch: Stretch
) -> None:
    keep(engine, 60, (10, 20))
    keep(engine, 120, later)
    assert kept(engine) == [stretch]


def test_an_older_item_does_not_take_the_bound_of_a_newer_one(engine: sa.Engine) -> None:
    keep(engine, 60, (10, 20))
    keep(engine, 120, (None, 5))
    assert kept(engine) == [(None, 5), (10, 20)]


def test_an_answer_that_is_stored_late_leaves_its_stretch_too(engine: sa.Engine) -> None:
    keep(engine, 120, (70, 80))
    keep(engine, 60, (10, 20))
    assert kept(engine) == [(10, 20), (70, 80)]


def test_the_same_items_further_down_each_list_add_nothing(engine: sa.Engine) -> None:
    keep(engine, 120, (70, 80), (30, 40), (10, 20))
    keep(engine, 180, (110, 120), (70, 80), (30, 40), (10, 20))
    before = kept(engine)
    for answered in range(240, 600, 60):
        keep(engine, answered, (110, 120), (70, 80), (30, 40), (10, 20))
    assert kept(engine) == before
    assert set(before) == {(110, 120), (70, 80), (30, 40), (10, 20)}
