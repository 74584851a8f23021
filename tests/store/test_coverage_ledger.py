"""The ledger in the database says what the core's rules say, whatever the answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from random import Random

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from recon.core import coverage
from recon.model import Listing, Span
from recon.store import coverage_proof, messages
from recon.store.accounts import id_of
from recon.store.dialects import is_postgres
from recon.store.engine import connect, reading
from recon.store.tables import keys
from tests.core.provider import Ledger, Poll, Sent, answer, polls, sends
from tests.factories import at

_numbers = count()
_WORDS = ("sent", "delivered", "read", "failed")


@pytest.fixture(scope="module")
def store(shared_database_url: str) -> Iterator[sa.Engine]:
    engine = connect(shared_database_url)
    yield engine
    engine.dispose()


def examples(store: sa.Engine) -> settings:
    """Return settings with fewer examples where a statement takes longer."""
    return settings(max_examples=6 if is_postgres(store) else 40)


def moving(listing: Listing, chance: Random) -> Listing:
    """Return the answer with other statuses: they move on, and must not matter here."""
    moved = [replace(one, status=chance.choice(_WORDS)) for one in listing.messages]
    return replace(listing, messages=moved)


def spans_of_keys(store: sa.Engine, account: str) -> dict[str, tuple[Span, ...]]:
    """Return what the store holds proven of each key, whichever of them is in use."""
    with reading(store) as connection:
        rows = connection.execute(sa.select(keys).where(keys.c.account_id == id_of(account))).all()
        return {row.fingerprint: coverage_proof.of_key(connection, row) for row in rows}


@pytest.mark.thorough
def test_the_store_proves_what_the_rules_say_of_answers_in_order(store: sa.Engine) -> None:
    @given(sends(), polls(), st.integers(1, 5), st.sampled_from((-3600.0, 0.0, 5400.0)))
    @examples(store)
    def holds(sent: list[Sent], asked: list[Poll], limit: int, skew: float) -> None:
        account, ledger = f"account-{next(_numbers)}", Ledger()
        chance = Random(0)
        for poll in asked:
            listing = moving(answer(sent, poll, limit), chance)
            ledger.enter(listing)
            ours = listing.answered_at + timedelta(seconds=skew)
            messages.keep(store, account, "key", listing, ours)
            assert spans_of_keys(store, account) == {"key": ledger.spans}

    holds()


@pytest.mark.thorough
def test_the_store_never_proves_more_with_two_keys_old_answers_and_a_wrong_clock(
    store: sa.Engine,
) -> None:
    @given(
        st.booleans().flatmap(lambda late: sends(late=late)),
        polls(lagging=True),
        st.integers(1, 5),
        st.sampled_from((-3600.0, 0.0, 5400.0)),
        st.randoms(use_true_random=False),
    )
    @examples(store)
    def holds(sent: list[Sent], asked: list[Poll], limit: int, skew: float, chance: Random) -> None:
        account = f"account-{next(_numbers)}"
        listings = [moving(answer(sent, poll, limit), chance) for poll in asked]
        half = len(listings) // 2
        ledgers: dict[str, Ledger] = {}
        for key, answers in (("old", listings[:half]), ("new", listings[half:])):
            chance.shuffle(answers)
            for listing in answers:
                if key not in ledgers:
                    times = [one.sent_at for one in listing.messages]
                    since = min(times, default=listing.answered_at) if ledgers else None
                    ledgers[key] = Ledger(since=since)
                ledgers[key].enter(listing)
                ours = listing.answered_at + timedelta(seconds=skew)
                messages.keep(store, account, key, listing, ours)
                # Less, where an old answer that is kept late contradicts what came before it.
                for name, spans in spans_of_keys(store, account).items():
                    assert coverage.subtract(spans, ledgers[name].spans) == ()

    holds()


def test_a_list_that_is_kept_late_proves_nothing_before_the_keys_beginning(
    store: sa.Engine,
) -> None:
    sent = [Sent(1, 0.0, 0.0), Sent(2, 7.0, 7.0)]
    account = f"account-{next(_numbers)}"
    messages.keep(store, account, "old", answer(sent, Poll(8.0, 0.0), 1))
    for poll in (Poll(42.0, 50.0), Poll(40.0, 0.0), Poll(10.0, 5.0), Poll(342.0, 0.0)):
        messages.keep(store, account, "new", answer(sent, poll, 1))
    assert all(
        span.start is not None and span.start >= at(43)
        for span in spans_of_keys(store, account)["new"]
    )
    assert spans_of_keys(store, account)["new"]
